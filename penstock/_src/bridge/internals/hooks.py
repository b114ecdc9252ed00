"""Functions that Keras registers with TensorFlow, and the load options that Keras reads."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

from penstock._src.util.export import export

_CALLABLES: dict[str, Callable[..., Any]] = {}
_LOSS_SCALE_WRAPPERS: dict[type, tuple[Callable[..., Any], Any]] = {}
_LOADING = threading.local()
_using_mixed_precision_policy = False


@export("__internal__.register_call_context_function", v1=[])
def register_call_context_function(func: Callable[..., Any]) -> None:
    """Keeps the function that returns Keras's call context."""
    _CALLABLES["call_context"] = func


@export("__internal__.register_clear_session_function", v1=[])
def register_clear_session_function(func: Callable[..., Any]) -> None:
    """Keeps the function that clears Keras's session."""
    _CALLABLES["clear_session"] = func


@export("__internal__.register_get_session_function", v1=[])
def register_get_session_function(func: Callable[..., Any]) -> None:
    """Keeps the function that returns Keras's session."""
    _CALLABLES["get_session"] = func


@export("__internal__.register_load_model_function", v1=[])
def register_load_model_function(func: Callable[..., Any]) -> None:
    """Keeps the function that loads a Keras model."""
    _CALLABLES["load_model"] = func


@export("__internal__.tracking.register_session_provider", v1=[])
def register_session_provider(session_provider: Callable[..., Any]) -> None:
    """Keeps the function that returns the session in which graphs restore checkpoints."""
    _CALLABLES.setdefault("session_provider", session_provider)


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


def get_session_provider() -> Callable[..., Any] | None:
    """Returns the function that returns the session of graphs' checkpoints, if one was given."""
    return _CALLABLES.get("session_provider")


@export("__internal__.mixed_precision.register_loss_scale_wrapper", v1=[])
def register_loss_scale_wrapper(
    optimizer_cls: type, wrapper_fn: Callable[..., Any], wrapper_cls: Any = None
) -> None:
    """Registers how optimizers of a class get a loss scale: `wrapper_fn(optimizer, loss_scale)`."""
    _LOSS_SCALE_WRAPPERS[optimizer_cls] = (wrapper_fn, wrapper_cls)


def loss_scale_wrapper(optimizer: Any) -> Callable[..., Any] | None:
    """Returns the registered function that gives an optimizer a loss scale, or None."""
    for kind, (wrapper, _) in _LOSS_SCALE_WRAPPERS.items():
        if isinstance(optimizer, kind):
            return wrapper
    return None


@export("__internal__.train.is_mixed_precision_graph_rewrite_enabled", v1=[])
def is_mixed_precision_graph_rewrite_enabled() -> bool:
    """False: graphs are never rewritten to other dtypes."""
    return False


@export("__internal__.train.set_using_mixed_precision_policy", v1=[])
def set_using_mixed_precision_policy(using_mixed_precision_policy: bool) -> None:
    """Records whether Keras's global policy uses mixed precision."""
    global _using_mixed_precision_policy
    _using_mixed_precision_policy = using_mixed_precision_policy


def is_using_mixed_precision_policy() -> bool:
    """Whether Keras's global policy uses mixed precision."""
    return _using_mixed_precision_policy


@export("__internal__.load_context", v1=[])
@contextlib.contextmanager
def load_context(load_options: Any) -> Iterator[None]:
    """A context in which `get_load_options` returns `load_options`."""
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
    """Whether a `load_context` encloses this call."""
    return get_load_options() is not None
