"""`tensorflow.python.ops.math_ops`: a dense tensor as the slices of all its rows."""

from __future__ import annotations

from typing import Any

from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw


def _as_indexed_slices(x: Any, optimize: bool = True) -> IndexedSlices:
    """Returns a tensor as IndexedSlices; those are unchanged."""
    del optimize
    if isinstance(x, IndexedSlices):
        return x
    x = convert_to_tensor(x)
    shape = raw.Shape(input=x)
    return IndexedSlices(x, raw.Range(start=0, limit=shape[0], delta=1), shape)
