"""TensorFlow 1's Session: compiles and runs the subgraph that the fetches need, cached by feeds and fetches."""

import contextlib
import itertools
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from penstock._src.compiler.compile import compile_graph
from penstock._src.core.calls.deadlines import deadline
from penstock._src.core.dispatch import STATE
from penstock._src.core.errors import (
    InvalidArgumentError,
    NotFoundError,
    OpError,
)
from penstock._src.core.tensor import Tensor
from penstock._src.core.values import kernel_state, resources
from penstock._src.core.values.resources import read_reference
from penstock._src.function import concrete  # noqa: F401 (it gives functions of graphs a way to run)
from penstock._src.graph.graph import Graph
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.native import ask_for_threads
from penstock._src.proto.config import ConfigProto
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only
from penstock._src.v1.graphs import default_graph
from penstock._src.v1.graphs.feeds import feed_parts, feed_value, partial_feed
from penstock._src.v1.graphs.fetches import Fetches
from penstock._src.v1.graphs.handles import TensorHandle
from penstock._src.v1.graphs.partial_runs import PartialRun
from penstock._src.v1.graphs.remote.connection import SCHEME, Connection
from penstock._src.v1.graphs.remote.session import RemoteSession
from penstock._src.v1.graphs.run_metadata import cpu_of, described_run, devices_of
from penstock._src.v1.process.mixed_precision_state import (
    is_mixed_precision_graph_rewrite_enabled,
    set_non_mixed_precision_session_created,
)

_DEFAULT = threading.local()
_NODE = re.compile(r"\{\{node ([^ }]+)\}\}")


def _resources_of(target: str) -> Any:
    """Return the resources of a session: its own, or those of the server with this target; None for other processes' servers."""
    if not target:
        return resources.ResourceManager(keep=True)
    if target in resources.SERVERS:
        return resources.SERVERS[target]
    if target.startswith(SCHEME):
        return None
    raise NotFoundError(
        "No session factory registered for the given session options: "
        f'{{target: "{target}" config: }} Registered factories are {{DIRECT_SESSION}}.'
    )


def _stack() -> list[Any]:
    if not hasattr(_DEFAULT, "sessions"):
        _DEFAULT.sessions = []
    return _DEFAULT.sessions


@export(v1=["get_default_session"])
def get_default_session() -> Any:
    """Returns the innermost session that is the default in this thread, or None."""
    return _stack()[-1] if _stack() else None


def forget_default_sessions() -> None:
    """Makes no session the default of this thread."""
    _stack().clear()


