"""The public functions for sparse tensors."""

from penstock._src.api.array import shaping
from penstock._src.api.extending.dispatch import NOT_SUPPORTED
from penstock._src.api.math import counting, elementwise, trigonometry
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.registry import raw

from .features import weights_of_values
from .sparse_tensor import SparseTensor


def _shape(input, out_type=None, name=None):
    return cast(input.dense_shape, out_type or dtypes.int32, name=name)


def _size(input, out_type=None, name=None):
    return raw.Prod(input=_shape(input, out_type), axis=[0], name=name)


def _rank(input, name=None):
    return raw.Size(input=input.dense_shape, name=name)


def bincount(
    arr,
    weights=None,
    minlength=None,
    maxlength=None,
    dtype=dtypes.int32,
    name=None,
    axis=None,
    binary_output=False,
):
    """`tf.math.bincount` of the values of a sparse tensor, or of each of its rows."""
    if weights is not None and binary_output:
        raise ValueError("Arguments `binary_output` and `weights` are mutually exclusive.")
    if not arr.dtype.is_integer:
        arr = arr.with_values(cast(arr.values, dtypes.int32))
    flat_weights = None if weights is None else weights_of_values(arr, weights)
    if axis != -1:
        return counting.bincount(
            arr.values, flat_weights, minlength, maxlength, dtype, name, axis, binary_output
        )
    return raw.SparseBincount(
        indices=arr.indices,
        values=arr.values,
        dense_shape=arr.dense_shape,
        size=counting.bincount_size(arr.values, minlength, maxlength),
        weights=counting.bincount_weights(flat_weights, dtype),
        binary_output=binary_output,
        name=name,
    )


# Functions that are applied to the values.
_UNARY = {
    *(getattr(elementwise, n) for n in "abs negative sign square sqrt erf cast".split()),
    trigonometry.sin,
    trigonometry.tanh,
}
_SPECIAL = {
    shaping.shape: _shape,
    shaping.size: _size,
    shaping.rank: _rank,
    counting.bincount: bincount,
}


def call_with_sparse_tensors(api, args, kwargs):
    """Returns the result of a public function if its first argument is sparse, else NOT_SUPPORTED."""
    sp = args[0] if args else kwargs.get("input", kwargs.get("arr"))
    if not isinstance(sp, SparseTensor):
        return NOT_SUPPORTED
    if api in _SPECIAL:
        return _SPECIAL[api](*args, **kwargs)
    if api in _UNARY and args:
        return SparseTensor(sp.indices, api(sp.values, *args[1:], **kwargs), sp.dense_shape)
    return NOT_SUPPORTED
