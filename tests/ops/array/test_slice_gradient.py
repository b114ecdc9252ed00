"""The gradient of x[i] where only the run tells i."""

import numpy as np
import pytest

import penstock as tf

X = np.arange(60, dtype=np.float32).reshape(3, 4, 5)


@pytest.mark.parametrize(
    "taken",
    [
        lambda x, i: x[i],
        lambda x, i: x[:, i],
        lambda x, i: x[i, 1:3],
        lambda x, i: x[..., i, ::-2],
        lambda x, i: x[i, tf.newaxis, :, i + 1],
    ],
)
@pytest.mark.parametrize("i", [0, 2, -1])
def test_gradient_of_an_unknown_index(taken, i):
    def gradient(x, i):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(taken(x, i) ** 2)
        return tape.gradient(y, x)

    compiled = tf.function(gradient)
    x, i = tf.constant(X), tf.constant(i)
    np.testing.assert_array_equal(compiled(x, i), gradient(x, i))
    assert not compiled.get_concrete_function(x, i)._function.executable.host_ops


def test_an_unknown_index_outside_is_refused():
    grad = tf.function(
        lambda i: tf.raw_ops.StridedSliceGrad(
            shape=[3], begin=i, end=i + 1, strides=[1], dy=1.0, shrink_axis_mask=1
        )
    )
    np.testing.assert_array_equal(grad(tf.constant([2])), [0, 0, 1])
    with pytest.raises(tf.errors.InvalidArgumentError, match="out of bounds"):
        grad(tf.constant([3]))
