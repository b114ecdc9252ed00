"""tf.compat.v1.test: gradients of graphs beside finite differences."""

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1


@pytest.fixture
def session():
    with tf.Graph().as_default(), v1.Session() as session:
        yield session


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64, tf.complex64])
def test_jacobians_have_a_row_for_each_entry_of_x(session, dtype):
    x = tf.constant([[1.0, 2.0], [3.0, 4.0]], dtype)
    y = tf.reduce_sum(x * x, 1)
    exact, near = v1.test.compute_gradient(x, [2, 2], y, [2])
    parts = 2 if dtype.is_complex else 1
    assert exact.shape == near.shape == (4 * parts, 2 * parts)
    np.testing.assert_allclose(exact, near, atol=2e-2)
    assert v1.test.compute_gradient_error(x, [2, 2], y, [2]) < 2e-2


def test_rows_of_a_gather_count(session):
    x = tf.constant([[1.0], [2.0], [3.0]])
    y = tf.gather(x, [2, 2, 0]) * 2.0
    (pair,) = v1.test.compute_gradient([x], [[3, 1]], y, [3, 1], x_init_value=[np.ones([3, 1])])
    np.testing.assert_allclose(pair[0], [[0, 0, 2], [0, 0, 0], [2, 2, 0]])


def test_variables_are_initialized_first(session):
    v = v1.get_variable("v", initializer=2.0, use_resource=True)
    x = tf.constant([3.0])
    error = v1.test.compute_gradient_error(x, [1], x * v, [1], init_targets=[v.initializer])
    assert error < 1e-2


def test_nothing_has_no_gradient(session):
    x = tf.constant(np.zeros([0, 3]))
    assert v1.test.compute_gradient_error(x, [0, 3], tf.identity(x), [0, 3]) == 0


def test_start_in_fortran_order():
    with tf.Graph().as_default(), tf.compat.v1.Session():
        x = tf.ones([2, 3])
        start = np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3))
        error = tf.compat.v1.test.compute_gradient_error(
            x, [2, 3], tf.square(x), [2, 3], x_init_value=start
        )
    assert error < 1e-2
