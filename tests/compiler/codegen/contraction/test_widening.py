"""bfloat16 that is widened to be multiplied: kernels read it as it is, and sum in float32."""

import numpy as np
import pytest

from penstock._src.compiler.recognize.contractions.match import match
from penstock._src.core import dtypes
from penstock._src.native.language.types import BF16, F32
from tests.compiler.codegen.contraction.harness import build, evaluate, kernel_of, values
from tests.compiler.codegen.contraction.images.test_conv import SAME3, filter_gradient, forward
from tests.compiler.codegen.kernel_harness import run_kernel
from tests.extents import symbol


def widened(make):
    return lambda p, x, y: make(p, p.cast(x, dtypes.float32), p.cast(y, dtypes.float32))


CASES = [
    (lambda p, x, y: p.contract("mk,kn->mn", x, y), [(20, 34), (34, 50)]),
    (lambda p, x, y: p.contract("mk,nk->mn", p.reshape(x, (20, 34)), y), [(4, 5, 34), (50, 34)]),
    (forward(**SAME3), [(symbol("batch", 3), 9, 8, 32), (3, 3, 32, 16)]),
    (forward(**SAME3), [(3, 9, 8, 5), (3, 3, 5, 7)]),
    (filter_gradient((3, 3), **SAME3), [(3, 9, 8, 16), (3, 9, 8, 32)]),
]


@pytest.mark.parametrize(("make", "shapes"), CASES)
def test_products_are_those_of_float32(make, shapes):
    node, parameters, found, kernel = kernel_of(widened(make), shapes, dtypes.bfloat16)
    types = found.description.types
    assert (types.left, types.right, types.total, types.output) == (BF16, BF16, F32, F32)
    arrays = values(shapes, dtypes.bfloat16)
    known = {p.id: a for p, a in zip(parameters, arrays, strict=True)}
    left, right = (np.asarray(evaluate(x, known)).reshape(-1) for x in (found.left, found.right))
    out = np.full([int(d) for d in node.shape], np.nan, np.float32)
    got, _ = run_kernel(kernel, left, right, out, found.sizes)
    exact, others = build(make, shapes, dtypes.float64)
    want = evaluate(exact, {p.id: a.astype(float) for p, a in zip(others, arrays, strict=True)})
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)


def test_one_operand_of_bfloat16_is_widened_first():
    node, _ = build(
        lambda p, x, y: p.contract(
            "mk,kn->mn", p.cast(x, dtypes.float32), p.sqrt(p.cast(y, dtypes.float32))
        ),
        [(20, 34), (34, 50)],
        dtypes.bfloat16,
    )
    assert match(node).description.types.left == F32
