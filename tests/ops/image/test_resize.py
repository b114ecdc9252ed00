"""Images: values recorded on TensorFlow 2.21 for a 3x4 ramp."""

import zlib

import numpy as np
import pytest

from penstock._src.core import errors
from penstock._src.core.registry import raw
from tests.harness.op_case import OpCase, check

X = np.arange(12, dtype=np.float32).reshape(1, 3, 4, 1)
SIZE = np.array([2, 5], np.int32)
HALF_PIXEL = {"half_pixel_centers": True}
RECORDED = {
    "ResizeBilinear": (SIZE, HALF_PIXEL, [1.0, 1.7, 2.5, 3.3, 4.0, 7.0, 7.7, 8.5, 9.3, 10.0]),
    "ResizeBicubic": (SIZE, HALF_PIXEL, [0.6284091, 1.319859, 2.1715331, 3.0232065, 3.7146568, 7.2853436, 7.976794, 8.828468, 9.680140, 10.371592]),
    "ResizeNearestNeighbor": (SIZE, {}, [0, 0, 1, 2, 3, 4, 4, 5, 6, 7]),
    "ResizeArea": (np.array([2, 3], np.int32), {}, [1.5833335, 2.8333335, 4.083333, 6.9166665, 8.166667, 9.416666]),
}  # fmt: skip


@pytest.mark.parametrize("op", RECORDED)
def test_resize(op):
    size, attrs, values = RECORDED[op]
    expect = np.float32(values).reshape(1, *size, 1)
    check(OpCase(op, [X, size], attrs, expect=expect, tolerance=(1e-5, 1e-5)))


def test_lanczos():
    found = raw.ScaleAndTranslate(
        images=X, size=[2, 3], scale=np.float32([2 / 3, 3 / 4]), translation=np.float32([0, 0]),
        kernel_type="lanczos3",
    )  # fmt: skip
    recorded = [
        1.2551947832107544,
        2.595801830291748,
        3.936408519744873,
        7.063591003417969,
        8.404199600219727,
        9.744806289672852,
    ]
    np.testing.assert_allclose(found.numpy().reshape(-1), recorded, rtol=1e-6)


PHOTO = np.random.RandomState(0).randint(0, 255, (1, 37, 23, 3)).astype(np.uint8)
# CRC-32 of the bytes that TensorFlow 2.21 gives for two sizes.
BITS = {
    "bicubic": (3213231238, 2764361845),
    "bicubic, half pixels": (1671474606, 3416498781),
    "box": (1681441081, 929486561),
    "triangle": (1511637911, 53794334),
    "keyscubic": (924568625, 2239099136),
    "mitchellcubic": (608846209, 3065053320),
}


@pytest.mark.parametrize("kind", BITS)
def test_sums_over_taps_have_the_bits_of_tensorflow(kind):
    for (height, width), recorded in zip(([16, 41], [50, 9]), BITS[kind], strict=True):
        arguments = dict(images=PHOTO, size=[height, width])
        if kind.startswith("bicubic"):
            found = raw.ResizeBicubic(**arguments, half_pixel_centers=kind != "bicubic")
        else:
            sampling = dict(
                scale=np.float32([height / 37, width / 23]), translation=np.float32([0, 0])
            )
            found = raw.ScaleAndTranslate(**arguments, **sampling, kernel_type=kind)
        assert zlib.crc32(found.numpy().tobytes()) == recorded


def test_colors_go_round():
    rgb = np.float32([[0.2, 0.4, 0.6], [0.9, 0.1, 0.1], [0.5, 0.5, 0.5]])
    hsv = raw.RGBToHSV(images=rgb)
    recorded = [
        0.5833333730697632,
        0.6666666865348816,
        0.6000000238418579,
        0.0,
        0.8888888359069824,
        0.8999999761581421,
        0.0,
        0.0,
        0.5,
    ]
    np.testing.assert_allclose(hsv.numpy().reshape(-1), recorded, rtol=1e-6)
    np.testing.assert_allclose(raw.HSVToRGB(images=hsv).numpy(), rgb, atol=1e-6)


def test_the_best_of_overlapping_boxes_is_kept():
    boxes = np.float32([[0, 0, 1, 1], [0, 0.05, 1, 1.05], [0, 2, 1, 3]])
    kept = raw.NonMaxSuppressionV3(
        boxes=boxes, scores=np.float32([0.8, 0.9, 0.7]), max_output_size=3,
        iou_threshold=np.float32(0.5), score_threshold=np.float32(0),
    )  # fmt: skip
    assert kept.numpy().tolist() == [1, 2]


def test_no_image_resizes_to_no_image():
    for name in ("ResizeBicubic", "ResizeArea", "ResizeBilinear"):
        assert getattr(raw, name)(images=X[:0], size=SIZE).shape == (0, 2, 5, 1)
    grad = raw.ResizeBilinearGrad(grads=np.zeros((0, 2, 5, 1), np.float32), original_image=X[:0])
    assert grad.shape == (0, 3, 4, 1)


@pytest.mark.parametrize("depth", [0, 2, 5])
def test_boxes_are_drawn_in_the_depths_that_have_colors(depth):
    images, boxes = np.zeros((1, 3, 3, depth), np.float32), np.float32([[[0, 0, 1, 1]]])
    with pytest.raises(errors.InvalidArgumentError, match="DrawBoundingBoxes: Channel depth"):
        raw.DrawBoundingBoxes(images=images, boxes=boxes)


# TensorFlow 2.21's pictures of six rows of eight pixels.
@pytest.mark.parametrize(
    "box, rows",
    [
        ([0, -1e17, 1e17, 1e17], ["11111111"] + ["00000000"] * 5),
        ([0, 0, 0, 0], ["10000000"] + ["00000000"] * 5),
        ([0.5, 0.2, 0.49, 0.6], ["00000000"] * 2 + ["01111000"] + ["00000000"] * 3),
        ([0.2, 0.2, 0.7, 0.2], ["00000000"] + ["01000000"] * 3 + ["00000000"] * 2),
        ([0.5, 0.2, 0.39, 0.6], ["00000000"] * 6),
        ([np.nan, 0.1, 0.5, 0.5], ["10010000"] * 2 + ["11110000"] + ["00000000"] * 3),
        ([0.1, 0.1, 1e30, 0.5], ["00000000"] * 6),
    ],
)
def test_boxes_are_drawn_from_pixel_to_pixel(box, rows):
    drawn = raw.DrawBoundingBoxes(
        images=np.zeros((1, 6, 8, 1), np.float32), boxes=np.float32([[box]])
    )
    assert ["".join("01"[int(x)] for x in row) for row in drawn.numpy()[0, :, :, 0]] == rows


@pytest.mark.parametrize(
    "changed",
    [{"max_attempts": 2**40}, {"max_attempts": 0}, {"bounding_boxes": [[[0, 0, 2, 1.0]]]}],
)
def test_crops_are_sampled_from_what_can_be_sampled(changed):
    arguments = dict(image_size=[5, 5, 3], bounding_boxes=[[[0, 0, 1, 1.0]]], seed=[1, 2])
    with pytest.raises(errors.InvalidArgumentError, match="SampleDistorted"):
        raw.StatelessSampleDistortedBoundingBox(**arguments | {"min_object_covered": 0.1} | changed)


def test_png_goes_round():
    pytest.importorskip("PIL")
    pixels = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    file = raw.EncodePng(image=pixels)
    np.testing.assert_array_equal(raw.DecodePng(contents=file).numpy(), pixels)
