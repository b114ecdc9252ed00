"""Updates of tensors at rows; none of them changes its argument here."""

from __future__ import annotations

from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw


def _update(op: str, x: Any, i: Any, v: Any) -> Any:
    """Returns `x` with an in-place op applied to all of it (`i` is None), to one row, or to several."""
    x = convert_to_tensor(x)
    v = convert_to_tensor(v, dtype=x.dtype)
    make = getattr(raw, op)
    if i is None:
        whole = raw.Reshape(tensor=x, shape=[1, -1])
        updated = make(x=whole, i=[0], v=raw.Reshape(tensor=v, shape=[1, -1]))
        return raw.Reshape(tensor=updated, shape=raw.Shape(input=x))
    i = convert_to_tensor(i, dtype=dtypes.int32)
    if i.shape.rank == 0:
        return make(x=x, i=raw.Reshape(tensor=i, shape=[1]), v=raw.ExpandDims(input=v, axis=0))
    return make(x=x, i=i, v=v)


def inplace_update(x: Any, i: Any, v: Any) -> Any:
    """Returns a copy of `x` whose rows `i` are `v`; all of it if `i` is None."""
    return _update("InplaceUpdate", x, i, v)


def inplace_add(x: Any, i: Any, v: Any) -> Any:
    """Returns a copy of `x` with `v` added to its rows `i`; to all of it if `i` is None."""
    return _update("InplaceAdd", x, i, v)


def inplace_sub(x: Any, i: Any, v: Any) -> Any:
    """Returns a copy of `x` with `v` subtracted from its rows `i`; from all of it if `i` is None."""
    return _update("InplaceSub", x, i, v)


alias_inplace_update, alias_inplace_add, alias_inplace_sub = (
    inplace_update,
    inplace_add,
    inplace_sub,
)


def empty_like(x: Any, init: bool | None = None) -> Any:
    """Returns a tensor of the shape and dtype of `x`, zeros if `init`."""
    x = convert_to_tensor(x)
    return raw.Empty(shape=raw.Shape(input=x), dtype=x.dtype, init=bool(init))
