"""Shapes of variables that loops create or whose shapes change, and what is no loop."""

import pytest

import penstock as tf


def test_a_variable_created_in_a_loop_takes_the_shape_of_any_iteration():
    @tf.function
    def last_range(n):
        i = 0
        while i < n:
            v = tf.range(i)
            i += 1
        return v

    assert last_range(tf.constant(1)).shape == [0]
    assert last_range(tf.constant(3)).numpy().tolist() == [0, 1]
    with pytest.raises(tf.errors.InvalidArgumentError, match="at least once"):
        last_range(tf.constant(0))


def test_a_sparse_variable_takes_the_shape_of_its_invariant():
    start = tf.sparse.from_dense(tf.eye(2))

    @tf.function
    def expanded(n):
        return tf.while_loop(
            lambda i, v: i < n,
            lambda i, v: (i + 1, tf.sparse.expand_dims(v)),
            (0, start),
            shape_invariants=(tf.TensorShape([]), tf.TensorShape(None)),
        )[1]

    assert expanded(tf.constant(2)).shape == [2, 2, 1, 1]
    assert expanded.get_concrete_function(tf.constant(1)).structured_outputs.shape.rank is None


def test_generators_are_refused():
    def counted():
        yield tf.constant(1)

    with pytest.raises(NotImplementedError, match="generators"):
        tf.function(counted)()


def test_a_tensor_array_needs_no_invariant():
    @tf.function
    def rows(x):
        state = tf.zeros([1])
        out = tf.TensorArray(tf.float32, 0, dynamic_size=True)
        for i in tf.range(x):
            tf.autograph.experimental.set_loop_options(shape_invariants=[(state, [None])])
            state = tf.concat([state, [1.0]], 0)
            out = out.write(i, tf.reduce_sum(state))
        return out.stack()

    assert rows(tf.constant(3)).numpy().tolist() == [1.0, 2.0, 3.0]
