"""Functions that Keras registers with TensorFlow, and the load options that Keras reads."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

from penstock._src.util.export import export

_CALLABLES: dict[str, Callable[..., Any]] = {}
_LOADING = threading.local()


@export("__internal__.register_call_context_function", v1=[])
def register_call_context_function(func: Callable[..., Any]) -> None:
    """Keeps the function that returns Keras's call context.

    Args:
      func: without arguments.
    """
    _CALLABLES["call_context"] = func


@export("__internal__.register_clear_session_function", v1=[])
def register_clear_session_function(func: Callable[..., Any]) -> None:
    """Keeps the function that clears Keras's session.

    Args:
      func: without arguments.
    """
    _CALLABLES["clear_session"] = func


@export("__internal__.register_get_session_function", v1=[])
def register_get_session_function(func: Callable[..., Any]) -> None:
    """Keeps the function that returns Keras's session.

    Args:
      func: without arguments.
    """
    _CALLABLES["get_session"] = func


@export("__internal__.register_load_model_function", v1=[])
def register_load_model_function(func: Callable[..., Any]) -> None:
    """Keeps the function that loads a Keras model.

    Args:
      func: of a path.
    """
    _CALLABLES["load_model"] = func


def get_call_context_function() -> Callable[..., Any] | None:
    """Returns the function that returns Keras's call context, if Keras gave one."""
    return _CALLABLES.get("call_context")


def get_clear_session_function() -> Callable[..., Any] | None:
    """Returns the function that clears Keras's session, if Keras gave one."""
    return _CALLABLES.get("clear_session")


def get_get_session_function() -> Callable[..., Any] | None:
    """Returns the function that returns Keras's session, if Keras gave one."""
    return _CALLABLES.get("get_session")


def get_load_model_function() -> Callable[..., Any] | None:
    """Returns the function that loads a Keras model, if Keras gave one."""
    return _CALLABLES.get("load_model")


@export("__internal__.load_context", v1=[])
@contextlib.contextmanager
def load_context(load_options: Any) -> Iterator[None]:
    """A context in which `get_load_options` returns `load_options`.

    Args:
      load_options: `tf.saved_model.LoadOptions`, or None.

    Returns:
      A context manager.
    """
    before = get_load_options()
    _LOADING.options = load_options
    try:
        yield
    finally:
        _LOADING.options = before


def get_load_options() -> Any:
    """Returns the options of the enclosing `load_context`, or None."""
    return getattr(_LOADING, "options", None)


def in_load_context() -> bool:
    """True if a `load_context` encloses this call."""
    return get_load_options() is not None
