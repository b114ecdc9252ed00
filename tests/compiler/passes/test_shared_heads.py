"""The stage `heads`: gradients of keys and values that heads share are separated by these heads."""

import numpy as np
import pytest

from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.passes.shared_heads import separate_shared_heads
from penstock._src.core import dtypes
from penstock._src.ir import interpreter

F = dtypes.float32
SHARED, GROUP, SIZE = 3, 2, 8


def attention_with_gradients(p, query, key, value, seed):
    """The output of an attention, and the gradients of query, key and value."""
    scores = p.contract("abtw,asw->abts", query, key)
    exps = p.exp(p.sub(scores, p.reduce(scores, "max", 3, keepdims=True)))
    probabilities = p.div(exps, p.reduce(exps, "sum", 3, keepdims=True))
    output = p.contract("abts,asw->abtw", probabilities, value)
    to_values = p.contract("abts,abtw->asw", probabilities, seed)
    derivative = p.contract("abtw,asw->abts", seed, value)
    shares = p.reduce(p.mul(derivative, probabilities), "sum", 3, keepdims=True)
    of_scores = p.mul(p.sub(derivative, shares), probabilities)
    to_queries = p.contract("abts,asw->abtw", of_scores, key)
    return [output, to_queries, p.contract("abts,abtw->asw", of_scores, query), to_values]


def separated(rows, columns, count=4):
    """The shapes of products after the stage; the first results stay."""
    p = LoweringContext()
    lengths = rows, columns, columns, rows
    shapes = [(SHARED, *[GROUP] * (n in (0, 3)), lengths[n], SIZE) for n in range(4)]
    parameters = [p.parameter(i, shape, F) for i, shape in enumerate(shapes)]
    function = p.function("f", parameters, attention_with_gradients(p, *parameters)[:count])
    after = separate_shared_heads(function)
    random = np.random.default_rng(0)
    arguments = [random.standard_normal(shape).astype("f") for shape in shapes]
    before, now = (interpreter.run(f, arguments)[0] for f in (function, after))
    for a, b in zip(before, now, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-5)
    return [node.shape for node in after.nodes() if node.kind == "contract"]


def test_gradients_of_shared_heads_have_an_axis_for_each_of_them():
    shapes = separated(20, 24)
    assert (SHARED, 24, SIZE) not in shapes
    assert shapes.count((SHARED, GROUP, 24, SIZE)) == 2


@pytest.mark.parametrize(
    "rows, columns, count", [(20, 24, 3), (15, 24, 4), (20, 15, 4)], ids=["one", "rows", "columns"]
)
def test_products_without_a_kernel_of_attention_stay_as_they_are(rows, columns, count):
    assert (SHARED, columns, SIZE) in separated(rows, columns, count)
