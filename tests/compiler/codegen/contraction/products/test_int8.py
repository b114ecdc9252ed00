"""Products of int8 that is widened to be multiplied: exact sums in int32, fours of k at a time where the CPU can."""

from dataclasses import replace

import numpy as np
import pytest

from penstock._src.compiler.codegen.contraction.emit import emit_contraction
from penstock._src.compiler.codegen.contraction.products.pairs import QUAD
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.recognize.contractions.match import match
from penstock._src.core import dtypes
from penstock._src.devices.cpu.device import build_program
from penstock._src.ir.function import Function
from penstock._src.native import host
from penstock._src.util import flags

CASES = [
    ("mk,kn->mn", (37, 64), (64, 50)),
    ("mk,kn->mn", (2, 256), (256, 300)),
    ("mk,kn->mn", (130, 2048), (2048, 300)),
    ("mk,nk->mn", (70, 400), (90, 400)),
    ("km,kn->mn", (64, 20), (64, 40)),
    ("bmk,kn->bmn", (3, 5, 1000), (1000, 33)),
    ("bmk,bkn->bmn", (3, 20, 32), (3, 32, 33)),
]
ODD = [
    ("mk,nk->mn", (1, 256), (300, 256)),
    ("mk,kn->mn", (1, 256), (256, 300)),
    ("mk,kn->mn", (13, 30), (30, 17)),
    ("mk,nk->mn", (5, 7), (9, 7)),
]


def contraction(p, spec, a, b):
    return p.contract(spec, p.cast(a, dtypes.int32), p.cast(b, dtypes.int32))


def written(spec, shapes, more=lambda p, y: y):
    p = LoweringContext()
    parameters = [p.parameter(i, s, dtypes.int8) for i, s in enumerate(shapes)]
    product = contraction(p, spec, *parameters)
    return product, Function("product", tuple(parameters), (more(p, product),))


def numbers(shapes):
    random = np.random.default_rng(0)
    arrays = [random.integers(-128, 128, s).astype(np.int8) for s in shapes]
    for array in arrays:  # the extremes are met
        array.flat[:3] = -128, -128, 127
    return arrays


@pytest.mark.parametrize("spec,a,b", CASES + ODD)
def test_sums_are_exact(spec, a, b):
    arrays = numbers((a, b))
    with flags.override(guard=1):
        program = build_program(written(spec, (a, b))[1])
        (got,) = program(*arrays)
    np.testing.assert_array_equal(got, np.einsum(spec, *[x.astype(np.int32) for x in arrays]))


@pytest.mark.skipif(not host().multiplies_quads, reason="needs dot products of bytes")
@pytest.mark.parametrize("spec,a,b", CASES)
def test_four_are_multiplied_at_once(spec, a, b):
    node, _ = written(spec, (a, b))
    assert emit_contraction(match(node).description, host(), 2).facts["group"] == QUAD


@pytest.mark.parametrize(
    "triple, changes, group",
    [
        ("riscv64-unknown-linux-gnu", {"vector_bytes": 16}, 1),
        ("x86_64-unknown-linux-gnu", {"cpu": "x86-64-v3", "vector_bytes": 32, "registers": 16}, 2),
        ("wasm32-unknown-unknown", {"features": "+simd128", "vector_bytes": 16}, 2),
        ("aarch64-unknown-linux-gnu", {"cpu": "generic", "vector_bytes": 16}, 1),
        ("aarch64-unknown-linux-gnu", {"features": "+dotprod", "vector_bytes": 16}, QUAD),
    ],
)
def test_other_processors_multiply_as_many_as_they_can(triple, changes, group):
    node, _ = written("mk,kn->mn", ((16, 64), (64, 32)))
    other = replace(host(), **({"triple": triple, "features": ""} | changes))
    assert emit_contraction(match(node).description, other, 2).facts["group"] == group


def test_a_scale_is_applied_to_the_sums_in_registers():
    shapes = (33, 128), (128, 70)

    def scaled(p, y):
        return p.mul(p.cast(y, dtypes.float32), 0.01)

    program = build_program(written("mk,kn->mn", shapes, scaled)[1])
    assert {record.label for record in program.plan.launches} == {"product[33, 70] + epilogue"}
    a, b = numbers(shapes)
    want = (a.astype(np.int32) @ b.astype(np.int32)).astype(np.float32) * np.float32(0.01)
    np.testing.assert_array_equal(program(a, b)[0], want)
