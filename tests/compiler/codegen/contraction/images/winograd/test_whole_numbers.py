"""Convolutions of signs are exact sums, which binary networks take the sign of again."""

import numpy as np
import pytest

import penstock as tf


def signs(x):
    return tf.sign(tf.sign(x) + 0.1)


IMAGES = {
    "signs": signs,
    "chosen": lambda x: tf.where(x >= 0, 1.0, -1.0),
    "rounded": lambda x: tf.round(3 * x),
    "padded": lambda x: tf.pad(signs(x), [[0, 0], [1, 1], [1, 1], [0, 0]]),
}


@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)
def test_sums_of_whole_numbers_are_exact(image):
    random = np.random.default_rng(0)
    x = tf.constant(random.normal(size=(4, 8, 8, 8)), tf.float32)
    kernel = tf.constant(random.normal(size=(3, 3, 8, 16)), tf.float32)

    def convolved(x, kernel):
        return tf.nn.conv2d(image(x), signs(kernel), 1, "VALID")

    sums = tf.function(convolved)(x, kernel).numpy()
    # Eagerly in float32 the fast algorithm may be taken: an eager convolution does not know where its images come from.
    doubles = [tf.cast(each, tf.float64) for each in (image(x), signs(kernel))]
    assert np.array_equal(sums, np.round(tf.nn.conv2d(*doubles, 1, "VALID").numpy()))
    assert np.any(sums == 0)


def test_other_images_use_the_fast_algorithm():
    x, kernel = tf.random.normal([4, 16, 16, 16]), tf.random.normal([3, 3, 16, 16])
    f = tf.function(lambda x, k: tf.nn.conv2d(tf.nn.relu(x), k, 1, "SAME"))
    assert "winograd" in str(f.explain(x, kernel))
