"""What TensorFlow keeps below `tf.__internal__` and its private paths, for the libraries closest to it.

In: what Penstock has. Out: the forms in which tf_keras, TensorFlow Probability and their kin ask for
it. A file per subject; `bridge/python_paths.py` says under which private paths it is found.
"""
