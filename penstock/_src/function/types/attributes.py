"""Attributes of graph functions as messages."""

from collections.abc import Mapping
from typing import Any

# The attribute names that `tf.function(experimental_attributes=...)` accepts.
PUBLIC = frozenset(
    "_OutputsOnOpDevice _disable_acd _implements _noinline _tf_data_function api_implements "
    "api_preferred_device disable_summaries_at_runtime experimental_ints_on_device "
    "function_runs_at_most_once go_backwards runtime_constant_optimization time_major".split()
)
TRACING = PUBLIC | {"_XlaMustCompile", "shared_rendezvous"}


def checked_names(attributes: Mapping[str, Any], known: frozenset[str], prefix: str) -> None:
    """Raises ValueError for an attribute that is not known; the message starts with `prefix`."""
    for name in attributes:
        if name not in known:
            raise ValueError(f"{prefix} `{name}` as an attribute.")


def attribute_values(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Returns {name: AttrValue}.

    Raises:
      ValueError: a value is not a bool, int, float, string, list of those or AttrValue.
    """
    return {name: _message(name, value) for name, value in attributes.items()}


def _message(name: str, value: Any) -> Any:
    # Few functions have attributes: import protobuf only for those.
    from penstock._src.proto.graph import AttrValue

    if isinstance(value, AttrValue):
        return value
    message = AttrValue()
    if isinstance(value, list | tuple):
        message.list.SetInParent()
        for item in value:
            field, plain = _field(name, item)
            getattr(message.list, field).append(plain)
        return message
    field, plain = _field(name, value)
    setattr(message, field, plain)
    return message


def _field(name: str, value: Any) -> tuple[str, Any]:
    if isinstance(value, bool):
        return "b", value
    if isinstance(value, int):
        return "i", value
    if isinstance(value, float):
        return "f", value
    if isinstance(value, str | bytes):
        return "s", value.encode() if isinstance(value, str) else value
    raise ValueError(
        f"Attribute {name} must be bool, int, float, string, list, or AttrValue. Got {type(value)}."
    )
