"""One run that is kept."""

import dataclasses
from typing import Any

from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import Operation
from penstock._src.observe.debugger.snapshot import Snapshot

# An operation and its results, None for results that are not arrays.
Results = tuple[Operation, list[Any]]


@dataclasses.dataclass(frozen=True, eq=False)
class Run:
    """One run: the function, the index of the run (from 0), and its initial state."""

    label: str
    step: int
    snapshot: Snapshot
    host: dict[Any, list[list[Any]]]  # values from the host, by position
    results: list[Any]  # of the compiled run
    after: list[Any]  # the values of the snapshot's variables after it
    # For a session: the results of its operations, repeated at once.
    values: list[Results] | None = None

    @property
    def function(self) -> GraphFunction:
        """The function that ran."""
        return self.snapshot.function
