"""Arrays that are read across their rows: computed in the order of memory, in blocks, or turned first; never element by element far apart."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from penstock._src.compiler.fusion.schedule import schedule_function
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.core import dtypes
from penstock._src.devices.cpu.device import build_program
from penstock._src.ir import interpreter
from penstock._src.ir.extents.dims import Dim
from penstock._src.util import flags
from tests.extents import symbol

F32 = dtypes.float32


def softmax(p, x, axis):
    e = p.exp(x - p.broadcast_to(p.reduce_max(x, [axis], keepdims=True), x.shape))
    return e / p.broadcast_to(p.reduce_sum(e, [axis], keepdims=True), x.shape)


def over_first_axis(p, x, y):
    """As TensorFlow composes it: the op knows the last axis only."""
    return p.transpose(softmax(p, p.transpose(x, [1, 0]), 1), [1, 0])


def of_a_sum(p, x, y):
    return softmax(p, p.transpose(x, [1, 0]) + y, 1)


def of_patches(p, x, y):
    n, m = x.shape
    rows = p.reshape(p.transpose(x, [1, 0]), [m // 2, 2 * n])
    return softmax(p, rows, 1)


def gathered(p, x, y):
    rows = p.gather(p.transpose(x, [1, 0]), p.constant(np.arange(60, dtype=np.int32) % 7), axis=0)
    return p.reduce_sum(p.square(rows), [1])


def trace_of_product(p, x, y):
    return p.reduce_sum(p.transpose(x, [1, 0]) * y)


def greatest_difference(p, x, y):
    return p.reduce_max(p.abs(p.transpose(x, [1, 0]) - y))


def build(body, n, m):
    p = LoweringContext()
    x, y = p.parameter(0, (n, m), F32), p.parameter(1, (m, n), F32)
    function = p.function(body.__name__, [x, y], [body(p, x, y)])
    r = np.random.default_rng(2)
    arrays = [r.standard_normal(s).astype("f") for s in ((int(n), int(m)), (int(m), int(n)))]
    return function, arrays


def stored(function):
    """What the nodes are called that each kernel stores."""
    kernels = schedule_function(function).kernels
    return [[n.attrs.get("op", n.kind) for n in kernel.outputs] for kernel in kernels]


KERNELS = {
    over_first_axis: [["partial"], ["max"], ["partial"], ["sum"], ["div"]],
    of_a_sum: [["add"], ["div"]],
    of_patches: [["transpose"], ["div"]],
    gathered: [["transpose"], ["sum"]],
    trace_of_product: [["partial"], ["sum"]],
    greatest_difference: [["partial"], ["max"]],
}


@pytest.mark.parametrize("body", KERNELS)
@pytest.mark.parametrize("n, m", [(144, 160), (300, 70), (symbol("n", 150), 134)])
def test_transposed_rows_equal_the_interpreter(body, n, m):
    if body is of_patches and isinstance(n, Dim):
        pytest.skip("a row of unknown length is not gone over several times")
    function, arrays = build(body, n, m)
    with flags.override(guard=1):
        (got,) = build_program(function)(*arrays)
    (want,) = interpreter.run(function, arrays)[0]
    np.testing.assert_allclose(got, want, rtol=2e-5, atol=1e-5)


@pytest.mark.parametrize("body", KERNELS)
def test_what_is_stored(body):
    function, _ = build(body, 192, 180)
    kernels = [names for names in stored(function) if names != ["bounds"]]
    assert [k for k in kernels if k] == KERNELS[body]


def test_parts_leave_rows_where_rows_are_read_across():
    function, _ = build(trace_of_product, 192, 180)
    first, _ = schedule_function(function).kernels
    assert first.outputs[0].shape[1:] == (192,)


def test_small_arrays_are_read_as_they_lie():
    function, _ = build(of_a_sum, 20, 30)
    assert stored(function) == [["div"]]


@settings(max_examples=30, deadline=None)
@given(st.permutations([0, 1, 2]), st.sets(st.integers(0, 2), min_size=1), st.sampled_from(["sum", "max", "min"]))  # fmt: skip
def test_reductions_of_what_is_turned(perm, axes, op):
    shape = (36, 25, 28)
    p = LoweringContext()
    x = p.parameter(0, shape, F32)
    y = p.parameter(1, tuple(shape[i] for i in perm), F32)
    turned = p.transpose(x, perm) + y
    function = p.function("f", [x, y], [p.reduce(turned, op, sorted(axes)), turned * 2.0])
    r = np.random.default_rng(3)
    arrays = [r.standard_normal(v.shape).astype("f") for v in (x, y)]
    expected = interpreter.run(function, arrays)[0]
    for got, want in zip(build_program(function)(*arrays), expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=2e-5, atol=2e-4)
