"""TensorFlow 1's Session: compiles and runs the subgraph that the fetches need, cached by feeds and fetches."""

import collections
import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.compile import compile_graph
from penstock._src.core import dtypes
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.dispatch import STATE
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.tensor import Tensor
from penstock._src.core.values import resources
from penstock._src.core.values.arrays import to_array
from penstock._src.core.values.resources import VariableHandle
from penstock._src.eager.tensor import EagerTensor
from penstock._src.function import concrete  # noqa: F401 (it gives functions of graphs a way to run)
from penstock._src.graph.graph import Graph
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.native import ask_for_threads
from penstock._src.util import nest
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only
from penstock._src.v1.graphs import default_graph
from penstock._src.v1.graphs.handles import KEEPING, TensorHandle

_DEFAULT = threading.local()


def _stack() -> list[Any]:
    if not hasattr(_DEFAULT, "sessions"):
        _DEFAULT.sessions = []
    return _DEFAULT.sessions


@export(v1=["get_default_session"])
def get_default_session() -> Any:
    """Returns the innermost session that is the default in this thread, or None."""
    return _stack()[-1] if _stack() else None


class BaseSession:
    """The common base of Session and InteractiveSession."""

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None) -> None:
        if graph is not None and not isinstance(graph, Graph):
            raise TypeError(
                f'Argument `graph` must be a tf.Graph, but got "{type(graph).__name__}"'
            )
        self._graph = graph if graph is not None else default_graph.get_default_graph()
        self._target, self._config = target, config
        if getattr(config, "intra_op_parallelism_threads", 0) > 0:
            ask_for_threads(config.intra_op_parallelism_threads)  # the first session decides
        self._resources = resources.SERVERS.get(target) or resources.ResourceManager(keep=True)
        self._closed = False
        self._programs: dict[Any, Any] = {}
        self._partial: dict[bytes, _PartialRun] = {}

    graph = read_only("_graph", "The graph it runs.")

    @property
    def graph_def(self) -> Any:
        """The graph as a proto."""
        return self._graph.as_graph_def()  # type: ignore[attr-defined]

    sess_str = read_only("_target", "The target.")

    def list_devices(self) -> list[Any]:
        """Returns the names of the devices."""
        return ["/job:localhost/replica:0/task:0/device:CPU:0"]

    def close(self) -> None:
        """Discards the values of variables; the session cannot run any more."""
        self._closed = True
        self._programs.clear()

    @contextlib.contextmanager
    def as_default(self) -> Iterator[Any]:
        """A context in which `Tensor.eval` and `Operation.run` use this session."""
        _stack().append(self)
        try:
            yield self
        finally:
            _stack().remove(self)

    def run(
        self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None
    ) -> Any:
        """Runs the operations that `fetches` depend on and returns their values in the same structure.

        Args:
          fetches: a tensor, operation (value None), variable or name, or a structure of them.
          feed_dict: {tensor: value}, which replaces the value that the graph would compute.
          options, run_metadata: accepted for compatibility; no effect.

        Raises:
          RuntimeError: the session is closed or the graph empty.
          ValueError, TypeError: a fetch or feed is not in the graph, or a value has a wrong shape or type.
        """
        if self._closed:
            raise RuntimeError("Attempted to use a closed Session.")
        if not self._graph._operations:
            raise RuntimeError(
                "The Session graph is empty. Add operations to the graph before calling run()."
            )
        plan = _Fetches(self._graph, fetches)
        feeds = self._feeds(feed_dict or {})
        given = {t._id: value for t, value in feeds}
        wanted = [t for t in plan.tensors if t._id not in given]
        values = dict(given)
        if wanted or plan.operations:
            results = self._program(feeds, wanted, plan.operations)([value for _, value in feeds])
            values.update((t._id, _read(t, r)) for t, r in zip(wanted, results, strict=True))
        return plan.pack({key: self._handled(key, value, plan) for key, value in values.items()})

    def _handled(self, key: int, value: Any, plan: Any) -> Any:
        """Returns the value, or the handle of a tensor that the session keeps."""
        maker = plan.keeping.get(key)
        return value if maker is None else TensorHandle(value.item(), maker.inputs[0].dtype, self)

    def _program(
        self, feeds: Sequence[Any], wanted: list[SymbolicTensor], operations: list[Operation]
    ) -> Callable[[list[Any]], list[Any]]:
        key = (
            self._graph.version,
            tuple(t._id for t, _ in feeds),
            tuple(t._id for t in wanted),
            tuple(id(op) for op in operations),
        )
        program = self._programs.get(key)
        if program is None:
            inputs = [t for t, _ in feeds]
            program = compile_graph(self._graph, inputs, wanted, operations, "session")
            self._programs[key] = program

        def run(values: list[Any]) -> list[Any]:
            before, STATE.graph = STATE.graph, None
            try:
                with resources.using(self._resources):
                    return program(values)
            finally:
                STATE.graph = before

        return run

    def _feeds(self, feed_dict: Any) -> list[tuple[SymbolicTensor, Any]]:
        feeds: list[tuple[SymbolicTensor, Any]] = []
        for key, value in feed_dict.items():
            key = key.deref() if hasattr(key, "deref") else key
            for tensor, part in _feed_parts(self._graph, key, value):
                feeds.append((tensor, _feed_value(tensor, part)))
        return feeds

    def partial_run_setup(self, fetches: Any, feeds: Any = None) -> bytes:
        """Starts a run in several steps; returns its handle for `partial_run`.

        Args:
          fetches: all fetches of the steps.
          feeds: all feeds of the steps.
        """
        plan = _Fetches(self._graph, fetches)
        fed = [self._graph.as_graph_element(feed, allow_operation=False) for feed in feeds or ()]
        handle = f"partial_run_{next(_PARTIAL_RUNS)}".encode()
        self._partial[handle] = _PartialRun(plan, fed)
        return handle

    def partial_run(self, handle: bytes, fetches: Any, feed_dict: Any = None) -> Any:
        """Continues a run: tensors that earlier steps fed and fetched keep their values.

        Raises:
          InvalidArgumentError: the handle is unknown, or a feed or fetch was not set up or was already used.
          RuntimeError: a fetch is an operation, which has no value.
        """
        if handle not in self._partial:
            raise InvalidArgumentError("Must run 'setup' before performing partial runs!")
        run, plan = self._partial[handle], _Fetches(self._graph, fetches)
        if plan.operations:
            raise RuntimeError(
                "partial_run() requires empty `target_list`. Received: "
                f"target_list={plan.operations} (non-empty)"
            )
        feeds = self._feeds(feed_dict or {})
        run.take(feeds, plan.tensors)
        values = self.run(plan.tensors, {t.ref(): v for t, v in run.known})
        run.keep(plan.tensors, values)
        return plan.pack({t._id: v for t, v in zip(plan.tensors, values, strict=True)})

    def make_callable(
        self, fetches: Any, feed_list: Any = None, accept_options: bool = False
    ) -> Any:
        """Returns a function of the values of `feed_list` that runs `fetches`."""
        keys = list(feed_list or [])
        names = [key.ref() if isinstance(key, Tensor) else key for key in keys]
        return lambda *values: self.run(fetches, dict(zip(names, values, strict=False)))


