"""Few rows by packed weights on several targets, at the ends of memory: schedules, bits, threads, statistics."""

import numpy as np
import pytest

from penstock._src.compiler.codegen.contraction.packed.description import PackedProduct
from penstock._src.compiler.codegen.contraction.packed.emit import emit_packed_product
from penstock._src.compiler.codegen.contraction.packed.rows import choose
from penstock._src.compiler.codegen.contraction.products.description import Matrix, PackedMatrix
from penstock._src.compiler.codegen.contraction.tile import Types
from penstock._src.core import dtypes
from penstock._src.ir.meaning.packed import FORMATS, round_groups, unpack
from penstock._src.native.language.types import BF16, F32
from penstock._src.native.target import level
from tests.compiler.codegen.kernel_harness import run_kernel
from tests.harness.targets import HERE, LESSER


def product(name, m, n, k, group=0, element=F32):
    x, w = Matrix(element, k, (1,)), PackedMatrix(element, k, (1,), format=name)
    return PackedProduct(m, n, k, x, w, Types(element, element, F32, F32), n, group=group)


def operands(name, m, n, k, seed=0):
    form, random = FORMATS[name], np.random.default_rng(seed)
    blocks = random.integers(0, 256, (n, k // form.block, form.size), dtype=np.uint8)
    for at, dtype in ((form.scale, form.scale_dtype), (form.minimum, np.float16)):
        if at is not None:
            scales = random.uniform(-0.01, 0.01, (n, k // form.block, 1)).astype(dtype)
            blocks[..., at : at + scales.itemsize] = scales.view(np.uint8)
    return random.standard_normal((m, k)).astype(np.float32), blocks.reshape(n, -1)


@pytest.mark.parametrize("target", [pytest.param(HERE, id="here"), *LESSER])
@pytest.mark.parametrize("name", sorted(FORMATS))
def test_rows_end_where_memory_does(name, target):
    long = FORMATS[name].block == 256
    for m, n, k, group, at_end in (
        (1, 21, 768 if long else 96, 0, True),
        (3, 33, 768 if long else 96, 0, False),
        (1, 21, 768 if long else 96, 32, True),
        (2, 16, 768 if long else 96, 32, False),
        # Some blocks at once, and those that are left; several tasks that arrange x.
        (1, 21, 1280 if long else 288, 0, True),
        (2, 16, 1280 if long else 1120, 0, True),
        (4, 16, 512 if long else 192, 0, False),
        (1, 21, 1280 if long else 288, 32, True),
        (4, 16, 512 if long else 192, 32, False),
    ):
        x, w = operands(name, m, n, k)
        kernel = emit_packed_product(product(name, m, n, k, group), target, 2)
        found, _ = run_kernel(kernel, x, w, np.zeros((m, n), np.float32), at_end=at_end)
        dense = unpack(w, FORMATS[name]).astype(np.float64)
        rounded = (round_groups(x, 32) if group else x).astype(np.float64)
        off = np.abs(found.reshape(m, n) - rounded @ dense.T) / (np.abs(rounded) @ np.abs(dense).T)
        assert off.max() < 1e-6


@pytest.mark.parametrize("target", [pytest.param(HERE, id="here"), *LESSER])
@pytest.mark.parametrize("name", sorted(FORMATS))
def test_both_operands_rounded_to_bfloat16(name, target):
    k = 768 if FORMATS[name].block == 256 else 96
    bfloat = dtypes.bfloat16.np
    # Few rows are multiplied in registers, more by panels.
    for m, n, at_end in ((1, 21, True), (3, 33, False), (7, 37, True), (70, 130, False)):
        x, w = operands(name, m, n, k)
        x = x.astype(bfloat)
        kernel = emit_packed_product(product(name, m, n, k, element=BF16), target, 2)
        found, _ = run_kernel(kernel, x, w, np.zeros((m, n), np.float32), at_end=at_end)
        dense = unpack(w, FORMATS[name]).astype(bfloat).astype(np.float64)
        wide = x.astype(np.float64)
        off = np.abs(found.reshape(m, n) - wide @ dense.T) / (np.abs(wide) @ np.abs(dense).T)
        assert off.max() < 1e-6


def test_bits_do_not_depend_on_how_tasks_are_cut():
    x, w = operands("Q4_K", 1, 100, 512)
    made = []
    for threads in (1, 2, 7):
        kernel = emit_packed_product(product("Q4_K", 1, 100, 512), HERE, threads)
        made.append(run_kernel(kernel, x, w, np.zeros((1, 100), np.float32))[0])
    np.testing.assert_array_equal(made[0], made[1])
    np.testing.assert_array_equal(made[0], made[2])


@pytest.mark.parametrize("name", ["Q4_0", "Q4_0_F32", "Q4_1"])
def test_pairs_of_four_bits_are_looked_up_by_words(name):
    """Only for x in float32, on targets whose registers hold a table of sixteen floats."""
    exact, wide = product(name, 1, 64, 576), level("x86-64-v4")
    assert choose(exact, wide, 1).by_words
    assert not choose(exact, level("x86-64-v3"), 1).by_words
    assert not choose(product(name, 1, 64, 576, group=32), wide, 1).by_words
    assert not choose(product(name, 1, 64, 576, element=BF16), wide, 1).by_words


def test_schedules():
    large = choose(product("Q8_0", 1, 4096, 4096), HERE, 2)
    assert large.columns % large.lanes == 0 and 8 <= large.tasks <= 9
    assert choose(product("Q8_0", 1, 4096, 4096), HERE, 1).tasks == 1
    assert choose(product("Q4_0", 1, 24, 32), HERE, 2).tasks == 1  # less than is worth handing out
    assert not product("Q8_0", 5, 4096, 4096).few_rows
