"""Wrappers of TensorFlow 1's recurrent cells, and cells on top of each other."""

from typing import Any

from penstock._src.api.array.joining import concat
from penstock._src.api.control.scopes import name_scope
from penstock._src.core.registry import raw
from penstock._src.core.tracking.trackable import Trackable
from penstock._src.util import nest
from penstock._src.v1.layers.base import Layer
from penstock._src.v1.layers.recurrent.cell import RNNCell
from penstock._src.v1.layers.recurrent.states import require_cell
from penstock._src.v1.layers.recurrent.wrapping import (
    CellWrapping,
    DeviceWrapping,
    DropoutWrapping,
    ResidualWrapping,
)
from penstock._src.v1.process.log import WARN, log_first_n
from penstock._src.v1.variables.scopes import variable_scope


class _CellWrapper(CellWrapping, RNNCell):
    """Base class of wrappers of TensorFlow 1's cells."""

    def __init__(self, cell: Any, *args: Any, **kwargs: Any) -> None:
        require_cell("cell", cell)
        super().__init__(cell, *args, **kwargs)
        if isinstance(cell, Trackable):
            self._track_trackable(cell, "cell")

    def __call__(self, inputs: Any, state: Any, scope: Any = None, **kwargs: Any) -> Any:  # type: ignore[override]
        """Runs a step of the cell; see `RNNCell`."""
        return self._run(inputs, state, lambda *args: self.cell(*args, scope=scope, **kwargs))

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """Creates a wrapper from a config with a cell object in place of the cell's config.

        Raises:
          ValueError: the cell is still a description.
        """
        del custom_objects
        config = dict(config)
        cell = config.pop("cell")
        try:
            require_cell("cell", cell)
        except TypeError:
            raise ValueError(
                "RNNCellWrapper cannot reconstruct the wrapped cell. Please overwrite the cell in the "
                "config with a RNNCell instance."
            ) from None
        return cls(cell, **config)


class DeviceWrapper(DeviceWrapping, _CellWrapper):
    """Runs a cell of TensorFlow 1 on a device; see `tf.nn.RNNCellDeviceWrapper` for the arguments."""


class ResidualWrapper(ResidualWrapping, _CellWrapper):
    """Adds a cell's inputs to its outputs; see `tf.nn.RNNCellResidualWrapper` for the arguments."""


class DropoutWrapper(DropoutWrapping, _CellWrapper):
    """Applies dropout to a cell; see `tf.nn.RNNCellDropoutWrapper` for the arguments."""


class MultiRNNCell(RNNCell):
    """Cells on top of each other: each gets the output of the one before.

    Args:
      cells: a list of cells.
      state_is_tuple: whether the state is a tuple with one for each cell, rather than all of them concatenated.

    Raises:
      ValueError: there is no cell, or one has a tuple as state, which is not concatenated.
      TypeError: `cells` is not a list.
    """

    def __init__(self, cells: Any, state_is_tuple: bool = True) -> None:
        super().__init__()
        if not cells:
            raise ValueError("Must specify at least one cell for MultiRNNCell.")
        if not nest.is_nested(cells):
            raise TypeError(f"cells must be a list or tuple, but saw: {cells}.")
        if len({id(cell) for cell in cells}) < len(cells):
            log_first_n(
                WARN,
                "At least two cells provided to MultiRNNCell are the same object and will share weights.",
                1,
            )
        self._cells, self._state_is_tuple = cells, state_is_tuple
        for index, cell in enumerate(cells):
            if isinstance(cell, Trackable):
                self._track_trackable(cell, f"cell-{index}")
        sizes = [cell.state_size for cell in cells]
        if not state_is_tuple and any(nest.is_nested(size) for size in sizes):
            raise ValueError(
                "Some cells return tuples of states, but the flag state_is_tuple is not set.  State "
                f"sizes are: {sizes}"
            )

    @property
    def state_size(self) -> Any:
        """The sizes of the cells' states, or their sum."""
        sizes = tuple(cell.state_size for cell in self._cells)
        return sizes if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self) -> Any:
        """The size of the last cell's output."""
        return self._cells[-1].output_size

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """The zero states of the cells."""
        if not self._state_is_tuple:
            return super().zero_state(batch_size, dtype)
        with name_scope(f"{type(self).__name__}ZeroState"):
            return tuple(cell.zero_state(batch_size, dtype) for cell in self._cells)

    def _by_trainable(self, trainable: bool) -> list[Any]:
        layers = [cell for cell in self._cells if isinstance(cell, Layer)]
        chosen = [weight for layer in layers for weight in layer._by_trainable(trainable)]
        if self.trainable:
            return chosen
        rest = [] if trainable else [w for layer in layers for w in layer._by_trainable(True)]
        return [] if trainable else [*rest, *chosen]

    def call(self, inputs: Any, state: Any) -> Any:  # type: ignore[override]
        """Runs a step of each cell.

        Raises:
          ValueError: the state is not a tuple.
        """
        if self._state_is_tuple and not nest.is_nested(state):
            raise ValueError(
                f"Expected state to be a tuple of length {len(self.state_size)}, but received: {state}"
            )
        position, after = 0, []
        for index, cell in enumerate(self._cells):
            with variable_scope(f"cell_{index}"):
                if self._state_is_tuple:
                    before = state[index]
                else:
                    before = raw.Slice(input=state, begin=[0, position], size=[-1, cell.state_size])
                    position += cell.state_size
                inputs, new = cell(inputs, before)
                after.append(new)
        return inputs, tuple(after) if self._state_is_tuple else concat(after, 1)
