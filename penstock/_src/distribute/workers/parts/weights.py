"""Weights that are sharded over processes (ZeRO's third stage)."""

from __future__ import annotations

from typing import Any

from penstock._src.autodiff.tape import variable_accessed
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.distribute.context import CONTEXTS, current
from penstock._src.distribute.mirrored.variables import (
    MirroredVariable,
    aggregated,
    give_updates,
)
from penstock._src.distribute.workers.parts.variables import Division, divided_handle
from penstock._src.eager.variable import Variable
from penstock._src.eager.variable_modes import VariableAggregation
from penstock._src.ops.collective.weights import read_whole


class DividedWeight(MirroredVariable):
    """A weight that is sharded over processes: reads gather it, assignments keep the own shard.

    Args:
      strategy: the strategy.
      part: the variable of this process's part.
      shape: of the whole.
      division: how it is divided.
      pack_bytes: up to this size it may be gathered together with others.
    """

    def __init__(
        self, strategy: Any, part: Variable, shape: Any, division: Division, pack_bytes: int
    ) -> None:
        super().__init__(strategy, [part])
        self._shape, self._division, self._pack_bytes = shape, division, pack_bytes
        self._source = divided_handle("weight", part, shape, division)

    @property
    def _handle(self) -> Any:  # type: ignore[override]
        return self._source

    def own_part(self) -> Any:
        """The value of this process's part, a vector."""
        return raw.ReadVariableOp(self.values[0]._handle, dtype=self._dtype)

    def set_own_part(self, part: Any) -> None:
        """Sets the value of this process's part."""
        self.values[0].assign(part, read_value=False)

    def _read(self) -> Any:
        variable_accessed(self)
        return read_whole(
            resource=self._source,
            part=self.own_part(),
            output_shape=self._shape,
            size=self._division.size,
            pack_bytes=self._pack_bytes,
            name="whole",
        )

    def _get(self) -> Any:
        return self

    @property
    def _graph_element(self) -> Any:  # type: ignore[override]
        return self._read()

    def is_initialized(self, name: str | None = None) -> Any:
        """Returns True if the variable has a value."""
        return self.values[0].is_initialized(name)

    def sparse_read(self, indices: Any, name: str | None = None) -> Any:
        """Returns rows by their indices; all of them are gathered.

        Args:
          indices: integers.
          name: a name for the operation.

        Returns:
          A tensor.
        """
        return raw.GatherV2(params=self._read(), indices=indices, axis=0, name=name)

    def _changed(self, method: str, value: Any, **kwargs: Any) -> Any:
        """Implements the methods of UPDATES."""
        is_own = CONTEXTS.updated is not None or self._aggregation is VariableAggregation.NONE
        if is_own or self._replica is None:
            return self._keep(method, value, **kwargs)

        def merge(strategy: Any, updates: Any) -> Any:
            return self._keep(method, aggregated(strategy, updates, self), **kwargs)

        return current()[1].merge_call(merge, (value,))

    def _keep(self, method: str, value: Any, read_value: bool = True, **kwargs: Any) -> Any:
        done = self._division.change(self, method, value, **kwargs)
        if read_value and STATE.tapes:
            variable_accessed(self)
        return self if read_value else done


give_updates(DividedWeight, DividedWeight._changed)
