"""Writes models that generate, with the functions and the cache that the server needs.

In: a Keras model, or a function, from tokens to logits. Out: a SavedModel that `generation/` runs. `export.py` puts it together, `cache.py` keeps
keys and values of tokens in variables, `keras_attention.py` has the attention of Keras's layers computed over them.
"""
