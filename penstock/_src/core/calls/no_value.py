"""Advice for Python code that needs the value of a symbolic tensor: it depends on why AutoGraph did not convert that line."""

import sys
from types import FrameType
from typing import Any

from penstock._src.util.locations import belongs_to_library, is_users
from penstock._src.util.slots import above

OPS = "tf.cond, tf.while_loop or tf.where"
# Names of code that AutoGraph leaves as it is, inside of functions that it converts.
_EXPRESSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")


def advice(graph: Any) -> str:
    """Returns the remedy for using a symbolic tensor as a Python value on the user's line that runs now.

    Args:
      graph: the graph that the tensor belongs to.
    """
    frame = _users_frame()
    function = "" if frame is None else frame.f_code.co_name
    if not graph.building_function:
        return f"This is a tf.Graph: use {OPS}, or run the tensor in a session."
    if not _converts(graph):
        return f"The function is traced with autograph=False: leave that out, so that AutoGraph converts `if`, `for` and `while`, or use {OPS}."
    if frame is not None and (function in _EXPRESSIONS or above("is_converted")(frame.f_code)):
        return (
            "AutoGraph converts `if`, `for` and `while` statements, but not comprehensions and other expressions: "
            f"write a statement, or use tf.map_fn, {OPS}."
        )
    return (
        f"AutoGraph has not converted '{function}': it is decorated with do_not_convert, called by a library, or without source code. "
        f"Decorate it with @tf.function, or use {OPS}."
    )


def _converts(graph: Any) -> bool:
    """True if AutoGraph converts the function traced into a graph or into one around it."""
    while graph is not None and graph.building_function:
        if not graph.converts:
            return False
        graph = graph.enclosing
    return True


def _users_frame() -> FrameType | None:
    """Returns the innermost frame of the user's."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if is_users(file) and not belongs_to_library(file):
            return frame
        frame = frame.f_back
    return None
