"""Part: operations of a graph that a task runs as one, within a step of a session."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.executable import Executable
from penstock._src.compiler.token_flow import TokenFlow
from penstock._src.core.calls.deadlines import Cancellation, cancellable, deadline
from penstock._src.core.dispatch import building
from penstock._src.core.errors import OpError
from penstock._src.core.values import resources
from penstock._src.core.values.resources import ResourceManager, read_reference
from penstock._src.graph.graph import Graph
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.graph.passes.unused_results import without_unread_effects
from penstock._src.util.process import forks


class Steps:
    """Values that parts of steps exchange within a task, and the parts that are running."""

    def __init__(self) -> None:
        self._kept: dict[int, dict[str, Any]] = {}
        self._running: list[tuple[int, Cancellation]] = []
        self._lock = threading.Lock()

    def kept(self, step: int) -> dict[str, Any]:
        """The values of a step, by the names of their tensors."""
        with self._lock:
            return self._kept.setdefault(step, {})

    def end(self, step: int) -> None:
        """Frees the values that a step has left."""
        with self._lock:
            self._kept.pop(step, None)

    def begin(self, step: int) -> Cancellation:
        """Records that a part of a step runs; returns the function that ends it."""
        cancellation = Cancellation()
        with self._lock:
            self._running.append((step, cancellation))
        return cancellation

    def done(self, step: int, cancellation: Cancellation) -> None:
        """Notes that it runs no longer."""
        with self._lock:
            self._running.remove((step, cancellation))

    def cancel(self, step: int, error: OpError) -> None:
        """Ends the parts of a step that run; of all steps if it is 0."""
        with self._lock:
            running = [c for number, c in self._running if step in (0, number)]
        for cancellation in running:
            cancellation.cancel(error)


@dataclasses.dataclass(frozen=True, eq=False)
class Part:
    """Operations that run as one.

    Args:
      graph: theirs.
      operations: in order.
      given: tensors whose values come with the call.
      taken: tensors whose values earlier parts of the step have left in the task.
      returned: tensors whose values are returned.
      left: tensors whose values later parts take.
      awaited: operations that are to run although nothing reads their results.
      why_host: if given, kernels run one by one, for this reason.
    """

    graph: Graph
    operations: Sequence[Operation]
    given: Sequence[SymbolicTensor]
    taken: Sequence[SymbolicTensor]
    returned: Sequence[SymbolicTensor]
    left: Sequence[SymbolicTensor]
    awaited: Sequence[Operation]
    why_host: str = ""

    @forks.cached_property
    def _program(self) -> Any:
        inputs, outputs = [*self.given, *self.taken], [*self.returned, *self.left]
        operations = without_unread_effects(list(self.operations), outputs, self.awaited)
        states = self.graph.kernel_states
        if any(op.raw_op.flow.redirects for op in operations):
            return TokenFlow("session", operations, inputs, outputs, states, self.why_host)
        return Executable("session", lambda: operations, inputs, outputs, states, self.why_host)

    def run(
        self,
        manager: ResourceManager,
        steps: Steps,
        step: int,
        values: Sequence[Any],
        cancellation: Cancellation,
        milliseconds: int = 0,
    ) -> list[Any]:
        """Returns the outputs of the part.

        Args:
          manager: of the resources.
          steps, step: what runs, and which of them.
          values: of `given`.
          cancellation: ends it.
          milliseconds: how long it may take; 0 for any time.
        """
        kept = steps.kept(step)
        inputs = [*values, *(kept[t.name] for t in self.taken)]
        with building(None), resources.using(manager), cancellable(cancellation):
            with deadline(milliseconds):
                results = self._program(inputs)
        count = len(self.returned)
        for tensor, value in zip(self.left, results[count:], strict=True):
            kept[tensor.name] = value
        return [
            read_reference(tensor.dtype, value)
            for tensor, value in zip(self.returned, results[:count], strict=True)
        ]
