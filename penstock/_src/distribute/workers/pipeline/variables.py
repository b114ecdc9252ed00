"""Variables with a value that one process of a pipeline holds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from penstock._src.cluster.transport import Transport
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.distribute.workers.pipeline.agreement import from_rank
from penstock._src.distribute.workers.pipeline.grid import Grid
from penstock._src.eager.variable import Variable
from penstock._src.eager.variable_handle import wrong_shape


class StageVariable(Variable):
    """A variable of one stage. Elsewhere it has a shape, and no value.

    `numpy()` and checkpoints get the whole value in all processes, so all have to ask for it at the same time, in the same order.
    """

    asks_creators = False
    _transport: Transport
    _holder = 0  # the rank
    _is_held = True

    def numpy(self) -> np.ndarray:
        """Returns the present value; all processes of the cluster call it."""
        if STATE.graph is not None:
            return super().numpy()
        return self._whole()

    def _whole(self) -> np.ndarray:
        own = (
            np.asarray(super()._read().numpy())
            if self._is_held
            else np.empty(self.shape.as_list(), self.dtype.as_numpy_dtype)
        )
        return from_rank(self._transport, own, self._holder)

    def assign(
        self,
        value: Any,
        use_locking: bool = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> Any:
        """Sets the value where it is held; elsewhere only the shape is checked."""
        if self._is_held or STATE.graph is not None:
            return super().assign(value, use_locking, name, read_value)
        new_value = convert_to_tensor(value, dtype=self.dtype)
        if not self.shape.is_compatible_with(new_value.shape):
            raise wrong_shape(self, new_value)
        return self if read_value else None

    def _serialize_to_tensors(self) -> dict[str, Any]:
        (name,) = super()._serialize_to_tensors() if self._is_held else ("VARIABLE_VALUE",)
        return {name: convert_to_tensor(self._whole())}

    def __repr__(self) -> str:
        return f"<StageVariable '{self.name}' shape={self.shape} dtype={self.dtype.name}, of rank {self._holder}>"


def hold(variables: Iterable[Variable], stage: int, grid: Grid, transport: Transport) -> None:
    """Makes variables those of a stage: its processes keep them, and the others give their memory back.

    Args:
      variables: tf.Variables, which every process has.
      stage: whose they are.
      grid: the processes.
      transport: connects them.
    """
    for variable in variables:
        if isinstance(variable, StageVariable):
            continue
        variable.__class__ = StageVariable
        variable._transport, variable._holder = transport, stage
        variable._is_held = stage == grid.stage
        if not variable._is_held:
            handle = variable._handle._value
            handle.value = None
            handle.holder = (
                f"The value of the variable {variable.name} is held by rank {stage} of its pipeline stage. numpy(), "
                "get_weights() and checkpoints get it, if all processes ask for it."
            )


def equalize(variables: Iterable[Variable], grid: Grid, transport: Transport) -> None:
    """Gives variables of this process's stage the first replica's values.

    Args:
      variables: tf.Variables that this stage holds.
      grid: the processes.
      transport: connects them.
    """
    if grid.replicas == 1:
        return
    for variable in variables:
        own = np.asarray(variable._read().numpy(), order="C")
        variable.assign(convert_to_tensor(transport.broadcast(own, 0, grid.same_stage)))
