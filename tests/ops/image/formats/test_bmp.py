"""BMP files of another size than their header states are refused, as TensorFlow refuses them."""

import struct

import numpy as np
import pytest

import penstock as tf

PIXELS = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)


def file_of(pixels):
    rows = b"".join(row[:, ::-1].tobytes() + b"\0" * 3 for row in pixels[::-1])
    head = struct.pack("<2sIIIIiiHHI", b"BM", 54 + len(rows), 0, 54, 40, 3, 2, 1, 24, 0)
    return head.ljust(54, b"\0") + rows


def test_files_have_the_size_that_their_header_states():
    data = file_of(PIXELS)
    np.testing.assert_array_equal(tf.io.decode_bmp(data), PIXELS)
    for wrong, difference in ((data + b"\0", 1), (data[:-2], -2)):
        for decode in (tf.io.decode_bmp, tf.io.decode_image):
            with pytest.raises(tf.errors.InvalidArgumentError, match=f"differ by {difference}"):
                decode(wrong)
