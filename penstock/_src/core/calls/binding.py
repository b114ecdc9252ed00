"""Converts the arguments of a call to tensors and a complete op: dtype inference and its error messages."""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.attributes import REQUIRED, convert_attribute
from penstock._src.core.calls.lists import bind_list, check_length
from penstock._src.core.calls.signature import Argument
from penstock._src.core.convert import (
    convert_to_tensor,
    holds_tensor,
    is_tensor_like,
    leaves_int32,
)
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.op import MOST_INSTANCES, Op
from penstock._src.core.tensor import Tensor
from penstock._src.core.typesets import FLOAT, INTEGER
from penstock._src.core.values.arrays import to_array

# dtype names in the messages of TensorFlow's kernels.
KERNEL_NAMES = {"float32": "float", "float64": "double", "float16": "half"}
ORDER = list(dtypes.TYPES.values())
# The classes of attributes that are their own keys: see `attribute_key`.
_PLAIN = frozenset((DType, bool, int, str, bytes, type(None)))


def bind(
    cls: type[Op], inputs: tuple[Any, ...], attrs: dict[str, Any], in_graph: bool
) -> tuple[list[Any], Op]:
    """Returns the flat list of input tensors, and the op with all its attributes.

    Raises:
      InvalidArgumentError (eager), TypeError (graph): a dtype does not match the signature.
      ValueError: a value cannot be converted to a tensor.
    """
    attributes = _convert_attributes(cls, attrs) if attrs else {}
    flat: list[Any] = []
    refused: Exception | None = None
    takes_lists = cls.traits.takes_lists
    for argument, value in zip(cls.inputs, inputs):
        try:
            if takes_lists and argument.is_list and in_graph:
                flat.extend(bind_list(cls, argument, value, attributes))
            elif takes_lists and argument.is_list:
                _bind_list(cls, argument, value, inputs, attributes, flat)
            else:
                flat.append(
                    _bind_one(cls, argument, value, inputs, attributes, len(flat), in_graph)
                )
        except InvalidArgumentError as error:
            # Non-tensors are converted first, so their errors take precedence.
            refused = refused or error
    if refused is not None:
        raise refused
    return flat, complete(cls, attributes, in_graph)


def complete(cls: type[Op], attrs: dict[str, Any], in_graph: bool) -> Op:
    """Returns the op with the attributes `attrs` and defaults for the others, checked."""
    if not _PLAIN.issuperset(map(type, attrs.values())):
        return _completed(cls, attrs, in_graph)
    key = tuple(attrs.items())
    op = cls.completed.get(key)
    if op is None:
        op = _completed(cls, attrs, in_graph)
        if len(cls.completed) >= MOST_INSTANCES:
            cls.completed.clear()
        cls.completed[key] = op
    return op


def _completed(cls: type[Op], attrs: dict[str, Any], in_graph: bool) -> Op:
    for name, default in cls.attributes.items():
        if name not in attrs:
            if default is REQUIRED:
                raise TypeError(f"{cls.op_type}: missing attribute '{name}'.")
            attrs[name] = default
    if cls.traits.type_sets:
        _check_types(cls, attrs, in_graph)
    return cls.instance(attrs)


def _convert_attributes(cls: type[Op], attrs: dict[str, Any]) -> dict[str, Any]:
    converted = {}
    for name, value in attrs.items():
        annotation = cls.annotations.get(name)
        if annotation is None:
            if not any(name in (a.type_attr, a.type_list_attr, a.number_attr) for a in cls.inputs):
                raise TypeError(f"{cls.op_type}() got an unexpected keyword argument '{name}'")
            if value is None:
                continue
            list_of_types = any(name == a.type_list_attr for a in cls.inputs)
            is_number = any(name == a.number_attr for a in cls.inputs)
            annotation = list[DType] if list_of_types else int if is_number else DType
        elif value is None and cls.attributes[name] is not REQUIRED:
            value = cls.attributes[name]
            converted[name] = value
            continue
        converted[name] = convert_attribute(cls.op_type, name, annotation, value)
    return converted


