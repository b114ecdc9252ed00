"""Activations and initializers that layers are given by name, and their names in configs."""

import importlib
from collections.abc import Callable
from typing import Any

from penstock._src.api.module import snake_case
from penstock._src.v1.variables import initializers, orthogonal_initializers

# The activations, by where they are.
_ACTIVATIONS = {
    name: f"penstock.nn:{name}"
    for name in "elu gelu leaky_relu relu selu softmax softplus softsign swish tanh sigmoid".split()
} | {"exponential": "penstock:exp", "linear": "penstock:identity"}
_CLASSES: tuple[type, ...] = (
    initializers.Zeros, initializers.Ones, initializers.Constant, initializers.RandomNormal,
    initializers.RandomUniform, initializers.TruncatedNormal, initializers.VarianceScaling,
    initializers.GlorotUniform, initializers.GlorotNormal, orthogonal_initializers.Orthogonal,
    orthogonal_initializers.Identity,
)  # fmt: skip
# The initializers, by the names of their classes and by those in snake case.
_INITIALIZERS: dict[str, Callable[..., Any]] = {
    **{kind.__name__: kind for kind in _CLASSES},
    **{snake_case(kind.__name__): kind for kind in _CLASSES},
    "he_normal": initializers.he_normal,
    "he_uniform": initializers.he_uniform,
    "lecun_normal": initializers.lecun_normal,
    "lecun_uniform": initializers.lecun_uniform,
}


def activation(value: Any) -> Any:
    """Returns the activation given by a function, a name or None.

    Raises:
      ValueError: none has this name.
    """
    if value is None or callable(value):
        return value
    if value not in _ACTIVATIONS:
        raise ValueError(f"Unknown activation function: {value}")
    module, _, name = _ACTIVATIONS[value].partition(":")
    return getattr(importlib.import_module(module), name)


def activation_name(function: Callable[..., Any] | None) -> str:
    """Returns the name of an activation in a config."""
    return "linear" if function is None else function.__name__


def initializer(value: Any) -> Any:
    """Returns the initializer given by a function, a name, a config or None.

    Raises:
      ValueError: none has this name.
    """
    if value is None or callable(value):
        return value
    described = value if isinstance(value, dict) else {"class_name": value, "config": {}}
    if described["class_name"] not in _INITIALIZERS:
        raise ValueError(f"Unknown initializer: {value}")
    return _INITIALIZERS[described["class_name"]](**described["config"])


def initializer_config(value: Any) -> Any:
    """Returns the description of an initializer in a config, or None."""
    if value is None:
        return None
    if hasattr(value, "get_config") and not isinstance(value, type):
        return {"class_name": type(value).__name__, "config": value.get_config()}
    return value.__name__
