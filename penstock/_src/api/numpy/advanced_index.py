"""NumPy's advanced indexing: integer arrays and masks, mixed with slices."""

import numpy as np

from penstock._src.api.array.indexing import gather_nd
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.eager.variable import Variable

_TENSORS = (Tensor, Variable)


def is_advanced(spec):
    """True if an index contains an integer array or a mask."""
    return any(_is_array(s) for s in _entries(spec))


def _entries(spec):
    return spec if isinstance(spec, tuple) else (spec,)


def _is_array(entry):
    if isinstance(entry, (list, tuple, np.ndarray)):
        return np.ndim(entry) > 0 or np.asarray(entry).dtype == bool
    return isinstance(entry, _TENSORS) and (entry.shape.rank != 0 or entry.dtype.is_bool)


def selected(tensor, spec, basic):
    """`tensor[spec]` with NumPy's semantics; `basic` does basic indexing."""
    entries = _without_ellipsis(tensor, _with_masks_as_places(_entries(spec)))
    places, slices, axes, axis = [], [], [], 0
    numbers_too = [
        _is_array(e) or isinstance(e, (int, np.integer)) or _is_scalar(e) for e in entries
    ]
    for entry, by_place in zip(entries, numbers_too):
        if by_place:
            places.append(convert_to_tensor(entry))
            slices.append(slice(None))
            axes.append(axis)
        else:
            slices.append(entry)
        axis += 1
    sliced = basic(tensor, tuple(slices))
    rank = sliced.shape.rank
    rest = [i for i in range(rank) if i not in axes]
    fronted = raw.Transpose(x=sliced, perm=np.array([*axes, *rest], np.int32))
    indices = _together(places, fronted)
    result = gather_nd(fronted, indices)
    count = indices.shape.rank - 1
    together = axes == list(range(axes[0], axes[0] + len(axes)))
    if not together or axes[0] == 0:
        return result
    # adjacent arrays: their axes replace the first one
    before = list(range(count, count + axes[0]))
    after = range(count + axes[0], result.shape.rank)
    return raw.Transpose(x=result, perm=np.array([*before, *range(count), *after], np.int32))


def _is_scalar(entry):
    return isinstance(entry, _TENSORS) and entry.shape.rank == 0


def _with_masks_as_places(entries):
    result = []
    for entry in entries:
        if _is_array(entry):
            array = convert_to_tensor(entry)
            if array.dtype.is_bool:
                places = raw.Where(condition=array)
                result.extend(places[:, i] for i in range(array.shape.rank))
                continue
        result.append(entry)
    return result


def _without_ellipsis(tensor, entries):
    used = sum(1 for e in entries if e is not None and e is not Ellipsis)
    missing = tensor.shape.rank - used
    if not any(e is Ellipsis for e in entries):
        return [*entries, *[slice(None)] * missing]
    at = next(i for i, e in enumerate(entries) if e is Ellipsis)
    return [*entries[:at], *[slice(None)] * missing, *entries[at + 1 :]]


def _together(places, tensor):
    """The index arrays broadcast and stacked, with negative indices resolved."""
    extents, shape = raw.Shape(input=tensor, out_type=dtypes.int64), None
    for place in places:
        own = raw.Shape(input=place)
        shape = own if shape is None else raw.BroadcastArgs(s0=shape, s1=own)
    columns = []
    for i, place in enumerate(places):
        place = raw.Cast(x=place, DstT=dtypes.int64)
        place = raw.SelectV2(
            condition=raw.Less(x=place, y=np.int64(0)), t=place + extents[i], e=place
        )
        columns.append(raw.BroadcastTo(input=place, shape=shape))
    return raw.Pack(values=columns, axis=-1)
