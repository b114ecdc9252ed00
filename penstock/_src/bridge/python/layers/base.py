"""`tensorflow.python.layers.base`: the base class of layers."""

from penstock._src.v1.layers.base import Layer
from penstock._src.v1.layers.input_spec import InputSpec

__all__ = ["InputSpec", "Layer"]
