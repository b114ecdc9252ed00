"""Products by matrix registers: by the processor's where it has them, and by those in memory that checked code uses, on every machine with x86-64."""

import numpy as np
import pytest

from penstock._src.core import dtypes
from penstock._src.native import host
from tests.compiler.codegen.contraction.harness import check, evaluate, kernel_of, values
from tests.compiler.codegen.kernel_harness import run_kernel
from tests.extents import symbol
from tests.harness.targets import MATRICES_IN_MEMORY, RUNS_MATRICES_IN_MEMORY

pytestmark = pytest.mark.skipif(host().architecture != "x86_64", reason="an extension of x86-64")

TARGETS = [
    pytest.param(MATRICES_IN_MEMORY, id="in memory", marks=RUNS_MATRICES_IN_MEMORY),
    pytest.param(
        host(),
        id="of the processor",
        marks=pytest.mark.skipif(not host().multiplies_matrices, reason="needs AMX"),
    ),
]
CASES = [
    ("mk,kn->mn", (32, 64), (64, 32)),
    ("mk,kn->mn", (8, 34), (34, 5)),
    ("mk,kn->mn", (16, 32), (32, 16)),
    ("mk,kn->mn", (50, 98), (98, 70)),
    ("mk,nk->mn", (33, 64), (65, 64)),
    ("km,kn->mn", (40, 50), (40, 30)),
    ("km,nk->mn", (36, 49), (31, 36)),
    ("mk,kn->mn", (70, 2600), (2600, 40)),
    ("bmk,bkn->bmn", (3, 20, 44), (3, 44, 33)),
    ("bmk,kn->bmn", (2, 24, 96), (96, 64)),
    ("mbk,kn->bmn", (9, 2, 64), (64, 20)),
]


def plain(spec):
    return lambda p, a, b: p.contract(spec, a, b)


def product(spec, total):
    return lambda p, a, b: p.contract(spec, p.cast(a, total), p.cast(b, total))


def check_bytes(spec, *shapes, target):
    """Compares sums of bytes, which are exact."""
    node, parameters, found, kernel = kernel_of(
        product(spec, dtypes.int32), shapes, dtypes.int8, target
    )
    assert kernel.facts["unit"] == "matrices"
    arrays = values(shapes, dtypes.int8)
    known = {p.id: a for p, a in zip(parameters, arrays, strict=True)}
    left, right = (np.asarray(evaluate(x, known)).reshape(-1) for x in (found.left, found.right))
    out = np.full(node.shape, -1, np.int32)
    got, _ = run_kernel(kernel, left, right, out, found.sizes)
    np.testing.assert_array_equal(got, np.einsum(spec, *(x.astype(np.int32) for x in arrays)))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("spec, a, b", CASES)
def test_pairs_are_summed_in_float(spec, a, b, target):
    make = plain(spec)
    for at_end in (True, False):
        check(make, a, b, dtype=dtypes.bfloat16, target=target, at_end=at_end)
    kernel = kernel_of(make, (a, b), dtypes.bfloat16, target)[-1]
    assert kernel.facts["unit"] == "matrices"


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("spec, a, b", [case for case in CASES if case[1][-1] % 4 == 0])
def test_bytes_are_summed_exactly(spec, a, b, target):
    check_bytes(spec, a, b, target=target)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("rows", [1, 16, 17, 45])
def test_numbers_of_rows_that_are_known_at_the_run(rows, target):
    m = symbol("m", rows)
    make = plain("mk,kn->mn")
    check(make, (m, 72), (72, 40), dtype=dtypes.bfloat16, target=target)
    kernel = kernel_of(make, ((m, 72), (72, 40)), dtypes.bfloat16, target)[-1]
    assert kernel.facts["unit"] == "matrices"


def test_few_rows_are_multiplied_by_vectors():
    make = plain("mk,kn->mn")
    kernel = kernel_of(make, ((4, 64), (64, 128)), dtypes.bfloat16, MATRICES_IN_MEMORY)[-1]
    assert kernel.facts["unit"] == "vectors"


@pytest.mark.parametrize("target", TARGETS)
def test_not_finite_numbers_stay_in_their_rows_and_columns(target):
    make = plain("mk,kn->mn")
    shapes = (40, 38), (38, 50)
    _, _, found, kernel = kernel_of(make, shapes, dtypes.bfloat16, target)
    a, b = values(shapes, dtypes.bfloat16)
    a[3, 37], b[37, 49] = np.inf, np.nan
    out = np.zeros((40, 50), dtypes.bfloat16.np)
    got, _ = run_kernel(kernel, a, b, out, found.sizes)
    with np.errstate(invalid="ignore"):
        want = a.astype(np.float64) @ b.astype(np.float64)
    np.testing.assert_array_equal(np.isfinite(got.astype(np.float64)), np.isfinite(want))