class _PartialRun:
    """The remaining feeds and fetches of a run in several steps, and the values so far."""

    def __init__(self, plan: Any, feeds: Sequence[SymbolicTensor]) -> None:
        self._fetches = {t._id for t in plan.tensors}
        self._feeds = {t._id: t for t in feeds}
        self.known: list[tuple[SymbolicTensor, Any]] = []

    def take(self, feeds: Sequence[tuple[SymbolicTensor, Any]], fetches: Sequence[Any]) -> None:
        """Accepts the feeds of a step.

        Raises:
          InvalidArgumentError: a feed was not set up, or was already used.
        """
        for tensor, value in feeds:
            if self._feeds.pop(tensor._id, None) is None:
                raise InvalidArgumentError(
                    f"The feed {tensor.name} was not specified in partial_run_setup, or has already been fed."
                )
            self.known.append((tensor, value))
        for tensor in fetches:
            if tensor._id not in self._fetches:
                raise InvalidArgumentError(
                    f"The fetch {tensor.name} was not specified in partial_run_setup, or has already been "
                    "fetched."
                )

    def keep(self, fetches: Sequence[Any], values: Sequence[Any]) -> None:
        """Stores the values that a step fetched."""
        for tensor, value in zip(fetches, values, strict=True):
            self._fetches.discard(tensor._id)
            self.known.append((tensor, value))


