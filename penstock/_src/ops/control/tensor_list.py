"""Lists of tensors: tf.TensorArray in graphs, and accumulators for the gradients of loops."""

from typing import Any, ClassVar

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.binding import kernel_name
from penstock._src.core.calls.facts import HostKernel, Values
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.op import Op, at_least
from penstock._src.core.registry import raw
from penstock._src.core.shapes import SCALAR, UNKNOWN, TensorShape, make_shape
from penstock._src.core.typesets import INDEX
from penstock._src.ops.control.list_value import TensorList, shape_from, shape_to
from penstock._src.ops.rules import show, static_value

INT32 = dtypes.int32


def held_shape(handle: Any, asked: Any) -> TensorShape:
    """Returns the static shape of a list's elements: the requested one merged with that of the handle.

    Raises:
      ValueError: these contradict each other.
    """
    shape, data = asked.as_shape(), handle.handle_data
    return shape if not data else shape.merge_with(data[0][0])


class ListOp(Op):
    """Base of the ops on lists: checks the dtype of elements.

    changes_length  True if the list that is given may have another length than the one that is taken
    """

    changes_length: ClassVar[bool] = False

    def list_of(self, value: Any) -> TensorList:
        if not isinstance(value, TensorList):
            raise self.invalid(f"Input handle is not a list. Saw: '{type(value).__name__}'")
        return value

    def checked(self, value: Any, dtype: DType) -> TensorList:
        if self.list_of(value).dtype is not dtype:
            raise self.invalid(
                f"Invalid data types; op elements {kernel_name(dtype)} but list elements "
                f"{kernel_name(value.dtype)}"
            )
        return value

    def index_in(self, tensor_list: TensorList, index: Any, verb: str) -> int:
        position = int(index)
        if not 0 <= position < len(tensor_list):
            raise InvalidArgumentError(
                f"Trying to {verb} element {position} in a list with {len(tensor_list)} elements."
            )
        return position


def _shape_of(tensor: Any) -> Any:
    return raw.Shape(input=tensor, out_type=INT32)


def element_shape_of(handle: Any) -> Any:
    return raw.TensorListElementShape(input_handle=handle, shape_type=INT32)


def _length(handle: Any) -> Any:
    return raw.TensorListLength(input_handle=handle)


def _rows_shape(tensor: Any) -> Any:
    return _shape_of(tensor)[1:]


class EmptyTensorList(ListOp):
    """A list without elements."""

    signature = "element_shape: shape_type, max_num_elements: int32 -> handle: variant[]"
    shape_type = INDEX
    element_dtype: DType

    def held(self, element_shape, _max_num_elements):
        return [(element_shape.as_shape(), self.element_dtype)]

    def eager(self, element_shape, max_num_elements):
        return TensorList(self.element_dtype, shape_from(element_shape), [], int(max_num_elements))


class TensorListReserve(ListOp):
    """A list of `num_elements` elements that are zeros until set."""

    signature = "element_shape: shape_type, num_elements: int32 -> handle: variant[]"
    shape_type = INDEX
    element_dtype: DType

    def held(self, element_shape, _num_elements):
        return [(element_shape.as_shape(), self.element_dtype)]

    def eager(self, element_shape, num_elements):
        if num_elements < 0:
            raise InvalidArgumentError(
                f"The num_elements to reserve must be a non negative number, but got {num_elements}"
            )
        return TensorList(self.element_dtype, shape_from(element_shape), [None] * int(num_elements))


class TensorListPushBack(ListOp):
    """The list with one more element at its end."""

    signature = "input_handle: variant, tensor: element_dtype -> output_handle: variant[]"
    changes_length = True
    host_kernel = HostKernel(use_of_list="changes")

    def held(self, input_handle, _tensor):
        return input_handle.handle_data

    def gradient(self, _input_handle, tensor, _output_handle, dlist):
        return raw.TensorListPopBack(
            input_handle=dlist, element_shape=_shape_of(tensor), element_dtype=self.element_dtype
        )

    def eager(self, input_handle, tensor):
        elements = self.checked(input_handle, self.element_dtype)
        if 0 <= elements.max_num_elements <= len(elements):
            raise InvalidArgumentError(
                f"Tried to push item into a full list list size: {len(elements)} max_num_elements: "
                f"{elements.max_num_elements}"
            )
        if not elements.accepts(tensor):
            raise InvalidArgumentError(
                "Tried to append a tensor with incompatible shape to a list. Op element shape: "
                f"{show(np.shape(tensor))} list shape: {show(elements.element_shape)}"
            )
        return elements.with_items([*elements.items, tensor])


