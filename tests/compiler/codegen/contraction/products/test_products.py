"""Matrix products of any strides, types and run-time extents, against float64 NumPy; ends of arrays are guarded."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock._src.compiler.codegen.contraction.products import schedule
from penstock._src.compiler.codegen.kernel_code import Plain
from penstock._src.compiler.codegen.processors import processor_of
from penstock._src.core import dtypes
from penstock._src.native import host
from penstock._src.native.language.types import F32, I8
from tests.compiler.codegen.contraction.harness import check, dim, kernel_of, values
from tests.compiler.codegen.kernel_harness import run_kernel
from tests.harness.targets import LESSER

TRANSPOSITIONS = ["mk,kn->mn", "km,kn->mn", "mk,nk->mn", "km,nk->mn", "mk,kn->nm"]
FEW = settings(max_examples=25, deadline=None, derandomize=True)


def einsum(spec):
    return lambda p, a, b: p.contract(spec, a, b)


def shapes_of(spec, **extents):
    return [tuple(extents[c] for c in s) for s in spec.split("->")[0].split(",")]


@pytest.mark.parametrize("spec", TRANSPOSITIONS)
@pytest.mark.parametrize(
    ("m", "k", "n"),
    [
        (64, 64, 64),
        (100, 50, 70),
        (7, 3, 5),
        (1, 200, 300),
        (33, 1, 17),
        (129, 900, 48),
        (5, 700, 130),
    ],
)
def test_products_and_their_transposes(spec, m, k, n):
    if m == 1 and "nk" in spec:
        return  # sums along memory: a loop nest's work
    check(einsum(spec), *shapes_of(spec, m=m, k=k, n=n), form="product")


@FEW
@given(
    spec=st.sampled_from(TRANSPOSITIONS),
    extents=st.tuples(*[st.sampled_from([0, 1, 2, 3, 15, 16, 17, 31, 40, 65])] * 3),
    symbolic=st.sets(st.sampled_from("mkn")),
    at_end=st.booleans(),
)
def test_ragged_and_run_time_extents(spec, extents, symbolic, at_end):
    extents = dict(zip("mkn", extents, strict=True))
    if 1 in extents.values():  # left out by the matcher, and tested above
        extents = {c: e + (e == 1) for c, e in extents.items()}
    shown = {c: dim(e, c) if c in symbolic else e for c, e in extents.items()}
    check(einsum(spec), *shapes_of(spec, **shown), form="product", at_end=at_end)


@pytest.mark.parametrize("symbolic", ["", "m", "k", "n", "mkn"])
def test_large_products_in_several_blocks(symbolic):
    extents = {c: dim(e, c) if c in symbolic else e for c, e in dict(m=70, k=1100, n=600).items()}
    for spec in ("mk,kn->mn", "km,nk->mn"):
        check(einsum(spec), *shapes_of(spec, **extents), form="product")


@pytest.mark.parametrize(
    "dtype",
    [dtypes.float64, dtypes.bfloat16, dtypes.float16, dtypes.int32, dtypes.int64, dtypes.uint8],
    ids=str,
)
@pytest.mark.parametrize("spec", TRANSPOSITIONS[:4])
def test_products_of_every_dtype(dtype, spec):
    check(einsum(spec), *shapes_of(spec, m=37, k=50, n=29), dtype=dtype)


def test_half_precision_sums_are_kept_in_float32():
    check(einsum("mk,kn->mn"), (9, dim(1000)), (dim(1000), 20), dtype=dtypes.bfloat16)


@pytest.mark.parametrize("spec", TRANSPOSITIONS[:4])
@pytest.mark.parametrize("target", LESSER)
def test_narrower_vectors(target, spec):
    check(einsum(spec), *shapes_of(spec, m=37, k=500, n=29), target=target)
    check(einsum(spec), *shapes_of(spec, m=37, k=50, n=29), target=target, dtype=dtypes.float64)


@pytest.mark.parametrize(
    ("spec", "extents"),
    [
        ("bmk,bkn->bmn", dict(b=3, m=20, k=30, n=40)),
        ("bmk,kn->bmn", dict(b=3, m=20, k=30, n=40)),
        ("mk,bkn->bmn", dict(b=3, m=20, k=30, n=40)),
        ("abmk,abnk->abmn", dict(a=2, b=3, m=10, k=17, n=9)),
        ("bqhd,bkhd->bhqk", dict(b=2, q=13, h=3, d=16, k=21)),
        ("bhqk,bkhd->bqhd", dict(b=2, q=13, h=3, d=16, k=21)),
        ("bsd,dhk->bshk", dict(b=2, s=9, d=32, h=4, k=8)),
        ("bshk,dhk->bsd", dict(b=2, s=9, d=32, h=4, k=8)),
        ("bsd,bshk->dhk", dict(b=2, s=9, d=32, h=4, k=8)),
        ("abc,bd->dac", dict(a=3, b=4, c=5, d=6)),
        ("aib,bjc->aijc", dict(a=3, i=2, b=4, j=5, c=6)),
        ("i,j->ij", dict(i=9, j=33)),
        ("j,jk->k", dict(j=9, k=33)),
        ("ab,bc->c", dict(a=3, b=4, c=5)),
        ("ab,cd->abcd", dict(a=3, b=4, c=5, d=6)),
    ],
)
def test_einsums(spec, extents):
    check(einsum(spec), *shapes_of(spec, **extents), form="product")
    first = next(iter(extents))
    symbolic = extents | {first: dim(extents[first], first)}
    check(einsum(spec), *shapes_of(spec, **symbolic), form="product")


def test_a_new_size_needs_no_new_kernel():
    found = [check(einsum("mk,kn->mn"), (dim(m), 40), (40, 50)) for m in (3, 50, 200)]
    assert found[0].description == found[1].description == found[2].description


def test_products_of_views():
    check(
        lambda p, a, b: p.contract("mk,kn->mn", p.slice(a, [2, 3], [20, 23]), b),
        (30, 40),
        (20, 24),
        form="product",
    )
    check(
        lambda p, a, b: p.contract("mk,kn->mn", p.reverse(a, [0, 1]), b),
        (30, 20),
        (20, 24),
        form="product",
    )
    check(lambda p, a, b: p.contract("mk,kn->mn", p.pad(a, [1, 2], [3, 4]), b), (30, 20), (26, 24))
    check(
        lambda p, a, b: p.contract("bhm,hmn->bn", p.reshape(a, [30, 4, 5]), p.reshape(b, [4, 5, 24])),
        (30, 20), (20, 24), form="product",
    )  # fmt: skip


def test_runs_agree_to_the_bit():
    make, shapes = einsum("mk,kn->mn"), [(200, 1000), (1000, 300)]
    node, parameters, found, kernel = kernel_of(make, shapes)
    a, b = values(shapes, dtypes.float32)
    runs = [run_kernel(kernel, a, b, np.zeros(node.shape, np.float32))[0] for _ in range(3)]
    assert np.array_equal(runs[0], runs[1]) and np.array_equal(runs[0], runs[2])


class BiasReluSum(Plain):
    """max(value + bias[column] + residual, 0), and the column sums of it."""

    sums = 1

    def __init__(self, width, work=0):
        self.width, self.partial_bytes, self.work = width, 4 * width, work
        self.rows = set()

    def prefetch(self, f, tile):
        for i, j in tile.cells:
            f.prefetch(tile.operand(1), tile.offset(i, j), F32)

    def apply(self, f, tile, values):
        bias, residual = tile.operand(0), tile.operand(1)
        found = []
        for v, (i, j) in zip(values, tile.cells, strict=True):
            self.rows.add(i)
            b = f.load(bias, tile.column(j), v.ty, tile.mask(j))
            r = f.load(residual, tile.offset(i, j), v.ty, tile.mask(j))
            found.append(f.max(v + b + r, 0.0))
        return found

    def clear(self, f, partial):
        f.memset(partial, 0, self.partial_bytes)

    def totals(self, tile, values):
        totals = {}
        for v, (i, j) in zip(values, tile.cells, strict=True):
            exists = tile.row_exists(i)
            v = v if exists is None else tile.f.select(exists, v, tile.f.zero(v.ty))
            totals[j] = totals[j] + v if j in totals else v
        return list(totals.values())

    def accumulate(self, f, tile, totals, partial):
        columns = dict.fromkeys(j for _, j in tile.cells)
        for j, v in zip(columns, totals, strict=True):
            at = tile.column(j)
            f.store(f.load(partial, at, v.ty, tile.mask(j)) + v, partial, at, tile.mask(j))


@pytest.mark.parametrize("work", [0, 1000], ids=["short", "long"])
@pytest.mark.parametrize("m", [37, dim(37), dim(8), dim(1)], ids=repr)
@pytest.mark.parametrize(("k", "n"), [(40, 50), (900, 48)])
def test_epilogue_and_statistics(m, k, n, work):
    shapes, epilogue = [(m, k), (k, n)], BiasReluSum(n, work)
    node, parameters, found, kernel = kernel_of(einsum("mk,kn->mn"), shapes, epilogue=epilogue)
    a, b = values(shapes, dtypes.float32)
    rng = np.random.default_rng(1)
    bias, residual = (
        rng.standard_normal(n).astype(np.float32),
        rng.standard_normal((int(m), n)).astype(np.float32),
    )
    got, partials = run_kernel(
        kernel, a, b, np.zeros((int(m), n), np.float32), found.sizes, [bias, residual]
    )
    want = np.maximum(a.astype(float) @ b + bias + residual, 0)
    np.testing.assert_allclose(got, want, atol=1e-6 * k)
    np.testing.assert_allclose(partials.view(np.float32).sum(0), want.sum(0), rtol=1e-4, atol=1e-3)
    if work:  # its text stands once, for any row of a tile
        assert epilogue.rows == {0}


class IsPositive(Plain):
    def apply(self, f, tile, values):
        return [f.convert(v > 0.0, I8) for v in values]


@pytest.mark.parametrize("k", [30, 900, dim(900)], ids=repr)
def test_an_epilogue_may_change_the_type(k):
    shapes = [(20, k), (k, 33)]
    node, parameters, found, kernel = kernel_of(
        einsum("mk,kn->mn"), shapes, epilogue=IsPositive(), output=I8
    )
    a, b = values(shapes, dtypes.float32)
    got, _ = run_kernel(kernel, a, b, np.full((20, 33), 7, np.int8), found.sizes)
    assert np.array_equal(got, (a.astype(float) @ b > 0).astype(np.int8))


@pytest.mark.parametrize("symbolic", ["", "k", "mk"])
def test_large_packed_operands_come_in_groups_of_depth_blocks(symbolic, monkeypatch):
    small = replace(processor_of(host()), packed_panels=600 << 10, near_panels=None)
    monkeypatch.setattr(schedule, "processor_of", lambda target: small)
    extents = dict(m=70, k=1500, n=100)
    extents = {c: dim(e, c) if c in symbolic else e for c, e in extents.items()}
    for spec in TRANSPOSITIONS[:4]:
        shapes = shapes_of(spec, **extents)
        check(einsum(spec), *shapes, form="product")
        check(einsum(spec), *shapes, form="product", dtype=dtypes.bfloat16)


class Fetching(Plain):
    """An epilogue that fetches the context instead of an operand."""

    def prefetch(self, f, tile):
        f.prefetch(f.ctx)


@pytest.mark.parametrize(("depth", "blocks"), [(64, 1), (2000, 2)])
def test_operands_of_an_epilogue_are_fetched_before_the_last_depth_block_only(depth, blocks):
    shapes = [(512, depth), (depth, 1000)]
    kernel = kernel_of(einsum("mk,kn->mn"), shapes, epilogue=Fetching())[3]
    tile = kernel.code.text.split("@tile_", 1)[1]
    before_test = tile.split("br i1 %final", 1)[0]
    assert ("llvm.prefetch.p0(ptr %ctx" in before_test) == (blocks == 1)
    assert tile.split("\n}", 1)[0].count("llvm.prefetch.p0(ptr %ctx") == 1


def test_empty_sums_of_several_letters_are_zero():
    check(einsum("becf,cadeb->badf"), (2, 0, dim(1, "c"), 7), (dim(1, "c"), dim(5, "a"), 17, 0, 2))


@pytest.mark.parametrize("spec", TRANSPOSITIONS[:4])
@pytest.mark.parametrize("target", LESSER)
def test_bfloat_without_instructions_for_it(target, spec):
    check(einsum(spec), *shapes_of(spec, m=37, k=50, n=29), target=target, dtype=dtypes.bfloat16)
    if target.converts_halves:
        shapes = shapes_of(spec, m=37, k=dim(50), n=29)
        check(einsum(spec), *shapes, target=target, dtype=dtypes.float16)


class LongEpilogue(Plain):
    """max(value + bias[column] + residual[row, column], 0), and so much work that it is written once for all rows."""

    work = 1000

    def __init__(self):
        self.cells = []

    def apply(self, f, tile, values):
        self.cells.append(tile.cells)
        bias, residual = tile.operand(0), tile.operand(1)
        found = []
        for v, (i, j) in zip(values, tile.cells, strict=True):
            b = f.load(bias, tile.column(j), v.ty, tile.mask(j))
            r = f.load(residual, tile.offset(i, j), v.ty, tile.mask(j))
            found.append(f.max(v + b + r, 0.0))
        return found


@pytest.mark.parametrize("m", [37, dim(37), dim(12), dim(8), dim(1)], ids=repr)
@pytest.mark.parametrize(("k", "n"), [(40, 50), (900, 48), (30, 3), (3, dim(21, "n"))])
def test_a_long_epilogue_is_written_for_one_row(m, k, n):
    shapes, epilogue = [(m, k), (k, n)], LongEpilogue()
    node, parameters, found, kernel = kernel_of(einsum("mk,kn->mn"), shapes, epilogue=epilogue)
    a, b = values(shapes, dtypes.float32)
    rng = np.random.default_rng(1)
    bias, residual = (
        rng.standard_normal(shape).astype(np.float32) for shape in (int(n), (int(m), int(n)))
    )
    out = np.zeros((int(m), int(n)), np.float32)
    got, _ = run_kernel(kernel, a, b, out, found.sizes, [bias, residual])
    want = np.maximum(a.astype(float) @ b + bias + residual, 0)
    np.testing.assert_allclose(got, want, atol=1e-6 * k)
    assert epilogue.cells and {i for cells in epilogue.cells for i, _ in cells} == {0}
