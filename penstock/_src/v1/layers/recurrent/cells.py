"""The plain recurrent cell and the gated one."""

from typing import Any

from penstock._src.api.array.joining import concat, split
from penstock._src.api.linalg.products import matmul
from penstock._src.api.nn.normalization import bias_add
from penstock._src.core.registry import raw
from penstock._src.v1.layers.by_name import initializer, initializer_config
from penstock._src.v1.layers.recurrent.cell import BIAS, KERNEL, LayerRNNCell, check_inputs
from penstock._src.v1.variables.initializers import Constant, Zeros


class BasicRNNCell(LayerRNNCell):
    """The cell `output = new_state = activation([inputs, state] @ kernel + bias)`; see `LayerRNNCell` for the arguments."""

    def build(self, input_shape: Any) -> None:
        """Creates the weights."""
        depth = self._depth(input_shape)
        self._kernel = self.add_weight(KERNEL, [depth + self._num_units, self._num_units])
        self._bias = self.add_weight(BIAS, [self._num_units], initializer=Zeros(self.dtype))
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:  # type: ignore[override]
        """Computes (output, new state)."""
        check_inputs(inputs, state)
        sums = bias_add(matmul(concat([inputs, state], 1), self._kernel), self._bias)
        output = self._activation(sums)
        return output, output


class GRUCell(LayerRNNCell):
    """The gated recurrent unit of Cho et al. 2014.

    Args:
      num_units: the size of the output.
      activation: a function or its name; tanh by default.
      reuse: whether variables that exist in the scope are shared.
      kernel_initializer: of the kernels, that of the scope by default.
      bias_initializer: of the biases; by default ones for the gates and zeros for the candidate.
      name: the name of the scope of its variables.
      dtype: the type of its weights, that of the first inputs by default.
      **kwargs: `trainable`.
    """

    def __init__(
        self, num_units: int, activation: Any = None, reuse: Any = None,
        kernel_initializer: Any = None, bias_initializer: Any = None, name: Any = None,
        dtype: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(num_units, activation, reuse, name, dtype, **kwargs)
        self._kernel_initializer = initializer(kernel_initializer)
        self._bias_initializer = initializer(bias_initializer)

    def build(self, input_shape: Any) -> None:
        """Creates the weights."""
        rows = self._depth(input_shape) + self._num_units
        self._gate_kernel, self._gate_bias = self._weights(
            "gates", [rows, 2 * self._num_units], Constant(1.0, dtype=self.dtype)
        )
        self._candidate_kernel, self._candidate_bias = self._weights(
            "candidate", [rows, self._num_units], Zeros(self.dtype)
        )
        self.built = True

    def _weights(self, scope: str, shape: list[int], bias: Any) -> tuple[Any, Any]:
        kernel = self.add_weight(f"{scope}/{KERNEL}", shape, initializer=self._kernel_initializer)
        chosen = bias if self._bias_initializer is None else self._bias_initializer
        return kernel, self.add_weight(f"{scope}/{BIAS}", shape[1:], initializer=chosen)

    def call(self, inputs: Any, state: Any) -> Any:  # type: ignore[override]
        """Computes (output, new state)."""
        check_inputs(inputs, state)
        sums = bias_add(matmul(concat([inputs, state], 1), self._gate_kernel), self._gate_bias)
        reset, update = split(raw.Sigmoid(x=sums), 2, axis=1)
        joined = concat([inputs, reset * state], 1)
        candidate = bias_add(matmul(joined, self._candidate_kernel), self._candidate_bias)
        new = self._activation(candidate)
        output = update * state + (1 - update) * new
        return output, output

    def get_config(self) -> dict[str, Any]:
        """The arguments that recreate the cell."""
        return {
            **super().get_config(),
            "kernel_initializer": initializer_config(self._kernel_initializer),
            "bias_initializer": initializer_config(self._bias_initializer),
        }
