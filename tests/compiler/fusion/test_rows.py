"""Reductions of rows and what is computed from them: one kernel, in which rows stay in the cache."""

import numpy as np
import pytest

from penstock._src.compiler.fusion.schedule import schedule_function
from penstock._src.compiler.kernels.kernel import NestKernel
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.core import dtypes
from penstock._src.devices.cpu.device import build_program
from penstock._src.ir import interpreter
from penstock._src.util import flags
from tests.extents import symbol

F32, I64 = dtypes.float32, dtypes.int64


def cross_entropy(p, x, labels):
    """The losses of a softmax, and its gradient: three reductions and a row of elements."""
    n, m = x.shape
    shifted = x - p.reduce_max(x, (1,), keepdims=True)
    e = p.exp(shifted)
    total = p.reduce_sum(e, (1,), keepdims=True)
    hot = p.one_hot(labels, m, F32)
    losses = p.reshape(p.log(total), (n,)) - p.reduce_sum(shifted * hot, (1,))
    return [losses, e / total - hot]


def layer_norm(p, x, labels):
    """Mean and deviation are kept for the gradient."""
    mean = p.reduce_mean(x, (1,), keepdims=True)
    scale = p.rsqrt(p.reduce_mean(p.square(x - mean), (1,), keepdims=True) + 1e-3)
    return [mean, scale, (x - mean) * scale]


def with_places(p, x, labels):
    """The largest of each window, and the first place where it is."""
    (n, m), size = x.shape, 4
    windows = p.reshape(x, (n, m // size, size))
    largest = p.reduce_max(windows, (2,), keepdims=True)
    places = p.select(p.eq(windows, largest), p.iota(windows.shape, 2, dtypes.int32), size)
    return [p.squeeze(largest, (2,)), p.reduce_min(places, (2,))]


def build(body, n, m):
    p = LoweringContext()
    x, labels = p.parameter(0, (n, m), F32), p.parameter(1, (n,), I64)
    function = p.function(body.__name__, [x, labels], body(p, x, labels))
    r = np.random.default_rng(2)
    x = r.standard_normal((int(n), m)).astype(np.float32)
    return function, [x, r.integers(0, m, int(n))]


def launches(program):
    return [
        k for k in schedule_function(program.plan.function).kernels if isinstance(k, NestKernel)
    ]


@pytest.mark.parametrize("body", [cross_entropy, layer_norm, with_places])
@pytest.mark.parametrize("n, m", [(70, 8), (130, 500), (3, 40), (symbol("n", 90), 64)])
def test_rows_are_one_kernel(body, n, m):
    function, arrays = build(body, n, m)
    with flags.override(guard=1):
        program = build_program(function)
        got = program(*arrays)
    assert len(launches(program)) == 1
    for g, w in zip(got, interpreter.run(function, arrays)[0], strict=True):
        np.testing.assert_allclose(g, w, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("m", [8, 500])
def test_a_row_is_written_over_what_it_was_reduced_from(m):
    p = LoweringContext()
    x, w = p.parameter(0, (130, 32), F32), p.parameter(1, (32, m), F32)
    _, gradient = cross_entropy(p, p.matmul(x, w), p.full((130,), 3, I64))
    function = p.function("f", [x, w], [p.matmul(gradient, p.transpose(w, (1, 0)))])
    r = np.random.default_rng(3)
    arrays = [r.standard_normal(s).astype(np.float32) for s in ((130, 32), (32, m))]
    program = build_program(function)
    assert [b.size for b in program.plan.buffers if b.place == "inside"] == [130 * m * 4]
    np.testing.assert_allclose(
        program(*arrays)[0], interpreter.run(function, arrays)[0][0], rtol=5e-5, atol=5e-6
    )


def test_an_optimizer_is_one_kernel_though_its_moments_share_nothing():
    p = LoweringContext()
    g1, g2, w = (p.parameter(i, (200, 200), F32) for i in range(3))
    m, v = p.sin(p.cumulative(g1, "sum", 0)), p.cos(p.cumulative(g2, "sum", 0))
    function = p.function("f", [g1, g2, w], [m, v, w - m / (v + 3.0)])
    program = build_program(function)
    assert len(launches(program)) == 1
    arrays = [np.random.default_rng(i).standard_normal((200, 200), np.float32) for i in range(3)]
    for got, want in zip(program(*arrays), interpreter.run(function, arrays)[0], strict=True):
        np.testing.assert_allclose(got, want, rtol=2e-6, atol=1e-6)