def _bind_one(
    cls: type[Op],
    argument: Argument,
    value: Any,
    inputs: tuple[Any, ...],
    attrs: dict[str, Any],
    position: int,
    in_graph: bool,
) -> Any:
    attr = argument.type_attr
    if attr is None:
        return _converted(cls, argument, value, argument.dtype, position, in_graph)
    wanted = attrs.get(attr)
    if wanted is None and isinstance(value, Tensor):  # hints and defaults are for other values
        attrs[attr] = value.dtype.base_dtype
        return value
    if wanted is None and not is_tensor_like(value):
        wanted = _type_of_siblings(cls, attr, inputs)
    if wanted is None:
        default = cls.attributes.get(attr)
        hint = default if isinstance(default, DType) else None
        lone = type(value) is float and not any(map(_is_list_of_values, inputs))
        if lone and not in_graph and hint is not None and hint.is_integer:
            # Beside lists it becomes a float first, which the list of allowed types refuses.
            raise TypeError(f"Cannot convert {value} to EagerTensor of dtype {hint.name}")
        if hint is dtypes.int32 and _needs_int64(cls, attr, inputs):
            hint = dtypes.int64
        if hint is dtypes.complex64 and _holds_python_complex(value):
            hint = None  # which is complex128 for Python
        if hint is not None:
            beside_list = any(map(_is_list_of_values, _siblings(cls, attr, inputs)))
            allowed = cls.traits.type_sets.get(attr)
            hint = _own_type(allowed, value, hint, in_graph, beside_list)
        try:
            tensor = convert_to_tensor(value, dtype_hint=hint, name=argument.defined_name)
        except ValueError as error:
            if not in_graph:
                raise
            raise ValueError(_not_converted(argument, error)) from None
        attrs[attr] = tensor.dtype.base_dtype
        return tensor
    attrs[attr] = wanted
    return _converted(cls, argument, value, wanted, position, in_graph)


def _own_type(
    allowed: frozenset[DType] | None,
    value: Any,
    default: DType,
    in_graph: bool,
    beside_list: bool,
) -> DType:
    """The dtype of a value where the attribute allows it, else the attribute's default.

    Eager arrays and numbers take the default if they can be converted to it, and so do Python's integers as indices. Arrays beside lists keep their own, as they do in graphs.
    """
    listed = isinstance(value, (list, tuple))
    has_own = isinstance(value, np.generic) and not isinstance(value, float)
    if in_graph:
        has_own = has_own or isinstance(value, (np.ndarray, np.generic))
    elif beside_list:
        has_own = has_own or isinstance(value, np.ndarray)
    if listed and default is not dtypes.int32:
        has_own = not holds_tensor(value)
    if not has_own:
        return default
    try:
        own = to_array(value, None, in_graph)[1]
    except (TypeError, ValueError):
        return default  # the conversion itself says what is wrong
    if listed and in_graph and own is dtypes.float64:
        return default  # a list of NumPy's floats counts as Python's
    return own if allowed is None or own in allowed else default


def _not_converted(argument: Argument, error: ValueError) -> str:
    return f"Tried to convert '{argument.defined_name}' to a tensor and failed. Error: {error}"


def _needs_int64(cls: type[Op], attr: str, inputs: tuple[Any, ...]) -> bool:
    """True if the dtype attribute allows int64 and one of its number arguments exceeds int32."""
    return dtypes.int64 in cls.traits.type_sets.get(attr, ()) and any(
        leaves_int32(value)
        for argument, value in zip(cls.inputs, inputs)
        if argument.type_attr == attr
    )


def _holds_python_complex(value: Any) -> bool:
    if _is_list_of_values(value):
        return any(map(_holds_python_complex, value))
    return isinstance(value, complex)


