"""Training steps of convolutions: strided ones of even and odd sizes in one program, and of images that begin anywhere."""

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


def test_images_after_an_unknown_number_of_others():
    kernel = tf.Variable(np.random.default_rng(0).normal(size=(3, 3, 3, 8)).astype(np.float32))

    def slopes(x, others):
        with tf.GradientTape() as tape:
            rest = x[tf.shape(others)[0] :]
            loss = tf.reduce_sum(tf.square(tf.nn.conv2d(rest, kernel, 1, "SAME")))
        return tape.gradient(loss, kernel)

    spec = [tf.TensorSpec([None, 10, 10, 3]), tf.TensorSpec([None])]
    step = tf.function(slopes, input_signature=spec)
    for images, others in ((5, 2), (3, 0), (4, 1)):
        x = tf.random.stateless_normal([images, 10, 10, 3], [1, images])
        wanted = slopes(x, tf.zeros([others]))
        np.testing.assert_allclose(step(x, tf.zeros([others])), wanted, rtol=1e-4, atol=1e-3)
