"""`tensorflow.python.ops.parallel_for.pfor`: shapes, as numbers where they are known and else as tensors."""

from __future__ import annotations

from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw


def _rank(t: Any) -> Any:
    """Returns the rank of a tensor."""
    rank = t.shape.rank
    return raw.Rank(input=t) if rank is None else rank


def _size(t: Any, dtype: Any = None) -> Any:
    """Returns the number of elements of a tensor."""
    size = t.shape.num_elements()
    return raw.Size(input=t, out_type=dtype or dtypes.int32) if size is None else size


def _expand_dims(t: Any, axis: Any, num_axes: Any = 1) -> Any:
    """Returns a tensor with axes of size 1 before an axis."""
    shape = raw.Shape(input=t)
    new = raw.Fill(dims=raw.Reshape(tensor=convert_to_tensor(num_axes), shape=[1]), value=1)
    before = raw.Slice(input=shape, begin=[0], size=[axis])
    after = raw.Slice(input=shape, begin=[axis], size=[-1])
    return raw.Reshape(tensor=t, shape=raw.ConcatV2(values=[before, new, after], axis=0))