_PARTIAL_RUNS = itertools.count()


def _feed_parts(graph: Graph, key: Any, value: Any) -> list[tuple[SymbolicTensor, Any]]:
    if isinstance(key, IndexedSlices) or nest.is_composite(key):
        parts = nest.flatten(key, expand_composites=True)
        if hasattr(value, "nested_row_splits"):
            value = [value.flat_values, *value.nested_row_splits]
        return list(zip(parts, value, strict=False))
    try:
        tensor = graph.as_graph_element(key, allow_operation=False)
    except (KeyError, ValueError, TypeError) as error:
        raise TypeError(f"Cannot interpret feed_dict key as Tensor: {error}") from None
    return [(tensor, value)]


def _feed_value(tensor: SymbolicTensor, value: Any) -> Any:
    if isinstance(value, Tensor):
        if isinstance(value, EagerTensor):
            return value._value
        raise TypeError(
            "The value of a feed cannot be a tf.Tensor object. Acceptable feed values include Python "
            "scalars, strings, lists, numpy ndarrays, or TensorHandles. For reference, the tensor object "
            f"was {value} which was passed to the argument `feed_dict` with key {tensor}."
        )
    if tensor.dtype in (dtypes.resource, dtypes.variant):
        return value
    if isinstance(value, TensorHandle):
        value = value.handle if tensor.dtype is dtypes.string else value.eval()
    array, _ = to_array(value, tensor.dtype)
    if not tensor.shape.is_compatible_with(array.shape):
        raise ValueError(
            f"Cannot feed value of shape {array.shape} for Tensor {tensor.name}, which has shape "
            f"{tensor.shape}"
        )
    return array


class _Fetches:
    """The fetches of a run: their tensors and operations, and the structure of their values."""

    def __init__(self, graph: Graph, fetches: Any) -> None:
        self.graph = graph
        self.fetches = fetches
        self.tensors: list[SymbolicTensor] = []
        self.operations: list[Operation] = []
        self._collect(fetches)
        # The operations that keep tensors, by the ids of their handle tensors.
        self.keeping = {t._id: t.op for t in self.tensors if t.op.type == KEEPING}

    def _collect(self, fetch: Any) -> None:
        children = _children(fetch)
        if children is not None:
            for child in children:
                self._collect(child)
            return
        for part in _parts(fetch):
            element = self._element(part)
            (self.tensors if isinstance(element, SymbolicTensor) else self.operations).append(
                element
            )

    def _element(self, fetch: Any) -> Any:
        if fetch is None:
            raise TypeError('Argument `fetch` = None has invalid type "NoneType". Cannot be None')
        handle = getattr(fetch, "handle", None)
        if handle is not None and hasattr(fetch, "_as_graph_element"):
            fetch = fetch._as_graph_element()
        try:
            return self.graph.as_graph_element(fetch)
        except TypeError as error:
            raise TypeError(
                f'Argument `fetch` = {fetch} has invalid type "{type(fetch).__name__}" must be a string '
                f"or Tensor. ({error})"
            ) from None
        except (ValueError, KeyError) as error:
            raise ValueError(
                f"Argument `fetch` = {fetch} cannot be interpreted as a Tensor. ({error})"
            ) from None

    def _value(self, tensor: SymbolicTensor, values: dict[int, Any]) -> Any:
        value = values[tensor._id]
        return value if isinstance(value, TensorHandle) else _as_numpy(value, tensor.dtype)

    def pack(self, values: dict[int, Any]) -> Any:
        """Returns the values, structured like the fetches."""
        return self._pack(self.fetches, values)

    def _pack(self, fetch: Any, values: dict[int, Any]) -> Any:
        children = _children(fetch)
        if children is not None:
            found = [self._pack(child, values) for child in children]
            return _filled(fetch, found) if isinstance(fetch, dict) else nest.rebuild(fetch, found)
        parts = _parts(fetch)
        found = []
        for part in parts:
            element = self._element(part)
            found.append(
                self._value(element, values) if isinstance(element, SymbolicTensor) else None
            )
        if len(parts) == 1 and parts[0] is fetch:
            return found[0]
        return _composite_value(fetch, found)


