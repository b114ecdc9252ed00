"""RNN, GRU and LSTM: a loop over time for each direction."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.api.control.tensor_array import TensorArray
from penstock._src.api.control.while_loops import while_loop
from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.ops.nn import activations
from penstock._src.formats.onnx.reading.registry import Node, reads

Function = Callable[[Any], Any]
LSTM_ACTIVATIONS = ["Sigmoid", "Tanh", "Tanh"]


def _scaled_tanh(x: Any, alpha: float, beta: float) -> Any:
    return raw.Mul(t.like(alpha, x), raw.Tanh(raw.Mul(t.like(beta, x), x)))


def _affine(x: Any, alpha: float, beta: float) -> Any:
    return raw.AddV2(raw.Mul(t.like(alpha, x), x), t.like(beta, x))


# Name of an activation: function of x, alpha and beta, and the defaults of these.
_ACTIVATIONS: dict[str, tuple[Callable[..., Any], float, float]] = {
    "relu": (lambda x, a, b: raw.Relu(x), 0.0, 0.0),
    "tanh": (lambda x, a, b: raw.Tanh(x), 0.0, 0.0),
    "sigmoid": (lambda x, a, b: raw.Sigmoid(x), 0.0, 0.0),
    "affine": (_affine, 1.0, 0.0),
    "leakyrelu": (lambda x, a, b: activations.leaky_relu(x, a), 0.01, 0.0),
    "thresholdedrelu": (lambda x, a, b: activations.thresholded_relu(x, a), 1.0, 0.0),
    "scaledtanh": (_scaled_tanh, 1.0, 1.0),
    "hardsigmoid": (activations.hard_sigmoid, 0.2, 0.5),
    "elu": (lambda x, a, b: activations.elu(x, a), 1.0, 0.0),
    "softsign": (lambda x, a, b: raw.Softsign(x), 0.0, 0.0),
    "softplus": (lambda x, a, b: raw.Softplus(x), 0.0, 0.0),
}


def _activations(n: Node, defaults: Sequence[str], directions: int) -> list[list[Function]]:
    """The activations of every direction."""
    names = n.attr("activations", list(defaults) * directions)
    alphas, betas = list(n.attr("activation_alpha", [])), list(n.attr("activation_beta", []))
    limit = n.attr("clip", 0.0)
    if len(names) != len(defaults) * directions:
        raise InvalidArgumentError(
            f"there must be {len(defaults) * directions} activations. Received: {names}"
        )
    functions: list[Function] = []
    for name in names:
        if name.lower() not in _ACTIVATIONS:
            raise UnimplementedError(f"the activation '{name}' is not supported.")
        function, alpha, beta = _ACTIVATIONS[name.lower()]
        takes_alpha, takes_beta = (
            alpha != 0.0,
            name.lower() in ("affine", "scaledtanh", "hardsigmoid"),
        )
        alpha = alphas.pop(0) if takes_alpha and alphas else alpha
        beta = betas.pop(0) if takes_beta and betas else beta
        # ONNX Runtime does not clip the cell of an LSTM, which its third activation takes.
        clipped = limit if len(functions) % len(defaults) < 2 else 0.0
        functions.append(functools.partial(_clipped, function, alpha, beta, clipped))
    return [functions[i : i + len(defaults)] for i in range(0, len(functions), len(defaults))]


def _clipped(function: Any, alpha: float, beta: float, limit: float, x: Any) -> Any:
    if limit:
        x = raw.Minimum(raw.Maximum(x, t.like(-limit, x)), t.like(limit, x))
    return function(x, alpha, beta)


class Sequences:
    """The common part of the three kinds: the inputs with time first, states, lengths, directions.

    Args:
      n: the node.
      x: the input.
      w: the weights of it, by direction.
      lengths: of the sequences, or None.
      defaults: names of the activations of one direction.
    """

    def __init__(self, n: Node, x: Any, w: Any, lengths: Any, defaults: Sequence[str]) -> None:
        self.batch_first = n.flag("layout")
        x = t.of_rank(x, 3)
        self.x = t.transpose(x, [1, 0, 2]) if self.batch_first else x
        names = {"forward": [False], "reverse": [True], "bidirectional": [False, True]}
        direction = n.attr("direction", "forward")
        if direction not in names:
            raise InvalidArgumentError(f"the direction '{direction}' is unknown.")
        self.backwards = names[direction]
        self.directions = len(self.backwards)
        if w.shape.as_list()[0] != self.directions:
            raise InvalidArgumentError(
                f"the weights {w.shape} are not of {self.directions} directions."
            )
        self.hidden: int = n.attr("hidden_size")
        self.steps, self.batch = t.extent(self.x, 0), t.extents(self.x)[1]
        self.lengths = None if lengths is None else t.cast(lengths, dtypes.int32)
        self.activations = _activations(n, defaults, self.directions)

    def state(self, initial: Any, direction: int) -> Any:
        """The first state of a direction."""
        if initial is None:
            return raw.Fill(t.vector([self.batch, self.hidden]), t.like(0, self.x))
        initial = t.of_rank(initial, 3)
        if self.batch_first:
            initial = t.transpose(initial, [1, 0, 2])
        return t.batched_gather(initial, np.int32(direction), 0)

    def turned(self, x: Any) -> Any:
        """The steps in reverse order; those after the end of a sequence stay."""
        if self.lengths is None:
            return raw.ReverseV2(x, np.array([0], np.int32))
        return raw.ReverseSequence(x, self.lengths, seq_dim=0, batch_dim=1)

    def run(
        self,
        direction: int,
        inputs: Any,
        states: Sequence[Any],
        step: Callable[..., Sequence[Any]],
    ) -> tuple[Any, list[Any]]:
        """Runs `step(row of inputs, *states) -> new states`; returns the first state at all times, and the last ones."""
        batch = states[0].shape[0]
        if batch is not None and inputs.shape[1] is None:  # a loop's state keeps its shape
            inputs = raw.EnsureShape(inputs, shape=[None, batch, inputs.shape[2]])
        if self.backwards[direction]:
            inputs = self.turned(inputs)
        count = t.cast(self.steps, dtypes.int32)
        outputs = TensorArray(self.x.dtype, size=count, element_shape=states[0].shape)

        def body(time: Any, kept: Any, *old: Any) -> Any:
            row = t.batched_gather(inputs, time, 0)
            new = list(step(row, *old))
            shown = new[0]
            if self.lengths is not None:
                alive = t.expand_dims(raw.Less(time, self.lengths), [1])
                shown = raw.SelectV2(alive, shown, t.like(0, shown))
                new = [raw.SelectV2(alive, a, b) for a, b in zip(new, old)]
            # A loop's state keeps its shape, which the new one may not know.
            new = [
                raw.EnsureShape(a, shape=b.shape) if None in a.shape.as_list() else a
                for a, b in zip(new, old)
            ]
            return (raw.AddV2(time, np.int32(1)), kept.write(time, shown), *new)

        first = t.constant(0, dtypes.int32)
        results = while_loop(
            lambda time, *_: raw.Less(time, count),
            body,
            (first, outputs, *states),
            maximum_iterations=count,
        )
        rows = results[1].stack()
        last = list(results[2:])
        if self.lengths is not None:  # those of empty sequences are zero in ONNX Runtime
            some = t.expand_dims(raw.Greater(self.lengths, np.int32(0)), [1])
            last = [raw.SelectV2(some, state, t.like(0, state)) for state in last]
        return (self.turned(rows) if self.backwards[direction] else rows), last

    def joined(self, rows: Sequence[Any], *states: Sequence[Any]) -> tuple[Any, ...]:
        """The outputs of all directions: of all times, and each last state."""
        y = raw.Pack(list(rows), axis=1)
        last = [raw.Pack(list(state), axis=0) for state in states]
        if self.batch_first:
            y = t.transpose(y, [2, 0, 1, 3])
            last = [t.transpose(state, [1, 0, 2]) for state in last]
        return (y, *last)


def _at(x: Any, direction: int) -> Any:
    """The part of x for one direction."""
    if x is None:
        return None
    value = t.known(x)  # part of a constant is a constant
    if value is not None and 0 <= direction < len(value):
        return t.constant(value[direction], x.dtype)
    return t.batched_gather(x, np.int32(direction), 0)


def _turned(matrix: Any) -> Any:
    """A matrix transposed, once for all steps."""
    value = t.known(matrix)
    if value is not None:
        return t.constant(np.ascontiguousarray(value.T), matrix.dtype)
    return t.transpose(matrix, [1, 0])


def _by_input(sequences: Sequences, w: Any, b: Any) -> Any:
    """x W^T + b of all steps in one product."""
    sizes = t.extents(sequences.x)
    flat = raw.MatMul(t.reshape(sequences.x, [-1, sizes[2]]), w, transpose_b=True)
    if b is not None:
        flat = raw.AddV2(flat, b)
    return t.reshape(flat, [sizes[0], sizes[1], t.extents(w)[0]])


def _halves(b: Any, width: int) -> tuple[Any, Any]:
    """The biases of the input and of the state."""
    if b is None:
        return None, None
    return t.slice_along(b, 0, 0, width), t.slice_along(b, 0, width, 2 * width)


def _plus(x: Any, b: Any) -> Any:
    return x if b is None else raw.AddV2(x, b)


@reads("RNN", settings=(4,))
def _rnn(
    n: Node, x: Any, w: Any, r: Any, b: Any = None, lengths: Any = None, initial: Any = None
) -> Any:
    s = Sequences(n, x, w, lengths, ["Tanh"])
    rows, last = [], []
    for d in range(s.directions):
        (function,) = s.activations[d]
        weights, (wb, rb) = _turned(_at(r, d)), _halves(_at(b, d), s.hidden)
        inputs = _plus(_by_input(s, _at(w, d), wb), rb)

        def step(row: Any, h: Any, weights: Any = weights, function: Any = function) -> Any:
            return (function(raw.AddV2(row, raw.MatMul(h, weights))),)

        y, (h,) = s.run(d, inputs, [s.state(initial, d)], step)
        rows.append(y)
        last.append(h)
    return s.joined(rows, last)


@reads("GRU", settings=(4,))
def _gru(
    n: Node, x: Any, w: Any, r: Any, b: Any = None, lengths: Any = None, initial: Any = None
) -> Any:
    s = Sequences(n, x, w, lengths, ["Sigmoid", "Tanh"])
    before = n.flag("linear_before_reset")
    size = s.hidden
    rows, last = [], []
    for d in range(s.directions):
        gate, function = s.activations[d]
        weights, (wb, rb) = _at(r, d), _halves(_at(b, d), 3 * size)
        inputs = _by_input(s, _at(w, d), wb)
        step = _gru_step(weights, rb, size, before, gate, function)
        y, (h,) = s.run(d, inputs, [s.state(initial, d)], step)
        rows.append(y)
        last.append(h)
    return s.joined(rows, last)


def _gru_step(
    weights: Any, bias: Any, size: int, before: bool, gate: Function, function: Function
) -> Callable[..., Any]:
    """The step of a GRU; the weights are those of update, reset and the new state."""
    of_gates = _turned(t.slice_along(weights, 0, 0, 2 * size))
    of_state = _turned(t.slice_along(weights, 0, 2 * size, None))
    gate_bias = state_bias = None
    if bias is not None:
        gate_bias, state_bias = (
            t.slice_along(bias, 0, 0, 2 * size),
            t.slice_along(bias, 0, 2 * size, None),
        )

    def step(row: Any, h: Any) -> Any:
        product = _plus(raw.MatMul(h, of_gates), gate_bias)
        gates = gate(raw.AddV2(t.slice_along(row, 1, 0, 2 * size), product))
        update, reset = t.slice_along(gates, 1, 0, size), t.slice_along(gates, 1, size, 2 * size)
        own = t.slice_along(row, 1, 2 * size, None)
        if before:
            inner = _plus(raw.MatMul(h, of_state), state_bias)
            new = function(raw.AddV2(own, raw.Mul(reset, inner)))
        else:
            inner = raw.MatMul(raw.Mul(reset, h), of_state)
            new = function(raw.AddV2(own, _plus(inner, state_bias)))
        kept = raw.Mul(update, h)
        return (raw.AddV2(raw.Mul(raw.Sub(t.like(1, update), update), new), kept),)

    return step


@reads("LSTM", settings=(4,))
def _lstm(
    n: Node,
    x: Any,
    w: Any,
    r: Any,
    b: Any = None,
    lengths: Any = None,
    initial_h: Any = None,
    initial_c: Any = None,
    peepholes: Any = None,
) -> Any:
    s = Sequences(n, x, w, lengths, LSTM_ACTIVATIONS)

    def products(d: int) -> tuple[Any, Function]:
        return _by_input(s, _at(w, d), None), functools.partial(raw.MatMul, b=_turned(_at(r, d)))

    return lstm(n, s, products, b, initial_h, initial_c, peepholes)


def lstm(
    n: Node,
    s: Sequences,
    products: Callable[[int], tuple[Any, Function]],
    b: Any,
    initial_h: Any,
    initial_c: Any,
    peepholes: Any,
) -> Any:
    """The results of an LSTM; `products` gives the products of the inputs in a direction, and the function that multiplies a state."""
    coupled = n.flag("input_forget")
    rows, last_h, last_c = [], [], []
    for d in range(s.directions):
        wb, rb = _halves(_at(b, d), 4 * s.hidden)
        by_input, by_state = products(d)
        inputs = _plus(_plus(by_input, wb), rb)
        step = _lstm_step(by_state, _at(peepholes, d), s.hidden, coupled, s.activations[d])
        y, (h, c) = s.run(d, inputs, [s.state(initial_h, d), s.state(initial_c, d)], step)
        rows.append(y)
        last_h.append(h)
        last_c.append(c)
    return s.joined(rows, last_h, last_c)


def _lstm_step(
    product: Function, peepholes: Any, size: int, coupled: bool, functions: Sequence[Function]
) -> Callable[..., Any]:
    """The step of an LSTM; `product` multiplies a state by the weights of input, output, forget and cell."""
    gate, to_cell, to_hidden = functions
    peeps = [None] * 3
    if peepholes is not None:
        peeps = [t.slice_along(peepholes, 0, i * size, (i + 1) * size) for i in range(3)]

    def seen(x: Any, cell: Any, peep: Any) -> Any:
        return x if peep is None else raw.AddV2(x, raw.Mul(peep, cell))

    def step(row: Any, h: Any, c: Any) -> Any:
        total = raw.AddV2(row, product(h))
        i, o, f, new = (t.slice_along(total, 1, k * size, (k + 1) * size) for k in range(4))
        i = gate(seen(i, c, peeps[0]))
        f = raw.Sub(t.like(1, i), i) if coupled else gate(seen(f, c, peeps[2]))
        c = raw.AddV2(raw.Mul(f, c), raw.Mul(i, to_cell(new)))
        o = gate(seen(o, c, peeps[1]))
        return raw.Mul(o, to_hidden(c)), c

    return step
