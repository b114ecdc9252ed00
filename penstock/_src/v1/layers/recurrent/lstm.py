"""Cells with a long short-term memory (Hochreiter & Schmidhuber 1997)."""

import collections
from typing import Any

from penstock._src.api.array.clipping import clip_by_value
from penstock._src.api.array.joining import concat, split
from penstock._src.api.linalg.products import matmul
from penstock._src.api.nn.normalization import bias_add
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.v1.layers.by_name import initializer as initializer_of
from penstock._src.v1.layers.by_name import initializer_config
from penstock._src.v1.layers.recurrent.cell import BIAS, KERNEL, LayerRNNCell, check_inputs
from penstock._src.v1.process.log import warning
from penstock._src.v1.variables.initializers import Zeros
from penstock._src.v1.variables.partitioners import fixed_size_partitioner


class LSTMStateTuple(collections.namedtuple("LSTMStateTuple", ("c", "h"))):
    """The state of an LSTM cell, or its sizes: the memory `c` and the output `h`."""

    __slots__ = ()

    @property
    def dtype(self) -> Any:
        """The type of both.

        Raises:
          TypeError: their types differ.
        """
        if self.c.dtype != self.h.dtype:
            raise TypeError(f"Inconsistent internal state: {self.c.dtype} vs {self.h.dtype}")
        return self.c.dtype


