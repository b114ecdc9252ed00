"""Datasets in files: save, load, and snapshots that later iterations read.

`runs.py` handles the folders and files, in TensorFlow's format; `datasets.py` has the ops.
"""
