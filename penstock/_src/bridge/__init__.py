"""The doors to the ecosystem: Penstock under TensorFlow's name, Keras, the v1 tree, the command.

`tensorflow_alias.py` is the import hook, `python_paths.py` the table of private paths that other
packages import, `keras.py` loads Keras 3, `keras_hints.py` helps beginners with it, `compat_v1.py`
builds `compat.v1`, `cli.py` is the command (`at_start.py`: what `penstock enable` runs).
"""
