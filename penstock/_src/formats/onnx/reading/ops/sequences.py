"""Sequences of tensors, and optional values."""

from typing import Any

import numpy as np

from penstock._src.api.control.while_loops import while_loop
from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.element_types import element_type
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.registry import Node, reads
from penstock._src.formats.onnx.reading.values import Absent, ListValue


@reads("SequenceEmpty")
def _sequence_empty(n: Node) -> Any:
    return ListValue.of([], element_type(n.attr("dtype", 1)).dtype)


@reads("SequenceConstruct")
def _sequence_construct(n: Node, *items: Any) -> Any:
    return ListValue.of(list(items))


@reads("SequenceLength")
def _sequence_length(n: Node, x: Any) -> Any:
    return x.length()


@reads("SequenceAt")
def _sequence_at(n: Node, x: Any, position: Any) -> Any:
    return x.at(position)


def _known_position(x: ListValue, position: Any, end: int) -> int | None:
    """The position if the sequence and it are known; `end` is the default."""
    if x.items is None:
        return None
    if position is None:
        return end
    where = t.known(position)
    if where is None:
        return None
    count = int(where)
    if not -len(x.items) <= count <= len(x.items):
        raise InvalidArgumentError(f"position {count} is outside of {len(x.items)} items.")
    return count + len(x.items) if count < 0 else count


@reads("SequenceInsert")
def _sequence_insert(n: Node, x: Any, item: Any, position: Any = None) -> Any:
    where = _known_position(x, position, len(x.items or ()))
    if where is not None:
        return ListValue([*x.items[:where], item, *x.items[where:]], None, item.dtype)
    handle = x.as_handle()
    if position is None:
        return ListValue(None, raw.TensorListPushBack(handle, item), item.dtype)
    size = x.length()
    position = _from_front(position, size)
    longer = raw.TensorListResize(handle, t.cast(raw.AddV2(size, t.int64(1)), dtypes.int32))
    return ListValue(None, _moved(longer, item, position, size), item.dtype)


def _from_front(position: Any, size: Any) -> Any:
    position = raw.Reshape(t.cast(position, dtypes.int64), t.int64([]))
    return raw.SelectV2(raw.Less(position, t.int64(0)), raw.AddV2(position, size), position)


def _moved(handle: Any, item: Any, position: Any, size: Any) -> Any:
    """A list with an item inserted at a position; later items move by one."""

    def body(i: Any, handle: Any) -> Any:
        before = raw.Sub(i, np.int32(1))
        moved = raw.TensorListGetItem(handle, before, np.int32(-1), element_dtype=item.dtype)
        return before, raw.TensorListSetItem(handle, i, moved)

    start, stop = t.cast(size, dtypes.int32), t.cast(position, dtypes.int32)
    _, handle = while_loop(lambda i, _: raw.Greater(i, stop), body, (start, handle))
    return raw.TensorListSetItem(handle, stop, item)


@reads("SequenceErase")
def _sequence_erase(n: Node, x: Any, position: Any = None) -> Any:
    where = _known_position(x, position, len(x.items or ()) - 1)
    if where is None:
        raise UnimplementedError("a position that is not known is not supported.")
    return ListValue([*x.items[:where], *x.items[where + 1 :]], None, x.dtype)


@reads("SplitToSequence", settings=(1,))
def _split_to_sequence(n: Node, x: Any, sizes: Any = None) -> Any:
    axis = t.axis_of(n.attr("axis", 0), t.rank(x))
    extent = x.shape.as_list()[axis]
    keep = sizes is not None or n.flag("keepdims", 1)
    parts = t.known(sizes) if sizes is not None else np.array(1)
    if parts is None or extent is None:
        return _unknown_parts(x, sizes, axis)
    if parts.ndim == 0:
        if parts < 1:
            raise InvalidArgumentError(f"parts of {parts} rows are not possible.")
        count, rest = divmod(extent, int(parts))
        parts = np.array([int(parts)] * count + ([rest] if rest else []), np.int64)
    pieces = raw.SplitV(x, t.int64(parts), np.int32(axis), num_split=len(parts))
    items = list(pieces) if isinstance(pieces, (list, tuple)) else [pieces]
    if not keep:
        items = [raw.Squeeze(item, axis=[axis]) for item in items]
    return ListValue.of(items, x.dtype)


def _unknown_parts(x: Any, sizes: Any, axis: int) -> ListValue:
    """A split into as many parts as are known when the model runs."""
    if sizes is None:
        raise UnimplementedError("a split of a size that is not known is not supported.")
    if sizes.shape.rank == 0:
        size = t.extent(x, axis)
        sizes = t.cast(sizes, dtypes.int64)
        count = raw.FloorDiv(raw.Sub(raw.AddV2(size, sizes), t.int64(1)), sizes)
        starts = raw.Mul(t.numbers(count), sizes)
        sizes = raw.Minimum(raw.Sub(size, starts), sizes)
    order = [axis, *(a for a in range(t.rank(x)) if a != axis)]
    back = np.argsort(order).tolist()
    handle = raw.TensorListSplit(t.transpose(x, order), np.int32(-1), t.cast(sizes, dtypes.int64))
    if order == back and axis == 0:
        return ListValue(None, handle, x.dtype)

    # Parts were cut from the front: each goes back to its order.
    def body(i: Any, handle: Any) -> Any:
        item = raw.TensorListGetItem(handle, i, np.int32(-1), element_dtype=x.dtype)
        item = raw.Transpose(item, np.array(back, np.int32))
        return raw.AddV2(i, np.int32(1)), raw.TensorListSetItem(handle, i, item)

    count = raw.TensorListLength(handle)
    first = t.constant(0, dtypes.int32)
    _, handle = while_loop(lambda i, _: raw.Less(i, count), body, (first, handle))
    return ListValue(None, handle, x.dtype)


@reads("ConcatFromSequence")
def _concat_from_sequence(n: Node, x: Any) -> Any:
    if not x.items:
        raise UnimplementedError("a sequence of a length that is not known is not supported.")
    if n.flag("new_axis"):
        return raw.Pack(x.items, axis=n.attr("axis"))
    return t.concat(x.items, t.axis_of(n.attr("axis"), t.rank(x.items[0])))


@reads("Optional")
def _optional(n: Node, x: Any = None) -> Any:
    return Absent() if x is None else x


@reads("OptionalHasElement")
def _optional_has_element(n: Node, x: Any = None) -> Any:
    return t.constant(x is not None and not isinstance(x, Absent), dtypes.bool_)


@reads("OptionalGetElement")
def _optional_get_element(n: Node, x: Any) -> Any:
    if isinstance(x, Absent):
        raise InvalidArgumentError("the optional value is empty.")
    return x
