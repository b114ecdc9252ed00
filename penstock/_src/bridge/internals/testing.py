"""Decorators of `tensorflow.python.framework.test_util`; most have nothing to switch on or off here."""

from __future__ import annotations

from typing import Any, TypeVar

Decorated = TypeVar("Decorated")


def _as_is(func: Decorated) -> Decorated:
    """Returns the function unchanged."""
    return func


disable_cudnn_autotune = run_v2_only = run_all_in_graph_and_eager_modes = _as_is
disable_tfrt = disable_mlir_bridge = deprecated_graph_mode_only = _as_is
enable_control_flow_v2 = _as_is


def run_in_graph_and_eager_modes(func: Any = None, **options: Any) -> Any:
    """Returns a test that runs eagerly."""
    del options
    return _as_is if func is None else func


def InstallStackTraceHandler() -> None:
    """Does nothing: Python's own faulthandler shows stacks."""
