"""Jacobians of targets whose size is known, unknown, nothing, or too large to unroll."""

import numpy as np
import pytest

import penstock as tf


def squares(shape):
    @tf.function(input_signature=[tf.TensorSpec(shape)], autograph=False)
    def jacobian(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x * x
        return tape.jacobian(y, x)

    return jacobian


@pytest.mark.parametrize("shape", [None, [None], [3], [100]])
def test_jacobian_in_a_function(shape):
    size = shape[0] if shape and shape[0] else 3
    x = np.arange(size, dtype=np.float32)
    np.testing.assert_array_equal(squares(shape)(x), np.diag(2 * x))


def test_jacobian_of_rows_that_the_run_chooses():
    @tf.function(autograph=False)
    def jacobian(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.boolean_mask(x, x > 1.0)
        return tape.jacobian(y, x)

    np.testing.assert_array_equal(jacobian(tf.constant([1.0, 2.0, 3.0])), [[0, 1, 0], [0, 0, 1]])


def test_jacobian_of_nothing_and_of_integers():
    x = tf.constant([1.0, 2.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        nothing, integers = x[:0], tf.cast(x, tf.int32)
    assert tape.jacobian(nothing, x).shape == (0, 2)
    assert tape.jacobian(integers, x) is None
    assert tape.jacobian(tf.zeros([3]), x, unconnected_gradients="zero").shape == (3, 2)


@pytest.mark.parametrize("shape", [[3, 2], [None, 2], [None, None]])
def test_batch_jacobian_in_a_function(shape):
    @tf.function(input_signature=[tf.TensorSpec(shape)], autograph=False)
    def jacobian(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(x * x, 1, keepdims=True) * x
        return tape.batch_jacobian(y, x)

    x = np.arange(6, dtype=np.float32).reshape(3, 2)
    expected = 2 * x[:, :, None] * x[:, None, :] + np.eye(2) * (x * x).sum(1)[:, None, None]
    np.testing.assert_allclose(jacobian(x), expected)


def test_batch_jacobian_without_connection_or_rows():
    x = tf.ones([3, 2])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        row_sums = tf.reduce_sum(x, 1)
    np.testing.assert_array_equal(tape.batch_jacobian(tf.ones([3, 4]), x), np.zeros((3, 4, 2)))
    with pytest.raises(ValueError, match="must have rank at least 2"):
        tape.batch_jacobian(row_sums, x)


def test_jacobians_of_variables():
    v = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
    with tf.GradientTape(persistent=True) as tape:
        squares = v * v
    rows = [[[2.0, 0.0], [0.0, 4.0]], [[6.0, 0.0], [0.0, 8.0]]]
    np.testing.assert_array_equal(tape.batch_jacobian(squares, v), rows)
    np.testing.assert_array_equal(tape.batch_jacobian(v, v), [np.eye(2), np.eye(2)])
    np.testing.assert_array_equal(tape.jacobian(v, v), np.eye(4).reshape(2, 2, 2, 2))


def test_walks_of_many_operations_are_traced_once():
    x = np.linspace(-1, 1, 12, dtype=np.float32)

    def jacobian(x, length):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y, unrelated = x, tf.ones([2])
            for _ in range(length):
                y = (
                    tf.sin(y)
                    + tf.while_loop(lambda i, _: i < 2, lambda i, y: (i + 1, y * 1.1), (0, y))[1]
                )
        return tape.jacobian(y, [x, unrelated])

    graphs = {}
    for length in (2, 60):
        found = tf.function(jacobian, autograph=False).get_concrete_function(x, length)
        graphs[length] = len(found.graph.get_operations())
        by_x, by_unrelated = found(tf.constant(x), length)
        assert by_unrelated is None
        expected, _ = jacobian(tf.constant(x), length)
        np.testing.assert_allclose(by_x, expected, rtol=1e-4, atol=1e-6)
    assert graphs[60] < 10 * graphs[2]


@pytest.mark.parametrize("name", ["jacobian", "batch_jacobian"])
def test_numbers_of_iterations(name):
    x = tf.ones([2, 3])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
    make = getattr(tape, name)
    for count in (1, 0, -1):
        with pytest.raises(ValueError, match=f"at least 2.*Received {count}"):
            make(y, x, parallel_iterations=count)
    with pytest.raises(TypeError, match="must be a positive integer"):
        make(y, x, parallel_iterations=0, experimental_use_pfor=False)
    same = make(y, x, parallel_iterations=1, experimental_use_pfor=False)
    np.testing.assert_array_equal(same, make(y, x, parallel_iterations=2))
