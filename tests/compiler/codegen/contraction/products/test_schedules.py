"""Every way of cutting and packing a product gives the same values, and is what its shapes call for."""

import dataclasses

import numpy as np
import pytest

from penstock._src.core import dtypes
from penstock._src.native import host
from tests.compiler.codegen.contraction.harness import check, dim, kernel_of, values
from tests.compiler.codegen.kernel_harness import run_kernel

SPECS = ["mk,kn->mn", "km,kn->mn", "mk,nk->mn", "km,nk->mn"]
needs_pairs = pytest.mark.skipif(not host().multiplies_pairs, reason="needs bfloat16 dot products")


def einsum(spec):
    return lambda p, a, b: p.contract(spec, a, b)


def shapes_of(spec, **extents):
    return [tuple(extents[c] for c in s) for s in spec.split("->")[0].split(",")]


def facts(spec, shapes, **options):
    return kernel_of(einsum(spec), shapes, **options)[3].facts


CUTS = [  # spec, extents, what the schedule says
    ("mk,kn->mn", dict(m=128, k=300, n=512), dict(cut="columns", A="in place", B="of a task")),
    ("mk,kn->mn", dict(m=130, k=70, n=530), dict(cut="columns", B="of a task")),
    ("mk,nk->mn", dict(m=128, k=300, n=512), dict(cut="columns", B="of a task")),
    ("km,kn->mn", dict(m=200, k=500, n=1024), dict(cut="columns", A="shared", B="of a task")),
    ("km,kn->mn", dict(m=700, k=400, n=256), dict(cut="rows", A="of a task", B="shared")),
    ("km,nk->mn", dict(m=701, k=411, n=250), dict(cut="rows", A="of a task", B="shared")),
    ("km,kn->mn", dict(m=300, k=130, n=10), dict(cut="rows", A="in place")),
    ("mk,kn->mn", dict(m=32, k=128, n=512), dict(B="in place")),
    ("bkm,bkn->bmn", dict(b=3, k=90, m=70, n=140), dict(cut="rows", A="in place")),
    ("bkm,bkn->bmn", dict(b=3, k=90, m=70, n=250), dict(cut="rows", A="of a task")),
    ("bkm,kbn->mn", dict(b=9, k=50, m=370, n=250), dict(A="of a task")),
    ("mk,kn->mn", dict(m=600, k=300, n=1100), dict(cut="blocks")),
]


@pytest.mark.parametrize("at_end", [True, False], ids=["end", "start"])
@pytest.mark.parametrize(("spec", "extents", "wanted"), CUTS)
def test_schedules_cut_products_into_the_expected_tasks(spec, extents, wanted, at_end):
    shapes = shapes_of(spec, **extents)
    found = facts(spec, shapes)
    if host().lanes("float") == 16:  # the schedules of other processors differ
        assert {name: found[name] for name in wanted} == wanted
    check(einsum(spec), *shapes, form="product", at_end=at_end)


@pytest.mark.parametrize("symbolic", ["m", "b", "k"])
def test_cuts_with_run_time_extents(symbolic):
    for spec, extents, _ in CUTS:
        shown = {c: dim(e, c) if c in symbolic else e for c, e in extents.items()}
        check(einsum(spec), *shapes_of(spec, **shown))


@pytest.mark.parametrize("m", [14, 20, 26, 32, 50])
@pytest.mark.parametrize("n", [512, 37])
def test_columns_of_tiles_with_an_even_rest_have_all_rows(m, n):
    check(einsum("mk,kn->mn"), (m, 60), (60, n), form="product")
    check(einsum("bmk,kn->bmn"), (3, m, 60), (60, n), form="product")


def test_one_row_is_worked_on_in_long_pieces():
    check(einsum("mk,kn->mn"), (1, 300), (300, 1000), form="product")
    check(einsum("mk,kn->mn"), (1, 2200), (2200, 2100), form="product")


def test_a_matrix_from_memory_is_read_a_few_rows_at_a_time():
    shapes = shapes_of("mk,kn->mn", m=6, k=2100, n=2050)
    assert facts("mk,kn->mn", shapes)["kc"] == 24
    check(einsum("mk,kn->mn"), *shapes, form="product")


def test_bfloat16_of_few_rows_is_multiplied_as_it_is_read():
    shapes = shapes_of("mk,kn->mn", m=3, k=64, n=100)
    assert facts("mk,kn->mn", shapes, dtype=dtypes.bfloat16)["group"] == 1
    check(einsum("mk,kn->mn"), *shapes, dtype=dtypes.bfloat16, form="product")


@needs_pairs
@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize(
    ("m", "k", "n"), [(37, 50, 29), (128, 800, 512), (7, 1000, 300), (200, 34, 64), (64, 2, 16)]
)
def test_bfloat16_is_multiplied_in_pairs(spec, m, k, n):
    shapes = shapes_of(spec, m=m, k=k, n=n)
    assert facts(spec, shapes, dtype=dtypes.bfloat16)["group"] == 2
    for at_end in (True, False):
        check(einsum(spec), *shapes, dtype=dtypes.bfloat16, form="product", at_end=at_end)


@needs_pairs
def test_bfloat16_that_does_not_come_in_pairs():
    shapes = shapes_of("mk,kn->mn", m=20, k=31, n=40)
    assert facts("mk,kn->mn", shapes, dtype=dtypes.bfloat16)["group"] == 1
    check(einsum("mk,kn->mn"), *shapes, dtype=dtypes.bfloat16)
    plain = dataclasses.replace(host(), features=host().features.replace("+avx512bf16", ""))
    shapes = shapes_of("mk,kn->mn", m=20, k=32, n=40)
    assert facts("mk,kn->mn", shapes, dtype=dtypes.bfloat16, target=plain)["group"] == 1
    check(
        lambda p, a, b: p.contract("mk,kn->mn", p.slice(a, [0, 1], [20, 33]), b),
        (20, 34),
        (32, 40),
        dtype=dtypes.bfloat16,
    )


@needs_pairs
def test_batches_of_pairs():
    for spec in ("bqhd,bkhd->bhqk", "bhqk,bkhd->bqhd"):
        extents = dict(b=2, q=24, h=3, d=16, k=22)
        check(einsum(spec), *shapes_of(spec, **extents), dtype=dtypes.bfloat16)


@pytest.mark.parametrize("dtype", [dtypes.float32, dtypes.bfloat16], ids=str)
def test_runs_agree_to_the_bit(dtype):
    for spec, extents, _ in CUTS[:6]:
        shapes = shapes_of(spec, **extents)
        node, _, found, kernel = kernel_of(einsum(spec), shapes, dtype)
        arrays = values(shapes, dtype)
        runs = [
            run_kernel(kernel, *arrays, np.zeros(node.shape, dtype.np), found.sizes)[0]
            for _ in range(2)
        ]
        assert runs[0].tobytes() == runs[1].tobytes()
