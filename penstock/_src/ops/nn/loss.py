"""Losses that are raw ops."""

import numpy as np

from penstock._src.core.calls.facts import Values
from penstock._src.core.op import Op
from penstock._src.core.typesets import FLOAT
from penstock._src.ops.rules import in_float32, quiet


class L2Loss(Op):
    """Half the sum of squares."""

    signature = "t: T -> output: T[]"
    values = Values(in_float32=True)
    T = FLOAT

    def gradient(self, t, _output, dy):
        return t * dy

    @quiet
    def eager(self, t):
        wide = in_float32(t).reshape(-1)
        return (np.square(wide).sum() * wide.dtype.type(0.5)).astype(t.dtype)

    def lower(self, p, t):
        return p.reduce_sum(p.square(t), list(range(len(t.shape)))) * 0.5
