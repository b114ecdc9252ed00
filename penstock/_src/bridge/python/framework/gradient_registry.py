"""The registry of gradients, `ops._gradient_registry`: programs read gradients of ops there, call them, and set others in their place.

Explainers of models do so (DeepLIFT's rules, guided backpropagation). Gradients are methods of the classes of ops here; so an entry of the registry is made when it is
asked for, and what is set in it is noted in `registered_gradients.REPLACED`, at which the tape and the gradients of graphs look.
"""

from __future__ import annotations

import functools
import inspect
import traceback
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

from penstock._src.autodiff.tape import OpEntry
from penstock._src.core import registry
from penstock._src.graph.registered_gradients import (
    REPLACED,
    WITHOUT_GRADIENT,
    RegisterGradient,
)

from .registry import Registry


class _Dropped:
    """A stand-in for a tensor that the tape did not keep."""

    _id = -1


@functools.cache
def own_gradient(op_type: str) -> Callable[..., Any]:
    """Returns the gradient of an op's class as a function `f(op, *gradients)`.

    It returns a tensor, or a list of one for each input if there are several.
    """

    def gradient(op: Any, *gradients: Any) -> Any:
        inputs = [_Dropped if t is None else t for t in op.inputs]
        outputs = [_Dropped if t is None else t for t in op.outputs]
        result = OpEntry(op.raw_op, inputs, outputs).own_backward(gradients)
        return result[0] if len(result) == 1 else list(result)

    gradient.__name__ = f"_{op_type}Grad"
    return gradient


class _Entry(dict[str, Any]):
    """A gradient and where it was registered; setting the gradient replaces it."""

    def __init__(self, name: str, function: Any, location: Any) -> None:
        super().__init__(type=function, location=location)
        self._name = name

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        if key == "type":
            _set(self._name, value)


def _set(name: str, function: Any) -> None:
    """Gives ops of a type a gradient; a class's own is put back as it was."""
    if _is_defined(name):
        if function is _of_class(name):
            REPLACED.pop(name, None)
        else:
            REPLACED[name] = function
    elif function is None:
        RegisterGradient.functions.pop(name, None)
        WITHOUT_GRADIENT.add(name)
    else:
        WITHOUT_GRADIENT.discard(name)
        RegisterGradient.functions[name] = function


def _is_defined(name: str) -> bool:
    """True if the class of an op defines its gradient, or that it has none."""
    cls = registry.lookup(name)
    return cls is not None and (cls.has_gradient or not cls.differentiable)


def _of_class(name: str) -> Callable[..., Any] | None:
    """Returns the gradient of an op's class, None if it has none."""
    return own_gradient(name) if registry.find(name).has_gradient else None


class _Gradients(MutableMapping[str, Any]):
    """The gradients of classes and those of programs, as {op type: entry}."""

    def __init__(self) -> None:
        # classes' gradients that a program took away
        self._removed: set[str] = set()

    def __getitem__(self, name: str) -> _Entry:
        if name in self._removed:
            raise KeyError(name)
        function: Any = None
        if name in REPLACED:
            function = REPLACED[name]
        elif _is_defined(name):
            function = _of_class(name)
        elif name in RegisterGradient.functions:
            function = RegisterGradient.functions[name]
        elif name not in WITHOUT_GRADIENT:
            raise KeyError(name)
        return _Entry(name, function, _location(function))

    def __setitem__(self, name: str, entry: Any) -> None:
        self._removed.discard(name)
        _set(name, entry["type"])

    def __delitem__(self, name: str) -> None:
        self[name]
        if _is_defined(name):
            self._removed.add(name)
            REPLACED[name] = functools.partial(_raise_missing, name)
        else:
            RegisterGradient.functions.pop(name, None)
            WITHOUT_GRADIENT.discard(name)

    def __iter__(self) -> Iterator[str]:
        own = (name for name in registry.raw_names() if _is_defined(name))
        names = dict.fromkeys((*own, *RegisterGradient.functions, *WITHOUT_GRADIENT))
        return (name for name in names if name not in self._removed)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _raise_missing(name: str, _op: Any, *_gradients: Any) -> None:
    raise LookupError(f"gradient registry has no entry for: {name}")


def _location(function: Any) -> traceback.FrameSummary:
    """The location of a function's definition."""
    code = getattr(inspect.unwrap(function), "__code__", None) if callable(function) else None
    if code is None:
        return traceback.FrameSummary("", 0, "")
    return traceback.FrameSummary(code.co_filename, code.co_firstlineno, code.co_name)


class GradientRegistry(Registry):
    """The gradients of all ops."""

    def __init__(self) -> None:
        super().__init__("gradient")
        self._registry = _Gradients()
