"""Counterparts of `tf.__internal__` and of TensorFlow's private modules, for the libraries closest to it.

Each file covers one subject and wraps Penstock's own functions in the form that tf_keras, TensorFlow Probability and
similar libraries expect. `bridge/names/python_paths.py` maps TensorFlow's private paths to these files.
"""
