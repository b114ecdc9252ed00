"""Reductions over the iterations of a `pfor`: values that all rows have in common, and depend on all rows."""

from collections.abc import Callable
from typing import Any, NamedTuple

from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.tensor import Tensor
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.operation import SymbolicTensor
from penstock._src.graph.trace import add_arguments, recording
from penstock._src.util import nest


class Reduction(NamedTuple):
    """Placeholder for a reduction's result in the graph of one row.

    Args:
      function: of stacked rows.
      operands: its arguments, in one row.
      position: which of its results this is, flat.
    """

    function: Callable[..., Any]
    operands: tuple[SymbolicTensor, ...]
    position: int


class PForConfig:
    """Reductions over all iterations, for a function given to `pfor`."""

    def __init__(self) -> None:
        self.reductions: dict[int, Reduction] = {}

    def reduce(self, fn: Callable[..., Any], *args: Any) -> Any:
        """Returns `fn` of the arguments of all iterations, stacked.

        Args:
          fn: a function of as many tensors as there are `args`, each with the number of iterations in front of its shape.
          *args: tensors of this iteration.

        Returns:
          What `fn` returns, the same for every iteration.
        """
        operands = tuple(STATE.graph.local(convert_to_tensor(argument)) for argument in args)
        graph = FuncGraph("reduction")
        with recording(graph):
            shapes = [TensorShape([None]).concatenate(t.shape) for t in operands]
            result = fn(*add_arguments(graph, list(operands), shapes))
            models = [convert_to_tensor(leaf) for leaf in nest.flatten(result)]
        placeholders = [self._stand_in(fn, operands, model, i) for i, model in enumerate(models)]
        return nest.pack_sequence_as(result, placeholders)

    def _stand_in(
        self,
        fn: Callable[..., Any],
        operands: tuple[SymbolicTensor, ...],
        model: Tensor,
        position: int,
    ) -> SymbolicTensor:
        """Records a placeholder for one result that runs after its inputs."""
        with STATE.graph.control_dependencies([operand.op for operand in operands]):
            tensor = raw.Placeholder(dtype=model.dtype, shape=model.shape)
        self.reductions[tensor._id] = Reduction(fn, operands, position)
        return tensor

    def reduce_concat(self, x: Any) -> Any:
        """Returns the values of all iterations, stacked."""
        return self.reduce(lambda y: y, x)

    def reduce_mean(self, x: Any) -> Any:
        """Returns the mean of the values of all iterations."""
        return self.reduce(lambda y: raw.Mean(input=y, axis=0), x)

    def reduce_sum(self, x: Any) -> Any:
        """Returns the sum of the values of all iterations."""
        return self.reduce(lambda y: raw.Sum(input=y, axis=0), x)
