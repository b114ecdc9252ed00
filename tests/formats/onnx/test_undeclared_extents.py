"""Operators of which the model declares no extents give what they give for declared ones."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core import dtypes
from penstock._src.formats.onnx.reading.model import read_proto
from tests.formats.onnx.models import graph, model, node, value
from tests.formats.onnx.reading.ops.microsoft.beside import same

RANDOM = np.random.default_rng(5)


def floats(*shape):
    return RANDOM.normal(size=shape).astype(np.float32)


HEADS = {"q_num_heads": 4, "kv_num_heads": 2}
CASES = {
    "GatherND": ("GatherND", [floats(3, 4), np.array([[1], [-1]])], {}),
    "GatherND of a batch": (
        "GatherND",
        [floats(2, 3, 4), np.array([[-1], [1]])],
        {"batch_dims": 1},
    ),
    "ScatterND": ("ScatterND", [floats(3, 4), np.array([[1], [-1]]), floats(2, 4)], {}),
    "ScatterND that multiplies": (
        "ScatterND",
        [floats(3, 4), np.array([[1], [-1]]), floats(2, 4)],
        {"reduction": "mul"},
    ),
    "GroupNormalization": (
        "GroupNormalization",
        [floats(2, 6, 3, 4), floats(6), floats(6)],
        {"num_groups": 3},
    ),
    "DepthToSpace": ("DepthToSpace", [floats(2, 8, 2, 3)], {"blocksize": 2}),
    "SpaceToDepth": ("SpaceToDepth", [floats(2, 3, 4, 6)], {"blocksize": 2}),
    "DFT of real numbers": ("DFT", [floats(2, 5, 1)], {}),
    "DFT of complex numbers": ("DFT", [floats(2, 5, 2)], {}),
    "Attention": ("Attention", [floats(2, 3, 16), floats(2, 5, 8), floats(2, 5, 8)], HEADS),
    "Attention of heads": (
        "Attention",
        [floats(2, 4, 3, 8), floats(2, 2, 5, 8), floats(2, 2, 5, 8), floats(3, 5)],
        {},
    ),
    "RotaryEmbedding": (
        "RotaryEmbedding",
        [floats(2, 2, 3, 8), floats(2, 3, 4), floats(2, 3, 4)],
        {},
    ),
    "RotaryEmbedding of pairs": (
        "RotaryEmbedding",
        [floats(2, 3, 16), floats(2, 3, 4), floats(2, 3, 4)],
        {"num_heads": 2, "interleaved": 1},
    ),
    "Conv": ("Conv", [floats(2, 3, 7, 8), floats(4, 3, 3, 2), floats(4)], {"strides": [2, 1]}),
    "Conv of groups": ("Conv", [floats(2, 4, 9), floats(6, 2, 3)], {"group": 2, "pads": [1, 0]}),
    "Conv padded to the same size": (
        "Conv",
        [floats(1, 2, 5, 4), floats(3, 2, 3, 2)],
        {"auto_pad": "SAME_LOWER", "strides": [2, 1]},
    ),
    "Conv of volumes": ("Conv", [floats(1, 2, 5, 4, 6), floats(3, 2, 2, 1, 3)], {}),
    "ConvInteger": (
        "ConvInteger",
        [
            RANDOM.integers(0, 256, (1, 2, 5, 6)).astype(np.uint8),
            RANDOM.integers(0, 256, (3, 2, 2, 3)).astype(np.uint8),
        ],
        {"pads": [1, 0, 0, 1]},
    ),
    "ConvTranspose": (
        "ConvTranspose",
        [floats(2, 3, 4, 5), floats(3, 2, 3, 2), floats(2)],
        {"strides": [2, 3], "pads": [1, 0, 1, 0], "output_padding": [1, 0]},
    ),
    "ConvTranspose of groups": (
        "ConvTranspose",
        [floats(1, 4, 5), floats(4, 3, 3)],
        {"group": 2, "strides": [2], "pads": [2, 1], "output_padding": [1]},
    ),
    "ConvTranspose of volumes": (
        "ConvTranspose",
        [floats(1, 2, 2, 3, 2), floats(2, 3, 2, 1, 3)],
        {"strides": [2, 1, 2]},
    ),
    "ConvTranspose padded to the same size": (
        "ConvTranspose",
        [floats(1, 3, 4, 5), floats(3, 2, 3, 4)],
        {"strides": [2, 3], "auto_pad": "SAME_LOWER"},
    ),
    "ConvTranspose of windows apart": (
        "ConvTranspose",
        [floats(1, 3, 5), floats(3, 2, 2)],
        {"strides": [4], "auto_pad": "SAME_UPPER"},
    ),
    "ConvTranspose to a smaller size": (
        "ConvTranspose",
        [floats(2, 2, 4, 5), floats(2, 1, 3, 3)],
        {"strides": [2, 2], "output_shape": [8, 10], "group": 2},
    ),
    "ConvTranspose to a greater size": (
        "ConvTranspose",
        [floats(1, 2, 4), floats(2, 2, 2)],
        {"strides": [3], "output_shape": [13]},
    ),
    "Conv of single channels": ("Conv", [floats(1, 4, 6, 5), floats(4, 1, 2, 3)], {"group": 4}),
    "Col2Im": (
        "Col2Im",
        [floats(1, 12, 9), np.array([5, 6]), np.array([2, 3])],
        {"strides": [2, 1], "pads": [0, 1, 1, 0], "dilations": [1, 2]},
    ),
    "TfIdfVectorizer": (
        "TfIdfVectorizer",
        [RANDOM.integers(0, 4, (3, 7))],
        {
            "mode": "TF",
            "min_gram_length": 1,
            "max_gram_length": 3,
            "max_skip_count": 1,
            "ngram_counts": [0, 2, 8],
            "ngram_indexes": [1, 0, 3, 2, 5, 6],
            "pool_int64s": [2, 3, 1, 1, 0, 2, 3, 1, 1, 0, 2],
        },
    ),
    "Unique of rows": ("Unique", [floats(5, 2, 3).round()], {"axis": 0}),
    "Unique of columns": ("Unique", [RANDOM.integers(0, 2, (2, 9))], {"axis": 1}),
}


def outcome(op, arrays, attributes, is_declared):
    """The result of an operator whose inputs' extents the model declares, or leaves open."""
    names = [f"x{i}" for i in range(len(arrays))]
    inputs = [
        value(
            name,
            x.shape if is_declared else [f"{name}_{i}" for i in range(x.ndim)],
            dtypes.as_dtype(x.dtype),
        )
        for name, x in zip(names, arrays, strict=True)
    ]
    made = graph([node(op, " ".join(names), "y", **attributes)], inputs, [value("y", [])])
    function = read_proto(model(made, version=23)).signatures["serving_default"]
    return function(**dict(zip(names, map(tf.constant, arrays), strict=True)))["y"].numpy()


