"""The components of elements, as the ops that take them declare them."""

from typing import Any

import numpy as np

from penstock._src.core.shapes import TensorShape
from penstock._src.ops.data.iteration.resume import Element
from penstock._src.ops.rules import show

_OBJECTS = np.dtype(object)


def of_types(op: Any, element: Element) -> list[Any]:
    """The components of an element, which have the types that an op declares.

    Raises:
      InvalidArgumentError: they have others, or are of another number.
    """
    types = op.output_types
    if len(element) != len(types):
        raise op.invalid(
            f"Number of components does not match: expected {len(types)} types but got {len(element)}."
        )
    for at, (value, dtype) in enumerate(zip(element, types)):
        kind = _OBJECTS if type(value) is bytes else getattr(value, "dtype", None)
        if kind != dtype.np and isinstance(kind, np.dtype):
            raise op.invalid(
                f"Data type mismatch at component {at}: expected {dtype.name} but got {kind}."
            )
    return list(element)


def of_types_and_shapes(op: Any, element: Element) -> list[Any]:
    """As `of_types`; the shapes must be those that the op declares, too."""
    tensors = of_types(op, element)
    for at, (value, shape) in enumerate(zip(tensors, op.output_shapes)):
        if isinstance(value, np.ndarray) and not shape.is_compatible_with(TensorShape(value.shape)):
            raise op.invalid(
                f"Incompatible shapes at component {at}: expected {shape} but got {show(value.shape)}."
            )
    return tensors
