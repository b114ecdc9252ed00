"""One program takes steps of strided convolutions for images of even and odd sizes."""

import numpy as np
import pytest

import penstock as tf
from tests.ops.image.test_unknown_sizes import programs_of

SIZES = [(2, 17, 13), (2, 16, 21), (3, 14, 12), (2, 9, 18), (2, 23, 8)]


def padded(x, kernel, stride):
    """Features of images of any size, whose padding depends on the size."""
    return tf.nn.conv2d(x, kernel, stride, "SAME")


def transposed(x, kernel, stride):
    """Images of a multiple of the size."""
    n, height, width, _ = tf.unstack(tf.shape(x))
    shape = tf.stack([n, (height + stride - 1) // stride, (width + stride - 1) // stride, 4])
    down = tf.nn.conv2d(x, kernel, stride, "SAME")
    return tf.nn.conv2d_transpose(tf.reshape(down, shape), kernel, tf.shape(x), stride, "SAME")


@pytest.mark.parametrize("extent", [3, 4, 5])
@pytest.mark.parametrize("layer", [padded, transposed])
def test_training_on_images_of_any_size(layer, extent):
    random = np.random.default_rng(extent)
    kernel = tf.Variable(random.normal(size=(extent, extent, 3, 4)).astype(np.float32) * 0.1)

    def slopes(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(tf.square(layer(tf.tanh(x), kernel, 2)))
        return tape.gradient(loss, [x, kernel])

    step = tf.function(slopes, input_signature=[tf.TensorSpec([None, None, None, 3])])
    for size in SIZES:
        x = tf.constant(random.normal(size=(*size, 3)).astype(np.float32))
        for result, wanted in zip(step(x), slopes(x), strict=True):
            np.testing.assert_allclose(result, wanted, rtol=1e-4, atol=2e-4)
    assert len(programs_of(step)) == 1
