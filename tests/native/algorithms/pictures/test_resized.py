"""Damaged JPEG files in native code: none ends the process, and what is decoded is what the op decodes."""

import io

import numpy as np
import PIL.Image
import pytest

import penstock as tf
from penstock._src.native import Code, Module
from penstock._src.native.algorithms.pictures import jpeg
from penstock._src.native.algorithms.pictures.resized import OPTIONS, Pictures, pictures
from penstock._src.native.builtins import entries
from penstock._src.ops.image.formats.libraries import jpeg_functions

RANDOM = np.random.default_rng(8)
pytestmark = pytest.mark.skipif(jpeg_functions() is None, reason="Pillow brings no libjpeg-turbo")


def encoded(**options):
    file = io.BytesIO()
    PIL.Image.fromarray(RANDOM.integers(0, 256, (21, 34, 3), np.uint8)).save(
        file, "JPEG", **options
    )
    return file.getvalue()


def decoded(files):
    """The pictures in 9 x 7, and the codes."""
    offsets = np.cumsum([0, *map(len, files)])
    stack, codes = np.zeros((len(files), 9, 7, 3), np.float32), np.zeros(len(files), np.int64)
    options = dict(are_names=0, channels=3, method=1, fancy=1, centers=2, rows=9, columns=7)
    settings = np.array([options[name] for name in OPTIONS])
    functions = jpeg_functions()
    bad = pictures().resized(
        functions, b"".join(files), offsets, len(files), settings, stack, codes
    )
    assert bad == np.count_nonzero(codes)
    return stack, codes


def damaged(data):
    data = bytearray(data)
    for _ in range(RANDOM.integers(1, 5)):
        data[RANDOM.integers(len(data))] = RANDOM.integers(256)
    return bytes(data)


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"restart_marker_blocks": 1}], ids=str
)
def test_damaged_files(options):
    whole = encoded(**options)
    files = [whole, *[whole[:size] for size in range(0, len(whole) - 2, 7)]]
    stack, codes = decoded(files)
    assert codes[0] == 0 and codes[1:].all()
    files = [damaged(whole) for _ in range(200)]
    stack, codes = decoded(files)
    for found, code, data in zip(stack, codes, files, strict=True):
        if not code:
            picture = tf.io.decode_jpeg(data, channels=3)
            np.testing.assert_array_equal(found, tf.image.resize(picture, (9, 7)))


def test_a_library_with_another_layout_is_not_called(monkeypatch):
    monkeypatch.setattr(jpeg, "_BYTES", jpeg._BYTES + 8)
    m = Module()
    pictures.__wrapped__(m)
    assert entries(Code.of(m), Pictures).fits(jpeg_functions()) != 0
