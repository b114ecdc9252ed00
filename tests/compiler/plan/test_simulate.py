"""Scheduled kernels run in NumPy give what primitives do, and show where schedules are wrong."""

import numpy as np
import pytest

from penstock._src.compiler.fusion import column_sums
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.plan.verify import simulate
from penstock._src.core import dtypes
from penstock._src.ir import interpreter
from tests.extents import symbol

F32 = dtypes.float32
N = symbol("n", 700)


def simulated(body, *shapes):
    """(what scheduled kernels give, what primitives give)"""
    p, r = LoweringContext(), np.random.default_rng(1)
    parameters = [p.parameter(i, shape, F32) for i, shape in enumerate(shapes)]
    function = p.function(body.__name__, parameters, body(p, *parameters))
    arrays = [r.uniform(-1, 1, tuple(map(int, s))).astype(np.float32) for s in shapes]
    return simulate.run(function, arrays)[0], interpreter.run(function, arrays)[0]


def sums_on_tiles(p, x, w):
    y = p.maximum(p.matmul(x, w), 0.0)
    return [y, p.reduce_sum(y, (0,)), p.reduce_sum(y * y, (0,))]


def parts_of_a_long_axis(p, x, w):
    return [p.reduce_max(x, (0,)), p.reduce_sum(p.exp(x), (0, 1)), p.reduce_mean(w, (0, 1))]


def rows(p, x, w):
    e = p.exp(w - p.reduce_max(w, (1,), keepdims=True))
    return [e / p.reduce_sum(e, (1,), keepdims=True)]


def joined(p, x, w):
    return [p.cumulative(w, "sum", 0), p.concat([w, p.reverse(w, [1])], 1)]


@pytest.mark.parametrize("rows_of_x", [701, N], ids=["static", "n"])
@pytest.mark.parametrize("body", [sums_on_tiles, parts_of_a_long_axis, rows, joined])
def test_scheduled_kernels_mean_what_primitives_do(body, rows_of_x):
    for g, w in zip(*simulated(body, (rows_of_x, 30), (30, 72)), strict=True):
        np.testing.assert_allclose(g, w, rtol=5e-6, atol=2e-6)


def split_columns(p, x, w):
    return [p.reduce_sum(p.exp(p.reshape(p.matmul(x, w), (x.shape[0], 6, 12))), (0, 1))]


def test_sums_that_reach_other_columns_are_seen(monkeypatch):
    monkeypatch.setattr(column_sums, "_sums_columns", lambda root, kernel: True)
    got, want = simulated(split_columns, (700, 30), (30, 72))
    assert not np.allclose(got[0], want[0], rtol=1e-3)


def test_products_of_nothing_have_sums_of_nothing():
    found, expected = simulated(sums_on_tiles, (symbol("n", 0), 30), (30, 72))
    assert [a.shape for a in found] == [(0, 72), (72,), (72,)]
    for got, wanted in zip(found, expected, strict=True):
        np.testing.assert_array_equal(got, wanted)
