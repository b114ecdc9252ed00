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


@pytest.mark.parametrize(
    "overlaps, scores, most, message",
    [
        ([[1.0, 0.5, 0.1], [0.5, 1.0, 0.2]], [1.0, 2.0], 2, "must be square"),
        ([1.0, 0.5], [1.0, 2.0], 2, "must be 2-D"),
        ([[1.0, 0.5], [0.5, 1.0]], [1.0], 2, "scores has incompatible shape"),
        ([[1.0, 0.5], [0.5, 1.0]], [1.0, 2.0], -1, "must be non-negative"),
    ],
)
def test_overlaps_that_do_not_fit_their_scores(overlaps, scores, most, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        tf.image.non_max_suppression_overlaps(overlaps, scores, most)
