"""A GRU cell: one step, and its gradient."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.ops.rules import quiet, show


class GRUBlockCell(Op):
    """One step of a GRU: the gates r and u, the candidate c, the state h = u h_prev + (1 - u) c."""

    signature = """x: T, h_prev: T[?, ?], w_ru: T, w_c: T, b_ru: T, b_c: T
        -> r: T[h_prev], u: T[h_prev], c: T[h_prev], h: T[h_prev]"""
    ranks = {"x": (2,)}
    T = frozenset({dtypes.float32})

    @quiet
    def eager(self, x, h_prev, w_ru, w_c, b_ru, b_c):
        _check(self, x, h_prev, w_ru, w_c, b_ru, b_c)
        gates = 1 / (1 + np.exp(-(np.concatenate([x, h_prev], 1) @ w_ru + b_ru)))
        r, u = np.split(gates, 2, 1)
        c = np.tanh(np.concatenate([x, h_prev * r], 1) @ w_c + b_c)
        return r, u, c, u * h_prev + (1 - u) * c


class GRUBlockCellGrad(Op):
    """The gradient of one step of a GRU."""

    signature = """x: T, h_prev: T, w_ru: T, w_c: T, b_ru: T, b_c: T, r: T, u: T, c: T, d_h: T
        -> d_x: T[x], d_h_prev: T[h_prev], d_c_bar: T[h_prev],
        d_r_bar_u_bar: T[h_prev[0], w_ru[1]]"""
    ranks = {"x": (2,), "h_prev": (2,), "w_ru": (2,)}
    T = frozenset({dtypes.float32})

    def eager(self, x, h_prev, w_ru, w_c, b_ru, b_c, r, u, c, d_h):
        _check(self, x, h_prev, w_ru, w_c, b_ru, b_c, r=r, u=u, c=c, d_h=d_h)
        inputs = x.shape[1]
        d_c_bar = d_h * (1 - u) * (1 - c * c)
        d_u_bar = d_h * (h_prev - c) * u * (1 - u)
        d_x_and_hr = d_c_bar @ w_c.T
        d_hr = d_x_and_hr[:, inputs:]
        d_gates = np.concatenate([d_hr * h_prev * r * (1 - r), d_u_bar], 1)
        d_both = d_gates @ w_ru.T
        d_x = d_both[:, :inputs] + d_x_and_hr[:, :inputs]
        return d_x, d_hr * r + d_h * u + d_both[:, inputs:], d_c_bar, d_gates


def _check(op, x, h_prev, w_ru, w_c, b_ru, b_c, **states):
    """Refuses shapes that do not belong to one batch, one input and one state."""
    if x.ndim != 2 or h_prev.ndim != 2:
        raise op.invalid(
            f"x and h_prev must be matrices. Received {show(x.shape)}, {show(h_prev.shape)}"
        )
    (batch, inputs), size = x.shape, h_prev.shape[1]
    wanted = {
        "h_prev": (h_prev, (batch, size)),
        "w_ru": (w_ru, (inputs + size, 2 * size)),
        "w_c": (w_c, (inputs + size, size)),
        "b_ru": (b_ru, (2 * size,)),
        "b_c": (b_c, (size,)),
        **{name: (state, (batch, size)) for name, state in states.items()},
    }
    for name, (value, shape) in wanted.items():
        if value.shape != shape:
            raise op.invalid(f"{name} must have shape {list(shape)}. Received {show(value.shape)}")
