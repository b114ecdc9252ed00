"""Code points of strings in UTF-8, and strings of code points."""

import numpy as np
import pytest

from penstock._src.native.algorithms.texts.code_points import decoded, encoded

_TEXTS = ["", "a\x7f", "\x80\u07ff", "\u0800\ud7ff\ue000\uffff", "\U00010000\U0010ffff", "\0", ""]


def _array(rows):
    found = np.empty(len(rows), object)
    found[:] = rows
    return found


def test_there_and_back():
    rows = _array([text.encode() for text in _TEXTS])
    splits, points, begins = decoded(rows)
    assert splits.tolist() == np.cumsum([0, *map(len, _TEXTS)]).tolist()
    assert points.tolist() == [ord(c) for text in _TEXTS for c in text]
    assert begins.tolist() == [len(t[:k].encode()) for t in _TEXTS for k in range(len(t))]
    assert encoded(points, splits).tolist() == rows.tolist()


def test_every_character_comes_back():
    points = np.array([p for p in range(0x110000) if not 0xD800 <= p < 0xE000], np.int32)
    (text,) = encoded(points, np.array([0, len(points)]))
    assert text.decode() == "".join(map(chr, points.tolist()))
    np.testing.assert_array_equal(decoded(_array([text]))[1], points)


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_what_python_refuses_is_malformed(size):
    rng = np.random.default_rng(size)
    leads = rng.choice([0x41, 0x80, 0xC1, 0xC2, 0xE0, 0xED, 0xEF, 0xF0, 0xF4, 0xF5], 3000)
    others = rng.choice([0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0], (3000, size - 1))
    for row in np.column_stack([leads, others]).astype(np.uint8):
        text = row.tobytes()
        try:
            expected = [ord(c) for c in text.decode()]
        except UnicodeDecodeError:
            assert decoded(_array([text])) is None
        else:
            assert decoded(_array([text]))[1].tolist() == expected


@pytest.mark.parametrize("point", [-1, 0xD800, 0xDFFF, 0x110000])
def test_what_is_no_character_is_not_encoded(point):
    assert encoded(np.array([65, point], np.int32), np.array([0, 1, 2])) is None
