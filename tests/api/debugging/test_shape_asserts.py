"""Assertions about shapes and ranks: what they accept, and what their errors say."""

import pytest

import penstock as tf


def test_scalars_and_vectors_of_one_element_are_of_each_others_shape():
    tf.debugging.assert_shapes([(tf.ones([1]), ()), (tf.constant(5), (1,)), (tf.constant(5), "a")])
    with pytest.raises(ValueError, match="dimension 0 must have size 1.  Received size 2"):
        tf.debugging.assert_shapes([(tf.constant(5), ("a",)), (tf.ones([2, 2]), ("a", 2))])


@pytest.mark.parametrize("spec", ["*3D", (..., 3, "D")])
def test_open_shapes_are_matched_from_the_end(spec):
    tf.debugging.assert_shapes([(tf.ones([7, 3, 2]), spec)])
    with pytest.raises(ValueError, match="dimension -2 must have size 3.  Received size 2"):
        tf.debugging.assert_shapes([(tf.ones([2, 3]), spec)])


def test_open_shapes_are_open_at_the_beginning_only():
    with pytest.raises(
        ValueError, match="specified shape index 1.*only allowed as the first entry"
    ):
        tf.debugging.assert_shapes([(tf.ones([2, 3]), ("N", ...))])


def test_what_is_no_shape():
    tf.debugging.assert_shapes([(tf.ones([2]), None)])
    with pytest.raises(ValueError, match="must be an iterable.*Received specified shape: 2"):
        tf.debugging.assert_shapes([(tf.ones([2]), 2)])


def test_sizes_known_at_run_time_only():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, name="x")
        check = tf.compat.v1.debugging.assert_shapes([(x, ("N",)), (tf.ones([2, 1]), ("N", 1))])
        session.run(check, {x: [1.0, 2.0]})
        with pytest.raises(
            tf.errors.InvalidArgumentError,
            match=r"\[Specified by tensor x:0 dimension 0\] \[Tensor ones:0 dimension\] \[0\] \[must have size\] \[1\]",
        ):
            session.run(check, {x: 3.0})


def test_ranks_are_int32_scalars():
    with pytest.raises(TypeError, match="must be of type tf.int32; got tf.float32"):
        tf.debugging.assert_rank(tf.ones([2]), 0.5)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        rank = tf.compat.v1.placeholder(tf.int32)
        check = tf.compat.v1.assert_rank(tf.ones([2]), rank)
        with pytest.raises(tf.errors.InvalidArgumentError, match="Rank must be a scalar"):
            session.run(check, {rank: [1, 2]})


def test_nearness_of_tensors_of_unknown_rank():
    @tf.function(input_signature=[tf.TensorSpec(None)])
    def check(x):
        with tf.control_dependencies([tf.compat.v1.assert_near(x, 1.0)]):
            return tf.identity(x)

    assert check(tf.constant([[1.0]])).shape == (1, 1)
    with pytest.raises(tf.errors.InvalidArgumentError):
        check(tf.constant([1.0, 2.0]))
