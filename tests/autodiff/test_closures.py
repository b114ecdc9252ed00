"""tf.gradients inside a branch, a loop or a mapped function, with respect to tensors outside of it."""

import numpy as np
import pytest

import penstock as tf


@pytest.mark.parametrize("holds, wanted", [(True, 980.0), (False, 30.0)])
def test_a_branch_differentiates_what_was_computed_outside(holds, wanted):
    @tf.function
    def f(x, holds):
        y = 7.0 * x
        return tf.cond(holds, lambda: tf.gradients(y * y, [x])[0], lambda: 3.0 * x)

    assert f(tf.constant(10.0), tf.constant(holds)).numpy() == wanted


def test_variables_outside_are_reached():
    v = tf.Variable(2.0)

    @tf.function
    def f():
        y = v * v
        return tf.cond(v > 0, lambda: tf.gradients(y * v, [v])[0], v.read_value)

    assert (
        f().numpy() == 4.0
    )  # y * v, with v read anew in the branch: only y leads to the one outside
    assert f().shape == []


@pytest.mark.parametrize("mapping", [tf.vectorized_map, tf.map_fn])
def test_a_jacobian_through_a_loop_outside(mapping):
    y = np.random.default_rng(0).normal(size=(3, 3)).astype(np.float32)

    @tf.function
    def jacobian(x):
        step = lambda i, out: (i + 1, out @ y)  # noqa: E731
        out = tf.while_loop(lambda i, _: i < 4, step, [0, x])[1]

        def row(i):
            part = tf.gather(out, tf.cast(i, tf.int32), axis=1)
            return tf.reshape(tf.gradients(part, x)[0], [-1])

        return mapping(row, tf.range(3.0))

    found = jacobian(tf.ones([1, 3]))
    np.testing.assert_allclose(found, np.linalg.matrix_power(y, 4).T, rtol=1e-4, atol=1e-5)


def test_a_loop_is_differentiated_after_itself():
    @tf.function
    def f(x):
        square = lambda i, x: [i + 1, x**2]  # noqa: E731
        _, y = tf.while_loop(lambda i, _: i < 2, square, [0, x])
        with tf.control_dependencies([y]):
            return tf.gradients(y, x)[0]

    assert f(tf.constant(2.0)).numpy() == 32.0


def test_loop_variables_are_connected_to_the_loops_results():
    @tf.function
    def f(x, y):
        step = lambda i, a, b: (i + 1, a * x, tf.stop_gradient(b))  # noqa: E731
        result = tf.while_loop(lambda i, *_: i < 3, step, [0, x, y])[1]
        return tf.gradients(result, [x, y])

    assert [g.numpy() for g in f(tf.constant(3.0), tf.constant(2.0))] == [108.0, 0.0]


def test_gradients_of_tensors_of_several_graphs():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.constant(1.0)
        product = x * 2.0

        @tf.function
        def outer():
            middle = tf.identity(x)

            @tf.function
            def inner():
                ys = [x, middle, tf.identity(middle), tf.identity(product)]
                return tf.gradients(ys, [x])

            return inner()

        assert session.run(outer()) == [1 + 1 + 1 + 2]
