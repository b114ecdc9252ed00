"""Operations on strings, which the host runs: in one list of steps, by kernels for their constants."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.errors import InvalidArgumentError

WORDS = np.array([b"b", b"", b"longer than eight", b"b", b"c"], object)
TEXTS = np.array([[b"c", b"b"], [b"none", b""], [b"longer than eight", b"b\0"]], object)


@tf.function(input_signature=[tf.TensorSpec([None, 2], tf.string)])
def one_hot(x):
    column = tf.gather(x, 1, axis=1)
    return tf.cast(tf.expand_dims(column, 1) == tf.constant(WORDS), tf.float32)


def test_a_chain_of_steps_on_the_host_makes_one_program_wait():
    one_hot(tf.constant(TEXTS))
    assert str(one_hot.explain(tf.constant(TEXTS))).count("once what they wait for is there") == 1


def test_strings_are_compared_with_a_constant_that_has_some_twice():
    np.testing.assert_array_equal(one_hot(tf.constant(TEXTS)), TEXTS[:, 1:] == WORDS)


@pytest.mark.parametrize("shape", [(), (1,), (5,), (3, 1), (2, 1, 1)])
@pytest.mark.parametrize("compare", [tf.equal, tf.not_equal])
def test_shapes_broadcast_as_in_eager_calls(shape, compare):
    x = np.resize(TEXTS.reshape(-1), shape).astype(object)
    f = tf.function(lambda x: (compare(x, WORDS), compare(WORDS[:1], x)))
    for ours, eager in zip(
        f(tf.constant(x)), (compare(x, WORDS), compare(WORDS[:1], x)), strict=True
    ):
        np.testing.assert_array_equal(ours, eager)


def test_shapes_that_do_not_fit_are_refused_by_name():
    f = tf.function(lambda x: tf.equal(x, WORDS), [tf.TensorSpec([None], tf.string)])
    f(tf.constant(WORDS))
    with pytest.raises(InvalidArgumentError, match=r"Incompatible shapes: \[2\] vs. \[5\]"):
        f(tf.constant(WORDS[:2]))


@pytest.mark.parametrize("index", [1, [1], [2, 0]])
def test_an_index_beyond_the_axis_is_refused(index):
    f = tf.function(lambda x: tf.gather(x, index), [tf.TensorSpec([None], tf.string)])
    np.testing.assert_array_equal(f(tf.constant(WORDS)), WORDS[index])
    with pytest.raises(InvalidArgumentError, match=r"is not in \[0, 1\)"):
        f(tf.constant(WORDS[:1]))
