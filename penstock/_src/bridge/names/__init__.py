"""TensorFlow's private names in Penstock, and TensorFlow's names of our classes.

In: a path such as `python.framework.ops` and a name. Out: our object; or the module of that path, as the import hook asks for it.
Read `private_modules.py` first. `private_paths.txt` and `identities.txt` are generated from TensorFlow (`tools/gen_private_paths.py`,
`tools/gen_identities.py`); `python_paths.py` is written by hand.
"""