class BaseSession:
    """The common base of Session and InteractiveSession."""

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None) -> None:
        if graph is not None and not isinstance(graph, Graph):
            raise TypeError(
                f'Argument `graph` must be a tf.Graph, but got "{type(graph).__name__}"'
            )
        if target is not None and not isinstance(target, str | bytes):
            raise TypeError(
                f'Argument `target` must be a string, but got "{type(target).__name__}"'
            )
        if config is not None and not isinstance(config, ConfigProto):
            raise TypeError(
                f'Argument `config` must be a tf.ConfigProto, but got "{type(config).__name__}"'
            )
        target = target.decode() if isinstance(target, bytes) else target or ""
        self._graph = graph if graph is not None else default_graph.get_default_graph()
        self._target, self._config = target, config
        if getattr(config, "intra_op_parallelism_threads", 0) > 0:
            ask_for_threads(config.intra_op_parallelism_threads)  # the first session decides
        if not is_mixed_precision_graph_rewrite_enabled():
            set_non_mixed_precision_session_created(True)
        self._resources = _resources_of(target)
        is_remote = self._resources is None
        self._remote = RemoteSession(target, config) if is_remote else None
        self._closed = False
        self._programs: dict[Any, Any] = {}
        # Each session has kernels of its own, so that random numbers start again.
        self._states = kernel_state.States()
        self._partial: dict[bytes, PartialRun] = {}

    graph = read_only("_graph", "The graph it runs.")

    @property
    def graph_def(self) -> Any:
        """The graph as a proto."""
        add_shapes = self._config is not None and self._config.graph_options.infer_shapes
        return self._graph.as_graph_def(add_shapes=add_shapes)  # type: ignore[attr-defined]

    sess_str = read_only("_target", "The target.")

    def list_devices(self) -> list[Any]:
        """Returns the devices, which have a `name` and a `device_type`."""
        if self._remote is None:
            return devices_of(self._config)
        return [cpu_of(name) for name in self._remote.task_names()]

    def close(self) -> None:
        """Discards the values of variables; the session cannot run any more."""
        self._closed = True
        self._programs.clear()
        if self._remote is not None:
            self._remote.close()

    @contextlib.contextmanager
    def as_default(self) -> Iterator[Any]:
        """A context in which `Tensor.eval` and `Operation.run` use this session."""
        _stack().append(self)
        try:
            yield self
        finally:
            if self in _stack():
                if _stack()[-1] is not self:
                    raise AssertionError(
                        f"Nesting violated for default stack of {type(self)} objects"
                    )
                _stack().pop()

    def run(
        self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None
    ) -> Any:
        """Runs the operations that `fetches` depend on and returns their values in the same structure.

        Args:
          fetches: a tensor, operation (value None), variable or name, or a structure of them.
          feed_dict: {tensor: value}, which replaces the value that the graph would compute.
          options: RunOptions; `timeout_in_ms` ends the run with DeadlineExceededError, and a `trace_level` makes `run_metadata`
            tell what ran when.
          run_metadata: a RunMetadata that is filled.

        Raises:
          RuntimeError: the session is closed or the graph empty.
          ValueError, TypeError: a fetch or feed is not in the graph, or a value has a wrong shape or type.
        """
        self._require_open()
        if not self._graph._operations:
            raise RuntimeError(
                "The Session graph is empty. Add operations to the graph before calling run()."
            )
        feeds = self._feeds(feed_dict or {})
        fed = None if self._remote is not None else {tensor._id for tensor, _ in feeds}
        plan = Fetches(self._graph, fetches, reads_first=fed)
        with deadline(self._timeout(options)):
            return self._described(plan, feeds, options, run_metadata)

    def _require_open(self) -> None:
        if self._closed:
            raise RuntimeError("Attempted to use a closed Session.")

    def _timeout(self, options: Any) -> int:
        """The milliseconds that a run may take; 0 for no limit."""
        asked = 0 if options is None else options.timeout_in_ms
        return asked or (0 if self._config is None else self._config.operation_timeout_in_ms)

    def _described(self, plan: Fetches, feeds: list[Any], options: Any, run_metadata: Any) -> Any:
        """Run, and record the run in `run_metadata` if one was passed."""
        if run_metadata is None:
            return self._run(plan, feeds)
        wanted = [op.name for op in (*(t.op for t in plan.tensors), *plan.operations)]
        with described_run(options, run_metadata, self, wanted):
            return self._run(plan, feeds)

    def _run(self, plan: Fetches, feeds: list[tuple[SymbolicTensor, Any]]) -> Any:
        fed = {t._id: value for t, value in feeds}
        wanted = [t for t in plan.tensors if t._id not in fed]
        values = dict(fed)
        if wanted or plan.operations:
            results = self._program(feeds, wanted, plan.operations)([value for _, value in feeds])
            values.update(
                (t._id, read_reference(t.dtype, r)) for t, r in zip(wanted, results, strict=True)
            )
        return plan.pack({key: self._handled(key, value, plan) for key, value in values.items()})

    def _handled(self, key: int, value: Any, plan: Any) -> Any:
        """Returns the value, or the handle of a tensor that the session keeps."""
        maker = plan.keeping.get(key)
        return value if maker is None else TensorHandle(value.item(), maker.inputs[0].dtype, self)

    def _program(
        self,
        feeds: Sequence[Any],
        wanted: list[SymbolicTensor],
        operations: list[Operation],
        already_run: tuple[Operation, ...] = (),
    ) -> Callable[[list[Any]], list[Any]]:
        key = (
            self._graph.version,
            tuple(t._id for t, _ in feeds),
            tuple(t._id for t in wanted),
            tuple(id(op) for op in operations),
            tuple(id(op) for op in already_run),
            STATE.trace_context,
        )
        program = self._programs.get(key)
        if program is None:
            program = self._programs[key] = self._compiled(
                [t for t, _ in feeds], wanted, operations, already_run
            )

        def run(values: list[Any]) -> list[Any]:
            before, STATE.graph = STATE.graph, None
            try:
                if self._remote is not None:
                    return list(program(values))
                with resources.using(self._resources):
                    return program(values)
            except OpError as error:
                self._name_operation(error)
                if error.op is None:
                    raise
                raise error.with_traceback(
                    None
                ) from error.__cause__  # the operation says more than where its kernel is
            finally:
                STATE.graph = before

        return run

    def _compiled(
        self,
        inputs: list[Any],
        wanted: list[Any],
        operations: list[Operation],
        already_run: tuple[Operation, ...],
    ) -> Any:
        if self._remote is not None:
            return self._remote.program(self._graph, inputs, wanted, operations, already_run)
        executable = compile_graph(
            self._graph,
            inputs,
            wanted,
            operations,
            "session",
            states=self._states,
            already_run=already_run,
        )
        if self._graph.breakpoints or STATE.trace_context is not None:
            # Loaded if needed: few programs have breakpoints, or are recorded.
            from penstock._src.observe.debugger.sessions import debugged_session

            return debugged_session(
                self._graph, inputs, wanted, operations, executable, self._states
            )
        return executable

    def _name_operation(self, error: OpError) -> None:
        """Set an error's operation to the one of this graph that its message names."""
        match = _NODE.search(error.message)
        if error.op is None and match is not None:
            error._op = self._graph._by_name.get(match[1])
            error._node_def = None if error._op is None else error._op.node_def

    def _feeds(self, feed_dict: Any) -> list[tuple[SymbolicTensor, Any]]:
        if not isinstance(feed_dict, Mapping):
            raise TypeError(f"feed_dict must be a dict, not {type(feed_dict).__name__}.")
        feeds: list[tuple[SymbolicTensor, Any]] = []
        for key, value in feed_dict.items():
            key = key.deref() if hasattr(key, "deref") else key
            for tensor, part in feed_parts(self._graph, key, value):
                feeds.append((tensor, feed_value(tensor, part)))
        return feeds

    def partial_run_setup(self, fetches: Any, feeds: Any = None) -> bytes:
        """Starts a run in several steps; returns its handle for `partial_run`.

        Args:
          fetches: all fetches of the steps.
          feeds: all feeds of the steps.
        """
        plan = Fetches(self._graph, fetches)
        if not plan.tensors and not plan.operations:
            raise InvalidArgumentError("Must specify at least one target to fetch or execute.")
        fed = [
            self._graph.as_graph_element(part, allow_operation=False)
            for feed in feeds or ()
            for part in partial_feed(feed)
        ]
        handle = f"partial_run_{next(_PARTIAL_RUNS)}".encode()
        self._partial[handle] = PartialRun(self._graph, plan, fed)
        return handle

    def partial_run(self, handle: bytes, fetches: Any, feed_dict: Any = None) -> Any:
        """Continues a run: no operation runs twice in it.

        Raises:
          InvalidArgumentError: the handle is unknown, or a feed or fetch was not set up or was already used.
          RuntimeError: a fetch is an operation, which has no value.
        """
        if handle not in self._partial:
            raise InvalidArgumentError("Must run 'setup' before performing partial runs!")
        run, plan = self._partial[handle], Fetches(self._graph, fetches)
        if plan.operations:
            raise RuntimeError(
                "partial_run() requires empty `target_list`. Received: "
                f"target_list={plan.operations} (non-empty)"
            )
        feeds = self._feeds(feed_dict or {})
        self._require_open()
        with deadline(self._timeout(None)):
            values = self._stepped(run, feeds, plan.tensors)
        return plan.pack({t._id: self._handled(t._id, values[t._id], plan) for t in plan.tensors})

    def make_callable(
        self, fetches: Any, feed_list: Any = None, accept_options: bool = False
    ) -> Any:
        """Returns a function of the values of `feed_list` that runs `fetches`.

        Args:
          fetches: as for `run`.
          feed_list: tensors.
          accept_options: whether the function also takes `options` and `run_metadata`.
        """
        keys = list(feed_list or [])
        names = [key.ref() if isinstance(key, Tensor) else key for key in keys]

        def call(*values: Any, **told: Any) -> Any:
            return self.run(fetches, dict(zip(names, values, strict=False)), **told)

        if accept_options:
            return lambda *values, options=None, run_metadata=None: call(
                *values, options=options, run_metadata=run_metadata
            )
        return lambda *values: call(*values)

    def _make_callable_from_options(self, callable_options: Any) -> Any:
        """Returns a function of values for the feeds of CallableOptions, which returns a list for its fetches."""
        fetches = [*callable_options.fetch, *callable_options.target]
        connections = callable_options.tensor_connection

        def call(*values: Any, run_metadata: Any = None) -> list[Any]:
            feeds = dict(zip(callable_options.feed, values, strict=True))
            options = callable_options.run_options
            if connections:
                with deadline(self._timeout(options)), contextlib.ExitStack() as described:
                    if run_metadata is not None:
                        described.enter_context(described_run(options, run_metadata, self, fetches))
                    results = self._run_connected(fetches, feeds, connections)
            else:
                results = self.run(fetches, feeds, options, run_metadata)
            return results[: len(callable_options.fetch)]

        return call

    def _run_connected(
        self, fetches: list[str], feed_dict: dict[str, Any], connections: Sequence[Any]
    ) -> list[Any]:
        """Runs fetches with tensors replaced by other tensors of the graph: a run in two steps.

        Args:
          fetches: names of tensors and operations.
          feed_dict: {name: value}.
          connections: messages with `to_tensor`, which is replaced by `from_tensor`.
        """
        self._require_open()

        def tensor(name: str) -> Any:
            return self._graph.as_graph_element(name, allow_operation=False)

        pairs = [(tensor(c.to_tensor), tensor(c.from_tensor)) for c in connections]
        sources = {source._id: source for _, source in pairs}
        plan = Fetches(self._graph, [*fetches, *sources.values()])
        feeds = self._feeds(feed_dict)
        run = PartialRun(self._graph, plan, [*(t for t, _ in feeds), *(t for t, _ in pairs)])
        values = self._stepped(run, feeds, list(sources.values()))
        replaced = [(target, values[source._id]) for target, source in pairs]
        others = [t for t in plan.tensors if t._id not in sources]
        values = self._stepped(run, replaced, others, plan.operations)
        return list(plan.pack(values))

    def _stepped(
        self,
        run: PartialRun,
        feeds: list[tuple[SymbolicTensor, Any]],
        fetches: list[SymbolicTensor],
        operations: Sequence[Operation] = (),
    ) -> dict[int, Any]:
        """Makes a step of a run; returns all values so far by the ids of their tensors."""
        step = run.step(feeds, fetches)
        program = self._program(step.given, step.wanted, list(operations), run.already_run)
        values = run.keep(step, program([value for _, value in step.given]))
        references = {t._id: t.dtype for t in fetches}
        return {
            key: read_reference(references[key], value) if key in references else value
            for key, value in values.items()
        }


