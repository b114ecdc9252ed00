"""Calls of ops on images: resizing, its gradients, projections, colours."""

import numpy as np
from hypothesis import strategies as st

from tests.conformance.draws.values import SEED, SOME, drawn, numbers, shapes, types
from tests.conformance.draws.windows import slack
from tests.harness.op_case import OpCase

DRAWS = {}
CORNERS = st.sampled_from([(False, False), (True, False), (False, True)])


def _image(draw, op, attr="T", channels=3, least=-3):
    shape = (2, draw(SOME), draw(SOME), channels)
    kind = draw(types(op, attr))
    return numbers(draw(SEED), shape, kind, least, 120 if np.dtype(kind).kind in "iu" else 3)


def _size(draw):
    return np.array([draw(SOME), draw(SOME)], np.int32)


def _corners(draw, centers=True):
    chosen = draw(CORNERS)
    named = dict(zip(("align_corners", "half_pixel_centers"), chosen, strict=True))
    return named if centers else {"align_corners": chosen[0]}


def _resizing(op, centers=True):
    @st.composite
    def strategy(draw):
        x = _image(draw, op)
        attrs = _corners(draw, centers)
        # Differences in float64 need float64 all the way; these compute in float32.
        return OpCase(op, [x, _size(draw)], attrs, gradient=False, tolerance=_slack(x))

    return strategy()


def _slack(x):
    return slack(x.dtype) if x.dtype.itemsize == 2 and x.dtype.kind in "fV" else (1e-4, 1e-3)


for _op in ("ResizeBilinear", "ResizeNearestNeighbor", "ResizeBicubic"):
    DRAWS[_op] = _resizing(_op)
DRAWS["ResizeArea"] = _resizing("ResizeArea", centers=False)


def _resizing_gradient(op):
    @st.composite
    def strategy(draw):
        x = _image(draw, op)
        if op == "ResizeNearestNeighborGrad":
            return OpCase(op, [x, _size(draw)], _corners(draw), tolerance=_slack(x))
        incoming = numbers(draw(SEED), (2, *_size(draw), 3), np.float32)
        return OpCase(op, [incoming, x], _corners(draw), tolerance=_slack(x))

    return strategy()


for _op in ("ResizeBilinearGrad", "ResizeNearestNeighborGrad", "ResizeBicubicGrad"):
    DRAWS[_op] = _resizing_gradient(_op)

KERNELS = "lanczos1 lanczos3 lanczos5 gaussian box triangle keyscubic mitchellcubic".split()


def _placement(draw):
    scale = np.array([draw(st.sampled_from([0.5, 1, 1.7])) for _ in range(2)], np.float32)
    moved = np.array([draw(st.sampled_from([0, 0.4, -1.2])) for _ in range(2)], np.float32)
    return scale, moved


@drawn(DRAWS)
def ScaleAndTranslate(draw):
    x = _image(draw, "ScaleAndTranslate")
    attrs = {"kernel_type": draw(st.sampled_from(KERNELS)), "antialias": draw(st.booleans())}
    inputs = [x, _size(draw), *_placement(draw)]
    return OpCase("ScaleAndTranslate", inputs, attrs, gradient=False, tolerance=(1e-4, 1e-3))


@drawn(DRAWS)
def ScaleAndTranslateGrad(draw):
    x = _image(draw, "ScaleAndTranslateGrad")
    attrs = {"kernel_type": draw(st.sampled_from(KERNELS)), "antialias": draw(st.booleans())}
    incoming = numbers(draw(SEED), (2, *_size(draw), 3), x.dtype)
    inputs = [incoming, x, *_placement(draw)]
    return OpCase("ScaleAndTranslateGrad", inputs, attrs, tolerance=(1e-4, 1e-3))


def _projecting(op):
    @st.composite
    def strategy(draw):
        x = _image(draw, op, "dtype")
        unit = np.array([1, 0, 0, 0, 1, 0, 0, 0], np.float32)
        turned = unit + numbers(
            draw(SEED), (draw(st.sampled_from([1, 2])), 8), np.float32, -0.2, 0.2
        )
        turned[:, 6:] *= 0.1
        attrs = {
            "interpolation": draw(st.sampled_from(["NEAREST", "BILINEAR"])),
            "fill_mode": draw(st.sampled_from(["CONSTANT", "REFLECT", "WRAP", "NEAREST"])),
        }
        fill = [np.float32(2)] if op.endswith("V3") else []
        inputs = [x, turned.astype(np.float32), _size(draw), *fill]
        return OpCase(op, inputs, attrs, gradient=False, tolerance=_slack(x))

    return strategy()


for _op in ("ImageProjectiveTransformV2", "ImageProjectiveTransformV3"):
    DRAWS[_op] = _projecting(_op)


def _boxes(draw):
    """Boxes that lie in, across and outside of images, and the image of each."""
    count = draw(SOME)
    ends = st.sampled_from([-0.2, 0.0, 0.25, 0.5, 0.9, 1.0, 1.3])
    boxes = np.array([[draw(ends) for _ in range(4)] for _ in range(count)], np.float32)
    return boxes, np.array([draw(st.integers(0, 1)) for _ in range(count)], np.int32)


_METHODS = st.sampled_from(["bilinear", "nearest"])


@drawn(DRAWS)
def CropAndResize(draw):
    x = _image(draw, "CropAndResize")
    attrs = {"method": draw(_METHODS), "extrapolation_value": 7.0}
    inputs = [x, *_boxes(draw), _size(draw)]
    return OpCase("CropAndResize", inputs, attrs, gradient=False, tolerance=(1e-5, 1e-4))


@drawn(DRAWS)
def CropAndResizeGradImage(draw):
    boxes, numbers_ = _boxes(draw)
    grads = numbers(draw(SEED), (len(boxes), draw(SOME), draw(SOME), 3), np.float32)
    size = np.array([2, draw(SOME), draw(SOME), 3], np.int32)
    attrs = {"method": draw(_METHODS), "T": np.float32}
    inputs = [grads, boxes, numbers_, size]
    return OpCase("CropAndResizeGradImage", inputs, attrs, gradient=False, tolerance=(1e-5, 1e-4))


@drawn(DRAWS)
def CropAndResizeGradBoxes(draw):
    x, (boxes, numbers_) = _image(draw, "CropAndResize"), _boxes(draw)
    shape = (len(boxes), draw(SOME), draw(SOME), x.shape[3])
    inputs = [numbers(draw(SEED), shape, np.float32), x, boxes, numbers_]
    attrs = {"method": "bilinear", "T": x.dtype.type}
    return OpCase("CropAndResizeGradBoxes", inputs, attrs, gradient=False, tolerance=(1e-4, 1e-3))


def _colours(op):
    @st.composite
    def strategy(draw):
        x = numbers(draw(SEED), (*draw(shapes(most=3)), 3), draw(types(op)), 0, 1)
        return OpCase(op, [x], gradient=False)

    return strategy()


for _op in ("RGBToHSV", "HSVToRGB"):
    DRAWS[_op] = _colours(_op)


def _adjusting(op, low, high):
    @st.composite
    def strategy(draw):
        x = numbers(draw(SEED), (*draw(shapes(2, 3)), 3), draw(types(op)), 0, 1)
        return OpCase(
            op, [x, numbers(draw(SEED), (), np.float32, low, high)], tolerance=(1e-4, 1e-4)
        )

    return strategy()


for _op, _low, _high in (
    ("AdjustContrastv2", 0.2, 2),
    ("AdjustHue", -1, 1),
    ("AdjustSaturation", 0, 2),
):
    DRAWS[_op] = _adjusting(_op, _low, _high)
