"""`tensorflow.python.ops.math_ops`: a dense tensor as the slices of all its rows, and shapes of reductions."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock._src.api.math.elementwise import cast
from penstock._src.api.sparse.sparse_tensor import SparseTensor
from penstock._src.core import dtypes
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.graph.static_values import constant_value


def _as_indexed_slices(x: Any, optimize: bool = True) -> IndexedSlices:
    """Returns a tensor as IndexedSlices; those are unchanged."""
    del optimize
    if isinstance(x, IndexedSlices):
        return x
    x = convert_to_tensor(x)
    shape = raw.Shape(input=x)
    return IndexedSlices(x, raw.Range(start=0, limit=shape[0], delta=1), shape)


def reduced_shape(input_shape: Any, axes: Any) -> Any:
    """Returns the shape of a reduction that keeps its axes: an array where it is known, else a tensor."""
    shape = convert_to_tensor(input_shape, dtype_hint=dtypes.int32)
    places = convert_to_tensor(axes, dtype_hint=dtypes.int32)
    lengths, which = constant_value(shape), constant_value(places)
    if lengths is not None and which is not None:
        known = np.array(lengths, np.int32)
        known[np.array(which, np.int32)] = 1
        return known
    rank = raw.Size(input=shape, out_type=places.dtype)
    return raw.TensorScatterUpdate(
        tensor=shape,
        indices=raw.Reshape(tensor=raw.FloorMod(x=places, y=rank), shape=[-1, 1]),
        updates=raw.OnesLike(x=raw.Reshape(tensor=cast(places, shape.dtype), shape=[-1])),
    )


def _mul_dispatch(x: Any, y: Any, name: str | None = None) -> Any:
    """Returns the product of a tensor and a dense or sparse tensor; that with a sparse tensor is sparse."""
    if isinstance(y, SparseTensor):
        return x * y
    return raw.Mul(x=x, y=y, name=name)
