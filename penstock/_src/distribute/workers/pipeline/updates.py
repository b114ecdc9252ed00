"""Updates after the backward passes of a step: gradients of all replicas are summed, and an optimizer applies them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.cluster.transport import Transport
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.distribute.workers.pipeline.agreement import told
from penstock._src.distribute.workers.pipeline.grid import Grid
from penstock._src.distribute.workers.pipeline.stage import Stage
from penstock._src.distribute.workers.pipeline.variables import hold
from penstock._src.function.function import Function, function

NONE, DENSE = -1, -2  # replace the number of a gradient's slices
OWNERS = 2  # a phase of a step: see steps.py
# Attributes of Keras's optimizers that make an update of some variables one of all of them.
REFUSED = ("use_ema", "gradient_accumulation_steps", "loss_scale_factor", "inner_optimizer")


def check(optimizer: Any) -> None:
    """Raises UnimplementedError if an optimizer cannot update the variables of one stage alone."""
    for name in REFUSED:
        if getattr(optimizer, name, None):
            raise UnimplementedError(
                None,
                None,
                f"PipelineStrategy: an optimizer with {name} updates all variables at once. Received: {type(optimizer).__name__}.",
            )


def summed(
    gradients: Sequence[Any], variables: Sequence[Any], grid: Grid, transport: Transport | None
) -> list[Any]:
    """Returns the sums of gradients over the replicas of this process's stage; slices become those of all replicas.

    Args:
      gradients: of this replica: tensors, slices, or None.
      variables: whose they are.
      grid, transport: the processes, and what connects them.
    """
    if grid.replicas == 1 or transport is None or not variables:
        return list(gradients)
    own_gradients = gradients or [None] * len(variables)
    own = np.array([_row_count(gradient) for gradient in own_gradients], np.int64)
    counts = transport.all_gather(own, grid.same_stage)
    are_dense = (counts == DENSE).any(0)
    results: list[Any] = [None] * len(own_gradients)
    dense = np.flatnonzero(are_dense).tolist()
    totals = _dense_sums(
        [_dense(own_gradients[at], variables[at]) for at in dense], grid, transport
    )
    for at, total in zip(dense, totals):
        results[at] = total
    for at in np.flatnonzero(~are_dense & (counts >= 0).any(0)).tolist():
        rows = np.maximum(counts[:, at], 0).tolist()
        results[at] = _gathered(own_gradients[at], variables[at], rows, grid, transport)
    return results


def _row_count(gradient: Any) -> int:
    """Return the number of a gradient's slices, for the exchange with other processes."""
    if gradient is None:
        return NONE
    return int(gradient.values.shape[0]) if isinstance(gradient, IndexedSlices) else DENSE


def _dense(gradient: Any, variable: Any) -> np.ndarray:
    if gradient is None:
        return np.zeros(variable.shape.as_list(), variable.dtype.as_numpy_dtype)
    return np.asarray(convert_to_tensor(gradient)._value, order="C")


def _gathered(
    slices: Any, variable: Any, rows: list[int], grid: Grid, transport: Transport
) -> IndexedSlices:
    """The slices of all replicas."""
    if slices is None:
        values = np.empty([0, *variable.shape.as_list()[1:]], variable.dtype.as_numpy_dtype)
        indices = np.empty([0], np.int64)
    else:
        values = np.asarray(slices.values._value, order="C")
        indices = np.asarray(slices.indices._value, np.int64, order="C")
    group = grid.same_stage
    gathered = [transport.gather_rows(part, rows, group) for part in (values, indices)]
    shape = convert_to_tensor(np.array(variable.shape.as_list(), np.int64))
    return IndexedSlices(*map(convert_to_tensor, gathered), shape)


def _dense_sums(arrays: Sequence[np.ndarray], grid: Grid, transport: Transport) -> list[Any]:
    """Sums over the replicas; arrays travel together, by their types."""
    results: list[Any] = [None] * len(arrays)
    for dtype in sorted({array.dtype.name for array in arrays}):
        places = [at for at, array in enumerate(arrays) if array.dtype.name == dtype]
        flat = np.concatenate([arrays[at].reshape(-1) for at in places])
        total = transport.all_reduce(flat, "Add", grid.same_stage)
        ends = np.cumsum([arrays[at].size for at in places])[:-1]
        for at, part in zip(places, np.split(total, ends)):
            results[at] = convert_to_tensor(part.reshape(arrays[at].shape))
    return results


