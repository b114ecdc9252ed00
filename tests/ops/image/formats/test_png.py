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


def file_of(pixels, depth, color, chunks=()):
    """A PNG of pixels `[height, width, samples]` with more chunks before the image data."""
    height, width = pixels.shape[:2]
    rows = pixels.astype(">u2" if depth == 16 else "u1")
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    head = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    named = [(b"IHDR", head), *chunks, (b"IDAT", data), (b"IEND", b"")]
    made = [
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in named
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(made)


BYTES = np.array([[[58, 193, 230], [39, 87, 174], [88, 81, 165], [77, 77, 77]]])
WORDS = np.array([[[2732, 43567, 42613], [52416, 45891, 21243], [30403, 32103, 41993]]])
SRGB = (b"sRGB", b"\0")
GAMMA = {g: (b"gAMA", struct.pack(">I", g)) for g in (30000, 45455, 100000)}


# Recorded from TensorFlow 2.21.
@pytest.mark.parametrize(
    ("chunks", "of_bytes", "of_words"),
    [
        ([], [156, 82, 92, 77], [31249, 45031, 32723]),
        ([GAMMA[100000]], [156, 82, 92, 77], [31249, 45031, 32723]),
        ([GAMMA[45455]], [172, 93, 96, 77], [36957, 46068, 32938]),
        ([GAMMA[30000]], [181, 102, 102, 77], [39027, 46719, 33173]),
        ([SRGB], [172, 93, 96, 77], [36957, 46068, 32938]),
        ([GAMMA[30000], SRGB], [172, 93, 96, 77], [36957, 46068, 32938]),
    ],
)
def test_gray_is_mixed_as_light(chunks, of_bytes, of_words):
    found = tf.io.decode_png(file_of(BYTES, 8, 2, chunks), channels=1)
    assert found.numpy().ravel().tolist() == of_bytes
    found = tf.io.decode_png(file_of(WORDS, 16, 2, chunks), channels=1, dtype=tf.uint16)
    assert found.numpy().ravel().tolist() == of_words


@pytest.mark.parametrize(("color", "samples", "default"), [(0, 1, 1), (2, 3, 3), (3, 1, 4)])
def test_transparent_colors_add_a_channel_to_palettes_by_default(color, samples, default):
    pixels = np.zeros([1, 2, samples])
    clear = b"\0" if color == 3 else b"\0\0" * samples
    data = file_of(pixels, 8, color, [(b"PLTE", b"\7\7\7"), (b"tRNS", clear)])
    assert tf.io.decode_png(data).shape == [1, 2, default]
    assert tf.io.decode_png(data, channels=4)[0, 0, 3] == 0


def test_small_pictures_have_the_bytes_that_libpng_writes():
    """The window of 2^8 bytes that their header names is recorded from TensorFlow."""
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3) * 20
    assert png_file(pixels, -1).hex() == (
        "89504e470d0a1a0a0000000d4948445200000002000000020802000000fdd49a7300000016494441540899636410d1b0b1"
        "b161a8e859b0e5c41d0015ac04eeddad85ae0000000049454e44ae426082"
    )


def test_compressed_rows_are_in_chunks_as_libpng_writes_them():
    pixels = (np.arange(18000, dtype=np.uint16) * 7919).reshape(60, 300, 1)
    data = png_file(pixels, 0)
    assert len(data) == 36181
    assert [data[at : at + 4] for at in (37, 8241, 16445, 24649, 32853)] == [b"IDAT"] * 5
