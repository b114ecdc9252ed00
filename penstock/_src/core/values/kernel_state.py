"""State of stateful kernels between runs, such as the position in a random stream.

Eager ops with equal attributes on one logical CPU share one state until `clear()`, which `tf.random.set_seed` calls. In an executed graph each
node has its own state: the executor enters `of_node`. A node of a function has a state for each call, branch or loop that runs
the function, kept by the outermost graph: there it is, too, where the function is part of a program. Functions that are called
eagerly start again after `clear()` as well, as TensorFlow drops their kernels (`renew`); graphs of sessions go on, and each iteration over a dataset has states for its functions (`ApartStates`).
"""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from penstock._src.util.process import forks


class States(dict[Any, Any]):
    """State of the kernels of a graph, by node and path."""

    def __init__(self) -> None:
        super().__init__()
        self.epoch = EPOCH
        self.updated: set[Any] = set()  # keys of what `update` keeps, such as positions in streams


class ApartStates(States):
    """State of the kernels of a graph and of all functions that it calls, for `run_as`."""


class _Current(threading.local):
    states: dict[Any, Any] | None = None
    node: Any = None
    root: dict[Any, Any] | None = None  # the states of the outermost graph
    path: Any = None  # the node, with the calls in which it runs: (path of the call, node)
    # Root and path of the call whose function runs.
    caller: tuple[dict[Any, Any], Any] | None = None
    device: int = 0  # the logical CPU for which eager ops and functions run


_CURRENT = _Current()
_EAGER: dict[Any, Any] = {}
EPOCH = 0  # how often `clear` was called
# True after `tf.config.experimental.enable_op_determinism`: no kernel may draw its seeds itself.
SEEDS_REQUIRED = [False]
# Called with (states, key, initial state) where a kernel has none yet.
STARTED: list[Callable[[dict[Any, Any], Any, Any], None]] = []
# Marks what a node made beside the state that `update` keeps for it.
_MADE = object()
_LOCK = forks.freed_in_child(threading.RLock())


@contextlib.contextmanager
def of_node(states: dict[Any, Any], node: Any, calls: Sequence[Any] = ()) -> Iterator[None]:
    """Kernels run within this context keep their state in `states` under `node`, which is in the functions of `calls`.

    Copies share the state of the nodes that they name as its owners.
    """
    current = _CURRENT
    before = current.states, current.node, current.root, current.path, current.caller
    keys = [getattr(each, "state_owner", None) or each for each in (*calls, node)]
    root, node = states, keys[-1]
    if current.caller is not None:
        root, outer = current.caller
        if type(root) is ApartStates:
            states = root
        keys.insert(0, outer)
    elif current.device:
        keys.insert(0, current.device)
    path = keys[0]
    for key in keys[1:]:
        path = path, key
    current.states, current.node, current.root, current.path, current.caller = (
        states, node, root, path, None
    )  # fmt: skip
    try:
        yield
    finally:
        current.states, current.node, current.root, current.path, current.caller = before


@contextlib.contextmanager
def calling() -> Iterator[None]:
    """Functions run within this context are called by the running node."""
    before = _CURRENT.caller
    _CURRENT.caller = running_call()
    try:
        yield
    finally:
        _CURRENT.caller = before


def running_call() -> tuple[dict[Any, Any], Any] | None:
    """The running node as a caller for `run_as`; None in eager code."""
    return None if _CURRENT.root is None else (_CURRENT.root, _CURRENT.path)


def run_as(
    caller: tuple[dict[Any, Any], Any], function: Callable[..., Any], *arguments: Any
) -> Any:
    """Calls a function whose kernels keep their state in that of a caller, given as states and a path in them."""
    before = _CURRENT.caller
    _CURRENT.caller = caller
    try:
        return function(*arguments)
    finally:
        _CURRENT.caller = before


@contextlib.contextmanager
def on_device(number: int) -> Iterator[None]:
    """Kernels run within this context have the states of a logical CPU, as each has kernels of its own in TensorFlow."""
    before, _CURRENT.device = _CURRENT.device, number
    try:
        yield
    finally:
        _CURRENT.device = before


def in_graph() -> bool:
    """True if the running kernel belongs to a graph's node, which has its own state."""
    return _CURRENT.states is not None


def update(op: Any, start: Callable[[], Any], step: Callable[[Any], tuple[Any, Any]]) -> Any:
    """Runs `step(state) -> (result, new state)` on the state of the running kernel; returns the result.

    Args:
      op: the op whose kernel runs.
      start: makes the initial state.
      step: the function to run.
    """
    with _LOCK:
        states = _EAGER if _CURRENT.root is None else _CURRENT.root
        key = _CURRENT.path
        if states is _EAGER:
            key = op.op_type, tuple(op.attrs.items()), _CURRENT.device
        if key in states:
            state = states[key]
        else:
            state = start()
            for tell in STARTED:
                tell(states, key, state)
            if isinstance(states, States):
                states.updated.add(key)
        result, states[key] = step(state)
        return result


def running_node() -> Any:
    """Return the graph node that is executing; None in eager code."""
    return None if _CURRENT.states is None else _CURRENT.node


def of_running_node(make: Callable[[], Any]) -> Any:
    """Returns the object that the running graph node made with `make` on its first run."""
    states = _CURRENT.states
    if states is None:
        return make()
    key = _MADE, _CURRENT.node
    with _LOCK:
        if key not in states:
            states[key] = make()
        return states[key]


def keep(instance: Any) -> None:
    """Keeps an object alive with the running graph node, until that keeps another."""
    if _CURRENT.states is not None:
        _CURRENT.states[_MADE, _CURRENT.node] = instance


def clear() -> None:
    """Drops the states of all eager kernels, and of functions before they are called again."""
    global EPOCH
    with _LOCK:
        _EAGER.clear()
        EPOCH += 1


def renew(states: States) -> None:
    """Lets the kernels of a function that is called eagerly start again if `clear` was called since its last call."""
    with _LOCK:
        if states.epoch != EPOCH:
            states.epoch = EPOCH
            for key in states.updated:
                states.pop(key, None)
            states.updated.clear()
