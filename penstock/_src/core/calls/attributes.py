"""Attributes of ops: converts user values to the form that ops store.

The annotation in the op's class gives the type: bool, int, float, str, bytes, DType, TensorShape, Literal[...], list[...]
of these, `Function` (a graph function), `Tensor` (an array).
"""

import contextlib
import ctypes
import functools
import re
import typing
from array import array
from typing import Any, Literal

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dispatch import STATE
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.shapes import TensorShape, as_shape

REQUIRED = object()
_FEW_NUMBERS = 8  # of a list, whose key is made of them one by one; of more, it is their bytes, in a hundredth of the time


class Function:
    """Annotation of an attribute that holds a graph function."""


_ORIGIN = functools.cache(typing.get_origin)  # of the annotations of ops' classes


class TensorValue:
    """Annotation of an attribute that holds the value of a tensor."""


def convert_attribute(op: str, name: str, annotation: Any, value: Any) -> Any:
    """Returns `value` in the form that ops store, hashable where possible.

    Raises:
      TypeError: it has the wrong type.
      InvalidArgumentError: it is not one of the literals; ValueError in graphs.
    """
    if annotation is Function:
        if isinstance(value, int | float) or value is None:
            raise TypeError(f"Don't know how to convert {value!r} to a func for argument {name}")
        # A ConcreteFunction is stored as its graph function.
        return getattr(value, "graph_function", value)
    if annotation is Any or annotation is TensorValue:
        return value
    origin = _ORIGIN(annotation)
    if origin is list:
        if not isinstance(value, (list, tuple, np.ndarray, TensorShape)):
            if STATE.graph is not None:
                kind = type(value).__name__
                raise TypeError(f"Expected list for attr {name}, obtained {kind} instead.")
            raise TypeError(f"Expected list for '{name}' argument to '{op}' Op, not {value}.")
        (element,) = typing.get_args(annotation)
        return tuple(convert_attribute(op, name, element, v) for v in value)
    if origin is Literal:
        text = value.decode() if isinstance(value, bytes) else value
        choices = typing.get_args(annotation)
        if text not in choices:
            raise _refusal(op, name, text, choices)
        return text
    return _convert_scalar(op, name, annotation, value)


def as_text(value: bytes) -> str:
    """Returns a string attribute as ops store it; bytes that are not UTF-8 become lone surrogates."""
    return value.decode("utf-8", "surrogateescape")


def as_bytes(text: str) -> bytes:
    """Returns the bytes of a string attribute: the inverse of `as_text`."""
    return text.encode("utf-8", "surrogateescape")


def attribute_key(value: Any) -> Any:
    """A key that is equal for equal values of an attribute only: 0.0 differs from -0.0, which are equal as numbers."""
    if isinstance(value, (float, np.floating)):
        return float(value).hex()
    if isinstance(value, (tuple, list)):
        if len(value) > _FEW_NUMBERS and set(map(type, value)) == {float}:
            return array("d", value).tobytes()
        return tuple([attribute_key(element) for element in value])
    return value


def check_minimum(op: str, name: str, value: Any, least: int) -> None:
    """Raises InvalidArgumentError (ValueError in graphs) if a number, or the length of a list, is below `least`."""
    number = len(value) if isinstance(value, tuple) else value
    if number >= least:
        return
    if STATE.graph is not None:
        length = "" if number is value else "list of length "
        raise ValueError(
            f"Attr '{name}' of '{op}' Op passed {length}{number} less than minimum {least}."
        )
    what = f"{number}" if number is value else f"Length {number} of list"
    raise InvalidArgumentError(
        f"Value for attr '{name}' of {what} must be at least minimum {least} [Op:{op}]"
    )


# Names of containers of resources.
_CONTAINER = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_./-]*\Z")


def check_container(op: str, name: str) -> None:
    """Raises InvalidArgumentError if a container of resources has a name of other characters than TensorFlow allows."""
    if not _CONTAINER.match(name):
        raise InvalidArgumentError(f"container contains invalid characters: {name} [Op:{op}]")


def _refusal(op: str, name: str, text: Any, choices: tuple[Any, ...]) -> Exception:
    """Returns the error for a value that is not one of the literals."""
    if not isinstance(text, str):
        return TypeError(f"Expected string for argument '{name}' not {text}.")
    shown = ", ".join(f'"{c}"' for c in choices)
    if STATE.graph is not None:
        return ValueError(f"Attr '{name}' of '{op}' Op passed string '{text}' not in: {shown}.")
    return InvalidArgumentError(
        f"Value for attr '{name}' of \"{text}\" is not in the list of allowed values: {shown} "
        f"[Op:{op}]"
    )


def _convert_scalar(op: str, name: str, kind: Any, value: Any) -> Any:
    if kind is dtypes.DType:
        return _as_dtype(name, value)
    if kind is TensorShape:
        return _as_shape(name, value)
    if kind is bool and isinstance(value, bool):
        return value
    if kind in (int, float) and not isinstance(value, (str, bytes)):
        # The error below is clearer.
        with contextlib.suppress(TypeError, ValueError, OverflowError):
            # TensorFlow stores float attributes as float32.
            return int(value) if kind is int else ctypes.c_float(value).value
    if kind is str and isinstance(value, (str, bytes)):
        return as_text(value) if isinstance(value, bytes) else value
    if kind is bytes and isinstance(value, (str, bytes)):
        return value.encode() if isinstance(value, str) else value
    name_of_kind = getattr(kind, "__name__", str(kind))
    if STATE.graph is not None:
        name_of_kind = "string" if kind in (str, bytes) else name_of_kind
        raise TypeError(f"Expected {name_of_kind} for argument '{name}' not {value!r}.")
    raise TypeError(
        f"Expected {name_of_kind} for argument '{name}' of '{op}' Op, not {value!r} of type "
        f"'{type(value).__name__}'."
    )


def _as_dtype(name: str, value: Any) -> Any:
    try:
        return dtypes.as_dtype(value).base_dtype
    except TypeError:
        if STATE.graph is None:
            raise
        raise TypeError(f"Expected DataType for argument '{name}' not {value!r}.") from None


def _as_shape(name: str, value: Any) -> TensorShape:
    try:
        return as_shape(value)
    except (TypeError, ValueError) as error:
        if STATE.graph is None:
            raise
        raise TypeError(
            f"Error converting {value!r} (arg name = {name}) to a TensorShape: {error}"
        ) from None
