"""Images and sizes that functions of images refuse, as TensorFlow does."""

import pytest

import penstock as tf


@pytest.mark.parametrize("shape", [(1, 10, 20, 1), (1, 20, 10, 1)])
def test_images_smaller_than_the_filter_of_ssim(shape):
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.image.ssim(tf.ones(shape), tf.ones(shape), 1.0)
    assert float(tf.image.ssim(tf.ones([11, 11, 1]), tf.ones([11, 11, 1]), 1.0)) == 1


@pytest.mark.parametrize(
    ("size", "says"), [((0, 2), "target_height must be > 0"), ((2, 0), "target_width must be > 0")]
)
def test_targets_without_pixels(size, says):
    with pytest.raises(ValueError, match=says):
        tf.image.resize_with_crop_or_pad(tf.ones([3, 3, 1]), *size)
    assert tf.image.resize_with_crop_or_pad(tf.ones([3, 3, 1]), 1, 1).shape == [1, 1, 1]
