"""JPEG files are decoded by libjpeg-turbo, small ones by Pillow: both give the same pixels."""

import io

import numpy as np
import PIL.Image
import pytest
import simplejpeg

import penstock as tf
from penstock._src.ops.image.formats import jpeg, libraries

SUBSAMPLINGS = ("444", "422", "420", "440", "411")


def picture(height: int, width: int, subsampling: str) -> bytes:
    y, x = np.mgrid[:height, :width]
    planes = [np.sin(x / 7 + y / 11), np.cos(x / 5 - y / 13), np.sin(x * y / 99)]
    pixels = (128 + 100 * np.stack(planes, -1)).astype(np.uint8)
    return simplejpeg.encode_jpeg(pixels, quality=70, colorsubsampling=subsampling)


@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
@pytest.mark.parametrize("size", [(40, 61), (17, 16), (3, 2), (1, 1)])
@pytest.mark.parametrize("ratio", [1, 2, 4])
@pytest.mark.parametrize("channels", [1, 3])
def test_both_decode_to_the_same_bits(subsampling, size, ratio, channels, monkeypatch):
    data = picture(*size, subsampling)
    found = tf.io.decode_jpeg(data, channels=channels, ratio=ratio).numpy()
    monkeypatch.setattr(jpeg, "_by_turbo", lambda *_: None)
    expected = tf.io.decode_jpeg(data, channels=channels, ratio=ratio).numpy()
    assert found.shape == expected.shape and (found == expected).all()


def test_chroma_is_repeated_after_the_accurate_transform():
    data = picture(16, 24, "420")
    arguments = dict(fancy_upscaling=False, dct_method="INTEGER_ACCURATE")
    repeated = tf.io.decode_jpeg(data, **arguments).numpy().astype(int)
    interpolated = tf.io.decode_jpeg(data, dct_method="INTEGER_ACCURATE").numpy().astype(int)
    assert 0 < np.abs(repeated - interpolated).mean() < 12


@pytest.mark.parametrize("asked", [{"try_recover_truncated": True}, {"acceptable_fraction": 0.5}])
def test_parts_of_a_file_that_is_cut_off_are_not_implemented(asked):
    data = picture(40, 61, "420")
    assert tf.io.decode_jpeg(data, **asked).shape == [40, 61, 3]
    with pytest.raises(tf.errors.UnimplementedError, match="try_recover_truncated"):
        tf.io.decode_jpeg(data[: len(data) // 2], **asked)


def test_a_file_that_is_cut_off_is_refused():
    data = picture(40, 61, "420")
    with pytest.raises(tf.errors.InvalidArgumentError, match="Invalid JPEG data"):
        tf.io.decode_jpeg(data[: len(data) // 2])


@pytest.mark.parametrize("steps", [(2, 2), (1, 2), (2, 1), (1, 1)])
def test_stripes_of_rows_do_not_show(steps, monkeypatch):
    planes = np.random.default_rng(0).integers(0, 256, (37, 10, 3), np.uint8)
    whole = jpeg._in_color(planes, *steps)
    monkeypatch.setattr(jpeg, "_STRIPE", 3)
    np.testing.assert_array_equal(jpeg._in_color(planes, *steps), whole)


WINDOWS = ((3, 5, 20, 33), (16, 16, 32, 32), (1, 1, 66, 60), (40, 32, 27, 29), (0, 0, 1, 1), (15, 31, 17, 1))  # fmt: skip


@pytest.mark.skipif(libraries.jpeg_functions() is None, reason="Pillow has another libjpeg")
@pytest.mark.parametrize("subsampling,steps", [("420", (2, 2)), ("422", (1, 2)), ("440", (2, 1)), ("444", (1, 1))])  # fmt: skip
@pytest.mark.parametrize("window", WINDOWS)
def test_chroma_of_a_window_is_interpolated_within_its_blocks(subsampling, steps, window):
    data = picture(67, 61, subsampling)
    planes = np.asarray(libraries.decoded(tf.raw_ops.DecodeJpeg, data, "YCbCr", 1, True))
    top, left, rows, columns = window
    first = left - left % (8 * steps[1])
    cut = jpeg._in_color(planes[:, first : left + columns], *steps)[
        top : top + rows, left - first :
    ]
    np.testing.assert_array_equal(tf.io.decode_and_crop_jpeg(data, window), cut)


@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("fancy", [False, True])
def test_rows_below_a_window_are_not_decoded_by_turbo(subsampling, channels, fancy, monkeypatch):
    monkeypatch.setattr(jpeg, "jpeg_functions", lambda: None)
    data, decoded = picture(90, 61, subsampling), []
    arguments = dict(channels=channels, fancy_upscaling=fancy)
    whole = tf.io.decode_jpeg(data, **arguments).numpy()
    upper_rows = jpeg._upper_rows
    monkeypatch.setattr(
        jpeg, "_upper_rows", lambda *args: decoded.append(upper_rows(*args)) or decoded[-1]
    )
    for bottom in (1, 15, 16, 17, 47, 48, 90):
        cut = tf.io.decode_and_crop_jpeg(
            data, [bottom // 3, 7, bottom - bottom // 3, 50], **arguments
        )
        np.testing.assert_array_equal(cut, whole[bottom // 3 : bottom, 7:57])
    rows = [len(part) if part is not None else 90 for part in decoded]
    assert rows[-1] == 90 and max(rows[:3]) <= 48


@pytest.mark.parametrize("options", [{"progressive": True}, {"restart_marker_rows": 1}])
def test_windows_of_files_whose_height_cannot_be_changed(options):
    file = io.BytesIO()
    PIL.Image.open(io.BytesIO(picture(90, 61, "420"))).save(file, "JPEG", **options)
    whole = tf.io.decode_jpeg(file.getvalue()).numpy()
    window = tf.io.decode_and_crop_jpeg(file.getvalue(), [3, 4, 20, 9])
    np.testing.assert_array_equal(window, whole[3:23, 4:13])


def test_damage_is_seen_in_a_window_and_not_below_it():
    data = picture(90, 61, "420")
    whole, lower = tf.io.decode_jpeg(data).numpy(), data[: len(data) * 2 // 3]
    np.testing.assert_array_equal(
        tf.io.decode_and_crop_jpeg(lower + b"\xff\xd9", [0, 0, 20, 61]), whole[:20]
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match="or crop window"):
        tf.io.decode_and_crop_jpeg(data[: len(data) // 3], [0, 0, 70, 61])


def test_shapes_are_those_of_the_header():
    data = picture(40, 61, "420")
    assert tf.io.extract_jpeg_shape(data[:-100]).numpy().tolist() == [40, 61, 3]
    with pytest.raises(tf.errors.InvalidArgumentError, match="Invalid image data"):
        tf.io.extract_jpeg_shape(data[:200])
