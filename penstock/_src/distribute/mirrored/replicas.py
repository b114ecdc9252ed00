"""Replicas in lockstep: one thread each. One runs at a time until all of them wait in a merge call.

Each replica inherits the caller's thread-local state (the graph, tapes, scopes). All replicas build the caller's
graph, so its scopes are saved and restored when another thread continues.
"""

import contextlib
import contextvars
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from penstock._src.core.calls import lines
from penstock._src.core.dispatch import STATE
from penstock._src.distribute.context import Entered
from penstock._src.distribute.mirrored import grouping
from penstock._src.distribute.values import regroup
from penstock._src.function.autograph.line_tracer import recorded_lines
from penstock._src.util import nest
from penstock._src.util.slots import above_if_loaded

# Attributes of a graph that hold the current scopes of new operations.
SCOPES = ("_scope", "_container", "_binding", "_control_stack", "_colocation")


class _Stopped(BaseException):
    """Ends the thread of a replica after another replica failed."""


@dataclass
class MergeRequest:
    """A function to call once for all replicas, with this replica's share of the arguments."""

    function: Callable[..., Any]
    args: Any
    kwargs: Any


class Replica:
    """A replica's thread."""

    def __init__(self, context: Any, function: Callable[..., Any], args: Any, kwargs: Any) -> None:
        self.context, self.function, self.args, self.kwargs = context, function, args, kwargs
        context.replica = self
        self.result: Any = None
        self.error: BaseException | None = None
        self.request: MergeRequest | None = None
        self.answer: Any = None
        self.is_finished = self._is_stopped = False
        self._state, self._graph = dict(STATE.__dict__), STATE.graph
        self._scopes = scopes_of(self._graph)
        self._lines = recorded_lines() if lines.is_recording() else contextlib.nullcontext()
        self._may_run, self._has_paused = threading.Semaphore(0), threading.Semaphore(0)
        scope_of_variables = above_if_loaded("replica_variable_scope")
        self._variables = scope_of_variables and scope_of_variables(reuse=context._id > 0)
        surroundings = contextvars.copy_context()
        self._thread = threading.Thread(target=surroundings.run, args=(self._run,), daemon=True)

    def advance(self) -> None:
        """Runs the replica until it requests a merge or ends.

        Raises: any error that the replica raised.
        """
        before = scopes_of(self._graph)
        set_scopes(self._graph, self._scopes)
        if self._thread.ident is None:
            self._thread.start()
        self._may_run.release()
        self._has_paused.acquire()
        self._scopes = scopes_of(self._graph)
        set_scopes(self._graph, before)
        if self.error is not None:
            raise self.error

    def stop(self) -> None:
        """Ends the thread if it is still waiting."""
        if self._thread.ident is not None and not self.is_finished:
            self._is_stopped = True
            self._may_run.release()
            self._thread.join()

    def merge(self, request: MergeRequest) -> Any:
        """Passes a request to the caller and waits for this replica's share of the answer.

        Raises:
          RuntimeError: the replica builds another graph than the caller's.
        """
        if STATE.graph is not self._graph:
            raise RuntimeError(
                "`merge_call` called while defining a new graph or a tf.function. This can often "
                "happen if the function `fn` passed to `strategy.run()` contains a nested "
                "`@tf.function`, and the nested `@tf.function` contains a synchronization point, "
                "such as aggregating gradients (e.g, optimizer.apply_gradients), or if the "
                "function `fn` uses a control flow statement which contains a synchronization "
                "point in the body."
            )
        self.request = request
        self._has_paused.release()
        self._may_run.acquire()
        if self._is_stopped:
            raise _Stopped
        self.request = None
        return self.answer

    def _run(self) -> None:
        self._may_run.acquire()
        STATE.__dict__.update(self._state)
        STATE.device = self.context.device
        try:
            with Entered(self.context.strategy, self.context), self._names(), self._lines:
                self.result = self.function(*self.args, **self.kwargs)
        except _Stopped:
            pass
        except BaseException as error:  # raised again in the caller's thread
            self.error = error
        finally:
            self.is_finished = True
            self._has_paused.release()

    @contextlib.contextmanager
    def _names(self) -> Iterator[None]:
        """The scopes of operations and of variables: the first replica makes these, the others find them."""
        with contextlib.ExitStack() as stack:
            if self._graph is not None and self.context._id > 0:
                outer = self._graph.get_name_scope()
                scope = f"{outer}/" if outer else ""
                stack.enter_context(self._graph.name_scope(f"{scope}replica_{self.context._id}/"))
            if self._variables is not None:
                stack.enter_context(self._variables)
            yield


def scopes_of(graph: Any) -> list[Any]:
    """Returns the current values of SCOPES in a graph; an empty list without a graph."""
    return [] if graph is None else [getattr(graph, name) for name in SCOPES]


def set_scopes(graph: Any, values: Sequence[Any]) -> None:
    """Restores the values that `scopes_of` returned."""
    for name, value in zip(SCOPES, values):
        setattr(graph, name, value)


def run_in_step(strategy: Any, replicas: Sequence[Replica]) -> Any:
    """Runs the replicas to completion, answers their merge calls, and returns their results as one structure.

    Raises:
      RuntimeError: some replicas ended while others wait in a merge call.
    """
    try:
        while True:
            for replica in replicas:
                replica.advance()
            if all(replica.is_finished for replica in replicas):
                return regroup([replica.result for replica in replicas])
            if any(replica.is_finished for replica in replicas):
                raise RuntimeError(
                    "Some replicas made a different number of replica_context().merge_call() calls."
                )
            _answer(strategy, replicas)
    finally:
        for replica in replicas:
            replica.stop()


def _answer(strategy: Any, replicas: Sequence[Replica]) -> None:
    """Calls the function that the replicas requested, in the scopes of the first one."""
    requests = [replica.request for replica in replicas if replica.request is not None]
    graph, before = STATE.graph, scopes_of(STATE.graph)
    set_scopes(graph, replicas[0]._scopes)
    try:
        with Entered(strategy, None):
            args = regroup([request.args for request in requests])
            kwargs = regroup([request.kwargs for request in requests])
            merged = requests[0].function(strategy, *args, **kwargs)
        merged = nest.map_structure(grouping.unshared, merged)
    finally:
        set_scopes(graph, before)
    for i, replica in enumerate(replicas):
        replica.answer = grouping.select(i, merged)
