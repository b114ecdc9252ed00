"""What becomes of NaN and infinities in solves and determinants, as TensorFlow has it."""

import numpy as np
import pytest

import penstock as tf

NAN, INF = np.nan, np.inf
FIRST, LAST = [[NAN, 1], [1, 1]], [[1, 1], [1, NAN]]


def both(function):
    return pytest.mark.parametrize(
        "f", [function, tf.function(function, reduce_retracing=True)], ids=["eager", "compiled"]
    )


@both(lambda x: (tf.linalg.det(x), *tf.linalg.slogdet(x)))
@pytest.mark.parametrize("matrix", [FIRST, LAST])
def test_determinants_of_nan_are_nan(f, matrix):
    stack = tf.constant([matrix, [[2, 0], [0, 3]]], tf.float32)
    det, sign, log = f(stack)
    np.testing.assert_allclose(det, [NAN, 6], rtol=1e-6)
    np.testing.assert_allclose(sign, [NAN, 1])
    np.testing.assert_allclose(log, [NAN, np.log(6)], rtol=1e-6)


@both(lambda a, b: tf.linalg.triangular_solve(a, b))
@pytest.mark.parametrize(
    ("matrix", "rhs", "expected"),
    [
        (FIRST, [1, 1], [NAN, NAN]),
        (LAST, [1, 1], [1, NAN]),
        ([[1, 0], [5, 1]], [1, NAN], [1, NAN]),
        ([[1, 0], [5, 1]], [1, INF], [1, INF]),
    ],
)
def test_substitution_goes_row_by_row(f, matrix, rhs, expected):
    found = f(tf.constant(matrix, tf.float32), tf.constant(rhs, tf.float32)[:, tf.newaxis])
    np.testing.assert_array_equal(found[:, 0], expected)


@pytest.mark.parametrize("op", [tf.linalg.inv, tf.linalg.lu, lambda x: tf.linalg.solve(x, x)])
@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "compiled"])
def test_a_nan_is_no_first_pivot(op, wrap):
    with pytest.raises(tf.errors.InvalidArgumentError, match="not invertible"):
        wrap(op)(tf.constant(FIRST, tf.float32))
    later = tf.nest.flatten(wrap(op)(tf.constant(LAST, tf.float32)))[0]
    assert np.isnan(later).any()
