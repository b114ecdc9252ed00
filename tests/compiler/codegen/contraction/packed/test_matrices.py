"""Many rows that were rounded to int8 by groups, by packed weights in matrix registers: of the processor, and those in memory of checked code."""

from dataclasses import replace

import numpy as np
import pytest

from penstock._src.compiler.codegen.contraction.packed.emit import emit_packed_product
from penstock._src.ir.meaning.packed import FORMATS, GROUP, round_groups, unpack
from tests.compiler.codegen.contraction.packed.test_rows import operands, product
from tests.compiler.codegen.contraction.products.test_matrices import TARGETS
from tests.compiler.codegen.kernel_harness import run_kernel
from tests.harness.targets import MATRICES_IN_MEMORY, WITHOUT_MATRICES


def rounded_product(name, m, n, k):
    return replace(product(name, m, n, k), rounded=GROUP)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", sorted(FORMATS))
def test_rounded_rows_end_where_memory_does(name, target):
    long = FORMATS[name].block == 256
    for m, n, k, at_end in (
        (5, 21, 768 if long else 32, True),
        (16, 32, 256, False),
        (37, 70, 1280 if long else 416, True),
    ):
        x, w = operands(name, m, n, k)
        x = round_groups(x, GROUP)
        kernel = emit_packed_product(rounded_product(name, m, n, k), target, 2)
        assert kernel.facts["unit"] == "matrices"
        found, _ = run_kernel(kernel, x, w, np.zeros((m, n), np.float32), at_end=at_end)
        dense, wide = unpack(w, FORMATS[name]).astype(np.float64), x.astype(np.float64)
        off = np.abs(found.reshape(m, n) - wide @ dense.T) / (np.abs(wide) @ np.abs(dense).T)
        assert off.max() < 1e-6


@pytest.mark.parametrize("target", TARGETS)
def test_bits_of_rounded_rows_do_not_depend_on_how_tasks_are_cut(target):
    x, w = operands("Q4_K", 20, 100, 512)
    x, made = round_groups(x, GROUP), []
    for threads in (1, 2, 7):
        kernel = emit_packed_product(rounded_product("Q4_K", 20, 100, 512), target, threads)
        made.append(run_kernel(kernel, x, w, np.zeros((20, 100), np.float32))[0])
    np.testing.assert_array_equal(made[0], made[1])
    np.testing.assert_array_equal(made[0], made[2])


@pytest.mark.parametrize("target", TARGETS)
def test_a_group_without_finite_scale_stays_in_its_row(target):
    x, w = operands("Q4_1", 18, 40, 128)
    x[7, 50] = np.inf
    kernel = emit_packed_product(rounded_product("Q4_1", 18, 40, 128), target, 1)
    found, _ = run_kernel(kernel, round_groups(x, GROUP), w, np.zeros((18, 40), np.float32))
    found = found.reshape(18, 40)
    assert np.isnan(found[7]).all() and np.isfinite(np.delete(found, 7, 0)).all()


def test_targets_without_matrices_keep_their_kernel():
    kernels = [
        emit_packed_product(make("Q4_0", 40, 64, 128), WITHOUT_MATRICES, 2)
        for make in (product, rounded_product)
    ]
    assert kernels[0].label == kernels[1].label and kernels[0].facts == kernels[1].facts
    assert (
        emit_packed_product(rounded_product("Q4_0", 40, 64, 128), MATRICES_IN_MEMORY, 2).facts["nc"]
        == 16
    )
