"""JSON values as arrays of a signature's dtypes, and arrays as JSON."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError, ResourceExhaustedError
from penstock._src.serving.requirements import orjson
from penstock._src.serving.servables.servable import TensorInfo

# Outputs of these names hold bytes, which are written in base64.
_BYTES_SUFFIX = "_bytes"
# Values of a text with NaN or Infinity, which takes Python's slow reader.
_MOST_WITH_NAN = 100_000
_MOST_AXES = 64  # NumPy's limit
# Non-numeric JSON values, by type.
_OTHERS = {str: "a string", dict: "null or an object", type(None): "null or an object"}
# What NumPy makes of lists of JSON's numbers, by the kind of dtype they are for.
_KINDS = {"f": "iuf", "V": "iuf", "i": "iu", "u": "iu", "b": "b", "c": "iuf"}


def parse(text: bytes, values: int = 0) -> Any:
    """Returns the value of a JSON text; NaN, Infinity and -Infinity are numbers.

    Args:
      text: JSON.
      values: how many there are in it, if that is known.

    Raises:
      InvalidArgumentError: it is not JSON.
      ResourceExhaustedError: it has NaN among too many values.
    """
    try:
        return orjson().loads(text)
    except ValueError as error:
        refusal = error
    if b"NaN" in text or b"Infinity" in text:  # a regular expression takes a second for 50 MB
        if values > _MOST_WITH_NAN:
            raise ResourceExhaustedError(
                f"The JSON text has NaN or Infinity outside of long arrays of numbers, among {values:,} values. Expected "
                f"{_MOST_WITH_NAN:,} at most."
            )
        try:
            value = json.loads(text)
            json.dumps(
                value, ensure_ascii=False
            ).encode()  # half a surrogate pair is not valid text
            return value
        except (ValueError, RecursionError) as error:
            refusal = ValueError(str(error))
    raise InvalidArgumentError(f"JSON Parse error: {refusal}")


def array_of(value: Any, info: TensorInfo, name: str) -> np.ndarray:
    """Returns a JSON value, a number or nested lists, as an array of an input's dtype.

    Args:
      value: as `Texts` gives it.
      info: of the input.
      name: of the input, for messages.

    Raises:
      InvalidArgumentError: it is ragged, or has values that the dtype does not hold.
    """
    if info.dtype is dtypes.string:
        return _strings(value, name)
    if isinstance(value, list) and (wrong := _other_than_numbers(value, info.dtype.is_bool)):
        _refuse(info, name, wrong)
    try:
        array = np.array(value)
    except (ValueError, OverflowError) as error:
        _refuse(info, name, f"numbers in lists of unequal lengths or depths ({error})")
    kind = info.dtype.np.kind
    if info.dtype is dtypes.uint64 and array.dtype.kind == "f":
        array = _unsigned(value, array)
    if array.dtype.kind not in _KINDS.get(kind, "") and array.size:
        _refuse(info, name, _described(array))
    return _converted(array, info, name)


def _other_than_numbers(value: list[Any], takes_bools: bool) -> str:
    """Return a description of a list's elements that are not numbers; "" if there are none.

    NumPy would convert all to text, while other threads wait, and true among numbers to 1.
    """
    others = _OTHERS if takes_bools else _OTHERS | {bool: "true or false"}
    left = [value]
    while left:
        items = left.pop()
        kinds = set(map(type, items))
        if wrong := kinds & others.keys():
            return others[wrong.pop()]
        if list in kinds:
            left += [item for item in items if isinstance(item, list)]
    return ""


def _unsigned(value: Any, array: np.ndarray) -> np.ndarray:
    """Returns a list's integers as they are: NumPy makes floating-point numbers of those on both sides of 2**63."""
    exact = np.array(value, object)
    numbers = exact.ravel().tolist()
    if all(type(number) is int and 0 <= number < 1 << 64 for number in numbers):
        return exact.astype(np.uint64)
    return array


def _converted(array: np.ndarray, info: TensorInfo, name: str) -> np.ndarray:
    target = info.dtype.np
    if target.kind in "iu" and array.size and target.itemsize < 8 or target.kind == "u":
        limits = np.iinfo(target)
        if array.size and (array.min() < limits.min or array.max() > limits.max):
            _refuse(info, name, "a number out of its range")
    if target == np.int64 and array.dtype.kind == "u":
        _refuse(info, name, "a number out of its range")
    with np.errstate(over="raise"):
        try:
            return array.astype(target)
        except FloatingPointError:
            _refuse(info, name, "a number out of its range")


def _described(array: np.ndarray) -> str:
    kinds = {
        "f": "a number that is not a 64-bit integer",
        "b": "true or false",
        "U": "a string",
        "O": "null or an object",  # or an integer that no word holds
    }
    return kinds.get(array.dtype.kind, "another value")


