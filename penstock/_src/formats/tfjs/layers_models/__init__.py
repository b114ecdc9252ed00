"""Layers models: configurations of Keras models, in the form of Keras 2, and the weights of their layers.

`configurations.py` turns those of Keras 3 into that form and back.
"""
