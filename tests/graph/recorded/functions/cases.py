"""The table of functions, and specs of their arguments."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple


class Case(NamedTuple):
    """A function to compare. `make(tf)` returns what `tf.function` takes, or for TensorFlow 1 (graph, inputs, outputs)."""

    make: Callable[[Any], Any]
    specs: tuple[tuple[str, tuple[int | None, ...]], ...]
    kind: str


CASES: dict[str, Case] = {}


def f(*shape: int | None) -> tuple[str, tuple[int | None, ...]]:
    """The spec of a tensor of floats."""
    return "float32", shape


def i(*shape: int | None) -> tuple[str, tuple[int | None, ...]]:
    """The spec of a tensor of integers."""
    return "int32", shape


def b(*shape: int | None) -> tuple[str, tuple[int | None, ...]]:
    """The spec of a tensor of booleans."""
    return "bool", shape


def maker(*specs: Any, kind: str = "") -> Callable[[Any], Any]:
    """Registers a function that takes the module and returns the function to trace."""

    def register(make: Any) -> Any:
        name = make.__name__
        assert name not in CASES, name
        CASES[name] = Case(make, specs, kind or make.__module__.rpartition(".")[2])
        return make

    return register


def case(*specs: Any) -> Callable[[Any], Any]:
    """Registers a function that takes the module and the arguments."""

    def register(traced: Any) -> Any:
        def make(tf: Any) -> Any:
            return functools.partial(traced, tf)

        make.__name__, make.__module__ = traced.__name__, traced.__module__
        maker(*specs)(make)
        return traced

    return register
