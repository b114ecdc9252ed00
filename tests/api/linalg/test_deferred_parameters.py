"""Linear operators hold variables, and modules that stand for tensors made of variables, and follow them."""

import numpy as np

import penstock as tf


class Positive(tf.Module):
    """The exponential of a variable."""

    dtype, shape = tf.float32, tf.TensorShape([2])

    def __init__(self):
        super().__init__()
        self.logarithm = tf.Variable([0.0, 1.0])


tf.register_tensor_conversion_function(
    Positive, lambda value, dtype=None, name=None, as_ref=False: tf.exp(value.logarithm)
)


def test_gradients_reach_the_variables_of_a_module():
    diagonal = Positive()
    operator = tf.linalg.LinearOperatorDiag(diagonal)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(operator.matvec([1.0, 2.0]))
    gradient = tape.gradient(total, diagonal.logarithm)
    np.testing.assert_allclose(gradient, [1.0, 2 * np.e], rtol=1e-6)
    diagonal.logarithm.assign([1.0, 0.0])
    np.testing.assert_allclose(operator.matvec([1.0, 1.0]), [np.e, 1.0], rtol=1e-6)
    assert operator.shape == [2, 2] and operator.dtype == tf.float32
