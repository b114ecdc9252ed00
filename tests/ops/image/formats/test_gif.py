"""Frames of GIFs: rectangles, transparent pixels, interlaced rows and color tables, painted as TensorFlow paints them."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import penstock as tf

COLORS = np.array([[9, 8, 7], [255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8)
BITS = 2


def codes(indices):
    """Indices as codes of three bits, with a clear code before each pair so that no longer codes arise."""
    numbers = [n for i in range(0, len(indices), 2) for n in (4, *indices[i : i + 2])] + [5]
    packed = sum(n << 3 * i for i, n in enumerate(numbers)).to_bytes(
        -(-3 * len(numbers) // 8), "little"
    )
    blocks = [packed[i : i + 255] for i in range(0, len(packed), 255)]
    return bytes([BITS]) + b"".join(bytes([len(b)]) + b for b in blocks) + b"\0"


def frame(left, top, rows, transparent=None, colors=None, order=None):
    rows = np.asarray(rows)
    control = (
        b"" if transparent is None else struct.pack("<BBBBHBB", 0x21, 0xF9, 4, 9, 5, transparent, 0)
    )
    flags = 0x80 | BITS - 1 if colors is not None else 0
    flags |= 0x40 if order is not None else 0
    laid = rows if order is None else rows[order]
    place = struct.pack("<HHHHB", left, top, rows.shape[1], rows.shape[0], flags)
    own = b"" if colors is None else colors.tobytes()
    return control + b"," + place + own + codes(laid.ravel().tolist())


def gif(*frames, size=(4, 3)):
    screen = struct.pack("<HHBBB", *size, 0x80 | BITS - 1, 0, 0)
    return b"GIF89a" + screen + COLORS.tobytes() + b"".join(frames) + b";"


def painted(data):
    return tf.io.decode_gif(data).numpy()


FULL = [[0, 1, 2, 3], [1, 2, 3, 0], [2, 3, 0, 1]]


def test_what_the_first_frame_leaves_out_is_black():
    found = painted(gif(frame(1, 1, [[1, 2]]), frame(0, 0, FULL)))
    assert found.shape == (2, 3, 4, 3)
    expected = np.zeros((3, 4, 3), np.uint8)
    expected[1, 1:3] = COLORS[[1, 2]]
    np.testing.assert_array_equal(found[0], expected)
    np.testing.assert_array_equal(found[1], COLORS[FULL])


def test_frames_are_painted_on_the_one_before():
    found = painted(gif(frame(0, 0, FULL), frame(2, 1, [[3, 0]], transparent=0)))
    expected = COLORS[FULL].copy()
    expected[1, 2] = COLORS[3]
    np.testing.assert_array_equal(found[1], expected)


def test_images_are_as_large_as_the_largest_frame():
    assert painted(gif(frame(1, 1, [[1, 2]]), size=(9, 9))).shape == (1, 1, 2, 3)


def test_frames_have_colors_of_their_own():
    np.testing.assert_array_equal(
        painted(gif(frame(0, 0, FULL, colors=COLORS[::-1])))[0], COLORS[::-1][FULL]
    )


def test_rows_in_four_passes():
    rows = np.arange(40).reshape(10, 4) % 4
    data = gif(frame(0, 0, rows, order=[0, 8, 4, 2, 6, 1, 3, 5, 7, 9]), size=(4, 10))
    np.testing.assert_array_equal(painted(data)[0], COLORS[rows])


def test_many_small_frames_in_few_bytes():
    frames = [frame(0, 0, np.ones((300, 300), int))] + [frame(0, 0, [[2]])] * 50
    assert painted(gif(*frames, size=(300, 300))).shape == (51, 300, 300, 3)


@pytest.mark.parametrize("cut", [7, 12, 20, 30, 45])
def test_damaged_files_are_refused(cut):
    with pytest.raises(tf.errors.InvalidArgumentError, match="GIF|image data"):
        painted(gif(frame(0, 0, FULL))[:cut])


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_changed_bytes_never_crash(data):
    whole = bytearray(gif(frame(1, 0, [[1, 2]], transparent=1), frame(0, 0, FULL)))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(6, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert painted(bytes(whole)).ndim == 4
    except (tf.errors.InvalidArgumentError, tf.errors.ResourceExhaustedError):
        pass


def test_whole_frames_of_files_that_are_cut_short_are_read():
    whole = gif(frame(0, 0, FULL), frame(0, 0, FULL), frame(0, 0, FULL))
    end = len(gif(frame(0, 0, FULL), frame(0, 0, FULL))) - 1  # without the last byte of a file
    for cut in (end + 1, len(whole) - 2):
        np.testing.assert_array_equal(painted(whole[:cut]), painted(whole)[:2])
    np.testing.assert_array_equal(painted(whole[:-1]), painted(whole))