def _read(tensor: Any, value: Any) -> Any:
    """Reads a reference to a v1 variable; returns any other value unchanged."""
    if isinstance(value, VariableHandle) and tensor.dtype is not dtypes.resource:
        return value.read()
    return value


def _children(fetch: Any) -> Any:
    if isinstance(fetch, dict):  # in the order of insertion: any object may be a key
        return list(fetch.values())
    if isinstance(fetch, list | tuple):
        return nest.children(fetch)
    return None


def _filled(mapping: Any, values: list[Any]) -> Any:
    """Returns a mapping of the same class with other values."""
    pairs = zip(mapping, values, strict=True)
    if isinstance(mapping, collections.defaultdict):
        return type(mapping)(mapping.default_factory, pairs)
    return type(mapping)(pairs)


def _parts(fetch: Any) -> list[Any]:
    if nest.is_composite(fetch) and not hasattr(fetch, "handle"):
        return nest.flatten(fetch, expand_composites=True)
    return [fetch]


def _composite_value(fetch: Any, parts: list[Any]) -> Any:
    make = getattr(fetch, "_value_from_arrays", None)
    if make is not None:
        return make(parts)
    return tuple(parts)


def _as_numpy(value: Any, dtype: Any) -> Any:
    if dtype in (dtypes.resource, dtypes.variant) or not isinstance(value, np.ndarray):
        return value
    return value.copy() if value.ndim else value[()]


@export(v1=["Session"])
class Session(BaseSession):
    """Runs operations of a graph and keeps the values of its variables.

    Args:
      target: the target of a server in this process, whose sessions share their variables.
      graph: the graph; by default the current one.
      config: a ConfigProto; `intra_op_parallelism_threads` takes effect in the first session that computes.
    """

    def __enter__(self) -> "Session":
        self._contexts = contextlib.ExitStack()
        self._contexts.enter_context(self._graph.as_default())
        self._contexts.enter_context(self.as_default())
        return self

    def __exit__(self, exec_type: Any, exec_value: Any, exec_tb: Any) -> None:
        self._contexts.close()
        self.close()

    @staticmethod
    def reset(target: str, containers: Any = None, config: Any = None) -> None:
        """Does nothing: every session has its own variables."""


@export(v1=["InteractiveSession"])
class InteractiveSession(BaseSession):
    """A session that is the default from its creation to `close()`."""

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None) -> None:
        super().__init__(target, graph, config)
        _stack().append(self)

    def close(self) -> None:
        """Closes the session, which is no longer the default."""
        super().close()
        if self in _stack():
            _stack().remove(self)


def default_session_of(graph: Graph) -> Any:
    """Returns the default session, which must belong to this graph.

    Raises:
      ValueError: there is no default session, or it belongs to another graph.
    """
    session = get_default_session()
    if session is None:
        raise ValueError(
            "Cannot evaluate tensor using `eval()`: No default session is registered. Use `with "
            "sess.as_default()` or pass an explicit session to `eval(session=sess)`"
        )
    if session.graph is not graph:
        raise ValueError(
            "Cannot use the default session to evaluate tensor: the tensor's graph is different from the "
            "session's graph. Pass an explicit session to `eval(session=sess)`."
        )
    return session
