"""One run that is kept."""

import dataclasses
from typing import Any

from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import Operation
from penstock._src.observe.debugger.snapshot import Snapshot

# An operation and its results, None for what is no array.
Results = tuple[Operation, list[Any]]


@dataclasses.dataclass(frozen=True)
class Run:
    """One run: the function, which of its runs it is (from 0), and what it began with."""

    label: str
    step: int
    snapshot: Snapshot
    host: dict[Any, list[list[Any]]]  # what the host gave, by place
    results: list[Any]  # of the compiled run
    after: list[Any]  # the values of the snapshot's variables after it
    values: list[Results] | None = None  # of a session: what its operations gave, repeated at once

    @property
    def function(self) -> GraphFunction:
        """The function that ran."""
        return self.snapshot.function
