"""Interfaces to the ecosystem: Penstock as `tensorflow`, Keras, the v1 module tree, the command line.

In: names as TensorFlow spells them. Out: what Penstock has for them. A private path that a library imports goes into the table of
`python_paths.py`; a form that no public function has goes into `internals/`, one file for each subject.

`tensorflow_alias.py` is the import hook, `python_paths.py` the table of private paths that other
packages import, `keras.py` loads Keras 3, `keras_hints.py` helps beginners with it, `compat_v1.py`
builds `compat.v1`, `cli.py` is the command (`at_start.py`: what `penstock enable` runs).
"""
