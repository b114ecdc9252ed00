""":classify and :regress: tf.Examples as JSON objects."""

from __future__ import annotations

from typing import Any

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.proto.example import Example
from penstock._src.serving.rest.parsing import values


def examples_of(request: Any) -> list[bytes]:
    """Returns the serialized examples of a request; the features of its context are added to each that lacks them.

    Args:
      request: an object with "examples", a list of objects of features, and "context", such an object, or none.

    Raises:
      InvalidArgumentError: it is something else.
    """
    listed = request.get("examples")
    if not isinstance(listed, list) or not listed:
        raise InvalidArgumentError(
            "When method is classify or regress, key 'examples' is expected to be a non-empty list."
        )
    context = _serialized(request["context"], "context") if "context" in request else b""
    return [context + _serialized(item, f"example {i}") for i, item in enumerate(listed)]


def _serialized(features: Any, where: str) -> bytes:
    if not isinstance(features, dict):
        raise InvalidArgumentError(
            f"Example must be JSON object but got JSON {_kind(features)} in {where}."
        )
    example = Example()
    for name, value in features.items():
        _fill(example.features.feature[name], value, name)
    return example.SerializeToString()


def _fill(feature: Any, value: Any, name: str) -> None:
    items = value if isinstance(value, list) else [value]
    kinds = {_kind(item) for item in items}
    if kinds <= {"string"}:
        feature.bytes_list.value.extend([values.bytes_of(item, name) for item in items])
    elif kinds == {"integer"}:
        _extend(feature, "int64_list", items, name)
    elif kinds <= {"integer", "number"}:
        _extend(feature, "float_list", items, name)
    else:
        raise InvalidArgumentError(
            f"The feature '{name}' must be a number, a string, or a list of values of one of these kinds. Received {sorted(kinds)}."
        )


def _extend(feature: Any, field: str, items: list[Any], name: str) -> None:
    try:
        getattr(feature, field).value.extend(items)
    except (ValueError, OverflowError) as error:
        raise InvalidArgumentError(f"The feature '{name}': {error}.") from error


def _kind(value: Any) -> str:
    """Return the name of a JSON value's type."""
    if isinstance(value, str) or values.is_bytes_object(value):
        return "string"
    kinds = {bool: "boolean", int: "integer", float: "number", list: "list", dict: "object"}
    return kinds.get(type(value), "null")
