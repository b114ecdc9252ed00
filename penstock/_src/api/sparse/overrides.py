"""What the public functions mean for sparse tensors."""

from __future__ import annotations

from penstock._src.api.array import shaping
from penstock._src.api.dispatch import NOT_SUPPORTED, register_fallback
from penstock._src.api.math import elementwise
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.registry import raw

from .sparse_tensor import SparseTensor


def _shape(input, out_type=None, name=None):
    return cast(input.dense_shape, out_type or dtypes.int32, name=name)


def _size(input, out_type=None, name=None):
    return raw.Prod(input=_shape(input, out_type), axis=[0], name=name)


def _rank(input, name=None):
    return raw.Size(input=input.dense_shape, name=name)


# Functions that apply to the values.
_UNARY = {
    getattr(elementwise, n)
    for n in "abs negative sign square sqrt erf tanh cast".split()
}
_SPECIAL = {shaping.shape: _shape, shaping.size: _size, shaping.rank: _rank}


def _fallback(api, args, kwargs):
    sp = args[0] if args else kwargs.get("input")
    if not isinstance(sp, SparseTensor):
        return NOT_SUPPORTED
    if api in _SPECIAL:
        return _SPECIAL[api](*args, **kwargs)
    if api in _UNARY and args:
        return SparseTensor(sp.indices, api(sp.values, *args[1:], **kwargs), sp.dense_shape)
    return NOT_SUPPORTED


register_fallback(_fallback)
