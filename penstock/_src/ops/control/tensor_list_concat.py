"""Lists of tensors joined, split, and put together."""

from typing import Any

import numpy as np

from penstock._src.core.calls.facts import Values
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.op import at_least
from penstock._src.core.registry import raw
from penstock._src.core.shapes import UNKNOWN, make_shape
from penstock._src.core.typesets import INDEX
from penstock._src.ops.control.list_value import TensorList, shape_from
from penstock._src.ops.control.tensor_list import ListOp, element_shape_of
from penstock._src.ops.rules import show


class TensorListConcatV2(ListOp):
    """The elements joined along their first axis, and the length of each."""

    signature = """input_handle: variant, element_shape: shape_type, leading_dims: int64
        -> tensor: element_dtype, lengths: int64"""
    shape_type = INDEX
    element_dtype: DType
    values = Values(keeps_finite=True)

    def shape(self, input_handle, element_shape, leading_dims):
        shape = element_shape.as_shape()
        joined = UNKNOWN if shape.rank is None else make_shape((None,)).concatenate(shape[1:])
        return joined, make_shape((None,))

    def gradient(
        self, input_handle, _element_shape_in, _leading_dims, _tensor, lengths, dtensor, _dlengths
    ):
        shape = element_shape_of(input_handle)
        dlist = raw.TensorListSplit(tensor=dtensor, element_shape=shape, lengths=lengths)
        return dlist, None, None

    def eager(self, input_handle, element_shape, leading_dims):
        return _concatenate(self, input_handle, shape_from(element_shape), leading_dims)


class TensorListConcat(ListOp):
    """The elements joined along their first axis, and the length of each."""

    signature = "input_handle: variant -> tensor: element_dtype[...], lengths: int64[?]"
    element_dtype: DType
    element_shape: Any = UNKNOWN

    def gradient(self, input_handle, _tensor, lengths, dtensor, _dlengths):
        shape = element_shape_of(input_handle)
        return (raw.TensorListSplit(tensor=dtensor, element_shape=shape, lengths=lengths),)

    def eager(self, input_handle):
        return _concatenate(self, input_handle, UNKNOWN, np.zeros(0, np.int64))


def _concatenate(op: ListOp, tensor_list: Any, shape: Any, leading_dims: Any) -> Any:
    tensor_list = op.checked(tensor_list, op.element_dtype)
    whole = _merged(op, tensor_list.element_shape, shape)
    items = []
    for index in range(len(tensor_list)):
        known = whole
        if known.rank is not None and index < len(leading_dims):
            known = make_shape((int(leading_dims[index]), *known.as_list()[1:]))
        item = tensor_list.item(index, known)
        if item.ndim == 0:
            raise InvalidArgumentError(
                f"Concat saw a scalar shape at index {index} but requires at least vectors."
            )
        items.append(item)
    if not items:
        if whole.rank is None or not whole[1:].is_fully_defined():
            raise InvalidArgumentError(
                "All except the first dimension must be fully defined when concating an empty "
                f"tensor list. element_shape: {whole}"
            )
        return np.zeros((0, *whole.as_list()[1:]), tensor_list.dtype.np), np.zeros(0, np.int64)
    if len({item.shape[1:] for item in items}) > 1:
        raise InvalidArgumentError(
            "Tried to concat tensors with unequal shapes: "
            + " vs ".join(str(list(item.shape)) for item in items[:2])
        )
    return np.concatenate(items), np.array([len(item) for item in items], np.int64)


def _merged(op: ListOp, own: Any, asked: Any) -> Any:
    """The shape of elements, as the list and an argument say."""
    if not own.is_compatible_with(asked):
        raise op.invalid(f"Incompatible shapes of elements: {own} and {asked}")
    return own.merge_with(asked)


