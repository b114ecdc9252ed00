"""`tensorflow.python.layers.layers`: the layers of all families."""

from penstock._src.v1.layers.base import Layer
from penstock._src.v1.layers.core import Dense, Dropout, Flatten, dense, dropout, flatten
from penstock._src.v1.layers.input_spec import InputSpec

__all__ = [
    "Dense",
    "Dropout",
    "Flatten",
    "InputSpec",
    "Layer",
    "dense",
    "dropout",
    "flatten",
]
