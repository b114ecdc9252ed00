"""The stage `products`: chains of products are multiplied in the cheaper order."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.passes.product_chains import reorder_products
from penstock._src.core import dtypes
from penstock._src.ir import interpreter

F = dtypes.float32
RANDOM = np.random.default_rng(0)
SHAPES = (8, 256), (8, 256), (256, 4)


def drawn(*shape):
    return RANDOM.standard_normal(shape).astype("f")


def built(shapes, make):
    p = LoweringContext()
    parameters = [p.parameter(i, shape, F) for i, shape in enumerate(shapes)]
    return p.function("f", parameters, make(p, *parameters))


def shapes_of_products(shapes, make):
    """The shapes of products after the stage; results stay."""
    function = built(shapes, make)
    after = reorder_products(function)
    arguments = [drawn(*shape) for shape in shapes]
    before, now = (interpreter.run(f, arguments)[0] for f in (function, after))
    for a, b in zip(before, now, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-3 * np.abs(a).max())
    return [n.shape for n in after.nodes() if n.kind == "contract"]


def of_adapters(p, x, dy, a, b):
    w = p.contract("tm,tn->mn", x, dy)
    return [p.contract("mn,rn->mr", w, b), p.contract("mr,mn->rn", a, w)]


def of_heads(p, x, dy, a, b):
    w = p.contract("btm,btn->mn", x, p.reshape(dy, (2, 20, 96 * 2)))
    rows = p.reshape(p.mul(w, 0.5), (200 * 4, 48))
    da = p.contract("mn,rn->mr", rows, b)
    return [p.reshape(da, (200, 4, 3)), p.contract("mr,mn->rn", p.reshape(a, (800, 3)), rows)]


@pytest.mark.parametrize(
    "shapes, make, left_out",
    [
        ([(40, 200), (40, 160), (200, 3), (3, 160)], of_adapters, (200, 160)),
        ([(2, 20, 200), (2, 20, 4, 48), (200, 4, 3), (3, 48)], of_heads, (200, 192)),
    ],
    ids=["adapters", "heads"],
)
def test_gradients_of_factors_leave_the_large_product_out(shapes, make, left_out):
    assert left_out not in shapes_of_products(shapes, make)


def test_a_product_that_others_read_is_computed():
    def make(p, x, dy, b):
        w = p.contract("tm,tn->mn", x, dy)
        return [p.contract("mn,rn->mr", w, b), p.exp(w)]

    assert (200, 160) in shapes_of_products([(40, 200), (40, 160), (3, 160)], make)


def test_a_product_is_kept_where_that_is_cheaper():
    def make(p, x, y, b):
        return [p.contract("mn,nr->mr", p.contract("mt,tn->mn", x, y), b)]

    shapes = [(200, 3), (3, 160), (160, 200)]
    assert (200, 160) not in shapes_of_products(shapes, make)
    shapes = [(200, 300), (300, 160), (160, 200)]
    assert (200, 160) in shapes_of_products(shapes, make)


def test_products_with_letters_of_both_operands_have_the_same_results():
    def make(p, x, y, b):
        return [p.contract("hmn,hnr->hrm", p.contract("hmt,thn->hmn", x, y), b)]

    shapes = [(5, 70, 60), (60, 5, 80), (5, 80, 2)]
    assert (5, 70, 80) not in shapes_of_products(shapes, make)


def test_any_number_of_rows_trains_factors():
    a, b = tf.Variable(drawn(200, 3)), tf.Variable(drawn(3, 160))

    @tf.function(input_signature=[tf.TensorSpec([None, 200]), tf.TensorSpec([None, 160])])
    def gradients(x, dy):
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(x @ (a @ b) * dy)
        return tape.gradient(y, [a, b])

    for rows in (1, 33, 0, 70):
        x, dy = drawn(rows, 200), drawn(rows, 160)
        w = x.T.astype(float) @ dy
        for got, wanted in zip(gradients(x, dy), (w @ b.numpy().T, a.numpy().T @ w), strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("sizes", [(1e-30, 1e25, 1e20), (1e30, 1e-30, 1e-20), (1e-20, 1, 1e30)])
def test_no_order_of_products_overflows_or_vanishes(sizes):
    x, dy, b = (drawn(*shape) * np.float32(size) for shape, size in zip(SHAPES, sizes, strict=True))
    got = tf.function(lambda x, dy, b: tf.matmul(x, dy, transpose_a=True) @ b)(x, dy, b)
    wanted = x.T.astype(float) @ dy @ b
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5 * np.abs(wanted).max())
