"""Saving and restoring: checkpoints and SavedModels. Their files are written by ops/io/bundle.py.

`object_graph.py` finds what hangs below an object; `checkpoint.py` and `manager.py` are the classes
of `tf.train`; `saved_model/` writes and reads SavedModels.
"""
