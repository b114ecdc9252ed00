"""`tensorflow.python.framework.tensor_util`: comparisons of static shapes, and their messages."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def TensorShapeProtoToList(shape: Any) -> list[int]:
    """Returns the extents of a TensorShapeProto; -1 is unknown."""
    return [dim.size for dim in shape.dim]


def ShapeEquals(tensor_proto: Any, shape: Sequence[Any]) -> bool:
    """True if a TensorProto has a shape, given as a sequence or TensorShapeProto.

    Raises:
      TypeError: the first is not a TensorProto, or the shape is neither.
    """
    if not hasattr(tensor_proto, "tensor_shape"):
        raise TypeError(
            "`tensor_proto` must be a tensor_pb2.TensorProto object, but got type "
            f"{type(tensor_proto)}."
        )
    if hasattr(shape, "dim"):
        wanted = TensorShapeProtoToList(shape)
    elif isinstance(shape, Sequence):
        wanted = [int(n) for n in shape]
    else:
        raise TypeError(
            f"`shape` must be a list or tuple, or a TensorShapeProto, but got type {type(shape)}."
        )
    return bool(np.array_equal(TensorShapeProtoToList(tensor_proto.tensor_shape), wanted))
