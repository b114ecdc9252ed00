"""Wrappers of Keras's recurrent cells: dropout, residual connections, a device.

A cell has `call(inputs, state) -> (output, new state)`, `build(input_shape)`, `state_size` and `output_size`, as Keras's
cells do.
"""

import importlib
from typing import Any

from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.util import nest
from penstock._src.util.export import export
from penstock._src.v1.layers.keras_layer import LegacyLayer
from penstock._src.v1.layers.recurrent.states import zero_state
from penstock._src.v1.layers.recurrent.wrapping import (
    CellWrapping,
    DeviceWrapping,
    DropoutWrapping,
    ResidualWrapping,
)


class _CellWrapper(CellWrapping, LegacyLayer):
    """Base class of wrappers of Keras's cells."""

    def __init__(self, cell: Any, *args: Any, **kwargs: Any) -> None:
        if not hasattr(cell, "call"):
            raise AttributeError(f"{type(cell).__name__!r} object has no attribute 'call'")
        super().__init__(cell, *args, **kwargs)

    def call(self, inputs: Any, state: Any, **kwargs: Any) -> Any:
        """Runs the cell; returns (its output, its new state).

        Args:
          inputs: a tensor `[batch, ...]`.
          state: a structure of tensors.
          **kwargs: of the cell.

        Returns:
          A pair.
        """
        return self._run(inputs, state, lambda *args: self.cell.call(*args, **kwargs))

    def get_initial_state(
        self, inputs: Any = None, batch_size: Any = None, dtype: Any = None
    ) -> Any:
        """Zeros in the structure of `state_size`.

        Args:
          inputs: a tensor, whose batch size and dtype the state has.
          batch_size, dtype: of the state, without `inputs`.

        Returns:
          A structure of tensors.

        Raises:
          ValueError: neither `inputs` nor both `batch_size` and `dtype` are given.
        """
        if inputs is not None:
            first = convert_to_tensor(nest.flatten(inputs)[0])
            batch_size, dtype = raw.Shape(input=first)[0], first.dtype
        if batch_size is None or dtype is None:
            raise ValueError(
                "batch_size and dtype cannot be None while constructing initial state: "
                f"batch_size={batch_size}, dtype={dtype}"
            )
        return zero_state(self.state_size, batch_size, dtype)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """Creates a wrapper from a config; its cell is one of `custom_objects` or of Keras's layers.

        Args:
          config: what `get_config` returned.
          custom_objects: classes of cells by name.

        Returns:
          A wrapper.
        """
        config = dict(config)
        described = config.pop("cell")
        known = custom_objects or {}
        if described["class_name"] in known:
            cell = known[described["class_name"]].from_config(described["config"])
        else:
            layers = importlib.import_module("keras.layers")
            cell = getattr(layers, described["class_name"]).from_config(described["config"])
        return cls(cell, **config)


@export("nn.RNNCellDeviceWrapper", v1=[])
class DeviceWrapper(DeviceWrapping, _CellWrapper):
    """Runs a cell on a device.

    Args:
      cell: the cell.
      device: the device, or None for no preference.
      *args: the arguments after `cell`, by position.
      **kwargs: `name`, `trainable`, `dtype`.
    """


@export("nn.RNNCellResidualWrapper", v1=[])
class ResidualWrapper(ResidualWrapping, _CellWrapper):
    """Adds a cell's inputs to its outputs.

    Args:
      cell: the cell.
      residual_fn: combines inputs and outputs; addition by default.
      *args: the arguments after `cell`, by position.
      **kwargs: `name`, `trainable`, `dtype`.
    """


@export("nn.RNNCellDropoutWrapper", v1=[])
class DropoutWrapper(DropoutWrapping, _CellWrapper):
    """Applies dropout to a cell's inputs, outputs and state.

    Args:
      cell: the cell; not one of Keras 2's LSTMs.
      input_keep_prob: the probability that an element of the inputs is kept; a number or a scalar tensor.
      output_keep_prob: likewise for the outputs.
      state_keep_prob: likewise for the state that is passed to the next step.
      variational_recurrent: whether all steps use the same dropout mask; requires `dtype`, and `input_size` if
        inputs are dropped.
      input_size: the shape of the inputs without the batch, or a structure of them.
      dtype: the type of inputs, outputs and state.
      seed: of the random choices.
      dropout_state_filter_visitor: returns for each part of the state whether it is dropped (True or False for all of it).
      *args: the arguments after `cell`, by position.
      **kwargs: `name`, `trainable`.
    """
