"""Images at the edges of what their functions take, as TensorFlow 2.21."""

import numpy as np
import pytest

import penstock as tf

INVALID = tf.errors.InvalidArgumentError
IMAGE = tf.ones([3, 4, 2])


def test_resizing_to_the_same_size_gives_floats():
    whole = tf.cast(IMAGE, tf.uint8)
    assert tf.image.resize(whole, [3, 4]).dtype == tf.float32
    assert tf.image.resize(whole, [3, 4], method="nearest").dtype == tf.uint8


def test_boxes_in_grey_have_their_color():
    drawn = tf.image.draw_bounding_boxes(tf.zeros([1, 3, 3, 1]), [[[0.0, 0, 1, 1]]], [[0.5]])
    assert drawn.numpy().ravel().tolist() == [0.5] * 4 + [0] + [0.5] * 4


@pytest.mark.parametrize(
    "call,error",
    [
        (lambda: tf.image.resize(IMAGE, [2.5, 2]), ValueError),
        (lambda: tf.image.resize(IMAGE[:0], [2, 2]), INVALID),
        (lambda: tf.image.adjust_hue(tf.ones([1, 1, 3]), 1.5), ValueError),
        (lambda: tf.image.grayscale_to_rgb(tf.ones([1])), ValueError),
        (lambda: tf.image.non_max_suppression([[0.0, 0, 1, 1]], [0.9], -1), INVALID),
        (lambda: tf.image.psnr(IMAGE, IMAGE[:2], 1.0), INVALID),
        (lambda: tf.io.encode_jpeg(tf.zeros([2, 2, 3], tf.uint8), quality=200), INVALID),
        (lambda: tf.image.sobel_edges(tf.ones([1, 3, 3, 1], tf.uint8)), INVALID),
    ],
)
def test_refused(call, error):
    with pytest.raises(error):
        call()


def test_the_middle_of_images_by_a_fraction_that_the_run_tells():
    crop = tf.function(tf.image.central_crop)
    image = tf.reshape(tf.range(16), [4, 4, 1])
    assert crop(image, tf.constant(0.5))[..., 0].numpy().tolist() == [[5, 6], [9, 10]]
    assert crop(tf.zeros([240, 320, 3]), tf.constant(0.33)).shape == [80, 106, 3]
    assert crop(image, tf.constant(1.0)).shape == [4, 4, 1]
    with pytest.raises(tf.errors.InvalidArgumentError):
        crop(image, tf.constant(1.5))


def test_kernels_smooth_also_in_the_same_size():
    image = tf.constant([[[0.0], [0.0], [8.0], [0.0]]])
    smooth = tf.image.resize(image, [1, 4], "gaussian").numpy().ravel()
    assert 4 < smooth[2] < 7.9 and smooth[1] > 0.5
    same = tf.function(lambda x: tf.image.resize(x, tf.shape(x)[:2], "gaussian"))
    np.testing.assert_array_equal(smooth, same(image).numpy().ravel())
    assert tf.image.resize(image, [1, 4], "bilinear").numpy().ravel().tolist() == [0, 0, 8, 0]