@pytest.mark.parametrize("name", CASES)
def test_extents_that_are_not_declared(name):
    wanted = outcome(*CASES[name], is_declared=True)
    found = outcome(*CASES[name], is_declared=False)
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


def test_weights_whose_extents_are_not_declared_must_fit():
    arrays = [floats(1, 4, 5, 5), floats(2, 3, 2, 2)]
    with pytest.raises(tf.errors.InvalidArgumentError):
        outcome("Conv", arrays, {}, is_declared=False)
    with pytest.raises(tf.errors.InvalidArgumentError, match="shape"):
        outcome("Conv", [floats(1, 3, 5, 5), arrays[1]], {"kernel_shape": [2, 3]}, False)


def test_boxes_of_any_number_of_images_and_classes():
    corners = RANDOM.random((2, 6, 2)).astype(np.float32)
    boxes = np.concatenate([corners, corners + 0.5], -1)
    arrays = [boxes, RANDOM.random((2, 3, 6)).astype(np.float32), np.array(4)]
    wanted = outcome("NonMaxSuppression", arrays, {}, is_declared=True)
    assert len(wanted) > 2
    np.testing.assert_array_equal(outcome("NonMaxSuppression", arrays, {}, False), wanted)


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "wrap"])
@pytest.mark.parametrize("open_axes", [(0,), (1,), (0, 1)])
def test_constant_amounts_pad_axes_whose_extents_are_not_declared(mode, open_axes):
    given = {"x": floats(2, 5), "pads": np.int64([0, 2, 0, 1])}
    same("Pad", given, weights=("pads",), dynamic=open_axes, domain="", mode=mode)


def test_gather_nd_reads_the_rows_that_numpy_reads():
    x, rows = floats(3, 4), np.array([[1], [-1]])
    found = outcome("GatherND", [x, rows], {}, is_declared=False)
    np.testing.assert_array_equal(found, x[[1, -1]])