class TensorListPopBack(ListOp):
    """The list without its last element, and that element."""

    signature = """input_handle: variant, element_shape: int32
        -> output_handle: variant, tensor: element_dtype"""
    changes_length = True
    host_kernel = HostKernel(use_of_list="reads")
    element_dtype: DType
    values = Values(keeps_finite=True)

    def shape(self, input_handle, element_shape):
        return SCALAR, held_shape(input_handle, element_shape)

    def held(self, input_handle, _element_shape):
        return input_handle.handle_data

    def gradient(self, input_handle, _element_shape_in, _output_handle, _tensor, dlist, delement):
        if dlist is None:
            dlist = raw.EmptyTensorList(
                element_dtype=self.element_dtype,
                element_shape=element_shape_of(input_handle),
                max_num_elements=-1,
            )
        if delement is None:
            delement = _zeros_of(input_handle, self.element_dtype)
        return raw.TensorListPushBack(input_handle=dlist, tensor=delement), None

    def eager(self, input_handle, element_shape):
        elements = self.checked(input_handle, self.element_dtype)
        if not elements.items:
            raise InvalidArgumentError("Trying to pop from an empty list.")
        last = elements.item(len(elements) - 1, shape_from(element_shape))
        return elements.with_items(elements.items[:-1]), last


def _zeros_of(handle: Any, dtype: DType) -> Any:
    last = raw.TensorListGetItem(
        input_handle=handle,
        index=_length(handle) - 1,
        element_shape=element_shape_of(handle),
        element_dtype=dtype,
    )
    return raw.ZerosLike(x=last)


class TensorListLength(ListOp):
    """The number of elements."""

    signature = "input_handle: variant -> length: int32[]"
    host_kernel = HostKernel(use_of_list="reads")
    differentiable = False

    def eager(self, input_handle):
        return np.asarray(len(self.list_of(input_handle)), np.int32)


class TensorListElementShape(ListOp):
    """The static shape of all elements, -1 where unknown."""

    signature = "input_handle: variant -> element_shape: shape_type"
    shape_type: INDEX
    differentiable = False

    def shape(self, input_handle):
        data = input_handle.handle_data
        rank = data[0][0].rank if data else None
        return UNKNOWN if rank is None else (rank,)

    def eager(self, input_handle):
        return shape_to(self.list_of(input_handle).element_shape, self.shape_type)


class TensorListResize(ListOp):
    """The list truncated, or extended with unset elements, to `size`."""

    signature = "input_handle: variant, size: int32 -> output_handle: variant[]"
    changes_length = True
    ranks = {"size": (0,)}

    def held(self, input_handle, _size):
        return input_handle.handle_data

    def gradient(self, input_handle, _size, _output_handle, dlist):
        return raw.TensorListResize(input_handle=dlist, size=_length(input_handle)), None

    def eager(self, input_handle, size):
        elements, size = self.list_of(input_handle), int(size)
        if size < 0:
            raise InvalidArgumentError(
                f"TensorListSlice expects size to be non-negative. Got: {size}"
            )
        items = elements.items[:size]
        return elements.with_items([*items, *[None] * (size - len(items))])


class TensorListGetItem(ListOp):
    """One element."""

    signature = """input_handle: variant, index: int32, element_shape: Tshape
        -> item: element_dtype"""
    host_kernel = HostKernel(use_of_list="reads")
    element_dtype: DType
    Tshape: INDEX = INT32
    values = Values(keeps_finite=True)

    def shape(self, input_handle, _index, element_shape):
        return held_shape(input_handle, element_shape)

    def gradient(self, input_handle, index, _element_shape_in, _item, ditem):
        unset = raw.TensorListReserve(
            element_shape=element_shape_of(input_handle),
            num_elements=_length(input_handle),
            element_dtype=self.element_dtype,
        )
        return raw.TensorListSetItem(input_handle=unset, index=index, item=ditem), None, None

    def eager(self, input_handle, index, element_shape):
        elements = self.checked(input_handle, self.element_dtype)
        return elements.item(self.index_in(elements, index, "access"), shape_from(element_shape))


