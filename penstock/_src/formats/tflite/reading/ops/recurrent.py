"""Recurrent layers: simple cells, LSTM and SVDF, with states that are variable tensors."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.api.control.tensor_array import TensorArray
from penstock._src.api.control.while_loops import while_loop
from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.formats.tflite.reading.call import Call, activate, builtin, clipped, number
from penstock._src.formats.tflite.reading.ops.integer_lstm import IntegerLstm
from penstock._src.formats.tflite.reading.quantized_kernels.accumulation import (
    centered_weights,
    exact_type,
    quantized_rows,
)

Step = Callable[[Any, Sequence[Any]], tuple[Any, list[Any]]]


def times(call: Call, x: Any, w: int) -> Any:
    """x times the transposed weights of an input; quantized weights make each row of x quantized as well."""
    if not call.is_quantized(w):
        return raw.MatMul(a=x, b=call.tensor(w), transpose_b=True)
    kind = exact_type(dtypes.int8, call.info(w).dtype, call.info(w).shape[-1])
    values, scales = quantized_rows(x, call.options.asymmetric_quantize_inputs)
    product = raw.MatMul(
        a=raw.Cast(x=values, DstT=kind), b=centered_weights(call, w, kind), transpose_b=True
    )
    factors = raw.Mul(
        x=raw.Reshape(tensor=scales, shape=np.array([-1, 1], np.int32)),
        y=call.quantization(w).scales,
    )
    return raw.Mul(x=raw.Cast(x=product, DstT=dtypes.float32), y=factors)


def _refuse_integers(call: Call) -> None:
    if call.tensor(0).dtype != dtypes.float32:
        raise call.unimplemented(f"inputs of type {call.tensor(0).dtype.name}")


def _scan(
    x: Any, states: Sequence[Any], step: Step, time_major: bool, backwards: bool = False
) -> tuple[Any, list[Any]]:
    """Runs a step along the time axis.

    Args:
      x: `[time, batch, n]`, or `[batch, time, n]`.
      states: the states before the first step.
      step: takes an `[batch, n]` and the states; returns an output and new states.
      time_major: whether time is the first axis.
      backwards: whether the last time is the first step.

    Returns:
      The outputs along the same axis, and the last states.
    """
    swap = np.array([1, 0, 2], np.int32)
    if not time_major:
        x = raw.Transpose(x=x, perm=swap)
    steps = raw.Shape(input=x)[0]
    outputs = TensorArray(states[0].dtype, size=steps)

    def body(i: Any, outputs: Any, *states: Any) -> Any:
        at = raw.Sub(x=raw.Sub(x=steps, y=np.int32(1)), y=i) if backwards else i
        output, after = step(raw.GatherV2(params=x, indices=at, axis=np.int32(0)), states)
        after = [
            raw.EnsureShape(input=a, shape=b.shape) for a, b in zip(after, states, strict=True)
        ]
        return (raw.AddV2(x=i, y=np.int32(1)), outputs.write(at, output), *after)

    _, outputs, *states = while_loop(
        lambda i, *_: raw.Less(x=i, y=steps), body, (np.int32(0), outputs, *states)
    )
    result = outputs.stack()
    return (result if time_major else raw.Transpose(x=result, perm=swap)), list(states)


# -- simple cells


def _simple_step(call: Call, w: int, recurrent: int, bias: int) -> Step:
    function = call.options.fused_activation_function

    def step(x: Any, states: Sequence[Any]) -> tuple[Any, list[Any]]:
        total = raw.AddV2(x=times(call, x, w), y=times(call, states[0], recurrent))
        output = activate(call, raw.AddV2(x=total, y=call.tensor(bias)), function)
        return output, [output]

    return step


@builtin("RNN", options="RNNOptions")
def rnn(call: Call) -> Any:
    _refuse_integers(call)
    output, states = _simple_step(call, 1, 2, 3)(call.tensor(0), [call.tensor(4)])
    call.assign(4, states[0])
    return output


@builtin("UNIDIRECTIONAL_SEQUENCE_RNN", options="SequenceRNNOptions")
def unidirectional_sequence_rnn(call: Call) -> Any:
    _refuse_integers(call)
    step = _simple_step(call, 1, 2, 3)
    output, states = _scan(call.tensor(0), [call.tensor(4)], step, call.options.time_major)
    call.assign(4, states[0])
    return output


@builtin("BIDIRECTIONAL_SEQUENCE_RNN", options="BidirectionalSequenceRNNOptions")
def bidirectional_sequence_rnn(call: Call) -> Any:
    _refuse_integers(call)
    if call.has(9):
        raise call.unimplemented("an auxiliary input")
    outputs = []
    for first, backwards in ((1, False), (5, True)):
        step = _simple_step(call, first, first + 1, first + 2)
        output, states = _scan(
            call.tensor(0), [call.tensor(first + 3)], step, call.options.time_major, backwards
        )
        call.assign(first + 3, states[0])
        outputs.append(output)
    return _merged(call, outputs)


def _merged(call: Call, outputs: list[Any]) -> list[Any]:
    if call.options.merge_outputs:
        return [raw.ConcatV2(values=outputs, axis=np.int32(2))]
    return outputs


# -- LSTM


class _Lstm:
    """An LSTM cell, whose tensors are inputs of an operator from `first` on.

    In order: weights of the input for the gates input, forget, cell and output, those of the last output, peepholes for input,
    forget and output, four biases, a projection and its bias; elsewhere four coefficients of layer normalization.
    """

    def __init__(self, call: Call, first: int, norms: int | None = None) -> None:
        self._call, self._first, self._norms = call, first, norms
        self._function = call.options.fused_activation_function
        self._has_input_gate = call.has(first)  # else it is the rest of the forget gate

    def _sum(self, gate: int, x: Any, h: Any, c: Any = None) -> Any:
        call, first = self._call, self._first
        total = raw.AddV2(x=times(call, x, first + gate), y=times(call, h, first + 4 + gate))
        peephole = first + 8 + (2 if gate == 3 else gate)
        if c is not None and call.has(peephole):
            total = raw.AddV2(x=total, y=raw.Mul(x=c, y=self._real(peephole)))
        bias = call.tensor(first + 11 + gate)
        if self._norms is not None and call.has(self._norms + gate):
            scale = call.tensor(self._norms + gate)
            return raw.AddV2(x=raw.Mul(x=_normalized(total), y=scale), y=bias)
        return raw.AddV2(x=total, y=bias)

    def _real(self, i: int) -> Any:
        """A vector of weights as floats."""
        if not self._call.is_quantized(i):
            return self._call.tensor(i)
        values = raw.Cast(x=self._call.tensor(i), DstT=dtypes.float32)
        return raw.Mul(x=values, y=np.float32(self._call.quantization(i).scale))

    def step(self, x: Any, states: Sequence[Any]) -> tuple[Any, list[Any]]:
        """Returns the output and the states after a step: the output, and the cell."""
        call, options = self._call, self._call.options
        h, c = states
        forget = raw.Sigmoid(x=self._sum(1, x, h, c))
        if self._has_input_gate:
            take = raw.Sigmoid(x=self._sum(0, x, h, c))
        else:
            take = raw.Sub(x=number(1, forget), y=forget)
        fresh = activate(call, self._sum(2, x, h), self._function)
        c = raw.AddV2(x=raw.Mul(x=forget, y=c), y=raw.Mul(x=take, y=fresh))
        if options.cell_clip > 0:
            c = clipped(c, -options.cell_clip, options.cell_clip)
        show = raw.Sigmoid(x=self._sum(3, x, h, c))
        h = raw.Mul(x=show, y=activate(call, c, self._function))
        if call.has(self._first + 15):
            h = times(call, h, self._first + 15)
            if call.has(self._first + 16):
                h = raw.AddV2(x=h, y=call.tensor(self._first + 16))
            if options.proj_clip > 0:
                h = clipped(h, -options.proj_clip, options.proj_clip)
        return h, [h, c]


def _normalized(x: Any) -> Any:
    """Rows with mean 0 and variance 1."""
    last = np.array([-1], np.int32)
    mean = raw.Mean(input=x, axis=last, keep_dims=True)
    square = raw.Mean(input=raw.Square(x=x), axis=last, keep_dims=True)
    variance = raw.Sub(x=square, y=raw.Square(x=mean))
    flat = raw.Equal(x=variance, y=np.float32(0))
    variance = raw.SelectV2(condition=flat, t=np.float32(1e-8), e=variance)
    return raw.Mul(x=raw.Sub(x=x, y=mean), y=raw.Rsqrt(x=variance))


@builtin("UNIDIRECTIONAL_SEQUENCE_LSTM", options="UnidirectionalSequenceLSTMOptions")
def unidirectional_sequence_lstm(call: Call) -> Any:
    if call.options.diagonal_recurrent_tensors:
        raise call.unimplemented("diagonal recurrent weights")
    if call.tensor(0).dtype == dtypes.int8:
        cell: Any = IntegerLstm(call)
    else:
        _refuse_integers(call)
        cell = _Lstm(call, 1, norms=20)
    output, states = _scan(
        call.tensor(0), [call.tensor(18), call.tensor(19)], cell.step, call.options.time_major
    )
    call.assign(18, states[0])
    call.assign(19, states[1])
    return output


@builtin("LSTM", options="LSTMOptions")
def lstm(call: Call) -> Any:
    _refuse_integers(call)
    if call.options.kernel_type:
        return _basic_lstm(call)
    output, states = _Lstm(call, 1, norms=20).step(
        call.tensor(0), [call.tensor(18), call.tensor(19)]
    )
    call.assign(18, states[0])
    call.assign(19, states[1])
    return output


def _basic_lstm(call: Call) -> list[Any]:
    """The cell with one matrix of weights; it returns its state, and the operand of the product."""
    x, h, weights, bias, c = call.tensors()
    joined = raw.ConcatV2(values=[x, h], axis=np.int32(1))
    sums = raw.AddV2(x=raw.MatMul(a=joined, b=weights, transpose_b=True), y=bias)
    take, fresh, forget, show = raw.Split(axis=np.int32(1), value=sums, num_split=4)
    c = raw.AddV2(
        x=raw.Mul(x=raw.Sigmoid(x=take), y=raw.Tanh(x=fresh)),
        y=raw.Mul(x=raw.Sigmoid(x=forget), y=c),
    )
    h = raw.Mul(x=raw.Sigmoid(x=show), y=raw.Tanh(x=c))
    return [h, c, joined, sums]


@builtin("BIDIRECTIONAL_SEQUENCE_LSTM", options="BidirectionalSequenceLSTMOptions")
def bidirectional_sequence_lstm(call: Call) -> Any:
    _refuse_integers(call)
    if call.has(39):
        raise call.unimplemented("an auxiliary input")
    outputs = []
    for first, state, backwards in ((1, 35, False), (18, 37, True)):
        output, states = _scan(
            call.tensor(0),
            [call.tensor(state), call.tensor(state + 1)],
            _Lstm(call, first).step,
            call.options.time_major,
            backwards,
        )
        call.assign(state, states[0])
        call.assign(state + 1, states[1])
        outputs.append(output)
    return _merged(call, outputs)