def averaged(variables: Sequence[Any], grid: Grid, transport: Transport | None) -> None:
    """Gives floating variables that are not trained (moving statistics) their mean over the replicas of this process's stage."""
    floating = [one for one in variables if one.dtype.is_floating]
    if grid.replicas == 1 or transport is None or not floating:
        return
    totals = _dense_sums([one._read()._value for one in floating], grid, transport)
    for variable, total in zip(floating, totals):
        variable.assign(total / grid.replicas)


class Updates:
    """Applies the gradients of this process's stage.

    Args:
      optimizer: of Keras, or one with its methods `build` and `apply_gradients`.
      variables: of all stages, in the order in which one process would give them; the optimizer's state is made for all.
      own: the variables of this process's stage, a part of them.
      grid, transport: the processes, and what connects them.
      divides: whether every process has the slots of all stages, and is to keep those of its own.
    """

    def __init__(
        self,
        optimizer: Any,
        variables: Sequence[Any],
        own: Sequence[Any],
        grid: Grid,
        transport: Transport | None,
        divides: bool = True,
    ) -> None:
        check(optimizer)
        self._optimizer, self._own = optimizer, list(own)
        self._grid, self._transport = grid, transport
        self._is_divided = transport is None or not divides
        if not optimizer.built:
            optimizer.build(list(variables))
        self._apply: Function = function(self._applied, autograph=False, reduce_retracing=True)

    def apply(self, stage: Stage, step: int) -> None:
        """Applies a stage's accumulated gradients; all processes call it.

        Args:
          stage: of this process, after a step.
          step: its number.
        """
        grid = self._grid
        variables = stage.variables or ()
        gradients = summed(stage.gradients(), variables, grid, self._transport)
        gradients = self._clipped(gradients)
        pairs = [(one, at) for at, one in enumerate(gradients) if one is not None]
        present, places = [one for one, _ in pairs], tuple(at for _, at in pairs)
        self._apply(present, places)
        if not self._is_divided:
            self._divide(self._apply.get_concrete_function(present, places), step)

    def _applied(self, gradients: Sequence[Any], places: Sequence[int]) -> None:
        if gradients:
            self._optimizer.apply_gradients(zip(gradients, [self._own[at] for at in places]))
        else:
            self._optimizer.iterations.assign_add(1)

    def _clipped(self, gradients: list[Any]) -> list[Any]:
        """Gradients with at most the global norm that the optimizer allows; it then finds nothing more to clip."""
        most = getattr(self._optimizer, "global_clipnorm", None)
        if not most or self._transport is None:
            return gradients
        dense = [one.values if isinstance(one, IndexedSlices) else one for one in gradients]
        squares = sum(float(_square_sum(one).numpy()) for one in dense if one is not None)
        own = np.array([squares if self._grid.replica == 0 else 0.0])
        total = self._transport.all_reduce(own, "Add", self._transport.everyone)
        norm = np.sqrt(total[0])
        # NaN if the norm is not finite.
        scale = min(1.0, most / norm if norm else 1.0) + (norm - norm)
        return [None if one is None else _scaled(one, float(scale)) for one in gradients]

    def _divide(self, applied: Any, step: int) -> None:
        """Keep each slot only in the processes with updates that read or write it."""
        self._is_divided = True
        assert self._transport is not None
        captured = {id(handle) for handle in applied.captured_inputs}
        slots = [plain(variable) for variable in self._optimizer.variables]
        own = np.array([id(slot.handle) in captured for slot in slots], np.int8)
        told(self._transport, OWNERS, step, [own.size])
        users = self._transport.all_gather(own, self._transport.everyone)
        for at, slot in enumerate(slots):
            stages = {int(rank) % self._grid.stages for rank in np.flatnonzero(users[:, at])}
            if len(stages) == 1:
                hold([slot], stages.pop(), self._grid, self._transport)


def _scaled(gradient: Any, factor: float) -> Any:
    if isinstance(gradient, IndexedSlices):
        return IndexedSlices(gradient.values * factor, gradient.indices, gradient.dense_shape)
    return gradient * factor


@function(autograph=False)
def _square_sum(tensor: Any) -> Any:
    return raw.Sum(raw.Square(x=tensor), list(range(tensor.shape.rank)))


def plain(variable: Any) -> Any:
    """Returns the tf.Variable of a Keras variable."""
    return getattr(variable, "_value", variable)