class TensorListSplit(ListOp):
    """A tensor cut along its first axis into elements of the given lengths."""

    signature = """tensor: element_dtype, element_shape: shape_type, lengths: int64
        -> output_handle: variant[]"""
    ranks = {"tensor": at_least(1), "lengths": (1,)}
    shape_type = INDEX

    def held(self, _tensor, element_shape, _lengths):
        return [(element_shape.as_shape(), self.element_dtype)]

    def gradient(self, _tensor, element_shape, lengths, _output_handle, dlist):
        joined = raw.TensorListConcatV2(
            input_handle=dlist,
            element_shape=element_shape,
            leading_dims=lengths,
            element_dtype=self.element_dtype,
        )
        return joined.tensor, None, None

    def eager(self, tensor, element_shape, lengths):
        if tensor.ndim == 0:
            raise InvalidArgumentError("Tensor must be at least a vector, but saw shape: []")
        if lengths.ndim != 1:
            raise self.invalid(
                f"Expected lengths to be a vector, received shape: {show(lengths.shape)}"
            )
        if (lengths < 0).any():
            raise self.invalid(f"Invalid value in lengths: {lengths.min()}")
        shape = shape_from(element_shape)
        if not make_shape((None, *tensor.shape[1:])).is_compatible_with(shape):
            raise self.invalid(
                f"tensor shape {show(tensor.shape)} is not compatible with element_shape {shape}"
            )
        ends = np.cumsum(lengths)
        if (int(ends[-1]) if len(ends) else 0) != tensor.shape[0]:
            raise InvalidArgumentError(
                f"Expected sum of lengths to be equal to values.shape[0], but sum of lengths is "
                f"{int(ends[-1]) if len(ends) else 0} and value's shape is: {list(tensor.shape)}"
            )
        items = [tensor[end - size : end] for end, size in zip(ends, lengths, strict=True)]
        return TensorList(self.element_dtype, shape, items)


class TensorListConcatLists(ListOp):
    """One list, or one of each pair of lists, after the other."""

    signature = "input_a: variant, input_b: variant -> output: variant[input_a]"
    element_dtype: DType
    changes_length = True
    differentiable = False

    def eager(self, input_a, input_b):
        shapes = np.shape(input_a), np.shape(input_b)
        if shapes[0] != shapes[1]:
            raise self.invalid(
                f"Incompatible input TensorList tensor shapes: {show(shapes[0])} vs. {show(shapes[1])}"
            )
        if not shapes[0]:
            return self.joined(input_a, input_b)
        lists = np.empty(shapes[0], object)
        for at in np.ndindex(shapes[0]):
            lists[at] = self.joined(input_a[at], input_b[at])
        return lists

    def joined(self, one, other):
        """One list after the other."""
        first = self.checked(one, self.element_dtype)
        second = self.checked(other, self.element_dtype)
        if str(first.element_shape) != str(second.element_shape):  # unknown extents are equal, too
            raise self.invalid(
                "input_a and input_b TensorList element shapes are not identical: "
                f"{first.element_shape} and {second.element_shape}"
            )
        return first.with_items([*first.items, *second.items])


class TensorListPushBackBatch(ListOp):
    """Every list of a vector of lists with one more element, a row of `tensor`."""

    signature = """input_handles: variant, tensor: element_dtype
        -> output_handles: variant[input_handles]"""
    ranks = {"tensor": at_least(1)}
    changes_length = True
    differentiable = False

    def eager(self, input_handles, tensor):
        shape = np.shape(input_handles)
        rows = tensor.shape[: len(shape)]
        if rows != shape:
            raise self.invalid(
                f"Expected tensor.shape to begin with {show(shape)}, the shape of input_handles. "
                f"Received {show(tensor.shape)}"
            )
        if not shape:
            return self.pushed(input_handles, tensor)
        lists = np.empty(shape, object)
        for at in np.ndindex(shape):
            lists[at] = self.pushed(input_handles[at], np.asarray(tensor[at]))
        return lists

    def pushed(self, tensor_list, tensor):
        """A list with one more element."""
        tensor_list = self.checked(tensor_list, self.element_dtype)
        if not tensor_list.accepts(tensor):
            raise self.invalid(
                "Tried to append a tensor with incompatible shape to a list. Op element shape: "
                f"{show(tensor.shape)} list shape: {show(tensor_list.element_shape)}"
            )
        return tensor_list.with_items([*tensor_list.items, tensor])
