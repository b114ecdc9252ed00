"""convert_to_tensor: conversion of Python objects to tensors.

Python values and NumPy arrays become constants in the current context. Other classes either define
`__tf_tensor__(dtype, name)` or register a function with `register_tensor_conversion_function`.
"""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core.dispatch import STATE
from penstock._src.core.dtypes import DType, as_dtype, float32, float64, int32, int64
from penstock._src.core.tensor import Tensor
from penstock._src.core.values.arrays import plain_array, to_array, unsupported
from penstock._src.util import slots
from penstock._src.util.export import export

Conversion = Callable[..., Any]
_REGISTERED: list[tuple[int, tuple[type, ...], Conversion]] = []
_REFUSED: list[type] = []
# {class: True if a registered conversion takes precedence over its `__tf_tensor__`}
_REGISTERED_IS_NEARER: dict[type, bool] = {}


def is_tensor_like(value: Any) -> bool:
    """True if `value` is a tensor or has a dtype of its own, as a variable has."""
    return isinstance(value, Tensor) or getattr(value, "_is_tensor_like", False)


@export("register_tensor_conversion_function")
def register_tensor_conversion_function(
    base_type: Any, conversion_func: Conversion, priority: int = 100
) -> None:
    """Registers how objects of a class become tensors.

    Args:
      base_type: a class or a tuple of classes.
      conversion_func: a function `(value, dtype, name, as_ref)` that returns a tensor, or
        NotImplemented.
      priority: functions with a lower number are tried first.

    Raises:
      TypeError: `base_type` is not a class or one of numbers and arrays, or `conversion_func` is
        not callable.

    >>> class Meters:
    ...     def __init__(self, value):
    ...         self.value = value
    >>> def to_tensor(x, dtype=None, name=None, as_ref=False):
    ...     return tf.constant(x.value, dtype)
    >>> tf.register_tensor_conversion_function(Meters, to_tensor)
    >>> tf.constant(1.0).numpy() + tf.convert_to_tensor(Meters(2.0)).numpy()
    np.float32(3.0)
    """
    types = base_type if isinstance(base_type, tuple) else (base_type,)
    if not all(isinstance(t, type) for t in types):
        raise TypeError("Argument `base_type` must be a type or a tuple of types.")
    if any(issubclass(t, (int, float, np.generic, np.ndarray)) for t in types):
        raise TypeError(
            "Cannot register conversions for Python numeric types and NumPy scalars and arrays."
        )
    if not callable(conversion_func):
        raise TypeError(f"Argument `conversion_func` must be callable. Received {conversion_func}.")
    _REGISTERED.append((priority, types, conversion_func))
    _REGISTERED.sort(key=lambda entry: entry[0])
    _REGISTERED_IS_NEARER.clear()


def refuse_conversion(types: tuple[type, ...], raising: Conversion) -> None:
    """Registers the function that raises the error of converting objects of these classes, which no function converts."""
    _REFUSED.extend(types)
    register_tensor_conversion_function(types, raising)


def is_convertible(kind: type) -> bool:
    """True if a class converts to tensors: by a registered conversion or by `__tf_tensor__`.

    Example:
      >>> from penstock._src.core.convert import is_convertible
      >>> is_convertible(tf.Variable), is_convertible(tf.RaggedTensor), is_convertible(object)
      (True, False, False)
    """
    if hasattr(kind, "__tf_tensor__"):
        return True
    registered = any(issubclass(kind, types) for _, types, _ in _REGISTERED)
    return registered and not issubclass(kind, tuple(_REFUSED))


NUMBERS = {float: float32, int: int32}
_LIMIT = 2.0**31
# By enum values, which are found without a call of Python's.
_HOLD_NUMBERS = {dtype._enum: dtype.np for dtype in (float32, float64)}
_HOLD_INTEGERS = {dtype._enum: dtype.np for dtype in (int32, int64, float32, float64)}


def number(value: float, dtype: Any) -> tuple[np.ndarray, DType] | None:
    """Fast path: returns a float or int as an array of a common dtype, or None for other cases."""
    held = _HOLD_NUMBERS if type(value) is float else _HOLD_INTEGERS
    numpy_dtype = held.get(getattr(dtype, "_enum", 0))
    if numpy_dtype is None or not -_LIMIT < value < _LIMIT:
        return None
    return np.array(value, numpy_dtype), dtype


# What values of a class are converted by, without a search for conversions that others have registered: variables.
READERS: dict[type, Callable[[Any], Tensor]] = {}


