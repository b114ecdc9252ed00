"""`tensorflow.python.framework.op_callbacks`: functions called with every op of a thread, eager or in a graph."""

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.core.calls import op_callbacks
from penstock._src.core.dispatch import STATE


def add_op_callback(callback_fn: Callable[..., Any]) -> None:
    """Calls `callback_fn` after every op of this thread, once it has run or has been added to a graph.

    Args:
      callback_fn: a function (op_type, inputs, attrs, outputs, op_name=None, graph=None), where `attrs` are names and values
        of attributes in turn. For an eager op and an eager call of a tf.function, `op_name` and `graph` are None. For an
        operation of a graph, the returned tensors replace the outputs, unless the function returns None or the operation contains functions.

    Raises:
      ValueError: `callback_fn` is not callable.

    >>> from penstock._src.bridge.python.framework import op_callbacks
    >>> def show(op_type, inputs, attrs, outputs, op_name=None, graph=None):
    ...     print(op_type, len(inputs))
    >>> op_callbacks.add_op_callback(show)
    >>> y = tf.add(1, 2)
    AddV2 2
    >>> op_callbacks.remove_op_callback(show)
    """
    if callback_fn is None:
        raise ValueError("Passed callback function cannot be None.")
    if not callable(callback_fn):
        raise ValueError(
            "Callback function passed to op_callback() is expected to be callable, "
            f"but got {callback_fn} of type {type(callback_fn)}."
        )
    op_callbacks.add(callback_fn)


def remove_op_callback(op_callback: Callable[..., Any]) -> None:
    """Undoes `add_op_callback`.

    Raises:
      KeyError: `op_callback` was not added in this thread.
    """
    op_callbacks.remove(op_callback)


def clear_op_callbacks() -> None:
    """Removes all callbacks of this thread."""
    for callback in STATE.op_callbacks:
        op_callbacks.remove(callback)


def should_invoke_op_callbacks() -> bool:
    """True if this thread has callbacks and runs none of them at the moment."""
    return bool(STATE.op_callbacks) and not STATE.invoking_op_callbacks


def invoke_op_callbacks(
    op_type: str,
    inputs: Sequence[Any],
    attrs: Any,
    outputs: Sequence[Any],
    op_name: str | None = None,
    graph: Any = None,
) -> Sequence[Any]:
    """Calls the callbacks of this thread with an op.

    Args:
      op_type, inputs, outputs, op_name, graph: passed on.
      attrs: the attributes: a dict, or names and values in turn.

    Returns:
      The outputs, or what the callbacks replace them by.
    """
    named = attrs if isinstance(attrs, dict) else dict(zip(attrs[::2], attrs[1::2], strict=True))
    return op_callbacks.invoke(op_type, inputs, named, outputs, op_name, graph)
