"""Outputs of resizing read their taps alone: places of an infinity recorded on TensorFlow 2.21."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.ops.image import taps

INFINITE = np.float32([1, 1, np.inf, 1, 1, 1]).reshape(1, 1, 6, 1)
IMAGE = np.ones((1, 1, 6, 1), np.float32)
GRADS = np.float32([1, 1, 1, 1, np.inf, 1, 1, 1, 1]).reshape(1, 1, 9, 1)
SIZE = [1, 9]
HALF_PIXEL = {"half_pixel_centers": True}
SAMPLING = {"scale": np.float32([1, 1.5]), "translation": np.float32([0, 0]), "kernel_type": "lanczos1"}  # fmt: skip
RECORDED = {
    "ResizeBilinear": (dict(images=INFINITE, size=SIZE) | HALF_PIXEL, "..nnn...."),
    "ResizeBicubic": (dict(images=INFINITE, size=SIZE) | HALF_PIXEL, ".nnnnnn.."),
    "ResizeNearestNeighbor": (dict(images=INFINITE, size=SIZE) | HALF_PIXEL, "...+....."),
    "ResizeArea": (dict(images=INFINITE, size=SIZE), "...++...."),
    "ScaleAndTranslate": (dict(images=INFINITE, size=SIZE) | SAMPLING, "nn+++...."),
    "ResizeBilinearGrad": (dict(grads=GRADS, original_image=IMAGE) | HALF_PIXEL, "..nn.."),
    "ResizeBicubicGrad": (dict(grads=GRADS, original_image=IMAGE) | HALF_PIXEL, ".nnnn."),
    "ResizeNearestNeighborGrad": (dict(grads=GRADS, size=[1, 6]) | HALF_PIXEL, "...+.."),
    "ScaleAndTranslateGrad": (dict(grads=GRADS, original_image=IMAGE) | SAMPLING, "..++.."),
}


def places(values: np.ndarray) -> str:
    return "".join("n" if np.isnan(v) else "+" if v == np.inf else "." for v in values.ravel())


@pytest.mark.parametrize("op", RECORDED)
def test_an_infinity_reaches_the_outputs_that_read_it(op):
    arguments, recorded = RECORDED[op]
    name = "grads" if "grads" in arguments else "images"
    rest = {key: value for key, value in arguments.items() if key != name}

    def call(x):
        return getattr(tf.raw_ops, op)(**{name: x}, **rest)

    assert places(call(arguments[name]).numpy()) == recorded
    x = tf.constant(arguments[name])
    assert places(tf.function(call)(x).numpy()) == recorded
    of_any_width = tf.function(call, input_signature=[tf.TensorSpec([1, 1, None, 1])])
    assert places(of_any_width(x).numpy()) == recorded


class Op:
    align_corners = False
    half_pixel_centers = True


def matrix(of: taps.Taps, inputs: int) -> np.ndarray:
    rows, columns = np.nonzero(of.index >= 0)
    made = np.zeros((len(of.index), inputs), np.float32)
    np.add.at(made, (rows, of.index[rows, columns]), of.weight[rows, columns])
    return made


@pytest.mark.parametrize("inputs, outputs", [(5, 9), (9, 4), (1, 3), (40, 3)])
@pytest.mark.parametrize("make", [taps.bicubic_taps, taps.area_taps, taps.nearest_taps])
def test_the_taps_of_gradients_are_the_transposed_ones(make, inputs, outputs):
    found = make(Op, inputs, outputs)
    expect = matrix(found, inputs).T
    np.testing.assert_allclose(matrix(found.transposed(inputs), outputs), expect, atol=1e-6)


@pytest.mark.parametrize("inputs, outputs", [(6, 9), (9, 4), (40, 3)])
def test_the_taps_of_gradients_of_kernels_are_the_transposed_ones(inputs, outputs):
    sampling = taps.Sampling("lanczos3", True, np.float32(outputs / inputs), np.float32(0.3))
    expect = matrix(sampling.taps(inputs, outputs), inputs).T
    found = matrix(sampling.gradient_taps(inputs, outputs), outputs)
    np.testing.assert_array_equal(found, expect)


def test_long_sums_are_those_of_numpy():
    x = np.random.default_rng(0).random((2, 90, 80, 3), np.float32)

    def resize(x):
        return tf.image.resize(x, (4, 3), "lanczos3", antialias=True)

    np.testing.assert_allclose(tf.function(resize)(x), resize(x), rtol=1e-5)


def test_areas_of_one_row_with_aligned_corners_repeat_it():
    x = np.arange(5, dtype=np.float32).reshape(1, 1, 5, 1)
    found = tf.raw_ops.ResizeArea(images=x, size=[3, 5], align_corners=True)
    np.testing.assert_array_equal(found, np.repeat(x, 3, axis=1))


def test_gradients_without_columns_are_zeros():
    grads, image = np.zeros((2, 8, 0, 3), np.float32), np.ones((2, 1, 2, 3), np.float32)
    made = tf.raw_ops.ScaleAndTranslateGrad(
        grads=grads, original_image=image, scale=[1.0, 1.0], translation=[0.0, 0.0]
    )
    np.testing.assert_array_equal(made, np.zeros_like(image))
