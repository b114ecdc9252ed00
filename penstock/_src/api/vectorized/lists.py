"""Rules of tensor lists.

A stacked list has the length that the list has in every row; each of its elements holds the elements of all rows,
with the axis of rows in front. Rows that read or write at different positions go through one tensor of all elements.
"""

from typing import Any

import numpy as np

from penstock._src.api.control.while_loops import while_loop
from penstock._src.api.vectorized.rules import Value, rule
from penstock._src.api.vectorized.step import Step, prefixed
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.graph.operation import Operation
from penstock._src.graph.static_values import get_static_value

MADE_EMPTY = ("TensorListReserve", "EmptyTensorList")


def swapped(tensor: Any) -> Any:
    """Returns a tensor with its first two axes exchanged."""
    rank = tensor.shape.rank
    if rank is None:
        rest = raw.Range(start=2, limit=raw.Rank(input=tensor), delta=1)
        return raw.Transpose(x=tensor, perm=raw.ConcatV2(values=[[1, 0], rest], axis=0))
    return raw.Transpose(x=tensor, perm=np.array([1, 0, *range(2, rank)], np.int32))


def list_of_rows(value: Value, count: Any, dtype: Any, origin: Operation) -> Any:
    """Returns a list with elements for all rows.

    Args:
      value: a list, stacked or common to all rows.
      count: the number of rows.
      dtype: of its elements.
      origin: the operation of the row's graph that made the list.
    """
    if value.stacked:
        return value.tensor
    shape = raw.TensorListElementShape(input_handle=value.tensor, shape_type=dtypes.int32)
    if origin.type in MADE_EMPTY:
        known = get_static_value(origin._inputs[0])
        extents = shape if known is None else convert_to_tensor(known, dtypes.int32)
        return _empty(value.tensor, origin.type, _prefixed_shape(extents, count), dtype)
    elements = raw.TensorListStack(
        input_handle=value.tensor, element_shape=shape, element_dtype=dtype
    )
    sizes = raw.Shape(input=elements)
    wide = raw.ConcatV2(values=[sizes[:1], raw.Reshape(tensor=count, shape=[1]), sizes[1:]], axis=0)
    rows = raw.BroadcastTo(input=raw.ExpandDims(input=elements, axis=1), shape=wide)
    return raw.TensorListFromTensor(tensor=rows, element_shape=_prefixed_shape(shape, count))


def _empty(handle: Any, kind: str, shape: Any, dtype: Any) -> Any:
    if kind == "EmptyTensorList":
        return raw.EmptyTensorList(element_shape=shape, max_num_elements=-1, element_dtype=dtype)
    length = raw.TensorListLength(input_handle=handle)
    return raw.TensorListReserve(element_shape=shape, num_elements=length, element_dtype=dtype)


def _prefixed_shape(shape: Any, count: Any) -> Any:
    """Returns the shape of a row's elements with the number of rows in front; an unknown shape remains unknown."""
    known = get_static_value(shape)
    rank = shape.shape.rank if known is None else np.ndim(known)
    return prefixed(shape, count) if rank == 1 else np.int32(-1)


def _rows(step: Step, index: int = 0) -> Any:
    dtype = step.op.attrs["element_dtype"]
    return list_of_rows(step.values[index], step.count, dtype, step.node._inputs[index].op)


def _shape(step: Step, index: int) -> Any:
    return _prefixed_shape(step.common(index), step.count)


def _elements(step: Step) -> Any:
    """Returns all elements of the stacked list: the positions, then the rows, are the first axes."""
    return raw.TensorListStack(
        input_handle=_rows(step),
        element_shape=np.int32(-1),
        element_dtype=step.op.attrs["element_dtype"],
    )


def _positions(step: Step, index: int) -> Any:
    """Returns [position, row] for the positions that each row gives."""
    positions = step.whole(index)
    rows = raw.Range(start=0, limit=step.count, delta=1)
    if step.rank(index):
        sizes = raw.Shape(input=positions)
        rows = raw.BroadcastTo(input=raw.ExpandDims(input=rows, axis=1), shape=sizes)
    return raw.Pack(values=[positions, rows], axis=-1)


def _as_list(step: Step, elements: Any) -> Any:
    return raw.TensorListFromTensor(tensor=elements, element_shape=raw.Shape(input=elements)[1:])


