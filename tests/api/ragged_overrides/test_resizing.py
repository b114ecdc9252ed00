"""Ragged batches of images are resized image by image."""

import numpy as np
import pytest

import penstock as tf


@pytest.mark.parametrize("sizes", [[], [(2, 2)], [(2, 8), (3, 5)]])
@pytest.mark.parametrize("channels", [None, 3])
def test_batches_of_any_number_of_images_are_resized(sizes, channels):
    images = [np.random.default_rng(0).random((*size, 3), np.float32) for size in sizes]
    rows = [
        [image.shape[0] for image in images],
        [image.shape[1] for image in images for _ in image],
    ]
    pixels = np.concatenate(
        [image.reshape(-1, 3) for image in images] or [np.zeros((0, 3), np.float32)]
    )
    batch = tf.RaggedTensor.from_nested_row_lengths(pixels, [np.array(r, np.int64) for r in rows])

    @tf.function(input_signature=[tf.RaggedTensorSpec([None, None, None, channels], ragged_rank=2)])
    def resized(images):
        return tf.image.resize(images, (4, 4))

    result = resized(batch)
    assert result.shape == [len(sizes), 4, 4, 3]
    for image, found in zip(images, result, strict=True):
        np.testing.assert_allclose(found, tf.image.resize(image, (4, 4)), atol=1e-6)
