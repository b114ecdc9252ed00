"""`tensorflow_text`: `penstock.text` under that name, with the paths of its modules that users import.

`alias.py` is the import hook, `paths.py` the table of modules, `keras_layers.py` has `tensorflow_text.keras.layers`.
"""
