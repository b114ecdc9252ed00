"""Interfaces to the ecosystem: Penstock as `tensorflow`, Keras, the v1 module tree, the command line.

In: names as TensorFlow spells them. Out: what Penstock has for them. A private name that no public symbol stands for goes into the
file of its module's path below `python/`; a form that several of those modules or `tf.__internal__` need goes into `internals/`, one file for
each subject.

`tensorflow_alias.py` is the import hook, `names/` looks up private names and gives our classes TensorFlow's; `keras.py` loads Keras 3, `keras_modules` has what is added to it, `compat_v1.py`
builds `compat.v1`, `cli/` is the command. `environments/` makes Penstock the TensorFlow of a virtual environment.
"""
