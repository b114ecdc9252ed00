"""The base classes of TensorFlow 1's recurrent cells."""

from typing import Any

from penstock._src.api.control.scopes import name_scope
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.graph.static_values import get_static_value
from penstock._src.util import nest
from penstock._src.v1.layers.base import Layer, is_trainable
from penstock._src.v1.layers.by_name import activation as activation_of
from penstock._src.v1.layers.by_name import activation_name
from penstock._src.v1.layers.input_spec import InputSpec
from penstock._src.v1.layers.recurrent.states import zero_state
from penstock._src.v1.variables.scopes import get_variable_scope, variable_scope

BIAS = "bias"
KERNEL = "kernel"


class RNNCell(Layer):
    """A step of a recurrent network: `output, new_state = cell(inputs, state)`.

    A subclass has the properties `state_size` and `output_size`, and `call(inputs, state)`, which may create variables by
    `tf.compat.v1.get_variable`.

    Args:
      trainable: whether its weights are trainable.
      name: the name of the scope of its variables.
      dtype: the type of its weights, that of the first inputs by default.
      **kwargs: see `Layer`.
    """

    _own_scope: Any = None

    def __call__(self, inputs: Any, state: Any, scope: Any = None, **kwargs: Any) -> Any:  # type: ignore[override]
        """Runs a step.

        Args:
          inputs: [batch, size].
          state: tensors [batch, *size] in the structure of `state_size`.
          scope: the scope of the variables.
          **kwargs: more arguments of `call`.

        Returns:
          (the output, the new state).
        """
        if scope is not None:
            with variable_scope(scope, custom_getter=self._tracked) as entered:
                return super().__call__(inputs, state, scope=entered, **kwargs)
        if self._own_scope is None:
            self._own_scope = variable_scope(get_variable_scope(), custom_getter=self._tracked)
        with self._own_scope:
            return super().__call__(inputs, state, **kwargs)

    def _tracked(self, getter: Any, *args: Any, **kwargs: Any) -> Any:
        """Adds the variables that `call` creates to the weights."""
        variable = getter(*args, **kwargs)
        weights = self._trainable_weights if is_trainable(variable) else self._non_trainable_weights
        if all(variable is not weight for weight in weights):
            weights.append(variable)
        return variable

    @property
    def state_size(self) -> Any:
        """The sizes of the state: a number, a shape, or a structure of them."""
        raise NotImplementedError("Abstract method")

    @property
    def output_size(self) -> Any:
        """The size of the output: a number or a shape."""
        raise NotImplementedError("Abstract method")

    def build(self, input_shape: Any) -> None:
        """Creates the weights; none by default."""

    def get_initial_state(
        self, inputs: Any = None, batch_size: Any = None, dtype: Any = None
    ) -> Any:
        """Zeros for a batch.

        Args:
          inputs: a tensor with the batch size and dtype.
          batch_size: in the absence of `inputs`.
          dtype: likewise.

        Raises:
          ValueError: the arguments do not agree, or do not say the batch and the type.
        """
        if inputs is not None:
            inputs = convert_to_tensor(inputs)
            batch = inputs.shape[0]
            if batch_size is not None and batch != _static(batch_size):
                raise ValueError(
                    "batch size from input tensor is different from the input param. Input tensor "
                    f"batch: {batch}, batch_size: {batch_size}"
                )
            if dtype is not None and inputs.dtype != dtype:
                raise ValueError(
                    "dtype from input tensor is different from the input param. Input tensor dtype: "
                    f"{inputs.dtype}, dtype: {dtype}"
                )
            batch_size, dtype = batch or raw.Shape(input=inputs)[0], inputs.dtype
        if batch_size is None or dtype is None:
            raise ValueError(
                "batch_size and dtype cannot be None while constructing initial state: "
                f"batch_size={batch_size}, dtype={dtype}"
            )
        return self.zero_state(batch_size, dtype)

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """Zeros [batch_size, *size] in the structure of `state_size`."""
        with name_scope(f"{type(self).__name__}ZeroState"):
            return zero_state(self.state_size, batch_size, dtype)


def _static(value: Any) -> Any:
    return get_static_value(value) if isinstance(value, Tensor) else value


class LayerRNNCell(RNNCell):
    """A cell that creates its variables in `build`, as layers do.

    Args:
      num_units: the size of the output.
      activation: a function or its name; tanh by default.
      reuse: whether variables that exist in the scope are shared.
      name: the name of the scope of its variables.
      dtype: the type of its weights, that of the first inputs by default.
      **kwargs: `trainable`.
    """

    def __init__(
        self, num_units: int, activation: Any = None, reuse: Any = None, name: Any = None,
        dtype: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        check_type(self.dtype)
        self.input_spec = InputSpec(ndim=2)
        self._num_units = num_units
        self._activation = activation_of(activation or "tanh")

    def __call__(  # type: ignore[override]
        self, inputs: Any, state: Any, scope: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        """Runs a step; see `RNNCell`."""
        return Layer.__call__(self, inputs, state, *args, scope=scope, **kwargs)

    @property
    def state_size(self) -> Any:
        """The number of units."""
        return self._num_units

    @property
    def output_size(self) -> Any:
        """The number of units."""
        return self._num_units

    def _depth(self, input_shape: Any) -> int:
        """The size of the inputs.

        Raises:
          ValueError: it is unknown.
        """
        depth: int | None = input_shape[-1]
        if depth is None:
            raise ValueError(f"Expected inputs.shape[-1] to be known, saw shape: {input_shape}")
        check_type(self.dtype)
        return depth

    def get_config(self) -> dict[str, Any]:
        """The arguments that recreate the cell."""
        return {
            **super().get_config(),
            "num_units": self._num_units,
            "activation": activation_name(self._activation),
            "reuse": self._reuse,
        }


def check_type(dtype: Any) -> None:
    """Raises ValueError if cells do not compute with a type."""
    if dtype is None:
        return
    kind = dtypes.as_dtype(dtype)
    if not (kind.is_floating or kind.is_complex):
        raise ValueError(f"RNN cell only supports floating point inputs, but saw dtype: {kind}")


def check_inputs(*inputs: Any) -> None:
    """Raises ValueError if cells do not compute with the type of one of the tensors."""
    for tensor in nest.flatten(inputs):
        check_type(tensor.dtype)
