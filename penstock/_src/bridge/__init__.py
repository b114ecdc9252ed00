"""Interfaces to the ecosystem: Penstock as `tensorflow`, Keras, the v1 module tree, the command line.

In: names as TensorFlow spells them. Out: what Penstock has for them. A private name that no public symbol stands for goes into the
file of its module's path below `python/`; a form that several of those modules or `tf.__internal__` need goes into `internals/`, one file for
each subject.

`tensorflow_alias.py` is the import hook, `names/` looks up private names and gives our classes TensorFlow's; `keras.py` loads Keras 3, `keras_modules` has what is added to it, `compat_v1.py`
builds `compat.v1`, `cli/` is the command. `environments/` makes Penstock the TensorFlow of a virtual environment.

The stand-in. `install_as_tensorflow()` installs an import hook: `tensorflow`, and the private paths that other packages import, then mean Penstock. A
name of `tensorflow.python.ops.array_ops` is looked up in `bridge/python/ops/array_ops.py`, if there is one, then in `bridge/names/private_paths.txt`,
generated from TensorFlow by `tools/gen_private_paths.py`, which says that it is `tf.compat.v1.where`, then in what `bridge/names/python_paths.py`
lists. Classes bear TensorFlow's `__module__` and `__qualname__` (`bridge/names/identities.py`): a finder renames them when their module has been
loaded. `tf.keras` is Keras 3 itself. TensorFlow's private kit for tests is `bridge/testing/`, on top of `api/test/`.
"""
