"""Files of images, to the bit. The checksums are of TensorFlow's pixels."""

import zlib

import numpy as np
import pytest

import penstock as tf

Y, X = np.mgrid[:17, :23]
IMAGE = np.stack([X * 37 % 256, Y * 59 % 256, X * Y * 5 % 256], -1).astype(np.uint8)


@pytest.mark.parametrize(
    ("downsampled", "ratio", "method", "fancy", "shape", "checksum"),
    [
        (True, 1, "", True, (17, 23, 3), 0x0A89AAEE),
        (True, 1, "", False, (17, 23, 3), 0x855089C3),
        (True, 1, "INTEGER_ACCURATE", True, (17, 23, 3), 0x98CAE810),
        (True, 2, "", True, (9, 12, 3), 0x75CEBB67),
        (True, 4, "", True, (5, 6, 3), 0xE0B5357F),
        (True, 8, "", True, (3, 3, 3), 0xAFA1A2B4),
        (False, 1, "", True, (17, 23, 3), 0xE676C968),
        (False, 1, "", False, (17, 23, 3), 0xE676C968),
        (False, 1, "INTEGER_ACCURATE", True, (17, 23, 3), 0x2045477B),
        (False, 2, "", True, (9, 12, 3), 0xA6CD36EB),
        (False, 4, "", True, (5, 6, 3), 0x19CB2FC4),
        (False, 8, "", True, (3, 3, 3), 0x544FD2A9),
    ],
)
def test_jpeg(downsampled, ratio, method, fancy, shape, checksum):
    file = tf.io.encode_jpeg(IMAGE, chroma_downsampling=downsampled, quality=80)
    pixels = tf.io.decode_jpeg(file, ratio=ratio, dct_method=method, fancy_upscaling=fancy)
    assert pixels.shape == shape
    assert zlib.crc32(pixels.numpy().tobytes()) == checksum


@pytest.mark.parametrize(
    ("kind", "channels", "dtype", "checksum"),
    [
        ("uint8", 1, "uint8", 0xC31F11E7),
        ("uint8", 1, "uint16", 0xA070A042),
        ("uint8", 3, "uint8", 0xA122C5A6),
        ("uint8", 3, "uint16", 0xD38B0309),
        ("uint8", 4, "uint8", 0x3995AEEE),
        ("uint8", 4, "uint16", 0x73928AD1),
        ("uint16", 1, "uint8", 0x14AC966B),
        ("uint16", 1, "uint16", 0x036EE051),
        ("uint16", 3, "uint8", 0xC9ECF817),
        ("uint16", 3, "uint16", 0x3636F957),
        ("uint16", 4, "uint8", 0x359D6024),
        ("uint16", 4, "uint16", 0xAD0E4208),
    ],
)
def test_png(kind, channels, dtype, checksum):
    deep = (IMAGE.astype(np.int64) * 251 % (np.iinfo(kind).max + 1)).astype(kind)
    pixels = tf.io.decode_png(tf.io.encode_png(deep), channels=channels, dtype=dtype)
    assert zlib.crc32(pixels.numpy().tobytes()) == checksum


def test_the_component_of_a_gray_jpeg_is_sampled_once():
    """As in TensorFlow's files: one component, number 1, of factors 1 x 1, with table 0."""
    file = tf.io.encode_jpeg(np.zeros((8, 8, 1), np.uint8)).numpy()
    frame = file.index(b"\xff\xc0")
    assert file[frame + 9 : frame + 13] == b"\x01\x01\x11\x00"


@pytest.mark.parametrize("encode", [tf.io.encode_png, tf.io.encode_jpeg])
def test_two_channels_are_refused(encode):
    with pytest.raises(tf.errors.InvalidArgumentError, match="channels must be"):
        tf.io.decode_image(encode(IMAGE), channels=2)


def bitmap(height, bits, body, begin=54):
    """A BMP of two columns."""
    header = b"BM" + bytes(8) + begin.to_bytes(4, "little", signed=True) + bytes(4)
    size = (2).to_bytes(4, "little") + height.to_bytes(4, "little", signed=True)
    return header + size + bytes([1, 0, bits, 0]) + bytes(24) + bytes(body)


def test_grey_bitmaps_get_colors():
    file = bitmap(2, 8, [1, 2, 0, 0, 3, 4, 0, 0])
    assert tf.io.decode_bmp(file).numpy()[..., 0].tolist() == [[3, 4], [1, 2]]
    assert tf.io.decode_image(file, channels=4).numpy()[0, 0].tolist() == [3, 3, 3, 255]


def test_bitmaps_have_blue_first():
    below = tf.io.decode_bmp(bitmap(2, 24, range(1, 17))).numpy()
    assert below.tolist() == [[[11, 10, 9], [14, 13, 12]], [[3, 2, 1], [6, 5, 4]]]
    above = tf.io.decode_bmp(bitmap(-1, 32, range(1, 9)), channels=4).numpy()
    assert above.tolist() == [[[3, 2, 1, 4], [7, 6, 5, 8]]]


@pytest.mark.parametrize("file", [bitmap(0, 24, bytes(16)), bitmap(1, 24, bytes(80), begin=-8)])
def test_bitmaps_without_rows_or_with_a_negative_begin_are_refused(file):
    with pytest.raises(tf.errors.InvalidArgumentError, match="Height must be|Incomplete"):
        tf.io.decode_bmp(file)


def test_refused_ops():
    image = np.ones((2, 2, 3), np.float32)
    arguments = {"images": image, "contrast_factor": 2.0, "min_value": 0.0, "max_value": 1.0}
    with pytest.raises(tf.errors.UnimplementedError, match="has been removed in version 2"):
        tf.raw_ops.AdjustContrast(**arguments)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Unknown image file format"):
        tf.raw_ops.DecodeJxl(contents=b"abc")
    png = tf.io.encode_png(image.astype(np.uint8))
    assert tf.raw_ops.DecodeJxl(contents=png).numpy().tolist() == image.tolist()


def test_windows_lie_within_the_image():
    file = tf.io.encode_jpeg(IMAGE, quality=80)
    whole = tf.io.decode_jpeg(file).numpy()
    for y, x, height, width in [(0, 0, 1, 1), (0, 0, 17, 23), (16, 22, 1, 1), (3, 4, 5, 7)]:
        cut = tf.image.decode_and_crop_jpeg(file, [y, x, height, width])
        np.testing.assert_array_equal(cut, whole[y : y + height, x : x + width])
    for window in [
        (-1, 0, 1, 1),
        (0, -1, 1, 1),
        (0, 0, 0, 1),
        (0, 0, 1, 0),
        (0, 0, 18, 1),
        (0, 0, 1, 24),
        (17, 0, 1, 1),
        (0, 23, 1, 1),
    ]:
        with pytest.raises(tf.errors.InvalidArgumentError, match="or crop window"):
            tf.image.decode_and_crop_jpeg(file, window)
