"""LSTM cells with optional peepholes, one step or a whole sequence at once.

One product of inputs and weights gives all gates, concatenated in the order i, ci, f, o (in BlockLSTMV2: i, f, ci, o).
"""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.ops.recurrent.checks import (
    check_sequence,
    check_sequence_gradient,
    check_size,
    check_step,
)
from penstock._src.ops.rules import quiet


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def step(x, cs_prev, h_prev, w, peepholes, b, forget_bias, cell_clip, order="icfo"):
    """One step: i, cs, f, o, ci, co, h."""
    product = np.concatenate([x, h_prev], 1) @ w + b
    parts = dict(zip(order, np.split(product, 4, 1)))
    i, f, o = parts["i"], parts["f"] + x.dtype.type(forget_bias), parts["o"]
    if peepholes is not None:
        wci, wcf, wco = peepholes
        i, f = i + cs_prev * wci, f + cs_prev * wcf
    i, f, ci = _sigmoid(i), _sigmoid(f), np.tanh(parts["c"])
    cs = ci * i + cs_prev * f
    if cell_clip > 0:
        cs = np.clip(cs, -x.dtype.type(cell_clip), x.dtype.type(cell_clip))
    o = _sigmoid(o + cs * wco) if peepholes is not None else _sigmoid(o)
    co = np.tanh(cs)
    return i, cs, f, o, ci, co, co * o


def step_gradient(cs_prev, gates, peepholes, cs_grad, h_grad, order="icfo"):
    """Gradients of one step: of the previous state, of the concatenated gates, of the peepholes."""
    i, cs, f, o, ci, co = gates
    do = o * (1 - o) * h_grad * co
    dcs = (1 - co * co) * h_grad * o + cs_grad
    if peepholes is not None:
        wci, wcf, wco = peepholes
        dcs = dcs + do * wco
    dci, df, di = (1 - ci * ci) * dcs * i, f * (1 - f) * dcs * cs_prev, i * (1 - i) * dcs * ci
    cs_prev_grad = dcs * f
    by_peepholes = [np.zeros(cs.shape[-1], cs.dtype)] * 3
    if peepholes is not None:
        cs_prev_grad = cs_prev_grad + di * wci + df * wcf
        by_peepholes = [(di * cs_prev).sum(0), (df * cs_prev).sum(0), (do * cs).sum(0)]
    by_gate = {"i": di, "c": dci, "f": df, "o": do}
    return cs_prev_grad, np.concatenate([by_gate[g] for g in order], 1), by_peepholes


def _named(*values):
    return dict(zip("x cs_prev h_prev w wci wcf wco b".split(), values, strict=True))


class LSTMBlockCell(Op):
    """One step of an LSTM."""

    signature = """x: T, cs_prev: T[?, ?], h_prev: T, w: T, wci: T, wcf: T, wco: T, b: T
        -> i: T[cs_prev], cs: T[cs_prev], f: T[cs_prev], o: T[cs_prev], ci: T[cs_prev],
        co: T[cs_prev], h: T[cs_prev]"""
    ranks = {"x": (2,)}
    forget_bias: float = 1.0
    cell_clip: float = 3.0
    use_peephole: bool = False
    T = frozenset({dtypes.float16, dtypes.float32})

    @quiet
    def eager(self, x, cs_prev, h_prev, w, wci, wcf, wco, b):
        check_step(_named(x, cs_prev, h_prev, w, wci, wcf, wco, b))
        peepholes = (wci, wcf, wco) if self.use_peephole else None
        return step(x, cs_prev, h_prev, w, peepholes, b, self.forget_bias, self.cell_clip)


class LSTMBlockCellGrad(Op):
    """The gradient of one step of an LSTM."""

    signature = """x: T, cs_prev: T, h_prev: T, w: T, wci: T, wcf: T, wco: T, b: T, i: T, cs: T,
        f: T, o: T, ci: T, co: T, cs_grad: T, h_grad: T
        -> cs_prev_grad: T, dicfo: T, wci_grad: T, wcf_grad: T, wco_grad: T"""
    ranks = {"x": (2,), "cs_prev": (2,)}
    use_peephole: bool
    T = frozenset({dtypes.float16, dtypes.float32})

    def shape(self, x, cs_prev, *rest):
        width = [None if cs_prev[1] is None else cs_prev[1]]
        gates = [cs_prev[0], None if cs_prev[1] is None else 4 * cs_prev[1]]
        return cs_prev, gates, width, width, width

    def eager(self, x, cs_prev, h_prev, w, wci, wcf, wco, b, i, cs, f, o, ci, co, cs_grad, h_grad):
        peepholes = (wci, wcf, wco) if self.use_peephole else None
        gates = (i, cs, f, o, ci, co)
        check_step(_named(x, cs_prev, h_prev, w, wci, wcf, wco, b))
        later = {
            "i": i,
            "cs": cs,
            "f": f,
            "o": o,
            "ci": ci,
            "co": co,
            "cs_grad": cs_grad,
            "h_grad": h_grad,
        }
        for name, value in later.items():
            for axis, what in enumerate(("batch_size", "cell_size")):
                check_size(name, np.atleast_2d(value), axis, cs_prev.shape[axis], what)
        before, dicfo, by_peepholes = step_gradient(cs_prev, gates, peepholes, cs_grad, h_grad)
        return before, dicfo, *by_peepholes