_PARTIAL_RUNS = itertools.count()


@export(v1=["Session"])
class Session(BaseSession):
    """Runs operations of a graph and keeps the values of its variables.

    Args:
      target: the target of a `tf.distribute.Server`, or "grpc://host:port": operations run in the tasks of its cluster, by their devices, and
        its sessions share their variables. "" for this process.
      graph: the graph; by default the current one.
      config: a ConfigProto; `intra_op_parallelism_threads` takes effect in the first session that computes.
    """

    _contexts: contextlib.ExitStack | None = None

    def __enter__(self) -> "Session":
        if self._contexts is not None:
            raise RuntimeError(
                "Session context managers are not re-entrant. Use `Session.as_default()` if you want to "
                "enter a session multiple times."
            )
        self._contexts = contextlib.ExitStack()
        self._contexts.enter_context(self._graph.as_default())
        self._contexts.enter_context(self.as_default())
        return self

    def __exit__(self, exec_type: Any, exec_value: Any, exec_tb: Any) -> None:
        if self._contexts is not None:
            self._contexts.close()
            self._contexts = None
        self.close()

    @staticmethod
    def reset(target: str, containers: Any = None, config: Any = None) -> None:
        """Frees the variables and other resources of a server's cluster, and ends the sessions that use them.

        Args:
          target: of the server.
          containers: whose resources are freed; by default the one of resources that name none.
          config: a ConfigProto, whose `device_filters` choose among tasks.
        """
        if target in resources.SERVERS:
            resources.SERVERS[target].clear(containers or [""])
        elif target.startswith(SCHEME):
            Connection(target, config).reset(containers or [])


@export(v1=["InteractiveSession"])
class InteractiveSession(BaseSession):
    """A session that is the default from its creation to `close()`."""

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None) -> None:
        super().__init__(target, graph, config)
        _stack().append(self)

    def close(self) -> None:
        """Closes the session. It is then not the default any more."""
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
