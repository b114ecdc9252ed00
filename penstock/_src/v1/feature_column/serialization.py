"""Columns as plain values, and back."""

from __future__ import annotations

import inspect
from typing import Any

from penstock._src.util.export import export
from penstock._src.v1.feature_column.bases import FeatureColumn
from penstock._src.v1.variables import initializers

# {name: class} of what a configuration may name.
_CLASSES: dict[str, type] = {"TruncatedNormal": initializers.TruncatedNormal}
_NESTED = "__passive_serialization__"


def registered(cls: type) -> type:
    """Makes a class of columns one that configurations may name."""
    _CLASSES[cls.__name__] = cls
    return cls


@export("__internal__.feature_column.serialize_feature_column", v1=[])
def serialize_feature_column(fc: Any) -> Any:
    """Returns a column as `{"class_name": ..., "config": ...}`, and a key as it is.

    Args:
      fc: a column or a key.

    Returns:
      A dict or a str.

    Raises:
      ValueError: it is neither a column nor a key.
    """
    if isinstance(fc, str):
        return fc
    if not isinstance(fc, FeatureColumn):
        raise ValueError(f"Instance: {fc} is not a FeatureColumn")
    return {"class_name": type(fc).__name__, "config": fc.get_config()}


@export("__internal__.feature_column.deserialize_feature_column", v1=[])
def deserialize_feature_column(
    config: Any, custom_objects: Any = None, columns_by_name: dict[str, Any] | None = None
) -> Any:
    """Returns the column of a configuration.

    Args:
      config: what `serialize_feature_column` returned.
      custom_objects: {name: class or function} that the configuration may name.
      columns_by_name: the columns made so far; an equal one is returned instead of a second.

    Returns:
      A column, or the key.

    Raises:
      ValueError: the configuration is malformed, or names an unknown class.
    """
    if isinstance(config, str):
        return config
    columns_by_name = {} if columns_by_name is None else columns_by_name
    cls, arguments = _class_and_config(config, _CLASSES, custom_objects, "feature_column_v2")
    if not issubclass(cls, FeatureColumn):
        raise ValueError(f"Expected FeatureColumn class, instead found: {cls}")
    column = cls.from_config(
        arguments, custom_objects=custom_objects, columns_by_name=columns_by_name
    )
    return columns_by_name.setdefault(name_with_class(column), column)


def serialize_feature_columns(feature_columns: Any) -> list[Any]:
    """Returns the configurations of several columns."""
    return [serialize_feature_column(column) for column in feature_columns]


def deserialize_feature_columns(configs: Any, custom_objects: Any = None) -> list[Any]:
    """Returns the columns of several configurations, equal ones below them made once."""
    columns_by_name: dict[str, Any] = {}
    return [deserialize_feature_column(c, custom_objects, columns_by_name) for c in configs]


def name_with_class(column: Any) -> str:
    """The name by which equal columns are found."""
    return f"{type(column).__name__}:{column.name}"


def serialize_object(instance: Any) -> Any:
    """Returns an initializer (or what else has `get_config`) as plain values, and a function as its name.

    Raises:
      ValueError: it is neither.
    """
    instance = inspect.unwrap(instance) if callable(instance) else instance
    if instance is None:
        return None
    if hasattr(instance, "get_config"):
        config = {key: _plain(value) for key, value in instance.get_config().items()}
        return {"class_name": type(instance).__name__, "config": config}
    if hasattr(instance, "__name__"):
        return instance.__name__
    raise ValueError("Cannot serialize", instance)


def _plain(value: Any) -> Any:
    if isinstance(value, str) or not (hasattr(value, "get_config") or hasattr(value, "__name__")):
        return value
    serialized = serialize_object(value)
    return {**serialized, _NESTED: True} if isinstance(serialized, dict) else serialized


def deserialize_object(config: Any, custom_objects: Any = None) -> Any:
    """Returns the object of a configuration, or the function of a name.

    Args:
      config: what `serialize_object` returned.
      custom_objects: {name: class or function} that it may name, besides the initializers.

    Raises:
      ValueError: the class or function is unknown.
    """
    if config is None or inspect.isfunction(config):
        return config
    known = {**vars(initializers), **(custom_objects or {})}
    if isinstance(config, str):
        if config not in known:
            raise ValueError(f"Unknown object: {config}")
        named = known[config]
        return named() if inspect.isclass(named) else named
    if not isinstance(config, dict):
        raise ValueError(f"Could not interpret serialized object: {config}")
    cls, arguments = _class_and_config(config, known, custom_objects, "object")
    if not hasattr(cls, "from_config"):
        return cls(**arguments)
    takes = "custom_objects" in inspect.signature(cls.from_config).parameters
    return cls.from_config(arguments, **({"custom_objects": custom_objects or {}} if takes else {}))


def _class_and_config(config: Any, known: Any, custom_objects: Any, kind: str) -> tuple[Any, Any]:
    """The class that a configuration names and its arguments, in which named functions are replaced by themselves."""
    if not isinstance(config, dict) or not {"class_name", "config"} <= set(config):
        raise ValueError(f"Improper config format: {config}")
    custom_objects, name = custom_objects or {}, config["class_name"]
    cls = custom_objects.get(name, known.get(name))
    if cls is None:
        raise ValueError(f"Unknown {kind}: {name}")
    arguments = dict(config["config"])
    for key, value in arguments.items():
        if isinstance(value, dict) and _NESTED in value:
            arguments[key] = deserialize_object(value, custom_objects)
        elif isinstance(value, str) and inspect.isfunction(custom_objects.get(value)):
            arguments[key] = custom_objects[value]
    return cls, arguments
