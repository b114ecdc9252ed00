"""Making tensors from bad extents and mixed numbers: what TensorFlow takes, and what it refuses."""

import numpy as np
import pytest

import penstock as tf


@pytest.mark.parametrize("shape", [[2.5, 3], 3.5, "a"])
def test_extents_are_integers(shape):
    with pytest.raises(TypeError, match="dtype int32"):
        tf.zeros(shape)


@pytest.mark.parametrize("rows", [2.5, np.float64(3), "x", [2]])
def test_identities_have_integer_extents(rows):
    with pytest.raises(TypeError, match="num_rows"):
        tf.eye(rows)


def test_linspace_counts_in_integers():
    with pytest.raises(TypeError, match="integer"):
        tf.linspace(0.0, 1.0, 3.5)
    stop = tf.constant(1.0)
    with tf.GradientTape() as tape:
        tape.watch(stop)
        one = tf.linspace(0.0, stop, 1)
    assert tape.gradient(one, stop).numpy() == 0


def test_ranges_are_of_numbers():
    with pytest.raises(AssertionError, match="numbers"):
        tf.range(tf.constant(3, tf.uint32))


def test_grids_are_of_one_type():
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.meshgrid(tf.constant([1.0]), tf.constant([1]))


def test_stacks_of_numbers_get_one_type():
    np.testing.assert_array_equal(tf.stack([1, 2.5]), [1.0, 2.5])


def test_a_single_value_is_joined_along_a_scalar_axis():
    with pytest.raises(ValueError, match="rank 0"):
        tf.concat([tf.constant([1.0])], [0])


def test_repeats():
    pair = tf.constant([[1.0], [2.0]])
    np.testing.assert_array_equal(tf.repeat(pair, [2, -1], axis=0), [[1.0], [1.0]])
    with pytest.raises(TypeError, match="integer"):
        tf.repeat(pair, 1.5, axis=0)
    with pytest.raises(TypeError, match="`axis` must be an int"):
        tf.repeat(pair, 2, axis=tf.constant(0))
    with pytest.raises(ValueError):
        tf.repeat(pair, [1, 2, 3], axis=0)


def test_static_shapes_of_what_is_repeated():
    shapes = []

    @tf.function(input_signature=[tf.TensorSpec(None)])
    def trace(x):
        known = tf.ensure_shape(x, [None, None])
        shapes.extend([tf.tile(x, [3, 0]).shape, tf.broadcast_to(known, [2, 1]).shape])
        return tf.tuple([x, [1.0, 2.0]])[1]

    np.testing.assert_array_equal(trace(tf.ones([2, 1])), [1.0, 2.0])
    assert [s.as_list() for s in shapes] == [[None, 0], [2, 1]]


def test_ranges_of_integers_have_integer_ends():
    with pytest.raises(TypeError, match="Cannot convert 5.5"):
        tf.range(0, 5.5, dtype=tf.int32)
    np.testing.assert_array_equal(tf.range(np.float64(2.5), dtype=tf.int32), [0, 1])


def test_a_stack_of_numbers_is_a_constant_in_graphs():
    with tf.Graph().as_default():
        assert tf.stack([1, 2]).op.type == tf.stack([[1.0], [2.0]]).op.type == "Const"
        assert tf.stack([1, tf.constant(2)]).op.type == "Pack"


def test_a_stack_of_nothing():
    assert tf.stack([]).shape == [0]
    with pytest.raises(TypeError, match="Cannot convert 0.0"):
        tf.concat([tf.ones([1]), tf.ones([1])], 0.0)


def test_repeat_takes_scalars_of_unknown_rank_and_says_what_does_not_fit():
    # as in TensorFlow 2.21
    unknown = tf.function(
        lambda x: tf.repeat(x, [3], axis=0), input_signature=[tf.TensorSpec(None)]
    )
    assert unknown(7.0).numpy().tolist() == [7.0] * 3
    for repeats, axis, message in (
        ([1], 1, "axis=1 out of bounds: expected -1<=axis<1"),
        ([1, 2], 0, "Dimensions 3 and 2 are not compatible"),
        ([[1]], 0, r"Shape \(1, 1\) must have rank at most 1"),
    ):
        with pytest.raises(ValueError, match=message):
            tf.repeat([1, 2, 3], repeats, axis=axis)


def test_a_tensor_is_the_stack_of_its_entries():
    assert tf.stack(tf.zeros([0, 2])).shape == [0, 2]
    assert tf.stack(np.zeros([0, 3])).dtype == tf.float64
    assert tf.stack(5).shape == []
