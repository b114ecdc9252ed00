"""Global state of a program: seeds, thread settings, and init_scope."""

import contextlib
import random
from collections.abc import Iterator
from typing import Any

import numpy as np

from penstock._src.core import dispatch
from penstock._src.core.dispatch import STATE
from penstock._src.core.values import kernel_state
from penstock._src.util.export import export


class Context:
    """The global seed and the stream of op seeds derived from it."""

    def __init__(self) -> None:
        self.global_seed: int | None = None
        self._rng: random.Random | None = None

    def set_global_seed(self, seed: int | None) -> None:
        """Sets the seed and starts the stream of op seeds again."""
        self.global_seed = seed
        self._rng = self._stream()
        kernel_state.clear()

    def _stream(self) -> random.Random:
        seed = self.global_seed
        if seed is None or isinstance(seed, (int, float)):
            return random.Random(seed)
        try:
            return random.Random(hash(seed))
        except TypeError:  # an unhashable tensor
            return random.Random(int(np.asarray(seed)))

    def internal_operation_seed(self) -> int:
        """Returns the next op seed of the stream, as TensorFlow draws it for eager ops."""
        if self._rng is None:
            self._rng = self._stream()
        return self._rng.randint(0, 2**31 - 1)


CONTEXT = Context()


@export("executing_eagerly", v1=[])
def executing_eagerly() -> bool:
    """Returns True if operations run at once: outside of `tf.function` and graphs.

    Returns:
      A Python bool; under `tf.init_scope`, of the context outside.

    >>> tf.executing_eagerly()
    True
    """
    return STATE.graph is None


@export(v1=["executing_eagerly"])
def executing_eagerly_v1() -> bool:
    """True if ops run at once."""
    return STATE.graph is None


@export(v1=["executing_eagerly_outside_functions"])
def executing_eagerly_outside_functions() -> bool:
    """True if ops run at once outside all functions."""
    return outermost_graph() is None


def outermost_graph() -> Any:
    """Returns the graph being built outside all functions, or None if that context is eager."""
    graph = STATE.graph
    while graph is not None and graph.building_function:
        graph = graph.enclosing
    return graph


@export("init_scope")
@contextlib.contextmanager
def init_scope() -> Iterator[None]:
    """A context that runs its operations outside of all functions being traced.

    It is for values that a function makes once, such as the initial value of a variable. The
    operations see no control dependencies and no tape; the name scope stays.

    Returns:
      A context manager.

    >>> @tf.function
    ... def traced():
    ...     with tf.init_scope():
    ...         print(tf.executing_eagerly())
    >>> traced()
    True
    """
    graph, inner = outermost_graph(), STATE.graph
    if inner is None and not STATE.tapes:  # as it is
        yield
        return
    if graph is inner:
        with dispatch.init_scope_graph(graph), _without_dependencies(graph):
            yield
        return
    scope = inner.get_name_scope()
    scope += "/" if scope else ""
    before = STATE.eager_name_scope
    device = dispatch.device(STATE.device or _calling_device(inner))
    with dispatch.init_scope_graph(graph), _without_dependencies(graph), device:
        if graph is not None:
            with graph.name_scope(scope):
                yield
            return
        STATE.eager_name_scope = scope
        try:
            yield
        finally:
            STATE.eager_name_scope = before


def _calling_device(graph: Any) -> str | None:
    """The device for which the outermost function being traced is called."""
    device = None
    while graph is not None and graph.building_function:
        device, graph = graph.calling_device, graph.enclosing
    return device


def _without_dependencies(graph: Any) -> contextlib.AbstractContextManager[Any]:
    return contextlib.nullcontext() if graph is None else graph.control_dependencies(None)
