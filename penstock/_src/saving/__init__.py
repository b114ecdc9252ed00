"""Saving and restoring: checkpoints, their files, SavedModel.

`sstable.py` and `bundle.py` are the file formats; `trackable.py` and `object_graph.py` find what an
object holds; `checkpoint.py` and `manager.py` are the classes of `tf.train`.
"""
