"""Converts lists of tensors for ops in graphs: their common dtype, their length, and the error messages if these do not fit."""

from typing import Any

from penstock._src.core.calls.attributes import REQUIRED
from penstock._src.core.calls.signature import Argument
from penstock._src.core.convert import convert_to_tensor, is_tensor_like
from penstock._src.core.dtypes import DType
from penstock._src.core.op import Op
from penstock._src.core.tensor import Tensor


def bind_list(cls: type[Op], argument: Argument, values: Any, attrs: dict[str, Any]) -> list[Any]:
    """Returns the tensors of a list, and adds to `attrs` the attributes that they determine.

    Raises:
      TypeError: it is not a list, or the dtypes do not fit.
      ValueError: the length does not fit.
    """
    name = argument.defined_name
    if not isinstance(values, (list, tuple)):
        raise TypeError(f"Expected list for '{name}' argument to '{cls.op_type}' Op, not {values}.")
    attr = argument.type_list_attr
    if attr:
        hints = attrs.get(attr)
        tensors = _converted(cls, argument, values, hints)
        types = tuple(tensor.dtype.base_dtype for tensor in tensors)
        if hints is not None and hints != types:
            raise TypeError(
                f"Input '{name}' of '{cls.op_type}' Op has type list of {_names(types)} that does not "
                f"match type list {_names(hints)} of argument '{_origin(cls, argument, attr)}'."
            )
        attrs[attr] = types
        return tensors
    tensors = _converted(cls, argument, values, None, _expected(argument, values, attrs))
    _note_length(cls, argument, len(tensors), attrs)
    _note_type(cls, argument, tensors, attrs)
    return tensors


def _names(types: Any) -> str:
    return ", ".join(dtype.name for dtype in types)


def _origin(cls: type[Op], argument: Argument, attr: str) -> str:
    """The first argument that determines an attribute."""
    said_by = ((a.number_attr, a.type_attr, a.type_list_attr) for a in cls.inputs)
    return next(
        a.defined_name for a, attrs in zip(cls.inputs, said_by, strict=True) if attr in attrs
    )


def _expected(argument: Argument, values: Any, attrs: dict[str, Any]) -> DType | None:
    """The dtype of all elements, where it is known before they are converted."""
    if argument.dtype is not None:
        return argument.dtype
    known = attrs.get(str(argument.type_attr))
    if known is not None:
        return known
    return next((value.dtype.base_dtype for value in values if is_tensor_like(value)), None)


def _converted(
    cls: type[Op],
    argument: Argument,
    values: Any,
    hints: Any,
    dtype: DType | None = None,
) -> list[Any]:
    name, default = argument.defined_name, cls.attributes.get(str(argument.type_attr))
    hint = default if dtype is None and isinstance(default, DType) else None
    types = hints if hints is not None and len(hints) == len(values) else (hint,) * len(values)
    try:
        tensors = [
            value
            if isinstance(value, Tensor) and dtype is None
            else convert_to_tensor(value, dtype=dtype, dtype_hint=wanted, name=f"{name}_{position}")
            for position, (value, wanted) in enumerate(zip(values, types, strict=True))
        ]
        if argument.number_attr and len({tensor.dtype.base_dtype for tensor in tensors}) > 1:
            raise TypeError("the types differ")
    except (TypeError, ValueError):
        raise TypeError(_refusal(cls, argument, values, dtype)) from None
    return tensors


def _refusal(cls: type[Op], argument: Argument, values: Any, dtype: DType | None) -> str:
    """The message for values that have no common dtype, or not the one that is expected."""
    observed = ", ".join(map(_type_name, values))
    start = (
        f"Tensors in list passed to '{argument.defined_name}' of '{cls.op_type}' Op have types "
        f"[{observed}]"
    )
    if not argument.number_attr:
        return f"{start} that are invalid. Tensors: {values}"
    if argument.dtype is not None:
        return f"{start} that do not match expected type {argument.dtype.name}."
    if (
        dtype is not None
        and _origin(cls, argument, str(argument.type_attr)) != argument.defined_name
    ):
        return f"{start} that do not match type {dtype.name} inferred from earlier arguments."
    return f"{start} that don't all match."


def _type_name(value: Any) -> str:
    try:
        return str(convert_to_tensor(value).dtype.base_dtype.name)
    except (TypeError, ValueError):
        return "<NOT CONVERTIBLE TO TENSOR>"


def check_length(cls: type[Op], argument: Argument, length: int, attrs: dict[str, Any]) -> None:
    """Raises ValueError if a list is not as long as an attribute or an earlier list says."""
    attr, name = str(argument.number_attr), argument.defined_name
    if attr in attrs and attrs[attr] != length:
        raise ValueError(
            f"List argument '{name}' to '{cls.op_type}' Op with length {length} must match length "
            f"{attrs[attr]} of argument '{_origin(cls, argument, attr)}'."
        )


def _note_length(cls: type[Op], argument: Argument, length: int, attrs: dict[str, Any]) -> None:
    check_length(cls, argument, length, attrs)
    attr, name = str(argument.number_attr), argument.defined_name
    if length < cls.minimum.get(attr, 0):
        raise ValueError(
            f"List argument '{name}' to '{cls.op_type}' Op with length {length} shorter than minimum "
            f"length {cls.minimum[attr]}."
        )
    attrs[attr] = length


def _note_type(cls: type[Op], argument: Argument, tensors: Any, attrs: dict[str, Any]) -> None:
    attr = argument.type_attr
    if attr is None or attr in attrs:
        return
    if tensors:
        attrs[attr] = tensors[0].dtype.base_dtype
    elif cls.attributes.get(attr, REQUIRED) is REQUIRED:
        raise TypeError(
            "Don't know how to infer type variable from empty input list passed to input "
            f"'{argument.defined_name}' of '{cls.op_type}' Op."
        )
