"""`tensorflow.python.layers.core`: dense layers, dropout and flattening."""

from penstock._src.v1.layers.core import Dense, Dropout, Flatten, dense, dropout, flatten

# The names with which TensorFlow's first layers began.
FullyConnected = Dense
fully_connected = dense

__all__ = [
    "Dense",
    "Dropout",
    "Flatten",
    "FullyConnected",
    "dense",
    "dropout",
    "flatten",
    "fully_connected",
]
