"""Lists in converted code: `tensorflow.python.autograph.operators.data_structures`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from penstock._src.api.control import conditionals
from penstock._src.api.control.tensor_array import TensorArray
from penstock._src.bridge.python.ops import list_ops
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.function.autograph.builtins import is_tensor


class ListPopOpts(NamedTuple):
    """Known properties of the elements of a list from which one is popped."""

    element_dtype: Any
    element_shape: Any


class ListStackOpts(NamedTuple):
    """The dtype of a list's elements, and the function that stacks other values."""

    element_dtype: Any
    original_call: Callable[[Any], Any]


def new_list(iterable: Iterable[Any] | None = None) -> Any:
    """Returns a Python list of the elements, or an empty list of tensors if there are none."""
    elements = tuple(iterable) if iterable is not None else ()
    return list(elements) if elements else tf_tensor_list_new(elements)


def _common(values: set[Any], declared: Any, elements: Any, what: str) -> Any:
    """Returns the only value found; None if there are several or none. It agrees with the argument."""
    common = next(iter(values)) if len(values) == 1 else None
    if common is not None and declared is not None and declared != common:
        raise ValueError(
            f"incompatible {what}; specified: {declared}, inferred from {elements}: {common}"
        )
    return common


def tf_tensor_array_new(
    elements: Iterable[Any], element_dtype: Any = None, element_shape: Any = None
) -> Any:
    """Returns a TensorArray of the elements.

    Raises:
      ValueError: they differ in dtype or shape, from each other or from what is given; or nothing says their dtype.
    """
    tensors = tuple(convert_to_tensor(element) for element in elements)
    types = {tensor.dtype for tensor in tensors}
    shapes = {tuple(tensor.shape.as_list()) for tensor in tensors}
    for values, what in ((types, "dtype"), (shapes, "shape")):
        if len(values) > 1:
            raise ValueError(
                f"TensorArray requires all elements to have the same {what}: {tensors}"
            )
    dtype = _common(types, element_dtype, tensors, "dtype") or element_dtype
    if dtype is None:
        raise ValueError("dtype is required to create an empty TensorArray")
    inferred = _common(shapes, element_shape, tensors, "shape")
    shape = element_shape if element_shape is not None else inferred
    array = TensorArray(
        dtype=dtype,
        size=len(tensors),
        dynamic_size=True,
        infer_shape=shape is None,
        element_shape=shape,
    )
    for index, tensor in enumerate(tensors):
        array = array.write(index, tensor)
    return array


def tf_tensor_list_new(elements: Any, element_dtype: Any = None, element_shape: Any = None) -> Any:
    """Returns a list of tensors: the rows of a tensor, or the elements, which may differ.

    Raises:
      ValueError: they do not agree with what is given.
    """
    if is_tensor(elements):
        if element_shape is not None:
            raise ValueError("element shape may not be specified when creating list from tensor")
        shape = raw.Shape(input=elements, out_type=dtypes.int32)[1:]
        return list_ops.tensor_list_from_tensor(elements, element_shape=shape)
    tensors = tuple(convert_to_tensor(element) for element in elements)
    types = {tensor.dtype for tensor in tensors}
    shapes = {tuple(tensor.shape.as_list()) for tensor in tensors}
    for tensor_list, declared, what in (
        (types, element_dtype, "dtype"),
        (shapes, element_shape, "shape"),
    ):
        if len(tensor_list) > 1 and declared is not None:
            raise ValueError(
                f"specified {what} {declared} is inconsistent with that of elements {tensors}"
            )
    dtype = _common(types, element_dtype, tensors, "dtype") or element_dtype or dtypes.variant
    shape = _common(shapes, None, tensors, "shape") if element_shape is None else element_shape
    handle = list_ops.empty_tensor_list(element_shape=shape, element_dtype=dtype)
    for tensor in tensors:
        handle = raw.TensorListPushBack(input_handle=handle, tensor=tensor)
    return handle


def list_append(list_: Any, x: Any) -> Any:
    """Appends to a Python list, TensorArray or list of tensors; returns it."""
    if isinstance(list_, TensorArray):
        return list_.write(list_.size(), x)
    if not is_tensor(list_):
        list_.append(x)
        return list_
    tensor = convert_to_tensor(x)

    def typed() -> Any:
        shape = raw.Shape(input=tensor, out_type=dtypes.int32)
        return list_ops.empty_tensor_list(shape, tensor.dtype)

    _check_is_list(list_)
    filled = raw.TensorListLength(input_handle=list_) > 0
    list_ = conditionals.cond(filled, lambda: list_, typed)
    return raw.TensorListPushBack(input_handle=list_, tensor=tensor)


def _check_is_list(tensor: Any) -> None:
    if tensor.dtype != dtypes.variant:
        raise ValueError(
            f"tensor lists are expected to be Tensors with dtype=tf.variant, instead found {tensor}"
        )


def list_pop(list_: Any, i: int | None, opts: ListPopOpts) -> tuple[Any, Any]:
    """Takes an element out of a Python list or the last out of a list of tensors; returns the list and the element."""
    if isinstance(list_, TensorArray):
        raise ValueError("TensorArray does not support item removal")
    if not is_tensor(list_):
        return list_, (list_.pop() if i is None else list_.pop(i))
    _check_is_list(list_)
    if i is not None:
        raise NotImplementedError("tensor lists only support removing from the end")
    for value, what in ((opts.element_dtype, "type"), (opts.element_shape, "shape")):
        if value is None:
            raise ValueError(
                f"cannot pop from a list without knowing its element {what}; use set_element_type to "
                "annotate it"
            )
    rest, element = list_ops.tensor_list_pop_back(list_, element_dtype=opts.element_dtype)
    element.set_shape(opts.element_shape)
    return rest, element


def list_stack(list_: Any, opts: ListStackOpts) -> Any:
    """Stacks a TensorArray or list of tensors; tensors stay, and `opts.original_call` is called with other values."""
    if isinstance(list_, TensorArray):
        return list_.stack()
    if not is_tensor(list_):
        return opts.original_call(list_)
    if list_.dtype != dtypes.variant:
        return list_
    if opts.element_dtype is None:
        raise ValueError(
            "cannot stack a list without knowing its element type; use set_element_type to annotate it"
        )
    return list_ops.tensor_list_stack(list_, element_dtype=opts.element_dtype)