class _LSTM(LayerRNNCell):
    """Base of cells with a memory: the form of their state."""

    def __init__(
        self, num_units: int, forget_bias: float, state_is_tuple: bool, **kwargs: Any
    ) -> None:
        super().__init__(num_units, **kwargs)
        self._forget_bias, self._state_is_tuple = forget_bias, state_is_tuple
        if not state_is_tuple:
            warning(
                "%s: Using a concatenated state is slower and will soon be deprecated.  Use "
                "state_is_tuple=True.",
                self,
            )

    @property
    def state_size(self) -> Any:
        """The sizes of the memory and of the output, or their sum."""
        sizes = (self._num_units, self.output_size)
        return LSTMStateTuple(*sizes) if self._state_is_tuple else sum(sizes)

    def _packed(self, memory: Any, output: Any) -> Any:
        """The new state."""
        return (
            LSTMStateTuple(memory, output) if self._state_is_tuple else concat([memory, output], 1)
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments that recreate the cell."""
        return {
            **super().get_config(),
            "forget_bias": self._forget_bias,
            "state_is_tuple": self._state_is_tuple,
        }


class BasicLSTMCell(_LSTM):
    """An LSTM cell without clipping, projection and peepholes.

    Args:
      num_units: the size of the output.
      forget_bias: what is added to the forget gate.
      state_is_tuple: whether states are `LSTMStateTuple`s, rather than concatenated.
      activation: a function or its name; tanh by default.
      reuse: whether variables that exist in the scope are shared.
      name: the name of the scope of its variables.
      dtype: the type of its weights, that of the first inputs by default.
      **kwargs: `trainable`.
    """

    def __init__(
        self, num_units: int, forget_bias: float = 1.0, state_is_tuple: bool = True,
        activation: Any = None, reuse: Any = None, name: Any = None, dtype: Any = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        kwargs |= {"activation": activation, "reuse": reuse, "name": name, "dtype": dtype}
        super().__init__(num_units, forget_bias, state_is_tuple, **kwargs)

    def build(self, input_shape: Any) -> None:
        """Creates the weights."""
        rows = self._depth(input_shape) + self._num_units
        self._kernel = self.add_weight(KERNEL, [rows, 4 * self._num_units])
        self._bias = self.add_weight(BIAS, [4 * self._num_units], initializer=Zeros(self.dtype))
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:  # type: ignore[override]
        """Computes (output, new state)."""
        check_inputs(inputs, state)
        one = convert_to_tensor(1)
        memory, hidden = state if self._state_is_tuple else split(state, 2, axis=one)
        sums = bias_add(matmul(concat([inputs, hidden], 1), self._kernel), self._bias)
        enter, new, forget, leave = split(sums, 4, axis=one)
        biased = raw.AddV2(
            x=forget, y=convert_to_tensor(self._forget_bias, forget.dtype), name="Add"
        )
        kept = raw.Mul(x=memory, y=raw.Sigmoid(x=biased))
        entered = raw.Mul(x=raw.Sigmoid(x=enter), y=self._activation(new))
        memory = raw.AddV2(x=kept, y=entered, name="Add")
        output = raw.Mul(x=self._activation(memory), y=raw.Sigmoid(x=leave))
        return output, self._packed(memory, output)


class LSTMCell(_LSTM):
    """An LSTM cell with clipping, projection (Sak et al. 2014) and peepholes, all of them optional.

    Args:
      num_units: the size of the memory, and of the output unless it is projected.
      use_peepholes: whether the gates see the memory.
      cell_clip: the greatest absolute value of the memory.
      initializer: of the kernels and peepholes, that of the scope by default.
      num_proj: the size to which the output is projected.
      proj_clip: the greatest absolute value of the projected output.
      num_unit_shards: into how many parts the kernel is cut.
      num_proj_shards: into how many parts the kernel of the projection is cut.
      forget_bias: what is added to the forget gate.
      state_is_tuple: whether states are `LSTMStateTuple`s, rather than concatenated.
      activation: a function or its name; tanh by default.
      reuse: whether variables that exist in the scope are shared.
      name: the name of the scope of its variables.
      dtype: the type of its weights, that of the first inputs by default.
      **kwargs: `trainable`.
    """

    def __init__(
        self, num_units: int, use_peepholes: bool = False, cell_clip: float | None = None,
        initializer: Any = None, num_proj: int | None = None, proj_clip: float | None = None,
        num_unit_shards: int | None = None, num_proj_shards: int | None = None,
        forget_bias: float = 1.0, state_is_tuple: bool = True, activation: Any = None,
        reuse: Any = None, name: Any = None, dtype: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        kwargs |= {"activation": activation, "reuse": reuse, "name": name, "dtype": dtype}
        super().__init__(num_units, forget_bias, state_is_tuple, **kwargs)
        if num_unit_shards is not None or num_proj_shards is not None:
            warning(
                "%s: The num_unit_shards and proj_unit_shards parameters are deprecated and will be "
                "removed in Jan 2017. Use a variable scope with a partitioner instead.",
                self,
            )
        self._use_peepholes, self._cell_clip = use_peepholes, cell_clip
        self._initializer = initializer_of(initializer)
        self._num_proj, self._proj_clip = num_proj, proj_clip
        self._num_unit_shards, self._num_proj_shards = num_unit_shards, num_proj_shards

    @property
    def output_size(self) -> Any:
        """The size of the output, projected or not."""
        return self._num_proj or self._num_units

    def build(self, input_shape: Any) -> None:
        """Creates the weights."""
        units = self._num_units
        hidden = units if self._num_proj is None else self._num_proj
        rows = self._depth(input_shape) + hidden
        self._kernel = self._sharded(KERNEL, [rows, 4 * units], self._num_unit_shards)
        zeros = Zeros() if self.dtype is None else Zeros(self.dtype)
        self._bias = self.add_weight(BIAS, [4 * units], initializer=zeros)
        if self._use_peepholes:
            self._w_f_diag = self.add_weight("w_f_diag", [units], initializer=self._initializer)
            self._w_i_diag = self.add_weight("w_i_diag", [units], initializer=self._initializer)
            self._w_o_diag = self.add_weight("w_o_diag", [units], initializer=self._initializer)
        if self._num_proj is not None:
            shape = [units, self._num_proj]
            self._proj_kernel = self._sharded(f"projection/{KERNEL}", shape, self._num_proj_shards)
        self.built = True

    def _sharded(self, name: str, shape: list[int], shards: int | None) -> Any:
        cut = None if shards is None else fixed_size_partitioner(shards)
        return self.add_weight(name, shape, initializer=self._initializer, partitioner=cut)

    def call(self, inputs: Any, state: Any) -> Any:  # type: ignore[override]
        """Computes (output, new state)."""
        check_inputs(inputs, state)
        before, hidden = state if self._state_is_tuple else self._halves(state)
        if inputs.shape.with_rank(2)[1] is None:
            raise ValueError("Could not infer input size from inputs.get_shape()[-1]")
        sums = bias_add(matmul(concat([inputs, hidden], 1), self._kernel), self._bias)
        enter, new, forget, leave = split(sums, 4, axis=1)
        forget = forget + self._forget_bias
        if self._use_peepholes:
            forget = forget + self._w_f_diag * before
        kept = raw.Sigmoid(x=forget) * before
        if self._use_peepholes:
            enter = enter + self._w_i_diag * before
        memory = kept + raw.Sigmoid(x=enter) * self._activation(new)
        memory = _clipped(memory, self._cell_clip)
        if self._use_peepholes:
            leave = leave + self._w_o_diag * memory
        output = raw.Sigmoid(x=leave) * self._activation(memory)
        if self._num_proj is not None:
            output = _clipped(matmul(output, self._proj_kernel), self._proj_clip)
        return output, self._packed(memory, output)

    def _halves(self, state: Any) -> tuple[Any, Any]:
        """The memory and the output of a concatenated state."""
        memory = raw.Slice(input=state, begin=[0, 0], size=[-1, self._num_units])
        hidden = raw.Slice(input=state, begin=[0, self._num_units], size=[-1, self.output_size])
        return memory, hidden

    def get_config(self) -> dict[str, Any]:
        """The arguments that recreate the cell."""
        return {
            **super().get_config(),
            "use_peepholes": self._use_peepholes,
            "cell_clip": self._cell_clip,
            "initializer": initializer_config(self._initializer),
            "num_proj": self._num_proj,
            "proj_clip": self._proj_clip,
            "num_unit_shards": self._num_unit_shards,
            "num_proj_shards": self._num_proj_shards,
        }


def _clipped(value: Any, bound: float | None) -> Any:
    return value if bound is None else clip_by_value(value, -bound, bound)
