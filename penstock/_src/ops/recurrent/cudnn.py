"""Recurrent layers of NVIDIA's cuDNN, without kernels: signatures, shapes and gradients let graphs contain them.

Layers trace them as their GPU implementation, next to the one that runs on CPUs.
"""

from typing import Literal

from penstock._src.core.errors import NotFoundError
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import SCALAR
from penstock._src.core.typesets import FLOAT

_INPUTS = "input: T, input_h: T, input_c: T, params: T"
_OUTPUTS = "output: T, output_h: T, output_c: T"
_BACKPROPS = "output_backprop: T, output_h_backprop: T, output_c_backprop: T"
_GRADIENTS = "input_backprop: T, input_h_backprop: T, input_c_backprop: T, params_backprop: T"


class CudnnRNN(Op):
    """All steps of a recurrent layer, on a GPU."""

    signature = f"{_INPUTS} -> {_OUTPUTS}, reserve_space: T"
    ranks = {"params": (1,)}
    T = FLOAT
    rnn_mode: Literal["rnn_relu", "rnn_tanh", "lstm", "gru"] = "lstm"
    input_mode: Literal["linear_input", "skip_input", "auto_select"] = "linear_input"
    direction: Literal["unidirectional", "bidirectional"] = "unidirectional"
    dropout: float = 0.0
    seed: int = 0
    seed2: int = 0
    is_training: bool = True
    stateful = True
    more_outputs = 0

    def shape(self, input, input_h, input_c, *_rest):
        steps, h = input.with_rank(3), input_h.with_rank(3)
        both = 2 if self.direction == "bidirectional" else 1
        width = None if h[2] is None else h[2] * both
        c = input_c if self.rnn_mode == "lstm" else SCALAR
        return [steps[0], steps[1], width], h, c, *[None] * (1 + self.more_outputs)

    def gradient(self, *values):
        if not self.is_training:
            raise ValueError(
                f"To use {self.op_type} in gradients, is_training must be set to True."
            )
        inputs, outputs = len(self.inputs), len(self.outputs)
        of_outputs = values[inputs + outputs :]
        attributes = {n: v for n, v in self.attrs.items() if n not in ("T", "is_training")}
        backprop = getattr(raw, self.op_type.replace("RNN", "RNNBackprop"))
        arguments = [*values[: inputs + 3], *of_outputs[:3], *values[inputs + 3 : inputs + outputs]]
        return (*backprop(*arguments, **attributes), *[None] * (inputs - 4))

    @classmethod
    def refused_on_accelerators(cls):
        return NotFoundError(
            None,
            None,
            f"Could not find device for node: {cls.op_type}: there is no kernel for the CPU, only "
            "cuDNN's for GPUs, which Penstock does not call: give the layer use_cudnn=False.",
        )

    def eager(self, *_inputs):
        raise self.refused_on_accelerators()


class CudnnRNNV2(CudnnRNN):
    """All steps of a recurrent layer, on a GPU; also returns cuDNN's reserved host data."""

    signature = f"{_INPUTS} -> {_OUTPUTS}, reserve_space: T, host_reserved: int8"
    more_outputs = 1


class CudnnRNNV3(CudnnRNNV2):
    """All steps of a recurrent layer for sequences of different lengths, on a GPU."""

    signature = (
        f"{_INPUTS}, sequence_lengths: int32 -> {_OUTPUTS}, reserve_space: T, host_reserved: int8"
    )
    ranks = {"sequence_lengths": (1,)}
    num_proj: int = 0
    time_major: bool = True

    def shape(self, input, input_h, input_c, *rest):
        if self.rnn_mode == "lstm":
            input_c = input_c.with_rank(3)
        return super().shape(input, input_h, input_c, *rest)


class CudnnRNNBackprop(Op):
    """The gradient of all steps of a recurrent layer, on a GPU."""

    signature = f"{_INPUTS}, {_OUTPUTS}, {_BACKPROPS}, reserve_space: T -> {_GRADIENTS}"
    T = FLOAT
    rnn_mode: Literal["rnn_relu", "rnn_tanh", "lstm", "gru"] = "lstm"
    input_mode: Literal["linear_input", "skip_input", "auto_select"] = "linear_input"
    direction: Literal["unidirectional", "bidirectional"] = "unidirectional"
    dropout: float = 0.0
    seed: int = 0
    seed2: int = 0
    stateful = True

    def shape(self, *inputs):
        return inputs[:4]

    refused_on_accelerators = classmethod(CudnnRNN.refused_on_accelerators.__func__)
    eager = CudnnRNN.eager


class CudnnRNNBackpropV2(CudnnRNNBackprop):
    """The gradient of CudnnRNNV2."""

    signature = f"{_INPUTS}, {_OUTPUTS}, {_BACKPROPS}, reserve_space: T, host_reserved: int8 -> {_GRADIENTS}"


class CudnnRNNBackpropV3(CudnnRNNBackprop):
    """The gradient of CudnnRNNV3."""

    signature = (
        f"{_INPUTS}, sequence_lengths: int32, {_OUTPUTS}, {_BACKPROPS}, reserve_space: T, "
        f"host_reserved: int8 -> {_GRADIENTS}"
    )
    num_proj: int = 0
    time_major: bool = True
