"""The stage `weights`: weights that follow from constants are constants, computed once and shared."""

import gc

import numpy as np
import pytest

import penstock as tf
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.passes import weights
from penstock._src.core import dtypes
from penstock._src.ir import interpreter

F, B = dtypes.float32, dtypes.bfloat16
RANDOM = np.random.default_rng(0)
# more numbers than are folded as nodes are made
BYTES = RANDOM.integers(-128, 128, (80, 60)).astype(np.int8)
BYTES.flags.writeable = False
SCALES = RANDOM.random(60).astype("f")
SCALES.flags.writeable = False


def scaled(p):
    return p.mul(p.cast(p.constant(BYTES), F), p.constant(SCALES))


def built(make, rows=9):
    p = LoweringContext()
    x = p.parameter(0, (rows, 80), F)
    return p.function("f", [x], [p.matmul(x, make(p))])


def weights_of(function):
    """The right operand of the product of a function after the stage; results stay."""
    after = weights.compute_weights(function)
    x = RANDOM.standard_normal(function.parameters[0].shape).astype("f")
    before, now = (interpreter.run(f, [x])[0][0] for f in (function, after))
    np.testing.assert_allclose(now, before, rtol=1e-4, atol=1e-3)  # sums in another order
    (product,) = (n for n in after.nodes() if n.kind == "contract")
    return product.args[1]


@pytest.mark.parametrize(
    "make",
    [
        scaled,
        lambda p: p.cast(p.constant(SCALES * np.ones((80, 1), "f"), dtypes.float16), F),
        lambda p: p.transpose(p.mul(p.transpose(p.cast(p.constant(BYTES), F), (1, 0)), 0.5), (1, 0)),
        lambda p: p.sub(p.cast(p.cast(p.constant(BYTES), dtypes.uint8), F), 128.0),
    ],
    ids=["scaled", "float16", "transposed", "bytes"],
)  # fmt: skip
def test_weights_that_follow_from_constants_become_constants(make):
    node = weights_of(built(make))
    while node.kind == "transpose":
        node = node.args[0]
    assert node.kind == "constant"


def test_programs_share_computed_weights_until_the_last_ends():
    first, second = (weights_of(built(scaled, rows)) for rows in (9, 5))
    assert first.attrs["value"] is second.attrs["value"]
    number = len(weights._VALUES)
    del first, second
    gc.collect()
    assert len(weights._VALUES) < number


def test_one_row_reads_the_narrow_numbers():
    assert weights_of(built(scaled, rows=1)).kind == "binary"


def test_bfloat16_that_both_operands_widen_stays():
    p = LoweringContext()
    x, w = p.parameter(0, (9, 80), B), p.constant(BYTES.astype("f"), B)
    function = p.function("f", [x], [p.matmul(p.cast(x, F), p.cast(w, F))])
    assert weights.compute_weights(function) is function


def test_weights_beyond_a_limit_are_computed_in_each_call(monkeypatch):
    monkeypatch.setattr(weights, "MOST_BYTES", 4 * BYTES.size - 1)
    function = built(scaled)
    assert weights.compute_weights(function) is function


def test_weights_of_parameters_and_of_integers_stay():
    p = LoweringContext()
    x, s = p.parameter(0, (9, 80), F), p.parameter(1, (60,), F)
    q = p.parameter(2, (9, 80), dtypes.int8)
    scaled_by_call = p.matmul(x, p.mul(p.cast(p.constant(BYTES), F), s))
    integers = p.matmul(p.cast(q, dtypes.int32), p.cast(p.constant(BYTES), dtypes.int32))
    function = p.function("f", [x, s, q], [scaled_by_call, integers])
    assert weights.compute_weights(function) is function


@pytest.mark.parametrize("size", [4, 64])
def test_parts_at_places_that_extents_decide_are_computed_in_each_call(size):
    table = RANDOM.normal(size=(size + 5, size)).astype("f")

    @tf.function(input_signature=[tf.TensorSpec([None, 3]), tf.TensorSpec([3, size])])
    def product(x, y):
        part = tf.slice(tf.constant(table), [tf.shape(x)[0] % 5, 0], [size, size])
        return tf.matmul(y, tf.tanh(part))

    y = RANDOM.normal(size=(3, size)).astype("f")
    for rows in (1, 2, 7, 9, 15, 1):
        expected = y @ np.tanh(table[rows % 5 :][:size])
        np.testing.assert_allclose(
            product(np.ones((rows, 3), "f"), y), expected, rtol=1e-3, atol=1e-5
        )
