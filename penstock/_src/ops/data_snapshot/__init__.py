"""Datasets in files: save, load, and snapshots that later iterations read.

`runs.py` handles the folders and files, in TensorFlow's format, `distributed.py` those that workers of a tf.data service write together; `components.py` says how
components of elements are written; `datasets.py` has the ops.
"""
