"""Patches of images and volumes: taps far outside of images are zeros, attributes that say nothing are refused."""

import numpy as np
import pytest

import penstock as tf

X = np.arange(32, dtype=np.float32).reshape(1, 4, 4, 2)
ATTRIBUTES = dict(ksizes=[1, 3, 3, 1], strides=[1, 1, 1, 1], rates=[1, 1, 1, 1], padding="SAME")


def extract(**changed):
    return tf.raw_ops.ExtractImagePatches(images=tf.constant(X), **ATTRIBUTES | changed)


@pytest.mark.parametrize("rate", [5, 100_000, 2**31 - 1])
def test_huge_rates_leave_the_middle_pixel(rate):
    expect = np.zeros((1, 4, 4, 9, 2), np.float32)
    expect[..., 4, :] = X
    for call in (extract, tf.function(extract)):
        found = call(rates=[1, rate, rate, 1]).numpy()
        np.testing.assert_array_equal(found, expect.reshape(1, 4, 4, 18))


@pytest.mark.parametrize(
    "name, value, error",
    [
        ("ksizes", [1, 0, 3, 1], tf.errors.OutOfRangeError),
        ("rates", [1, -1, 1, 1], tf.errors.OutOfRangeError),
        ("rates", [1, 2**40, 1, 1], tf.errors.InvalidArgumentError),
        ("ksizes", [1, 3, 3, 2], tf.errors.UnimplementedError),
    ],
)
def test_attributes_that_say_nothing_are_refused(name, value, error):
    for call in (extract, tf.function(extract)):
        with pytest.raises(error, match=f"ExtractImagePatches: .*{name}"):
            call(**{name: value})


def test_a_stride_of_zero_is_refused():
    with pytest.raises(tf.errors.OutOfRangeError, match="strides"):
        extract(strides=[1, 0, 1, 1])
    with pytest.raises(ValueError, match="Stride must be > 0, but got 0"):
        tf.function(extract)(strides=[1, 0, 1, 1])


@pytest.mark.parametrize("is_dynamic", [False, True])
def test_patches_wider_than_the_image_by_less_than_a_stride_are_none(is_dynamic):
    def patches(images):
        return tf.image.extract_patches(images, [1, 3, 3, 1], [1, 2, 2, 1], [1, 1, 1, 1], "VALID")

    spec = tf.TensorSpec([None] * 4 if is_dynamic else [2, 0, 5, 1], tf.float32)
    images = tf.zeros([2, 0, 5, 1])
    assert patches(images).shape == [2, 0, 2, 9]
    assert tf.function(patches, input_signature=[spec])(images).shape == [2, 0, 2, 9]
