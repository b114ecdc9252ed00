"""`tensorflow.python.framework.function`: functions of TensorFlow 1's graphs."""

from typing import Any

from penstock._src.core.dispatch import STATE
from penstock._src.v1.saving.defun import DefinedFunction as _DefinedFunction
from penstock._src.v1.saving.defun import Defun
from penstock._src.v1.saving.defun import OverloadedFunction as _OverloadedFunction

__all__ = ["Defun", "_DefinedFunction", "_OverloadedFunction"]


def _captures() -> Any:
    graph = STATE.graph
    return graph.captures if graph is not None and graph.building_function else ()


def get_extra_inputs() -> list[Any]:
    """Returns the outer tensors that the function being traced uses."""
    return [outer for outer, _ in _captures()]


def get_extra_args() -> list[Any]:
    """Returns the arguments that stand for the outer tensors in the function being traced."""
    return [inner for _, inner in _captures()]


def get_extra_vars() -> list[Any]:
    """Returns the variables that the function being traced uses."""
    graph = STATE.graph
    return list(graph.variables) if graph is not None and graph.building_function else []
