"""Convolutions by matrix registers: by the processor's, and by those in memory that checked code uses, on every machine with AVX512-BF16."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock._src.core import dtypes
from penstock._src.native import host
from penstock._src.native.language.types import F32
from tests.compiler.codegen.contraction.harness import check, dim, evaluate, kernel_of, values
from tests.compiler.codegen.contraction.images.test_conv import (
    PLAIN,
    SAME3,
    dy_size,
    filter_gradient,
    forward,
    input_gradient,
)
from tests.compiler.codegen.contraction.products.test_matrices import TARGETS
from tests.compiler.codegen.contraction.products.test_products import BiasReluSum
from tests.compiler.codegen.kernel_harness import run_kernel
from tests.harness.targets import MATRICES_IN_MEMORY, RUNS_MATRICES_IN_MEMORY

pytestmark = pytest.mark.skipif(host().architecture != "x86_64", reason="an extension of x86-64")

CASES = [  # image size, taps, channels, outputs, geometry
    ((9, 11), (3, 3), 32, 32, SAME3),
    ((9, 11), (3, 3), 34, 70, SAME3),
    ((8, 9), (3, 3), 16, 20, SAME3 | dict(s=(2, 2))),
    ((12, 12), (5, 4), 18, 8, PLAIN | dict(low=(2, 1), high=(2, 2))),
    ((12, 11), (3, 3), 64, 48, PLAIN | dict(d=(2, 3), low=(2, 2), high=(2, 2))),
    ((12, 40), (3, 2), 16, 33, PLAIN | dict(s=(2, 1), d=(2, 3))),
    ((14, 14), (1, 1), 32, 64, PLAIN | dict(s=(2, 2))),
    ((4, 6), (4, 5), 16, 9, PLAIN),
    ((1, 50), (1, 4), 96, 17, PLAIN | dict(low=(0, 1), high=(0, 2))),
    ((7, 7), (3, 3), 512, 520, SAME3),
    ((33, 50), (16, 16), 3, 40, PLAIN | dict(s=(16, 16))),
    ((9, 36), (2, 6), 4, 33, PLAIN | dict(s=(1, 7), d=(2, 1), low=(1, 0))),
]
IDS = [f"{h}x{w} {k[0]}x{k[1]} {c}-{o} {g['s']}" for (h, w), k, c, o, g in CASES]


def check_by_matrices(make, *shapes, target, **kw):
    """Checks it in bfloat16, and that the kernel is one of matrix registers."""
    check(make, *shapes, dtype=dtypes.bfloat16, target=target, **kw)
    label = kernel_of(make, shapes, dtypes.bfloat16, target)[-1].label
    assert label.startswith("conv by matrices")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("size", "taps", "channels", "outputs", "g"), CASES, ids=IDS)
def test_forward_and_input_gradient(size, taps, channels, outputs, g, target):
    x, w = (dim(3), *size, channels), (*taps, channels, outputs)
    check_by_matrices(forward(**g), x, w, target=target)
    check_by_matrices(forward(**g), x, w, target=target, at_end=False)
    outputs = max(16, outputs // 2 * 2)  # the channels of the gradient
    dy = (2, *dy_size(size, taps, g), outputs)
    check_by_matrices(
        input_gradient(size, **g), dy, (*taps, channels, outputs), target=target,
    )  # fmt: skip


@RUNS_MATRICES_IN_MEMORY
@settings(max_examples=15, deadline=None, derandomize=True)
@given(data=st.data())
def test_drawn_geometries(data):
    draw = data.draw
    taps = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    pairs = st.tuples(st.integers(0, 3), st.integers(0, 3))
    g = {
        "s": draw(st.tuples(st.integers(1, 3), st.integers(1, 3))),
        "d": draw(st.tuples(st.integers(1, 2), st.integers(1, 2))),
        "low": draw(pairs),
        "high": draw(pairs),
    }
    size = tuple(draw(st.integers((taps[i] - 1) * g["d"][i] + 1, 20)) for i in (0, 1))
    channels, outputs = draw(st.sampled_from([16, 30, 64])), draw(st.sampled_from([16, 34]))
    batch = draw(st.sampled_from([1, dim(2), 3]))
    x, w = (batch, *size, channels), (*taps, channels, outputs)
    dy = (batch, *dy_size(size, taps, g), outputs)
    make, shapes = draw(
        st.sampled_from([(forward(**g), (x, w)), (input_gradient(size, **g), (dy, w))])
    )
    check(
        make, *shapes, dtype=dtypes.bfloat16, target=MATRICES_IN_MEMORY, at_end=draw(st.booleans())
    )


@pytest.mark.parametrize("target", TARGETS)
def test_grouped_convolutions_use_matrix_registers(target):
    make = forward(**SAME3, spec="nxygcij,ijcgo->nxygo")
    check_by_matrices(make, (dim(2), 8, 8, 2, 32), (3, 3, 32, 2, 24), target=target)


@pytest.mark.parametrize("target", TARGETS)
def test_infinities_reach_only_the_pixels_under_which_they_lie(target):
    shapes = [(1, 8, 9, 18), (3, 3, 18, 20)]
    node, parameters, found, kernel = kernel_of(forward(**SAME3), shapes, dtypes.bfloat16, target)
    x, w = values(shapes, dtypes.bfloat16)
    x[0, 3, 4, 17] = np.inf
    known = {p.id: a for p, a in zip(parameters, (x, w), strict=True)}
    left, right = (np.asarray(evaluate(a, known)).reshape(-1) for a in (found.left, found.right))
    got, _ = run_kernel(kernel, left, right, np.zeros(node.shape, dtypes.bfloat16.np), found.sizes)
    far = np.isfinite(got.astype(np.float32))
    assert not far[0, 2:5, 3:6].any()
    far[0, 2:5, 3:6] = True
    assert far.all()


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("s", [(1, 1), (2, 2)])
def test_an_epilogue_reads_its_operands_and_sums_its_values(target, s):
    shapes = [(dim(3), 9, 10, 32), (3, 3, 32, 40)]
    make = forward(**SAME3 | dict(s=s))

    def build(**hooks):
        return kernel_of(make, shapes, dtypes.bfloat16, target, output=F32, **hooks)

    node, _, found, kernel = build(epilogue=BiasReluSum(40))
    x, w = values(shapes, dtypes.bfloat16)
    rng = np.random.default_rng(1)
    shape = tuple(int(d) for d in node.shape)
    bias = rng.standard_normal(40).astype(np.float32)
    residual = rng.standard_normal(shape).astype(np.float32)
    zero = np.zeros(shape, np.float32)
    plain, _ = run_kernel(build()[3], x, w, zero, found.sizes)
    got, partials = run_kernel(kernel, x, w, zero, found.sizes, [bias, residual])
    want = np.maximum(plain + bias + residual, 0)
    np.testing.assert_allclose(got, want, atol=1e-5)
    np.testing.assert_allclose(partials.view(np.float32).sum(0), want.sum((0, 1, 2)), rtol=1e-4)


def check_gradient(taps, g, *shapes, target, **kw):
    """Checks a filter's gradient, and that the kernel is one of matrix registers."""
    make = filter_gradient(taps, **g)
    check(make, *shapes, dtype=dtypes.bfloat16, target=target, **kw)
    label = kernel_of(make, shapes, dtypes.bfloat16, target)[-1].label
    assert label.startswith("filter gradient by matrices")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("size", "taps", "channels", "outputs", "g"), CASES, ids=IDS)
def test_filter_gradient(size, taps, channels, outputs, g, target):
    outputs = max(16, outputs)
    for batch in (dim(3), 2):
        x, dy = (batch, *size, channels), (batch, *dy_size(size, taps, g), outputs)
        check_gradient(taps, g, x, dy, target=target)
        check_gradient(taps, g, x, dy, target=target, at_end=False)


@pytest.mark.parametrize("target", TARGETS)
def test_an_infinity_reaches_only_the_taps_that_meet_it(target):
    shapes = [(2, 9, 11, 18), (2, 9, 11, 20)]
    node, _, found, kernel = kernel_of(
        filter_gradient((3, 3), **SAME3), shapes, dtypes.bfloat16, target
    )
    x, dy = values(shapes, dtypes.bfloat16)
    x[1, 0, 10, 3] = (
        np.inf
    )  # a corner, which the taps of the last row and the first column never meet
    got, _ = run_kernel(kernel, x, dy, np.zeros(node.shape, dtypes.bfloat16.np), found.sizes)
    finite = np.isfinite(got.astype(np.float32))
    assert not finite[:2, 1:, 3].any()
    finite[:2, 1:, 3] = True
    assert finite.all()