class TensorListSetItem(ListOp):
    """The list with another element at `index`."""

    signature = """input_handle: variant, index: int32, item: element_dtype
        -> output_handle: variant[]"""
    host_kernel = HostKernel(use_of_list="changes")
    resize_if_index_out_of_bounds: bool = False

    @property
    def changes_length(self) -> bool:  # type: ignore[override]
        return self.resize_if_index_out_of_bounds

    def held(self, input_handle, _index, _item):
        return input_handle.handle_data

    def gradient(self, input_handle, index, item, _output_handle, dlist):
        shape = _shape_of(item)
        before = raw.TensorListSetItem(input_handle=dlist, index=index, item=raw.ZerosLike(x=item))
        if self.resize_if_index_out_of_bounds:
            before = raw.TensorListResize(input_handle=before, size=_length(input_handle))
        ditem = raw.TensorListGetItem(
            input_handle=dlist, index=index, element_shape=shape, element_dtype=self.element_dtype
        )
        return before, None, ditem

    def eager(self, input_handle, index, item):
        elements = self.checked(input_handle, self.element_dtype)
        items = list(elements.items)
        if self.resize_if_index_out_of_bounds and index >= len(items):
            items += [None] * (int(index) + 1 - len(items))
            elements = elements.with_items(items)
        position = self.index_in(elements, index, "modify")
        if not elements.accepts(item):
            raise InvalidArgumentError(
                "Tried to set a tensor with incompatible shape at a list index. Item element shape: "
                f"{show(np.shape(item))} list shape: {show(elements.element_shape)}"
            )
        items[position] = item
        return elements.with_items(items)


class TensorListStack(ListOp):
    """All elements in one tensor, with a new first axis."""

    signature = "input_handle: variant, element_shape: int32 -> tensor: element_dtype"
    element_dtype: DType
    num_elements: int = -1
    values = Values(keeps_finite=True)

    def shape(self, input_handle, element_shape):
        count = None if self.num_elements < 0 else self.num_elements
        return make_shape((count,)).concatenate(held_shape(input_handle, element_shape))

    def gradient(self, input_handle, _element_shape_in, _tensor, dtensor):
        shape = element_shape_of(input_handle)
        return raw.TensorListFromTensor(tensor=dtensor, element_shape=shape), None

    def eager(self, input_handle, element_shape):
        elements = self.checked(input_handle, self.element_dtype)
        if self.num_elements >= 0 and len(elements) != self.num_elements:
            raise InvalidArgumentError(
                f"Operation expected a list with {self.num_elements} elements but got a list with "
                f"{len(elements)} elements."
            )
        return elements.stacked(shape_from(element_shape), self.op_type)


class TensorListFromTensor(ListOp):
    """The rows of a tensor as a list."""

    signature = "tensor: element_dtype, element_shape: shape_type -> output_handle: variant"
    shape_type = INDEX

    def shape(self, tensor, element_shape):
        tensor.with_rank_at_least(1)
        return SCALAR

    def held(self, _tensor, element_shape):
        return [(element_shape.as_shape(), self.element_dtype)]

    def gradient(self, tensor, _element_shape_in, _output_handle, dlist):
        count = tensor.shape[0] if tensor.shape.rank is not None else None
        dtensor = raw.TensorListStack(
            input_handle=dlist,
            element_shape=_rows_shape(tensor),
            element_dtype=self.element_dtype,
            num_elements=-1 if count is None else count,
        )
        return dtensor, None

    def eager(self, tensor, element_shape):
        if tensor.ndim == 0:
            raise InvalidArgumentError("Tensor must be at least a vector, but saw shape: []")
        shape = shape_from(element_shape)
        if not shape.is_compatible_with(make_shape(tensor.shape[1:])):
            raise InvalidArgumentError(
                f"Specified a list with shape {show(shape)} from a tensor with shape "
                f"{list(tensor.shape[1:])}"
            )
        rows = (
            list(tensor)
            if tensor.ndim > 1
            else [tensor[i : i + 1].reshape(()) for i in range(len(tensor))]
        )
        return TensorList(self.element_dtype, shape, rows)


class TensorListGather(ListOp):
    """The elements at `indices` in one tensor."""

    signature = """input_handle: variant, indices: int32, element_shape: int32
        -> values: element_dtype"""
    element_dtype: DType
    values = Values(keeps_finite=True)

    def shape(self, input_handle, indices, element_shape):
        shape = held_shape(input_handle, element_shape)
        return make_shape((indices.with_rank(1)[0],)).concatenate(shape)

    def gradient(self, input_handle, indices, _element_shape_in, _values, dvalues):
        unset = raw.TensorListReserve(
            element_shape=element_shape_of(input_handle),
            num_elements=_length(input_handle),
            element_dtype=self.element_dtype,
        )
        if not _all_differ(indices):  # the last write would win
            count = _length(input_handle)
            sums = raw.UnsortedSegmentSum(data=dvalues, segment_ids=indices, num_segments=count)
            dvalues = raw.GatherV2(params=sums, indices=indices, axis=0)
        dlist = raw.TensorListScatterIntoExistingList(
            input_handle=unset, tensor=dvalues, indices=indices
        )
        return dlist, None, None

    def eager(self, input_handle, indices, element_shape):
        elements = self.checked(input_handle, self.element_dtype)
        positions = indices.tolist()
        for index in positions:
            if not 0 <= index < len(elements):
                raise InvalidArgumentError(
                    f"Index {index} out o range; list only has {len(elements)} elements."
                )
        return elements.gathered(positions, shape_from(element_shape), self.op_type)


