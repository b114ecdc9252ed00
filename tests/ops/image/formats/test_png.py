"""PNG files by either decompressor: the same pixels and errors."""

import struct
import zlib

import numpy as np
import pytest

import penstock as tf
from penstock._src.ops.image.formats import png
from penstock._src.ops.image.formats.libraries import inflaters
from penstock._src.ops.image.formats.png import png_file

PIXELS = np.random.default_rng(5).integers(0, 256, (40, 30, 3)).astype(np.uint8)


@pytest.fixture(params=["zlib", "isal"])
def inflater(request, monkeypatch):
    """Has only one of the libraries decompress, and zlib tell what is wrong."""
    if request.param == "isal":
        pytest.importorskip("isal")
        inflaters.cache_clear()
        assert len(inflaters()) == 2
    else:
        monkeypatch.setattr(png, "inflaters", lambda: (zlib,))


def with_data(change):
    """A file whose compressed data is changed."""
    data = png_file(PIXELS, 6)
    begin = data.index(b"IDAT") + 4
    size = struct.unpack(">I", data[begin - 8 : begin - 4])[0]
    body = change(data[begin : begin + size])
    chunk = b"IDAT" + body
    made = struct.pack(">I", len(body)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return data[: begin - 8] + made + data[begin + size + 4 :]


def test_pixels(inflater):
    found = tf.io.decode_png(with_data(lambda body: body))
    np.testing.assert_array_equal(found, PIXELS)


def test_data_of_several_chunks(inflater):
    data = png_file(PIXELS, 6)
    begin = data.index(b"IDAT") + 4
    size = struct.unpack(">I", data[begin - 8 : begin - 4])[0]
    body = data[begin : begin + size]
    parts = [b"IDAT" + part for part in (body[:100], body[100:101], body[101:])]
    chunks = [struct.pack(">I", len(p) - 4) + p + struct.pack(">I", zlib.crc32(p)) for p in parts]
    split = data[: begin - 8] + b"".join(chunks) + data[begin + size + 4 :]
    np.testing.assert_array_equal(tf.io.decode_png(split), PIXELS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda body: body[:-1] + bytes([body[-1] ^ 1]), "incorrect data check"),
        (lambda body: body[: len(body) // 2], "are needed"),
        (lambda body: zlib.compress(zlib.decompress(body)[:-1]), "are needed"),
        (lambda body: b"\0" + body[1:], "incorrect header check"),
    ],
    ids=["checksum", "cut", "short", "header"],
)
def test_damaged_data(inflater, change, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        tf.io.decode_png(with_data(change))


@pytest.mark.parametrize(
    ("width", "height", "depth", "color"),
    [(0, 1 << 28, 8, 2), (0, 1, 8, 0), (5, 0, 8, 2), (2, 1, 4, 2), (2, 1, 16, 3), (2, 1, 4, 6)],
)
def test_headers_that_no_image_has(width, height, depth, color):
    data = bytearray(png_file(PIXELS, 6))
    data[16:26] = struct.pack(">IIBB", width, height, depth, color)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="Invalid PNG data"):
        tf.io.decode_png(bytes(data))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_ramps_are_small(dtype):
    """Rows have the filter that suits them: here what is above, beside or nearest."""
    i = np.arange(256, dtype=dtype)
    ramp = np.stack(
        [np.broadcast_to(i, (256, 256)), np.broadcast_to(i[:, None], (256, 256)), (i + i[:, None])],
        -1,
    )
    file = tf.io.encode_png(ramp, compression=7).numpy()
    assert len(file) < 2300
    np.testing.assert_array_equal(tf.io.decode_png(file, dtype=dtype).numpy(), ramp)


def test_rows_of_noise_and_single_pixels():
    random = np.random.default_rng(7)
    for shape in [(1, 1, 1), (5, 1, 4), (1, 9, 1), (33, 17, 3)]:
        pixels = random.integers(0, 256, shape).astype(np.uint8)
        np.testing.assert_array_equal(
            tf.io.decode_png(png_file(pixels, 6), channels=shape[2]).numpy(), pixels
        )
