"""Functions of a loaded SavedModel: `functions.py` has traces and tf.functions, `planned_calls.py` calls that a pack answers before a trace is imported."""