class _BlockLSTM(Op):
    signature = """seq_len_max: int64, x: T, cs_prev: T, h_prev: T, w: T, wci: T, wcf: T, wco: T,
        b: T -> i: T, cs: T, f: T, o: T, ci: T, co: T, h: T"""
    order = "icfo"
    forget_bias = 0.0
    use_peephole: bool = False
    T = frozenset({dtypes.float16, dtypes.float32})

    def shape(self, seq_len_max, x, cs_prev, *rest):
        rows, gates = x.with_rank(3), rest[-1].with_rank(1)[0]
        cells = cs_prev[1] if cs_prev.rank == 2 else None
        if gates is not None:
            if gates % 4:
                raise ValueError(f"Dimension size must be evenly divisible by 4 but is {gates}")
            cells = gates // 4
        return ([rows[0], rows[1], cells],) * 7

    def gradient(
        self, seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, b, i, cs, f, o, ci, co, h, *grads
    ):
        cs_grad, h_grad = grads[1], grads[6]
        zeros = [raw.ZerosLike(x=h) if g is None else g for g in (cs_grad, h_grad)]
        inputs = (seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, b, i, cs, f, o, ci, co, h)
        function = raw.BlockLSTMGrad if self.order == "icfo" else raw.BlockLSTMGradV2
        return None, *function(*inputs, *zeros, use_peephole=self.use_peephole)

    @quiet
    def eager(self, seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, b):
        peepholes = (wci, wcf, wco) if self.use_peephole else None
        check_sequence(seq_len_max, _named(x, cs_prev, h_prev, w, wci, wcf, wco, b))
        outputs = np.zeros((7, *x.shape[:2], cs_prev.shape[1]), x.dtype)
        for t in range(min(int(seq_len_max), len(x))):
            step_outputs = step(
                x[t], cs_prev, h_prev, w, peepholes, b, self.forget_bias, self.cell_clip, self.order
            )
            outputs[:, t] = step_outputs
            cs_prev, h_prev = step_outputs[1], step_outputs[6]
        return tuple(outputs)


class BlockLSTM(_BlockLSTM):
    """A sequence of steps of an LSTM; zeros after the first `seq_len_max`."""

    forget_bias: float = 1.0
    cell_clip: float = 3.0


class BlockLSTMV2(_BlockLSTM):
    """A sequence of steps of an LSTM without a bias of the forget gate."""

    cell_clip: float = 0.0
    order = "ifco"


class _BlockLSTMGrad(Op):
    signature = """seq_len_max: int64, x: T, cs_prev: T, h_prev: T, w: T, wci: T, wcf: T, wco: T,
        b: T, i: T, cs: T, f: T, o: T, ci: T, co: T, h: T, cs_grad: T, h_grad: T
        -> x_grad: T[x], cs_prev_grad: T[cs_prev], h_prev_grad: T[h_prev], w_grad: T[w],
        wci_grad: T[wci], wcf_grad: T[wcf], wco_grad: T[wco], b_grad: T[b]"""
    ranks = {
        "x": (3,),
        "cs_prev": (2,),
        "h_prev": (2,),
        "w": (2,),
        "wci": (1,),
        "wcf": (1,),
        "wco": (1,),
        "b": (1,),
    }
    order = "icfo"
    use_peephole: bool
    T = frozenset({dtypes.float16, dtypes.float32})

    @quiet
    def eager(self, seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, b, *rest):
        i, cs, f, o, ci, co, h, cs_grad, h_grad = rest
        names = "i cs f o ci co h cs_grad h_grad".split()
        values = _named(x, cs_prev, h_prev, w, wci, wcf, wco, b)
        check_sequence_gradient({**values, **dict(zip(names, rest, strict=True))})
        peepholes = (wci, wcf, wco) if self.use_peephole else None
        x_grad, w_grad, b_grad = np.zeros_like(x), np.zeros_like(w), np.zeros_like(b)
        by_peepholes = [np.zeros_like(v) for v in (wci, wcf, wco)]
        dcs, dh, inputs = np.zeros_like(cs_prev), np.zeros_like(h_prev), x.shape[2]
        for t in reversed(range(min(int(seq_len_max), len(x)))):
            before = cs[t - 1] if t else cs_prev
            gates = (i[t], cs[t], f[t], o[t], ci[t], co[t])
            dcs, dgates, more = step_gradient(
                before, gates, peepholes, cs_grad[t] + dcs, h_grad[t] + dh, self.order
            )
            both = dgates @ w.T
            x_grad[t], dh = both[:, :inputs], both[:, inputs:]
            w_grad += np.concatenate([x[t], h[t - 1] if t else h_prev], 1).T @ dgates
            b_grad += dgates.sum(0)
            by_peepholes = [a + b for a, b in zip(by_peepholes, more)]
        return x_grad, dcs, dh, w_grad, *by_peepholes, b_grad


class BlockLSTMGrad(_BlockLSTMGrad):
    """The gradient of BlockLSTM."""


class BlockLSTMGradV2(_BlockLSTMGrad):
    """The gradient of BlockLSTMV2."""

    order = "ifco"
