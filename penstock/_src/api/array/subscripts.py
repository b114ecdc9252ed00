"""`tensor[...]`: basic indices by NumPy or native code, others by the op StridedSlice, masks by `boolean_mask`."""

import numpy as np

from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.extending.item_calls import ITEMS, eager_item, is_basic, with_numbers
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.calls.tracebacks import shorten
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.shapes import Dimension
from penstock._src.core.tensor import Tensor
from penstock._src.eager.tensor import EagerTensor
from penstock._src.graph.operation import scope_of

from . import indexing

_ALLOWED_INDICES = (
    "Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar "
    "tf.int32/tf.int64 tensors are valid indices"
)


def _check_index(index):
    if isinstance(index, (int, np.integer)) and not isinstance(index, (bool, np.bool_)):
        return
    if isinstance(index, np.ndarray) and index.ndim == 0 and index.dtype.kind in "iu":
        return
    if isinstance(index, np.ndarray) and index.ndim > 1 and index.dtype.kind == "i":
        return  # the op refuses it, as it does a tensor
    if (
        not isinstance(index, np.ndarray)
        and hasattr(index, "__index__")
        and not isinstance(index, (bool, np.bool_, Tensor))
        and not getattr(index, "shape", None)  # a variable of several numbers has the method, too
    ):
        return
    dtype = getattr(index, "dtype", None)
    if dtype is not None and not isinstance(index, np.ndarray):
        kind = dtypes.as_dtype(dtype)
        rank = getattr(index.shape, "rank", None) if hasattr(index, "shape") else None
        # vectors alone are refused by the operator: the op refuses what has more axes
        if kind in (dtypes.int16, dtypes.int32, dtypes.int64, dtypes.uint8, dtypes.int8) and (
            rank != 1
        ):
            return
    raise TypeError(f"{_ALLOWED_INDICES}, got {index!r}")


def subscript(tensor, slice_spec, var=None):
    """`tensor[slice_spec]`; a basic index of an eager tensor is not dispatched on."""
    result = ITEMS.quick(tensor, slice_spec)
    if result is not None:
        return result
    try:
        if type(tensor) is EagerTensor and STATE.graph is None:
            spec = with_numbers(slice_spec)
            result = ITEMS.quick(tensor, spec)
            if result is None and is_basic(spec):
                result = eager_item(tensor, spec)
            if result is not None:
                return result
        return get_item(tensor, slice_spec, *(() if var is None else (var,)))
    except Exception as error:
        shorten(error)
        raise


@dispatchable("__operators__.getitem", v1=["__operators__.getitem"])
def get_item(tensor, slice_spec, var=None):
    """`tensor[slice_spec]`: ints, slices, `...`, `None` and scalar integer tensors.

    A boolean tensor or array as the only index takes the entries where it is True.

    Args:
      tensor: any dtype.
      slice_spec: an entry or a tuple of them.
      var: the variable that `tensor` is a value of, for `assign` to slices.

    Returns:
      A tensor of the same dtype.
    """
    if isinstance(slice_spec, bool) or _is_mask(slice_spec):
        return indexing.boolean_mask(tensor, slice_spec)
    begin, end, strides, masks = bounds_of(slice_spec)
    with scope_of((tensor, *begin, *end, *strides), None, "strided_slice") as scope:
        packed = pack_bounds(begin, end, strides)
        name = scope or "strided_slice"
        # Other objects than tensors dispatch on the subscript, not on the slice op.
        return indexing.strided_slice.__wrapped__(tensor, *packed, **masks, var=var, name=name)


def bounds_of(slice_spec):
    """Returns the begins, ends, strides and masks of an index."""
    entries = slice_spec if isinstance(slice_spec, (list, tuple)) else [slice_spec]
    begin, end, strides = [], [], []
    masks = dict.fromkeys(
        ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask"), 0
    )
    for position, entry in enumerate(entries):
        bit = 1 << position
        if isinstance(entry, slice):
            for bound, target, mask in (
                (entry.start, begin, "begin_mask"),
                (entry.stop, end, "end_mask"),
            ):
                if bound is None or _is_undefined(bound):
                    target.append(0)
                    masks[mask] |= bit
                else:
                    _check_index(bound)
                    target.append(bound)
            if entry.step is None or _is_undefined(entry.step):
                strides.append(1)
            else:
                _check_index(entry.step)
                strides.append(entry.step)
        elif entry is Ellipsis or entry is None:
            masks["ellipsis_mask" if entry is Ellipsis else "new_axis_mask"] |= bit
            begin.append(0)
            end.append(0)
            strides.append(1)
        else:
            _check_index(entry)
            begin.append(entry)
            end.append(entry + 1)
            strides.append(1)
            masks["shrink_axis_mask"] |= bit
    return begin, end, strides, masks


def _is_undefined(value):
    """True if a bound is undefined: AutoGraph's missing value, or an unknown Dimension."""
    return type(value).__name__ == "UndefinedReturnValue" or (
        isinstance(value, Dimension) and value.value is None
    )


def _is_mask(spec):
    if isinstance(spec, np.ndarray):
        return spec.dtype == bool
    return isinstance(spec, Tensor) and spec.dtype.is_bool


_NAMES_OF_BOUNDS = ("stack", "stack_1", "stack_2")


def pack_bounds(begin, end, strides):
    everything = begin + end + strides
    if all(isinstance(v, (int, np.integer)) for v in everything):
        wide = any(not -(2**31) <= v < 2**31 for v in everything)
        if wide:
            convert_to_tensor(list(map(int, everything)), dtypes.int64)  # refuses larger ones
        kind = np.int64 if wide else np.int32
        bounds = [np.array(v, kind) for v in (begin, end, strides)]
        if STATE.graph is None:
            return bounds
        return [convert_to_tensor(v, name=n) for v, n in zip(bounds, _NAMES_OF_BOUNDS)]
    wide = any(
        isinstance(v, (np.int64,)) or getattr(v, "dtype", None) == dtypes.int64
        for v in everything
        if hasattr(v, "dtype")
    )
    kind = dtypes.int64 if wide else dtypes.int32
    named = zip((begin, end, strides), _NAMES_OF_BOUNDS)
    return [_packed(values, kind, name) for values, name in named]


def _packed(values, kind, name):
    if not values:
        return np.zeros(0, kind.as_numpy_dtype)
    if all(isinstance(v, (int, np.integer)) for v in values):
        return convert_to_tensor(np.array(values, kind.as_numpy_dtype), name=name)
    parts = []
    for position, value in enumerate(values):
        part = convert_to_tensor(value) if hasattr(value, "dtype") else value
        if isinstance(part, Tensor):
            part = cast(part, kind)
        else:
            part = convert_to_tensor(int(part), dtype=kind, name=f"{name}/{position}")
        parts.append(part)
    return raw.Pack(values=parts, name=name)
