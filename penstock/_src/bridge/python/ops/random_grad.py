"""`tensorflow.python.ops.random_grad`: shapes of the gradients of random numbers."""

from typing import Any

from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor


def add_leading_unit_dimensions(x: Any, num_dimensions: Any) -> Tensor:
    """Returns a tensor with a number of leading axes of length 1."""
    x = convert_to_tensor(x)
    ones = raw.Fill(dims=raw.Pack(values=[num_dimensions]), value=convert_to_tensor(1))
    return raw.Reshape(tensor=x, shape=raw.ConcatV2(values=[ones, raw.Shape(input=x)], axis=0))
