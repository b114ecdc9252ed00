"""Checkpoints and SavedModels.

In: a trackable object (`core/tracking`). Out: TensorFlow's files, and objects restored from them; `ops/io/bundle.py` writes
and reads the tensors.

Read `checkpoint.py` first (`tf.train.Checkpoint`), then `object_graph.py` (the objects below one, and the keys of their values) and
`status.py` (which values were matched by a restore). `manager.py` numbers checkpoints, `state.py` records the latest and
reads single values, `sharding.py` splits a checkpoint into several files. `saved_model/` has its own introduction.
"""
