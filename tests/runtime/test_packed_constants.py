"""Weights that are constants of a graph are packed once, when a program is loaded."""

import gc

import numpy as np
import pytest

import penstock as tf
from penstock._src.runtime import weight_packer

pytestmark = pytest.mark.usefixtures("new_objects_only")

RNG = np.random.default_rng(8)


def made(weights, stride=1):
    spec = [tf.TensorSpec([1, 9, 9, weights.shape[2]])]
    return tf.function(
        lambda x: tf.nn.conv2d(x, tf.constant(weights), stride, "SAME"), input_signature=spec
    )


def test_results_are_those_of_variables():
    weights = RNG.normal(size=(3, 3, 32, 48)).astype(np.float32)
    x = tf.constant(RNG.normal(size=(1, 9, 9, 32)).astype(np.float32))
    variable = tf.Variable(weights)
    wanted = tf.function(lambda x: tf.nn.conv2d(x, variable, 1, "SAME"))(x)
    function = made(weights)
    for _ in range(2):
        np.testing.assert_array_equal(function(x), wanted)


def test_packed_constants_go_with_their_programs():
    gc.collect()
    before = set(weight_packer._CONSTANTS)
    function = made(RNG.normal(size=(3, 3, 32, 64)).astype(np.float32))
    function(tf.zeros([1, 9, 9, 32]))
    assert len(set(weight_packer._CONSTANTS) - before) == 1
    del function
    gc.collect()
    assert not set(weight_packer._CONSTANTS) - before
