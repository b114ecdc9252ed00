"""Sums of what contractions store, added up on their register tiles."""

import numpy as np
import pytest

from penstock._src.compiler.fusion.schedule import schedule_function
from penstock._src.compiler.kernels.contraction import ContractKernel
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.core import dtypes
from penstock._src.devices.cpu.device import build_program
from penstock._src.ir import interpreter
from penstock._src.util import flags
from tests.extents import symbol

F32 = dtypes.float32


def bias_gradient(p, x, w):
    """The mask of a relu in the epilogue, and the sum of what it leaves."""
    d = p.matmul(p.exp(x), w)
    d = p.select(p.gt(d, 1.0), d, 0.0)
    return [d, p.reduce_sum(d, (0,))]


def batch_norm_gradient(p, x, w):
    """Two sums, one of them of a product with a known array, scaled by column."""
    h = p.sin(p.slice(x, (0, 0), (x.shape[0], 72)))
    mean = p.reduce_mean(h, (0,))
    d = p.matmul(x, w)
    return [d, p.reduce_sum(d, (0,)), p.reduce_sum(d * (h - mean), (0,)) * 0.5]


def convolution(p, x, w):
    """All axes but the channels'."""
    images = p.reshape(x, (x.shape[0], 6, 6, 8))
    windows = p.windows(images, (1, 2), (3, 3), (1, 1), (1, 1), (1, 1), (1, 1), (1, 1))
    filters = p.reshape(p.slice(w, (0, 0), (72, 16)), (3, 3, 8, 16))
    y = p.contract("nxycij,ijco->nxyo", windows, filters)
    return [y, p.reduce_sum(y, (0, 1, 2)), p.reduce_sum(p.square(y), (0, 1, 2))]


def elsewhere(p, x, w):
    """Sums of rows are not of columns; a shifted result is not at hand."""
    d = p.matmul(x, w)
    return [d, p.reduce_sum(d, (1,)), p.reduce_sum(d * p.reverse(d, (0,)), (0,))]


def images_of_columns(p, x, w):
    """A reshape between splits the columns: of what stands last, only a part is summed for each."""
    d = p.reshape(p.matmul(x, w), (x.shape[0], 6, 12))
    d = p.select(p.gt(d, 1.0), d, p.mul(d, 0.3))
    return [p.reduce_sum(d, (0, 1))]


def columns_and_a_unit_axis(p, x, w):
    """A loss of predictions with an axis more."""
    d = p.reshape(p.matmul(x, w), (x.shape[0], 72, 1))
    d = p.square(p.sub(d, 1.0))
    return [p.reduce_sum(d, (0, 1, 2))]


def rows_that_are_joined(p, x, w):
    """Columns of a wider array: each stands for some rows of the product."""
    d = p.exp(p.reshape(p.matmul(x, w), (72, x.shape[0])))
    return [p.reduce_sum(d, (0,))]


def columns_split_and_kept(p, x, w):
    """All columns are kept, as two axes."""
    d = p.exp(p.reshape(p.matmul(x, w), (x.shape[0], 6, 12)))
    return [p.reduce_sum(d, (0,))]


def build(body, n):
    p = LoweringContext()
    x, w = p.parameter(0, (n, 288), F32), p.parameter(1, (288, 72), F32)
    function = p.function(body.__name__, [x, w], body(p, x, w))
    r = np.random.default_rng(1)
    arrays = [r.uniform(-1, 1, s).astype(np.float32) for s in ((int(n), 288), (288, 72))]
    return function, arrays


@pytest.mark.parametrize(
    "body, sums",
    [
        (bias_gradient, 1),
        (batch_norm_gradient, 2),
        (convolution, 2),
        (elsewhere, 0),
        (images_of_columns, 0),
        (columns_and_a_unit_axis, 0),
        (rows_that_are_joined, 0),
        (columns_split_and_kept, 1),
    ],
)
@pytest.mark.parametrize("n", [801, symbol("n", 707)], ids=["801", "n"])
def test_contractions_sum_what_they_store(body, sums, n):
    function, arrays = build(body, n)
    with flags.override(guard=1):
        program = build_program(function)
        got = program(*arrays)
    kernels = [k for k in schedule_function(function).kernels if isinstance(k, ContractKernel)]
    assert [len(k.epilogue.sums) for k in kernels if k.partial is not None] == (
        [sums] if sums else []
    )
    for g, w in zip(got, interpreter.run(function, arrays)[0], strict=True):
        np.testing.assert_allclose(g, w, rtol=1e-4, atol=2e-3)
    for g, again in zip(got, program(*arrays), strict=True):
        np.testing.assert_array_equal(g, again)


def test_rows_that_happen_to_be_as_many_as_columns_are_not_columns():
    function, arrays = build(rows_that_are_joined, symbol("n", 72))
    got = build_program(function)(*arrays)[0]
    np.testing.assert_allclose(got, interpreter.run(function, arrays)[0][0], rtol=1e-3)


def test_other_batches_need_no_other_kernel():
    build_program(build(bias_gradient, symbol("n", 900))[0])
    function, arrays = build(bias_gradient, symbol("n", 1303))
    program = build_program(function)
    assert program.plan.written == 0
    want = interpreter.run(function, arrays)[0][1]
    np.testing.assert_allclose(program(*arrays)[1], want, rtol=1e-4)
