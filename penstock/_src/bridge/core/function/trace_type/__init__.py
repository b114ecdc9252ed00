"""Contexts and messages of `tensorflow.core.function.trace_type`."""

from typing import Any

from penstock._src.function.structured_values import decode, encode
from penstock._src.v1.graphs.default_graph import get_default_graph, placeholder


class InternalCastContext:
    """Passed to `cast`.

    Args:
      allow_specs: whether a spec is taken as a value of its type.
    """

    def __init__(self, allow_specs: bool = False) -> None:
        self.allow_specs = allow_specs


class InternalPlaceholderContext:
    """Passed to `placeholder_value`.

    Args:
      context_graph: the graph in which placeholders are made; None: the current one.
      placeholder_mapping: {type: its placeholder} of placeholders that exist.
      unnest_only: whether types are unpacked without placeholders.
      with_none_control_dependencies: whether placeholders are made outside control dependencies.
      composite_device_name: accepted.
    """

    def __init__(
        self,
        context_graph: Any = None,
        placeholder_mapping: dict[Any, Any] | None = None,
        unnest_only: bool = False,
        with_none_control_dependencies: bool = False,
        composite_device_name: str | None = None,
    ) -> None:
        self.context_graph = context_graph
        self.unnest_only = unnest_only
        self.with_none_control_dependencies = with_none_control_dependencies
        self.composite_device_name = composite_device_name
        self.naming_scope: str | None = None
        self._placeholders = dict(placeholder_mapping or {})

    def placeholder(self, spec: Any) -> Any:
        """Returns a placeholder of a TensorSpec, which gives it its name."""
        with (self.context_graph or get_default_graph()).as_default():
            return placeholder(spec.dtype, spec.shape, spec.name or self.naming_scope)

    def has_placeholder(self, alias_id: Any) -> bool:
        """True if there is a placeholder for this number."""
        return alias_id in self._placeholders

    def get_placeholder(self, alias_id: Any) -> Any:
        """Returns the placeholder for a number."""
        return self._placeholders[alias_id]

    def add_placeholder(self, alias_id: Any, placeholder: Any) -> None:
        """Keeps the placeholder for a number."""
        self._placeholders[alias_id] = placeholder

    def update_naming_scope(self, naming_scope: str | None) -> None:
        """Sets the name of placeholders whose types have none."""
        self.naming_scope = naming_scope


def serialize(to_serialize: Any) -> Any:
    """Returns a type as a StructuredValue message."""
    return encode(to_serialize)


def deserialize(proto: Any) -> Any:
    """Returns the type of a message that `serialize` gave."""
    return decode(proto)
