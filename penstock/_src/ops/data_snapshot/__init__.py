"""Datasets kept in files: saved, loaded, and snapshots that a later iteration reads.

`runs.py` knows the folders and files, which are TensorFlow's; `datasets.py` has the ops. A new op on such files
goes into `datasets.py`.
"""
