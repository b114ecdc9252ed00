"""Convolutions and pools of images whose size only a run knows."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.formats.onnx.reading.model import read_proto
from tests.formats.onnx.models import graph, model, node, value

SIZES = [(1, 1), (5, 8), (12, 7), (16, 16)]


def images(height, width):
    return np.random.default_rng(2).normal(size=(2, 3, height, width)).astype(np.float32)


def weights(*shape):
    return np.random.default_rng(3).normal(size=shape).astype(np.float32)


def outcome(x, sizes, op, held, **attributes):
    """The result of one operator for an input that is declared with these sizes."""
    inputs = " ".join(["x", *held])
    made = graph(
        [node(op, inputs, "y", **attributes)],
        [value("x", [2, 3, *sizes])],
        [value("y", [2, None, None, None])],
        **held,
    )
    function = read_proto(model(made)).signatures["serving_default"]
    return function(x=tf.constant(x))["y"].numpy()


WINDOWS = {
    "conv": ("Conv", {"w": weights(4, 3, 3, 3)}, {}),
    "strided conv": ("Conv", {"w": weights(4, 3, 3, 2)}, {"strides": [2, 3]}),
    "depthwise conv": ("Conv", {"w": weights(3, 1, 3, 3)}, {"group": 3, "strides": [2, 2]}),
    "max": ("MaxPool", {}, {"kernel_shape": [3, 2], "strides": [2, 2]}),
    "mean": ("AveragePool", {}, {"kernel_shape": [2, 3], "strides": [2, 2]}),
    "mean with pads": (
        "AveragePool",
        {},
        {"kernel_shape": [3, 3], "strides": [2, 2], "count_include_pad": 1},
    ),
}


@pytest.mark.parametrize("mode", ["SAME_UPPER", "SAME_LOWER"])
@pytest.mark.parametrize("name", WINDOWS)
def test_pads_that_keep_the_size(name, mode):
    op, held, attributes = WINDOWS[name]
    for size in SIZES:
        x = images(*size)
        found = outcome(x, [None, None], op, held, auto_pad=mode, **attributes)
        wanted = outcome(x, size, op, held, auto_pad=mode, **attributes)
        np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize("name", ["max", "mean", "mean with pads"])
def test_numbers_of_windows_are_rounded_up(name):
    op, _, attributes = WINDOWS[name]
    for size in [(3, 4), (5, 8), (12, 7)]:
        x = images(*size)
        options = dict(attributes, ceil_mode=1, pads=[1, 0, 0, 1])
        found = outcome(x, [None, None], op, {}, **options)
        np.testing.assert_allclose(found, outcome(x, size, op, {}, **options), atol=1e-6)


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"strides": [2, 2]},
        {"strides": [2, 3], "pads": [1, 0, 0, 1], "output_padding": [1, 2]},
        {"strides": [2, 2], "dilations": [2, 1], "pads": [1, 1, 1, 1]},
        {"strides": [3, 1], "group": 3},
    ],
    ids=str,
)
def test_transposed_convolutions(attributes):
    """Each pixel adds its multiple of the weights to where it comes from."""
    w = weights(3, 1 if "group" in attributes else 2, 3, 2)
    x = images(4, 5)
    strides, dilations = attributes.get("strides", [1, 1]), attributes.get("dilations", [1, 1])
    extra, pads = attributes.get("output_padding", [0, 0]), attributes.get("pads", [0] * 4)
    whole = [(n - 1) * s + (k - 1) * d + 1 + e for n, s, k, d, e in zip(x.shape[2:], strides, w.shape[2:], dilations, extra, strict=True)]  # fmt: skip
    wanted = np.zeros((2, 3 if "group" in attributes else 2, *whole))
    for i, j, k, m in np.ndindex(*x.shape[2:], *w.shape[2:]):
        spec = "nc,co->nc" if "group" in attributes else "nc,co->no"
        at = i * strides[0] + k * dilations[0], j * strides[1] + m * dilations[1]
        wanted[:, :, at[0], at[1]] += np.einsum(spec, x[:, :, i, j], w[:, :, k, m])
    wanted = wanted[:, :, pads[0] : whole[0] - pads[2], pads[1] : whole[1] - pads[3]]
    for sizes in ([4, 5], [None, None]):
        found = outcome(x, sizes, "ConvTranspose", {"w": w}, **attributes)
        np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize("mode", ["SAME_UPPER", "SAME_LOWER"])
def test_transposed_convolutions_add_no_rows_beyond_their_windows(mode):
    x, w = images(3, 2), weights(3, 2, 1, 2)
    settings = {"strides": [4, 2]}
    found = outcome(x, (3, 2), "ConvTranspose", {"w": w}, auto_pad=mode, **settings)
    assert found.shape == (2, 2, 9, 4)
    np.testing.assert_array_equal(found, outcome(x, (3, 2), "ConvTranspose", {"w": w}, **settings))
