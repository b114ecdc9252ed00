"""Parts of arrays as operands: one kernel serves those that differ in where they begin."""

import pytest

from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.pipeline import compile_function
from penstock._src.core import dtypes
from tests.compiler.codegen.contraction.harness import check, kernel_of

FLOATS = [dtypes.float32, dtypes.bfloat16]


def step(i, width):
    """The i-th of seven neighboring inputs of `width` numbers, times weights."""

    def product(p, a, b):
        part = p.reshape(p.slice(a, [0, i, 0], [9, i + 1, width]), [9, width])
        return p.contract("mk,kn->mn", part, b)

    return product


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("width", [32, 20, 3])
@pytest.mark.parametrize("i", [0, 1, 6])
def test_parts_of_the_left_operand(i, width, dtype):
    found = check(step(i, width), (9, 7, width), (width, 24), dtype=dtype, form="product")
    assert found.starts == (i * width, 0)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("first", [1, 2, 32])
def test_parts_of_the_right_operand(first, dtype):
    def product(p, a, b):
        return p.contract("mk,kn->mn", a, p.slice(b, [0, first], [16, first + 20]))

    found = check(product, (9, 16), (16, 64), dtype=dtype, form="product")
    assert found.starts[1] + found.description.right.base == first


def test_reversed_parts():
    check(
        lambda p, a, b: p.contract("mk,kn->mn", p.reverse(p.slice(a, [2, 3], [12, 23]), [0, 1]), b),
        (20, 30),
        (20, 17),
    )


@pytest.mark.parametrize("first", [0, 16, 48])
def test_channels_of_images_and_filters(first):
    def convolution(p, x, w):
        part = p.slice(x, [0, 0, 0, first], [2, 9, 9, first + 16])
        ones = (1, 1)
        windows = p.windows(part, [1, 2], (3, 3), ones, ones, ones, ones, ones)
        filters = p.slice(w, [0, 0, 0, first], [3, 3, 16, first + 16])
        return p.contract("nxycij,ijco->nxyo", windows, filters)

    found = check(convolution, (2, 9, 9, 64), (3, 3, 16, 64), form="convolution")
    assert found.starts == (first, first)


def test_parts_share_a_kernel():
    found = [kernel_of(step(i, 32), [(9, 7, 32), (32, 24)])[2] for i in (1, 2, 6)]
    assert len({match.description for match in found}) == 1


def test_unrolled_steps_share_kernels():
    p = LoweringContext()
    x = p.parameter(0, (9, 7, 32), dtypes.float32)
    w = p.parameter(1, (32, 24), dtypes.float32)
    results = [step(i, 32)(p, x, w) for i in range(7)]
    plan = compile_function(p.function("unrolled", (x, w), results)).program.plan
    assert len({launch.code.key for launch in plan.launches if "contract" in launch.label}) <= 2
