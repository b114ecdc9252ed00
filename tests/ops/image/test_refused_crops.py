"""Boxes that crops refuse, and files that another op decodes."""

import numpy as np
import pytest

import penstock as tf

IMAGE = np.ones((1, 2, 2, 1), np.float32)


@pytest.mark.parametrize(
    ("boxes", "indices", "message"),
    [
        ([[1e40, 0, 0, 0]], [0], "not finite"),
        ([[0, 0, 1, 1]], [[0]], "must be rank 1"),
        ([[0, 0, 1, 1]], [0, 0], "incompatible shape"),
    ],
)
def test_boxes_that_are_none_are_refused(boxes, indices, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        tf.image.crop_and_resize(IMAGE, boxes, indices, [1, 1])


def test_the_op_that_cannot_decode_a_format_is_named():
    bitmap = b"BM" + bytes(60)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Op used: DecodePng"):
        tf.io.decode_png(bitmap)
    with pytest.raises(tf.errors.InvalidArgumentError, match="run on JPEG only, but detected BMP"):
        tf.io.decode_and_crop_jpeg(bitmap, [0, 0, 1, 1])
