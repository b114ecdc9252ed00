"""Functions called with every op of a thread: as it has run eagerly, and as it is added to a graph."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from penstock._src.core.dispatch import STATE

Callback = Callable[..., Any]


class _EagerOps:
    """Hands eager ops to the callbacks; called like a tape."""

    def record_op(self, op: Any, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Call the callbacks unless a graph is being built, where they may replace results."""
        if STATE.graph is None:
            show(op.op_type, inputs, op.attrs, outputs)


_EAGER_OPS = _EagerOps()


def add(callback: Callback) -> None:
    """Has `callback` called with every op of this thread from now on.

    Args:
      callback: a function (op_type, inputs, attrs, outputs, op_name, graph); for its result see `invoke`.
    """
    if callback in STATE.op_callbacks:
        return
    STATE.op_callbacks = (*STATE.op_callbacks, callback)
    if _EAGER_OPS not in STATE.accumulators:
        STATE.accumulators = (*STATE.accumulators, _EAGER_OPS)


def remove(callback: Callback) -> None:
    """Undoes `add`.

    Raises:
      KeyError: `callback` was not added in this thread.
    """
    if callback not in STATE.op_callbacks:
        raise KeyError(
            "The op callback has not been registered in this thread and cannot be removed."
        )
    STATE.op_callbacks = tuple(other for other in STATE.op_callbacks if other != callback)
    if not STATE.op_callbacks:
        STATE.accumulators = tuple(a for a in STATE.accumulators if a is not _EAGER_OPS)


def show(op_type: str, inputs: Sequence[Any], attrs: Any, outputs: Sequence[Any]) -> None:
    """Call the callbacks with an eager op or an eager call of a function. They cannot replace its outputs."""
    if STATE.invoking_op_callbacks:
        return
    with _invoking():
        for callback in STATE.op_callbacks:
            callback(
                op_type, tuple(inputs), _in_turn(attrs), list(outputs), op_name=None, graph=None
            )


def invoke(
    op_type: str,
    inputs: Sequence[Any],
    attrs: Any,
    outputs: Sequence[Any],
    op_name: str | None = None,
    graph: Any = None,
) -> Sequence[Any]:
    """Calls the callbacks with an operation of a graph; ops that the callbacks call themselves are not reported to them.

    Args:
      op_type: the op, such as "MatMul".
      inputs, outputs: its tensors.
      attrs: its attributes, by name.
      op_name, graph: its name, and the graph.

    Returns:
      The tensors that replace the outputs in the graph: what the last callback returned, or `outputs` if that was None.

    Raises:
      ValueError: a callback returned another number of tensors.
    """
    if STATE.invoking_op_callbacks:
        return outputs
    shown: Sequence[Any] = tuple(outputs)
    with _invoking():
        for callback in STATE.op_callbacks:
            replaced = callback(
                op_type, tuple(inputs), _in_turn(attrs), shown, op_name=op_name, graph=graph
            )
            if replaced is None:
                continue
            if len(replaced) != len(outputs):
                raise ValueError(
                    f"The op callback returned {len(replaced)} tensors, which does not match the original number of outputs "
                    f"of op {op_name} ({len(outputs)})."
                )
            shown = replaced
    return shown


@contextlib.contextmanager
def _invoking() -> Iterator[None]:
    STATE.invoking_op_callbacks = True
    try:
        yield
    finally:
        STATE.invoking_op_callbacks = False


def _in_turn(attrs: Any) -> tuple[Any, ...]:
    """Names and values of attributes in turn."""
    return tuple(part for item in attrs.items() for part in item)
