"""`tensorflow.python.ops.list_ops`: lists of tensors, with element shapes in every form that Python has for them."""

from __future__ import annotations

from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.tensor import Tensor


def _build_element_shape(shape: Any) -> Any:
    """Returns a shape as an int32 tensor, or an int: -1 for unknown extents."""
    if isinstance(shape, Tensor):
        return shape
    if isinstance(shape, TensorShape):
        shape = shape.as_list() if shape.rank is not None else None
    if shape is None:
        return -1
    sizes = [-1 if size is None else getattr(size, "value", size) for size in shape]
    sizes = [-1 if size is None else size for size in sizes]
    return convert_to_tensor(sizes, dtypes.int32)


def empty_tensor_list(
    element_shape: Any, element_dtype: Any, max_num_elements: Any = None, name: str | None = None
) -> Any:
    """Returns a list without elements."""
    return raw.EmptyTensorList(
        element_shape=_build_element_shape(element_shape),
        max_num_elements=-1 if max_num_elements is None else max_num_elements,
        element_dtype=element_dtype,
        name=name,
    )


def tensor_list_reserve(
    element_shape: Any, num_elements: Any, element_dtype: Any, name: str | None = None
) -> Any:
    """Returns a list of elements that are not yet set."""
    return raw.TensorListReserve(
        element_shape=_build_element_shape(element_shape),
        num_elements=num_elements,
        element_dtype=element_dtype,
        name=name,
    )


def tensor_list_from_tensor(tensor: Any, element_shape: Any, name: str | None = None) -> Any:
    """Returns the rows of a tensor as a list."""
    return raw.TensorListFromTensor(
        tensor=tensor, element_shape=_build_element_shape(element_shape), name=name
    )


def tensor_list_get_item(
    input_handle: Any,
    index: Any,
    element_dtype: Any,
    element_shape: Any = None,
    name: str | None = None,
) -> Any:
    """Returns one element."""
    return raw.TensorListGetItem(
        input_handle=input_handle,
        index=index,
        element_shape=_build_element_shape(element_shape),
        element_dtype=element_dtype,
        name=name,
    )


def tensor_list_pop_back(input_handle: Any, element_dtype: Any, name: str | None = None) -> Any:
    """Returns the list without its last element, and this element."""
    return raw.TensorListPopBack(
        input_handle=input_handle, element_shape=-1, element_dtype=element_dtype, name=name
    )


def tensor_list_gather(
    input_handle: Any,
    indices: Any,
    element_dtype: Any,
    element_shape: Any = None,
    name: str | None = None,
) -> Any:
    """Returns elements, stacked."""
    return raw.TensorListGather(
        input_handle=input_handle,
        indices=indices,
        element_shape=_build_element_shape(element_shape),
        element_dtype=element_dtype,
        name=name,
    )


def tensor_list_scatter(
    tensor: Any,
    indices: Any,
    element_shape: Any = None,
    input_handle: Any = None,
    name: str | None = None,
) -> Any:
    """Returns a list with the rows of a tensor at indices, made or changed."""
    if input_handle is not None:
        return raw.TensorListScatterIntoExistingList(
            input_handle=input_handle, tensor=tensor, indices=indices, name=name
        )
    return raw.TensorListScatterV2(
        tensor=tensor,
        indices=indices,
        element_shape=_build_element_shape(element_shape),
        num_elements=-1,
        name=name,
    )


def tensor_list_stack(
    input_handle: Any,
    element_dtype: Any,
    num_elements: int = -1,
    element_shape: Any = None,
    name: str | None = None,
) -> Any:
    """Returns all elements, stacked."""
    return raw.TensorListStack(
        input_handle=input_handle,
        element_shape=_build_element_shape(element_shape),
        element_dtype=element_dtype,
        num_elements=num_elements,
        name=name,
    )


def tensor_list_concat(
    input_handle: Any, element_dtype: Any, element_shape: Any = None, name: str | None = None
) -> Any:
    """Returns all elements, joined along their first axis."""
    return raw.TensorListConcatV2(
        input_handle=input_handle,
        element_shape=_build_element_shape(element_shape),
        leading_dims=convert_to_tensor([], dtypes.int64),
        element_dtype=element_dtype,
        name=name,
    )[0]


def tensor_list_split(
    tensor: Any, element_shape: Any, lengths: Any, name: str | None = None
) -> Any:
    """Returns a list of parts of a tensor with these lengths."""
    return raw.TensorListSplit(
        tensor=tensor,
        element_shape=_build_element_shape(element_shape),
        lengths=lengths,
        name=name,
    )


def tensor_list_set_item(
    input_handle: Any,
    index: Any,
    item: Any,
    resize_if_index_out_of_bounds: bool = False,
    name: str | None = None,
) -> Any:
    """Returns the list with another element at an index."""
    return raw.TensorListSetItem(
        input_handle=input_handle,
        index=index,
        item=item,
        resize_if_index_out_of_bounds=resize_if_index_out_of_bounds,
        name=name,
    )
