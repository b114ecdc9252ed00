"""Temporaries that are written over inputs which nobody reads any more."""

import numpy as np
import pytest

from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.core import dtypes
from penstock._src.devices.cpu.device import build_program
from penstock._src.ir import interpreter
from penstock._src.util import flags

F32 = dtypes.float32


def normalised(p, x, w):
    """A product whose columns are scaled by their largest: the second use of h is its last."""
    h = p.matmul(x, w)
    scaled = h / p.reduce_max(h, (0,), keepdims=True)
    return [p.matmul(p.exp(scaled), p.transpose(w, (1, 0)))]


def residual(p, x, w):
    """A product's epilogue reads an array of its own layout for the last time."""
    h = p.maximum(p.matmul(x, w), 0.0)
    y = p.matmul(p.matmul(h, p.transpose(w, (1, 0))), w) + h
    return [p.reduce_sum(p.square(y), (0,)), p.matmul(y, p.transpose(w, (1, 0)))]


def still_wanted(p, x, w):
    """h is a result, and so must stay as it is."""
    h = p.matmul(x, w)
    y = p.exp(h / p.reduce_max(h, (0,), keepdims=True))
    return [h, p.matmul(y, p.transpose(w, (1, 0)))]


def elsewhere(p, x, w):
    """Every element of h is read where another one is written."""
    h = p.matmul(x, w)
    y = p.exp(p.reverse(h, (0,)) / p.reduce_max(h, (0,), keepdims=True))
    return [p.matmul(y, p.transpose(w, (1, 0)))]


def build(body, n=33, k=48):
    p = LoweringContext()
    x, w = p.parameter(0, (n, k), F32), p.parameter(1, (k, k), F32)
    function = p.function(body.__name__, [x, w], body(p, x, w))
    r = np.random.default_rng(1)
    arrays = [r.uniform(0.1, 1, shape).astype(np.float32) for shape in ((n, k), (k, k))]
    return function, arrays


@pytest.mark.parametrize(
    "body, count", [(normalised, 1), (residual, 1), (still_wanted, 0), (elsewhere, 0)]
)
@pytest.mark.parametrize("guard", [0, 1])
def test_the_last_reader_writes_in_place(body, count, guard):
    function, arrays = build(body)
    with flags.override(guard=guard):
        program = build_program(function)
        got = program(*arrays)
    large = [b for b in program.plan.buffers if b.place == "inside" and b.size == 33 * 48 * 4]
    assert len(large) == count
    for g, w in zip(got, interpreter.run(function, arrays)[0], strict=True):
        np.testing.assert_allclose(g, w, rtol=5e-6)