def _refuse(info: TensorInfo, name: str, what: str) -> NoReturn:
    raise InvalidArgumentError(f"The input '{name}' is of type {info.dtype.name}. Received {what}.")


def _strings(value: Any, name: str) -> np.ndarray:
    flat: list[bytes] = []
    shape = _flatten(value.tolist() if isinstance(value, np.ndarray) else value, flat, name)
    strings = np.empty(len(flat), object)
    strings[:] = flat
    return strings.reshape(shape)


def _flatten(value: Any, flat: list[bytes], name: str, depth: int = 0) -> tuple[int, ...]:
    """Appends the strings of nested lists to `flat`; returns the shape of the lists."""
    if not isinstance(value, list):
        flat.append(bytes_of(value, name))
        return ()
    if depth == _MOST_AXES:
        raise InvalidArgumentError(
            f"The input '{name}': an array has at most {_MOST_AXES} axes. Received lists within more lists."
        )
    shapes = {_flatten(item, flat, name, depth + 1) for item in value}
    if len(shapes) > 1:
        raise InvalidArgumentError(
            f"The input '{name}': expected lists of equal lengths and depths. Received {sorted(shapes)}."
        )
    return (len(value), *(shapes.pop() if shapes else ()))


def bytes_of(value: Any, name: str) -> bytes:
    """Returns a JSON string, or the object {"b64": ...}, as bytes.

    Raises:
      InvalidArgumentError: it is neither.
    """
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, Mapping) and value.keys() == {"b64"} and isinstance(value["b64"], str):
        try:
            return base64.b64decode(value["b64"], validate=True)
        except ValueError as error:  # from binascii, or because the text is not ASCII
            raise InvalidArgumentError(
                f"The input '{name}': unable to base64 decode ({error})."
            ) from error
    raise InvalidArgumentError(
        f"The input '{name}' is of type string. Received {type(value).__name__} where a string or an object {{\"b64\": ...}} "
        "was expected."
    )


def is_bytes_object(value: Any) -> bool:
    """True if a JSON value is {"b64": ...}, which encodes a string."""
    return isinstance(value, dict) and len(value) == 1 and "b64" in value


def jsonable(array: np.ndarray, name: str) -> Any:
    """Returns the value that `dumps` writes for an output: the array itself, or nested lists.

    Args:
      array: an output.
      name: of the output; if it ends with "_bytes", its strings are written in base64.

    Raises:
      InvalidArgumentError: its strings are not UTF-8, its numbers are complex, or it holds no values.
    """
    if array.dtype == object:
        return _texts(array.tolist(), name)
    if array.dtype.kind == "c":
        raise InvalidArgumentError(f"The output '{name}' is complex, which JSON cannot hold.")
    if array.dtype.kind not in "fiub" or array.dtype.itemsize == 2 and array.dtype.kind == "f":
        array = array.astype(np.float32)  # narrow numbers
    if not array.ndim:
        return array[()]
    return array if array.flags.c_contiguous else np.ascontiguousarray(array)


def _texts(value: Any, name: str) -> Any:
    if isinstance(value, list):
        return [_texts(item, name) for item in value]
    if not isinstance(value, bytes):
        raise InvalidArgumentError(f"The output '{name}' holds no values that JSON can hold.")
    if name.endswith(_BYTES_SUFFIX):
        return {"b64": base64.b64encode(value).decode()}
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise InvalidArgumentError(
            f"The output '{name}' holds bytes that are not UTF-8 ({error}). An output whose name ends with '{_BYTES_SUFFIX}' is "
            "written in base64."
        ) from error


def dumps(value: Any, arrays: Any) -> bytes:
    """Returns the JSON text of values with arrays in them.

    Args:
      value: as orjson takes it.
      arrays: those in it. If one has numbers that are not finite, they are written NaN, Infinity and -Infinity.
    """
    if all(map(_is_plain, arrays)):
        return orjson().dumps(value, option=orjson().OPT_SERIALIZE_NUMPY)
    return json.dumps(value, default=_lists).encode()


def _is_plain(value: Any) -> bool:
    """True if all floating-point numbers of a value are finite."""
    return not isinstance(value, np.ndarray | np.floating | float) or bool(np.isfinite(value).all())


def _lists(array: np.ndarray | np.generic) -> Any:
    """An array or number as nested lists of the shortest decimals that give its numbers back."""
    if array.dtype == np.float32:
        flat = [float(str(number)) for number in array.ravel()]
        return np.array(flat, np.float64).reshape(array.shape).tolist()
    return array.tolist()