class _Scatter(ListOp):
    """Rows of a tensor put at `indices` of a list."""

    def put(self, tensor_list: TensorList, tensor: Any, indices: Any) -> TensorList:
        items = list(tensor_list.items)
        if np.ndim(tensor) == 0 or len(tensor) != len(indices):
            raise self.invalid(
                f"Invalid number of rows in input tensor. Expected: {len(indices)} Actual: "
                f"{len(tensor) if np.ndim(tensor) else 0}"
            )
        for row, index in zip(tensor, indices.tolist(), strict=True):
            if index < 0:
                raise InvalidArgumentError("Indices in TensorListScatter must all be non-negative.")
            if index >= len(items):
                raise InvalidArgumentError(
                    f"TensorListScatter: Trying to scatter at index {index} in list with size "
                    f"{len(items)}"
                )
            items[index] = np.asarray(row, tensor.dtype)
        return tensor_list.with_items(items)


class TensorListScatter(_Scatter):
    """A list just long enough, with the rows of `tensor` at `indices`."""

    signature = """tensor: element_dtype, indices: int32, element_shape: shape_type
        -> output_handle: variant[]"""
    shape_type = INDEX

    def held(self, _tensor, _indices, element_shape):
        return [(element_shape.as_shape(), self.element_dtype)]

    def gradient(self, tensor, indices, _element_shape_in, _output_handle, dlist):
        return _gather_rows(dlist, indices, tensor, self.element_dtype), None, None

    def eager(self, tensor, indices, element_shape):
        size = int(indices.max()) + 1 if indices.size else 0
        unset = TensorList(self.element_dtype, shape_from(element_shape), [None] * size)
        return self.put(unset, tensor, indices)


class TensorListScatterV2(_Scatter):
    """A list of `num_elements` (-1: just enough), with the rows of `tensor` at `indices`."""

    signature = """tensor: element_dtype, indices: int32, element_shape: shape_type,
        num_elements: int32 -> output_handle: variant[]"""
    shape_type = INDEX

    def held(self, _tensor, _indices, element_shape, _num_elements):
        return [(element_shape.as_shape(), self.element_dtype)]

    def gradient(self, tensor, indices, _element_shape_in, _num_elements, _output_handle, dlist):
        return _gather_rows(dlist, indices, tensor, self.element_dtype), None, None, None

    def eager(self, tensor, indices, element_shape, num_elements):
        size = int(num_elements)
        if size < 0:
            size = int(indices.max()) + 1 if indices.size else 0
        unset = TensorList(self.element_dtype, shape_from(element_shape), [None] * size)
        return self.put(unset, tensor, indices)


class TensorListScatterIntoExistingList(_Scatter):
    """The list with the rows of `tensor` put at `indices`."""

    signature = """input_handle: variant, tensor: element_dtype, indices: int32
        -> output_handle: variant[]"""
    ranks = {"tensor": at_least(1), "indices": (1,)}

    def held(self, input_handle, _tensor, _indices):
        return input_handle.handle_data

    def gradient(self, _input_handle, tensor, indices, _output_handle, dlist):
        before = raw.TensorListScatterIntoExistingList(
            input_handle=dlist, tensor=raw.ZerosLike(x=tensor), indices=indices
        )
        return before, _gather_rows(dlist, indices, tensor, self.element_dtype), None

    def eager(self, input_handle, tensor, indices):
        elements = self.checked(input_handle, self.element_dtype)
        longest = int(indices.max()) + 1 if indices.size else 0
        if longest > len(elements):
            elements = elements.with_items([*elements.items, *[None] * (longest - len(elements))])
        return self.put(elements, tensor, indices)


def _all_differ(indices: Any) -> bool:
    """True if the indices are known to differ from each other."""
    known = static_value(indices)
    return known is not None and len(np.unique(known)) == np.size(known)


def _gather_rows(dlist: Any, indices: Any, tensor: Any, dtype: DType) -> Any:
    """The gradient of rows put at indices: zeros for a row that a later one has replaced."""
    rows = raw.TensorListGather(
        input_handle=dlist,
        indices=indices,
        element_shape=_rows_shape(tensor),
        element_dtype=dtype,
    )
    if _all_differ(indices):
        return rows
    order = raw.Range(start=0, limit=raw.Size(input=indices), delta=1)
    last = raw.UnsortedSegmentMax(data=order, segment_ids=indices, num_segments=_length(dlist))
    stays = raw.Equal(x=raw.GatherV2(params=last, indices=indices, axis=0), y=order)
    return raw.Select(condition=stays, x=rows, y=raw.ZerosLike(x=rows))
