"""Functions of elements, compiled for stacks of elements.

A call for a batch replaces one for each element. Only functions take part whose results do not depend on how many elements are
computed at once: operations that map elements to elements or only select them, on static shapes, without state. Where a call
fails, its elements are computed one by one, so that the error is that of its element.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from penstock._src.core.calls.placement import CPU
from penstock._src.core.errors import OpError
from penstock._src.ops.data.batch import Batches
from penstock._src.ops.data.iteration.resume import (
    Element,
    Resumable,
    State,
    attempt,
    unless_failed,
)
from penstock._src.ops.data.iteration.rows import ChunkReader, RowElements, Rows, row
from penstock._src.ops.data.pipeline import Run
from penstock._src.ops.data_planner.threads import Mapped
from penstock._src.ops.rules import maps_elements
from penstock._src.util.slots import above

_MOST_BYTES = 1 << 14  # per element; above, a call for each costs little
_FEWEST = 256  # rows for which tracing and compiling the function of stacks pays off
_FIRST, _MOST_ROWS, _CHUNK_BYTES = 16, 1024, 1 << 20
_STACKED = "for stacks of elements"  # key of `GraphFunction.derived`

Call = Callable[..., Any]


def compiled_for_stacks(function: Any, captured: list[Any]) -> Call | None:
    """Returns the function as one of stacks of the components of elements, or None if its results could differ.

    Args:
      function: a function of an element, and of what it captures.
      captured: the values of its captures, which are its last inputs.
    """
    if _STACKED not in function.derived:
        function.derived[_STACKED] = _made(function, len(captured))
    stacked = function.derived[_STACKED]
    if stacked is None:
        return None
    stacked.graph.home = CPU
    execute = stacked.executable
    return lambda *stacks: execute([*stacks, *captured])


def _made(function: Any, captured: int) -> Any:
    graph, elements = function.graph, len(function.inputs) - captured
    tensors = [t for operation in graph._operations for t in operation._outputs]
    if function.is_stateful or graph.control_outputs or function.why_host or not elements:
        return None
    if not all(t.shape.is_fully_defined() and t.dtype.is_numpy_compatible for t in tensors):
        return None
    if any(t.dtype.np.kind == "O" for t in tensors) or not all(map(_is_alike, graph._operations)):
        return None
    return above("stacked_function")(function, elements)


def _is_alike(operation: Any) -> bool:
    """True if an operation gives the same bits for one element and for many."""
    op = operation.raw_op
    return not op.stateful and (
        maps_elements(operation) or op.elements.is_movement or op.values.rounds_nothing
    )


def serves(rows: Rows) -> bool:
    """True if there are many short rows of numbers."""
    arrays = rows.arrays
    if rows.count < _FEWEST or not all(
        type(a) is np.ndarray and a.dtype.kind != "O" for a in arrays
    ):
        return False
    return sum(array.nbytes for array in arrays) <= _MOST_BYTES * rows.count


class StackedElements(Resumable):
    """Iterates over the results of a function on rows, computed in growing groups.

    Args:
      rows: the rows.
      stacked: the function of stacks.
      single: the function of an element.
      run: the iteration.
    """

    plain, sources = ("size", "results"), ("reader",)

    def __init__(self, rows: Rows, stacked: Call, single: Call, run: Run) -> None:
        self.rows, self.stacked, self.single = rows, stacked, single
        self.reader = ChunkReader(rows.order(run))
        bytes_of_row = sum(array.nbytes for array in rows.arrays) // rows.count
        self.most = min(_MOST_ROWS, max(1, _CHUNK_BYTES // max(1, bytes_of_row)))
        self.size = min(_FIRST, self.most)
        # The rest of a group, the next one last.
        self.results: list[Any] = []

    def __next__(self) -> Element:
        if not self.results:
            chunk = self.reader.take(self.size)
            if not len(chunk):
                raise StopIteration
            self.results = self.computed(chunk)[::-1]
            self.size = min(2 * self.size, self.most)
        return tuple(unless_failed(self.results.pop()))

    def computed(self, chunk: Any) -> list[Any]:
        """The results of a group, or its error."""
        try:
            stacks = self.stacked(*self.rows.gather(chunk))
        except (OpError, MemoryError):  # of some element: single calls show which
            arrays = self.rows.arrays
            return [attempt(self.single, *[row(a, number) for a in arrays]) for number in chunk]
        return [tuple([stack[at, ...] for stack in stacks]) for at in range(len(chunk))]


class StackedBatches(Resumable):
    """Iterates over stacks of `size` results of a function on rows.

    Args:
      rows: the rows.
      stacked: the function of stacks.
      single: the function of an element.
      run: the iteration.
      size: of the stacks; the last one may be smaller.
      aligned: whether stacks behind one with an error begin where they would without it.
    """

    sources = ("reader", "rest")

    def __init__(
        self, rows: Rows, stacked: Call, single: Call, run: Run, size: int, aligned: bool
    ) -> None:
        self.rows, self.stacked, self.single = rows, stacked, single
        self.size, self.aligned = size, aligned
        self.reader = ChunkReader(rows.order(run))
        # The stacks from the one with an error on, which are made of single elements.
        self.rest: Iterator[Element] | None = None

    def __next__(self) -> Element:
        if self.rest is not None:
            return next(self.rest)
        chunk = self.reader.take(self.size)
        if not len(chunk):
            raise StopIteration
        try:
            return tuple(self.stacked(*self.rows.gather(chunk)))
        except (OpError, MemoryError):  # of some element: single calls show which
            return self.one_by_one(chunk)

    def one_by_one(self, chunk: Any) -> Element:
        """The stack of these rows from calls for each."""
        if self.aligned:
            elements = RowElements(self.rows.arrays, iter([chunk]))
            return next(Batches(Mapped(elements, self.single), self.size, False))
        self.reader.put_back(chunk)
        self.rest = self.of_elements()
        return next(self.rest)

    def of_elements(self) -> Iterator[Element]:
        """The stacks of the reader's remaining rows, from calls for each row."""
        elements = RowElements(self.rows.arrays, self.reader)
        return Batches(Mapped(elements, self.single), self.size, False)

    def restore(self, state: State) -> None:
        if state["rest"] is not None:
            self.rest = self.of_elements()
        super().restore(state)
