"""Checkpoints and SavedModels.

In: an object that tracks others (`core/tracking`). Out: TensorFlow's files, and objects restored from them; `ops/io/bundle.py` writes
and reads the tensors.

Read `checkpoint.py` first (`tf.train.Checkpoint`), then `object_graph.py` (the objects below one, and the keys of their values) and
`status.py` (what restoring has matched). `manager.py` numbers checkpoints, `state.py` notes the latest and reads single values,
`sharding.py` spreads one over several files. `saved_model/` has a page of its own.
"""
