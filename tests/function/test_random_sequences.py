"""Stateful random operations of a function go on where they were, whatever shapes the calls have and whoever runs a branch."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.util import flags

NEW_SIZES = [
    5,
    8,
    1,
    13,
    4,
    9,
    2,
    3,
    16,
    7,
    21,
    6,
    10,
    11,
    12,
    14,
    15,
    17,
    18,
    19,
    20,
    22,
    23,
    24,
    25,
    26,
    5,
    4,
]


@pytest.fixture(autouse=True)
def as_users_run_it():
    with flags.override(verify=0):
        yield


def drawn(function, sizes):
    """What a function gives for vectors of these sizes, from the start of all sequences."""
    tf.random.set_seed(42)
    traced = tf.function(function, input_signature=[tf.TensorSpec([None])])
    return [[np.asarray(y) for y in tf.nest.flatten(traced(tf.zeros([n])))] for n in sizes]


def test_branches_go_on_when_shapes_have_become_many():
    def branches(x):
        is_even = tf.equal(tf.size(x) % 2, 0)
        return tf.cond(
            is_even, lambda: tf.random.normal([2], seed=1), lambda: tf.random.uniform([2], seed=2)
        )

    def both(x):
        return tf.random.normal([2], seed=1), tf.random.uniform([2], seed=2)

    found = drawn(branches, NEW_SIZES)
    sequences = drawn(both, range(1, len(NEW_SIZES) + 1))
    taken = [0, 0]
    for n, (values,) in zip(NEW_SIZES, found, strict=True):
        np.testing.assert_array_equal(values, sequences[taken[n % 2]][n % 2], err_msg=f"size {n}")
        taken[n % 2] += 1


def test_lengths_computed_from_an_extent_take_their_share_of_the_sequence():
    found = drawn(lambda x: tf.random.normal([tf.size(x) % 4], seed=3), NEW_SIZES)
    alone = drawn(lambda x: tf.random.normal([3], seed=3), [1, 2])
    assert [len(values) for (values,) in found] == [n % 4 for n in NEW_SIZES]
    np.testing.assert_array_equal(found[0][0], alone[0][0][:1])  # 1 of 5 % 4


def test_each_call_of_a_function_inside_draws_a_sequence_of_its_own():
    @tf.function
    def inner():
        return tf.random.normal([2])

    found = drawn(lambda x: (inner(), inner()), [1, 2])
    recorded = [[-0.30101568, 0.51859164], [0.30916539, 0.03633815]]  # by TensorFlow 2.21
    for values, expected in zip(found, recorded, strict=True):
        for each in values:
            np.testing.assert_allclose(each, expected, rtol=1e-5)
