"""Weights of int8 that loops multiply by: they are read as they are, and packed once for all steps and calls."""

import gc

import numpy as np
import pytest

import penstock as tf
from penstock._src.runtime import weight_packer

DRAW = np.random.default_rng(6)
STEPS = 3


def whole(*shape):
    return DRAW.integers(-128, 128, shape).astype(np.int8)


def stepped(weights, zero=0):
    """Multiplies by the weights in a loop; each product's low bits are the next step's operand."""

    @tf.function
    def run(x):
        for _ in tf.range(STEPS):
            product = tf.matmul(tf.cast(x, tf.int32) - zero, tf.cast(weights, tf.int32))
            x = tf.cast(tf.bitwise.bitwise_and(product, 127) - 64, tf.int8)
        return x

    return run


def expected(x, weights, zero=0):
    for _ in range(STEPS):
        product = (x.astype(np.int64) - zero) @ weights.astype(np.int64)
        x = ((product & 127) - 64).astype(np.int8)
    return x


@pytest.mark.parametrize("held", [np.asarray, tf.constant, tf.Variable])
@pytest.mark.parametrize("rows", [1, 3, 40])
@pytest.mark.parametrize("depth", [64, 33])
@pytest.mark.parametrize("zero", [0, 5])
def test_products_are_exact(held, rows, depth, zero):
    weights, x = whole(depth, depth), whole(rows, depth)
    run = stepped(held(weights), zero)
    for _ in range(2):
        np.testing.assert_array_equal(run(tf.constant(x)), expected(x, weights, zero))


def test_variables_that_change_are_packed_again():
    variable = tf.Variable(whole(64, 64))
    run, x = stepped(variable), whole(2, 64)
    for _ in range(2):
        np.testing.assert_array_equal(run(tf.constant(x)), expected(x, variable.numpy()))
        variable.assign(whole(64, 64))


def test_weights_that_the_loop_assigns_are_read_in_each_step():
    variable, start, x = tf.Variable(whole(64, 64)), whole(64, 64), whole(3, 64)

    @tf.function
    def run(x):
        for _ in tf.range(STEPS):
            product = tf.matmul(tf.cast(x, tf.int32), tf.cast(variable, tf.int32))
            x = tf.cast(tf.bitwise.bitwise_and(product, 127) - 64, tf.int8)
            variable.assign(-variable)
        return x

    variable.assign(start)
    found, weights, wanted = run(tf.constant(x)), start, x
    for _ in range(STEPS):
        product = wanted.astype(np.int64) @ weights.astype(np.int64)
        wanted, weights = ((product & 127) - 64).astype(np.int8), -weights
    np.testing.assert_array_equal(found, wanted)


def test_loops_take_weights_as_they_are():
    run = stepped(whole(64, 64))
    run(tf.constant(whole(2, 64)))
    text = run.get_concrete_function(tf.TensorSpec([2, 64], tf.int8)).explain()
    assert "int32[64, 64]" not in text


def test_constants_are_packed_once():
    gc.collect()
    before = set(weight_packer._CONSTANTS)
    run = stepped(whole(64, 64))
    run(tf.constant(whole(2, 64)))
    assert len(set(weight_packer._CONSTANTS) - before) == 1


def test_stacked_rows_are_read_as_they_are():
    """A product of stacked rows reshapes them to one matrix after they were widened."""
    weights, x = tf.constant(whole(64, 40)), whole(3, 5, 64)

    @tf.function(input_signature=[tf.TensorSpec([None, 5, 64], tf.int8)])
    def run(x):
        rows = tf.reshape(tf.cast(x, tf.int32), [-1, 64])
        return tf.matmul(rows, tf.cast(weights, tf.int32))

    wanted = x.reshape(-1, 64).astype(np.int64) @ weights.numpy().astype(np.int64)
    np.testing.assert_array_equal(run(tf.constant(x)), wanted)
    assert "nest[" not in run.get_concrete_function().explain()