def convert_to_tensor(
    value: Any,
    dtype: Any = None,
    name: str | None = None,
    as_ref: bool = False,
    preferred_dtype: Any = None,
    dtype_hint: Any = None,
) -> Tensor:
    """Returns `value` as a tensor of the current context.

    Args:
      value: a tensor, variable, array, Python number, string, or nested list of these.
      dtype: the required dtype.
      dtype_hint: the preferred dtype, if the conversion is possible.

    Raises:
      ValueError: a tensor has another dtype, or the value cannot be converted.
      TypeError: the elements do not fit `dtype`.
    """
    if dtype is not None:
        dtype = as_dtype(dtype)._base
    if type(value) in READERS and (dtype is None or dtype is value.dtype):
        return READERS[type(value)](value)
    if type(value) in NUMBERS:
        wanted = dtype or dtype_hint or preferred_dtype or NUMBERS[type(value)]
        quick = number(value, wanted)
        if quick is not None:
            return slots.MAKE_CONSTANT(*quick, name)
    elif isinstance(value, Tensor):
        if dtype is not None and value.dtype is not dtype and value.dtype.base_dtype is not dtype:
            raise ValueError(
                f"Tensor conversion requested dtype {dtype.name} for Tensor with dtype "
                f"{value.dtype.name}: {value!r}"
            )
        return value
    hint = dtype_hint if dtype_hint is not None else preferred_dtype
    if dtype is None and hint is not None:
        try:
            return _convert(value, as_dtype(hint).base_dtype, name)
        except (TypeError, ValueError):
            return _convert(value, None, name)
    return _convert(value, dtype, name)


def is_holder(kind: type) -> bool:
    """True for classes of other libraries that hold a variable, such as Keras's."""
    return getattr(kind, "_should_act_as_resource_variable", False) is True


def index_tensor(value: Any, name: str | None = None) -> Tensor:
    """Returns indices or sizes as a tensor: int32 if they have no dtype of their own and fit, else int64."""
    if isinstance(value, (list, tuple)) and holds_tensor(value):
        return convert_to_tensor(value, name=name)
    return convert_to_tensor(value, name=name, dtype_hint=int64 if leaves_int32(value) else int32)


def leaves_int32(value: Any) -> bool:
    """True if a number, or any number in a nested sequence, is an integer outside int32."""
    if isinstance(value, (list, tuple)):
        return any(map(leaves_int32, value))
    if isinstance(value, (int, np.integer)):
        return not -(2**31) <= value < 2**31
    if isinstance(value, np.ndarray) and value.dtype.kind in "iu" and value.dtype.itemsize >= 4:
        return bool(value.size) and (leaves_int32(value.max()) or leaves_int32(value.min()))
    return False


def _convert(value: Any, dtype: DType | None, name: str | None) -> Tensor:
    kind = type(value)
    if kind in (float, int, bool, str, bytes, complex) or isinstance(
        value, (np.ndarray, np.generic)
    ):
        return _constant(value, dtype, name)
    own = getattr(kind, "__tf_tensor__", None)
    if own is not None and not _registered_is_nearer(kind):
        return _checked(own(value, dtype, name), dtype)
    for _, types, conversion in _REGISTERED:
        if isinstance(value, types):
            result = conversion(value, dtype=dtype, name=name, as_ref=False)
            if result is not NotImplemented:
                return _checked(result, dtype)
    if isinstance(value, (list, tuple)):
        plain = plain_array(value, dtype, STATE.graph is not None)
        if plain is not None:
            return slots.MAKE_CONSTANT(*plain, name)
        if holds_tensor(value):
            return slots.PACK(value, dtype, name)
        composite = next((x for x in value if getattr(x, "_is_composite", False)), None)
        if composite is not None:
            raise unsupported(composite)
    return _constant(value, dtype, name)


def _registered_is_nearer(kind: type) -> bool:
    """True if a conversion is registered for a class itself, and `__tf_tensor__` is inherited from a base class.

    So subclasses of `tf.Variable` can hold their value in another way.
    """
    nearer = _REGISTERED_IS_NEARER.get(kind)
    if nearer is None:
        below = itertools.takewhile(lambda c: "__tf_tensor__" not in vars(c), kind.__mro__)
        registered = {t for _, types, _ in _REGISTERED for t in types}
        nearer = _REGISTERED_IS_NEARER[kind] = not registered.isdisjoint(below)
    return nearer


def _checked(tensor: Tensor, dtype: DType | None) -> Tensor:
    if dtype is not None and tensor.dtype.base_dtype is not dtype:
        raise ValueError(
            f"Tensor conversion requested dtype {dtype.name} for Tensor with dtype "
            f"{tensor.dtype.name}: {tensor!r}"
        )
    return tensor


def _constant(value: Any, dtype: DType | None, name: str | None) -> Tensor:
    plain = plain_array(value, dtype) if type(value) in (float, int, bool, range) else None
    if STATE.graph is not None and is_tensor_message(value):
        return _checked(slots.above("constant_of_message")(value, name), dtype)
    array, dtype = plain or to_array(value, dtype, STATE.graph is not None)
    return slots.MAKE_CONSTANT(array, dtype, name)


def is_tensor_message(value: Any) -> bool:
    """True for a TensorProto, which stands for a constant in graphs, but not eagerly."""
    return (
        getattr(getattr(value, "DESCRIPTOR", None), "full_name", None) == "tensorflow.TensorProto"
    )


def holds_tensor(values: Any) -> bool:
    """True if a nested sequence holds a tensor or what converts itself to one."""
    for value in values:
        if isinstance(value, (list, tuple)):
            if holds_tensor(value):
                return True
        elif is_tensor_like(value) or hasattr(type(value), "__tf_tensor__"):
            return True
    return False
