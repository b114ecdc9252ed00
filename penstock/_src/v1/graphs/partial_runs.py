"""Runs of a session in several steps."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.graph.graph import Graph
from penstock._src.graph.needed_operations import needed_operations
from penstock._src.graph.operation import Operation, SymbolicTensor


@dataclasses.dataclass(frozen=True)
class Step:
    """A step: tensors with values, tensors to compute, operations that run, and what the caller asked for."""

    given: list[tuple[SymbolicTensor, Any]]
    wanted: list[SymbolicTensor]
    operations: list[Operation]
    fed: list[SymbolicTensor]
    fetched: list[SymbolicTensor]


class PartialRun:
    """The remaining feeds and fetches of a run in several steps, what has run, and the values so far."""

    def __init__(self, graph: Graph, plan: Any, feeds: Sequence[SymbolicTensor]) -> None:
        self._graph, self._tensors = graph, list(plan.tensors)
        self._operations = list(plan.operations)
        self._fetches = {t._id: False for t in plan.tensors}  # id -> whether it was fetched
        self._feeds = {t._id: False for t in feeds}  # id -> whether it was fed
        self._known: dict[int, tuple[SymbolicTensor, Any]] = {}
        self.already_run: tuple[Operation, ...] = ()

    def step(
        self, feeds: Sequence[tuple[SymbolicTensor, Any]], fetches: Sequence[SymbolicTensor]
    ) -> Step:
        """Plans a step, which also computes what later steps read of its operations.

        Raises:
          InvalidArgumentError: a feed or fetch was not set up, or was already used, or a fetch needs a feed of a later step.
        """
        for tensor, _ in feeds:
            _check("feed", tensor, self._feeds, "fed")
        for tensor in fetches:
            _check("fetch", tensor, self._fetches, "fetched")
        given = {**self._known, **{t._id: (t, value) for t, value in feeds}}
        operations = self._needed(given, fetches, ())
        for tensor in (*fetches, *(t for op in operations for t in op.inputs)):
            if tensor._id in self._feeds and tensor._id not in given:
                raise InvalidArgumentError(
                    f"The fetch needs {tensor.name}, which has not been fed yet."
                )
        later = self._needed(given, self._tensors, self._operations)
        wanted = {t._id: t for t in fetches if t._id not in given}
        wanted.update((t._id, t) for t in self._read_later(operations, later))
        fed = [t for t, _ in feeds]
        return Step(list(given.values()), list(wanted.values()), operations, fed, list(fetches))

    def _needed(
        self,
        given: Mapping[int, tuple[SymbolicTensor, Any]],
        tensors: Sequence[SymbolicTensor],
        operations: Sequence[Operation],
    ) -> list[Operation]:
        inputs = [t for t, _ in given.values()]
        return needed_operations(self._graph, inputs, tensors, operations, self.already_run)

    def _read_later(
        self, operations: Sequence[Operation], later: Sequence[Operation]
    ) -> Iterable[SymbolicTensor]:
        """The results of a step's operations that later steps fetch or whose operations read them."""
        now = set(map(id, operations))
        read = {t._id for op in later if id(op) not in now for t in op.inputs}
        read.update(t._id for t in self._tensors)
        kept = [t for op in operations for t in op.outputs if t._id in read]
        inside = _inside_loops(operations)
        for tensor in kept:
            if id(tensor.op) in inside:
                raise UnimplementedError(
                    f"partial_run: {tensor.name}, within a loop, is read by operations of more than one step."
                )
        return kept

    def keep(self, step: Step, results: Sequence[Any]) -> dict[int, Any]:
        """Stores the values of a step that has run; returns all values so far by the ids of their tensors."""
        self._feeds.update((t._id, True) for t in step.fed)
        self._fetches.update((t._id, True) for t in step.fetched)
        pairs = [*step.given, *zip(step.wanted, results, strict=True)]
        self._known.update((t._id, (t, value)) for t, value in pairs)
        self.already_run += tuple(step.operations)
        return {key: value for key, (_, value) in self._known.items()}


def _inside_loops(operations: Sequence[Operation]) -> set[int]:
    """The ids of operations whose results change as a loop of TensorFlow 1 iterates."""
    inside: set[int] = set()
    for op in operations:
        redirects = op.raw_op.flow.redirects
        if redirects == "enter" or (
            redirects != "exit" and any(id(t.op) in inside for t in op.inputs)
        ):
            inside.add(id(op))
    return inside


def _check(what: str, tensor: SymbolicTensor, known: Mapping[int, bool], used: str) -> None:
    if tensor._id not in known:
        raise InvalidArgumentError(
            f"The {what} {tensor.name} was not specified in partial_run_setup."
        )
    if known[tensor._id]:
        raise InvalidArgumentError(f"The {what} {tensor.name} has already been {used}.")
