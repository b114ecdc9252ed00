"""What a stateful kernel remembers from run to run, such as the position of a random stream.

Eager: one state for each op with equal attributes, until `clear()` (`tf.random.set_seed` calls it).
A graph that is executed has a state for each of its nodes: its executor enters `of_node`.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any


class _Current(threading.local):
    states: dict[Any, Any] | None = None
    node: Any = None


_CURRENT = _Current()
_EAGER: dict[Any, Any] = {}
_LOCK = threading.RLock()


@contextlib.contextmanager
def of_node(states: dict[Any, Any], node: Any) -> Iterator[None]:
    """Keeps the states of kernels run within in `states`, under `node`."""
    before = _CURRENT.states, _CURRENT.node
    _CURRENT.states, _CURRENT.node = states, node
    try:
        yield
    finally:
        _CURRENT.states, _CURRENT.node = before


def in_graph() -> bool:
    """Whether the running kernel is that of a graph's node, which has a state of its own."""
    return _CURRENT.states is not None


def update(op: Any, start: Callable[[], Any], step: Callable[[Any], tuple[Any, Any]]) -> Any:
    """Runs `step(state) -> (result, new state)` on the state of the running kernel; returns the result.

    Args:
      op: the op whose kernel runs.
      start: makes the state at the kernel's first run.
      step: what the run does with it.
    """
    with _LOCK:
        states = _EAGER if _CURRENT.states is None else _CURRENT.states
        key = (op.op_type, tuple(op.attrs.items())) if states is _EAGER else _CURRENT.node
        state = states[key] if key in states else start()
        result, states[key] = step(state)
        return result


def running_node() -> Any:
    """The node of a graph whose kernel runs; None in eager code."""
    return None if _CURRENT.states is None else _CURRENT.node


def of_running_node(make: Callable[[], Any]) -> Any:
    """What the running node of a graph made when it ran first."""
    states = _CURRENT.states
    if states is None:
        return make()
    with _LOCK:
        if _CURRENT.node not in states:
            states[_CURRENT.node] = make()
        return states[_CURRENT.node]


def clear() -> None:
    """Forgets the states of all eager kernels."""
    with _LOCK:
        _EAGER.clear()
