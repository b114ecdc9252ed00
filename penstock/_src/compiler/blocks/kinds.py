"""The kinds and shapes of host values that the inputs of a block have."""

from collections.abc import Sequence
from typing import Any

from penstock._src.core import dtypes

ARRAY, HANDLE, LIST, ANY = "array", "handle", "list", "any"

# For each input the extents that a call needs in place of its placeholder's, None if those fit; empty if all fit.
Shapes = tuple[tuple[int | None, ...] | None, ...]


def input_kinds(tensors: Sequence[Any]) -> list[str]:
    """The kind of host value that each tensor has."""
    kinds = {dtypes.resource: HANDLE, dtypes.variant: LIST, dtypes.string: ANY}
    return [kinds.get(t.dtype, ARRAY) for t in tensors]


def needed_shapes(inputs: Sequence[Any], arrays: Sequence[int], values: Sequence[Any]) -> Shapes:
    """The shapes that the inputs at the positions `arrays` need for these values: the placeholder's extents, those unknown that differ."""
    shapes: list[tuple[int | None, ...] | None] = [None] * len(inputs)
    for i in arrays:
        static, shape = inputs[i]._shape._dims, values[i].shape
        if static is None or static == shape:
            continue
        if len(static) != len(shape):
            shapes[i] = (None,) * len(shape)
            continue
        needed = tuple([a if a == n else None for n, a in zip(shape, static, strict=True)])
        if needed != static:
            shapes[i] = needed
    return tuple(shapes) if shapes.count(None) < len(shapes) else ()