@rule("TensorListGetItem")
def get_item(step: Step) -> list:
    """Reads at one position for all rows, or at one for each."""
    if not step.is_stacked(1):
        return step.run(_rows(step), step.common(1), _shape(step, 2))
    if not step.is_stacked(0):
        dtype = step.op.attrs["element_dtype"]
        lists = [step.common(0), step.whole(1), step.common(2)]
        return step.other("TensorListGather", *lists, element_dtype=dtype)
    return [raw.GatherNd(params=_elements(step), indices=_positions(step, 1))]


@rule("TensorListSetItem")
def set_item(step: Step) -> list:
    """Writes at one position for all rows, or at one for each."""
    if not step.is_stacked(1):
        return step.run(_rows(step), step.common(1), step.whole(2))
    return [_scattered(step, 1, 2)]


def _scattered(step: Step, positions: int, values: int) -> Any:
    elements = raw.TensorScatterUpdate(
        tensor=_elements(step), indices=_positions(step, positions), updates=step.whole(values)
    )
    return _as_list(step, elements)


@rule("TensorListScatterIntoExistingList")
def scatter_into_list(step: Step) -> list:
    """Writes at the same positions in all rows, or at others in each."""
    if step.is_stacked(2):
        return [_scattered(step, 2, 1)]
    return step.run(_rows(step), swapped(step.whole(1)), step.common(2))


@rule("TensorListScatter", "TensorListScatterV2")
def scatter(step: Step) -> list:
    """Makes a list from rows at the same positions."""
    rest = [step.common(i) for i in range(3, len(step.values))]
    return step.run(swapped(step.whole(0)), step.common(1), _shape(step, 2), *rest)


@rule("TensorListGather")
def gather(step: Step) -> list:
    """Reads at the same positions in all rows, or at others in each."""
    if not step.is_stacked(1):
        return [swapped(step.run(_rows(step), step.common(1), _shape(step, 2))[0])]
    if not step.is_stacked(0):
        dtype = step.op.attrs["element_dtype"]
        lists = [step.common(0), step.common(2)]
        elements = step.other("TensorListStack", *lists, element_dtype=dtype)[0]
        return [raw.GatherV2(params=elements, indices=step.whole(1), axis=0)]
    elements = swapped(_elements(step))
    return [raw.GatherV2(params=elements, indices=step.whole(1), axis=1, batch_dims=1)]


@rule("TensorListPushBack")
def push_back(step: Step) -> list:
    """Appends an element for all rows."""
    return step.run(_rows(step), step.whole(1))


@rule("TensorListPopBack")
def pop_back(step: Step) -> list:
    """Removes the last element of all rows."""
    return step.run(_rows(step), _shape(step, 1))


@rule("TensorListStack")
def stack(step: Step) -> list:
    """Stacks the elements of each row."""
    return [swapped(step.run(_rows(step), _shape(step, 1))[0])]


@rule("TensorListConcatV2")
def concat(step: Step) -> list:
    """Joins the elements of each row, which have the same lengths in all rows."""
    rows, shape, dtype = _rows(step), _shape(step, 1), step.op.attrs["element_dtype"]
    length = raw.TensorListLength(input_handle=rows)
    empty = raw.EmptyTensorList(
        element_shape=np.int32(-1), max_num_elements=-1, element_dtype=dtype
    )

    def append(index: Any, joined: Any) -> list:
        element = raw.TensorListGetItem(
            input_handle=rows, index=index, element_shape=shape, element_dtype=dtype
        )
        return [index + 1, raw.TensorListPushBack(input_handle=joined, tensor=swapped(element))]

    _, joined = while_loop(lambda i, _: raw.Less(x=i, y=length), append, [0, empty])
    if np.ndim(shape):
        shape = raw.ConcatV2(values=[shape[1:2], shape[:1], shape[2:]], axis=0)
    values, lengths = step.run(joined, shape, step.common(2))
    return [swapped(values), Value(lengths, False)]


@rule("TensorListFromTensor")
def from_tensor(step: Step) -> list:
    """Makes elements of the rows' parts."""
    return step.run(swapped(step.whole(0)), _shape(step, 1))


@rule("TensorListLength")
def length(step: Step) -> list:
    """The length is that of every row."""
    return [Value(step.run(step.values[0].tensor)[0], False)]


@rule("TensorListResize")
def resize(step: Step) -> list:
    """Every row gets the same length."""
    return step.run(step.values[0].tensor, step.common(1))


@rule("TensorListElementShape")
def element_shape(step: Step) -> list:
    """The shape without the axis of rows."""
    extents = step.run(step.values[0].tensor)[0]
    return [Value(extents if extents.shape.rank == 0 else extents[1:], False)]