def _is_list_of_values(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and not any(map(is_tensor_like, value))


def _siblings(cls: type[Op], attr: str, inputs: tuple[Any, ...]) -> list[Any]:
    """The values of the arguments that share a dtype attribute."""
    return [
        value
        for argument, value in zip(cls.inputs, inputs)
        if argument.type_attr == attr and not argument.is_list
    ]


def _type_of_siblings(cls: type[Op], attr: str, inputs: tuple[Any, ...]) -> DType | None:
    """The dtype of the first tensor among the arguments that share the dtype attribute."""
    for argument, value in zip(cls.inputs, inputs):
        if argument.type_attr != attr:
            continue
        for one in value if argument.is_list and isinstance(value, (list, tuple)) else (value,):
            if is_tensor_like(one):
                return one.dtype.base_dtype
    return None


def _bind_list(
    cls: type[Op],
    argument: Argument,
    values: Any,
    inputs: tuple[Any, ...],
    attrs: dict[str, Any],
    flat: list[Any],
) -> None:
    """Binds a list in eager code."""
    if not isinstance(values, (list, tuple)):
        raise TypeError(
            f"Expected list for '{argument.name}' argument to '{cls.op_type}' Op, not {values}."
        )
    if argument.number_attr in attrs:
        check_length(cls, argument, len(values), attrs)
    if argument.type_list_attr:
        hints = attrs.get(argument.type_list_attr) or (None,) * len(values)
        tensors = [
            convert_to_tensor(v, dtype=hint, name=argument.name)
            for v, hint in zip(values, hints, strict=True)
        ]
        attrs[argument.type_list_attr] = tuple(t.dtype.base_dtype for t in tensors)
        flat.extend(tensors)
        return
    for value in values:
        flat.append(_bind_one(cls, argument, value, inputs, attrs, len(flat), False))
    if argument.type_attr and argument.type_attr not in attrs:
        default = cls.attributes.get(argument.type_attr, REQUIRED)
        if default is not REQUIRED:
            attrs[argument.type_attr] = default
    attrs[argument.number_attr or ""] = len(values)


def _converted(
    cls: type[Op], argument: Argument, value: Any, wanted: Any, position: int, in_graph: bool
) -> Any:
    if isinstance(value, Tensor) and value.dtype.base_dtype is wanted:
        return value
    if is_tensor_like(value):
        tensor = convert_to_tensor(value, name=argument.defined_name)
        if tensor.dtype.base_dtype is wanted:
            return tensor
        raise _mismatch(cls, argument, tensor.dtype, wanted, position, in_graph)
    try:
        return convert_to_tensor(value, dtype=wanted, name=argument.defined_name)
    except ValueError as error:
        if not in_graph:
            raise
        raise ValueError(_not_converted(argument, error)) from None
    except TypeError as error:
        if not in_graph:
            raise
        raise TypeError(
            f"Expected {wanted.name} passed to parameter '{argument.name}' of op "
            f"'{cls.op_type}', got {value!r} of type '{type(value).__name__}' instead. "
            f"Error: {error}"
        ) from None


def _mismatch(
    cls: type[Op], argument: Argument, got: DType, wanted: DType, position: int, in_graph: bool
) -> Exception:
    if not in_graph:
        return InvalidArgumentError(
            f"cannot compute {cls.op_type} as input #{position}(zero-based) was expected to be a "
            f"{kernel_name(wanted)} tensor but is a {kernel_name(got)} tensor [Op:{cls.op_type}] "
            f"name: {argument.name}{_cast_to(wanted, got)}"
        )
    first = next((a.name for a in cls.inputs if a.type_attr == argument.type_attr), "")
    if argument.type_attr is None or first == argument.name:
        return TypeError(
            f"Input '{argument.name}' of '{cls.op_type}' Op has type {got.name} that does not "
            f"match expected type of {wanted.name}.{_cast_to(wanted, got)}"
        )
    return TypeError(
        f"Input '{argument.name}' of '{cls.op_type}' Op has type {got.name} that does not match "
        f"type {wanted.name} of argument '{first}'.{_cast_to(wanted, got)}"
    )


def _cast_to(wanted: DType, got: DType) -> str:
    """Return the end of a message: the cast that converts a tensor of numbers to the dtype of the others."""
    numbers = FLOAT | INTEGER
    return f" (tf.cast(..., tf.{wanted.name}) converts it)" if {wanted, got} <= numbers else ""


def _check_types(cls: type[Op], attrs: dict[str, Any], in_graph: bool) -> None:
    for attr, allowed in cls.traits.type_sets.items():
        dtype_or_list = attrs.get(attr)
        if dtype_or_list is None:
            raise InvalidArgumentError(
                f"{cls.op_type}: the type '{attr}' cannot be inferred from an empty list [Op:{cls.op_type}]"
            )
        for dtype in dtype_or_list if isinstance(dtype_or_list, tuple) else (dtype_or_list,):
            if dtype not in allowed:
                raise _not_allowed(cls, attr, dtype, allowed, in_graph)


def _not_allowed(
    cls: type[Op], attr: str, dtype: DType, allowed: frozenset[DType], in_graph: bool
) -> Exception:
    in_order = [t for t in ORDER if t in allowed]
    parameter = next((a.name for a in cls.inputs if attr in (a.type_attr, a.type_list_attr)), attr)
    if in_graph:
        names = ", ".join(t.name for t in in_order)
        return TypeError(
            f"Value passed to parameter '{parameter}' has DataType {dtype.name} not in list of "
            f"allowed values: {names}"
        )
    names = ", ".join(kernel_name(t) for t in in_order)
    return InvalidArgumentError(
        f"Value for attr '{attr}' of {kernel_name(dtype)} is not in the list of allowed values: "
        f"{names}\n\t; NodeDef: {{{{node {cls.op_type}}}}}; argument '{parameter}' "
        f"[Op:{cls.op_type}]"
    )


def kernel_name(dtype: DType) -> str:
    """Returns a dtype's name in kernel messages: float, double, half, ..."""
    return KERNEL_NAMES.get(dtype.name, dtype.name)
