"""Convolutions of integers of 8 bits minus zero points are exact, whichever floats compute them."""

import itertools

import numpy as np
import pytest

import penstock as tf
from penstock._src.core import dtypes
from penstock._src.formats.onnx.reading.model import read_proto
from tests.formats.onnx.models import graph, model, node, value

RNG = np.random.default_rng(8)
DTYPES = {"int8": dtypes.int8, "uint8": dtypes.uint8}


def numbers(dtype, *shape):
    limits = np.iinfo(dtype)
    return RNG.integers(limits.min, limits.max + 1, shape).astype(dtype)


def traced(given, held, open_extents=(), **attributes):
    """ConvInteger of `x w x_zero w_zero`, of which some are inputs and some are constants."""
    inputs = [
        value(
            k,
            [None if k == "x" and i in open_extents else n for i, n in enumerate(x.shape)],
            DTYPES[x.dtype.name],
        )
        for k, x in given.items()
    ]
    made = graph(
        [node("ConvInteger", "x w x_zero w_zero", "y", **attributes)],
        inputs,
        [value("y", [None], dtypes.int32)],
        **held,
    )
    return read_proto(model(made)).signatures["serving_default"]


def computed(given, held, open_extents=(), **attributes):
    function = traced(given, held, open_extents, **attributes)
    return function(**{k: tf.constant(x) for k, x in given.items()})["y"].numpy()


def expected(x, w, x_zero, w_zero, pad, group):
    """The definition, in int64."""
    x = x.astype(np.int64) - np.int64(x_zero)
    w = w.astype(np.int64) - np.asarray(w_zero, np.int64).reshape(-1, *[1] * (w.ndim - 1))
    x = np.pad(x, [(0, 0), (0, 0), *[(pad, pad)] * (x.ndim - 2)])
    kernel = w.shape[2:]
    sizes = [n - k + 1 for n, k in zip(x.shape[2:], kernel, strict=True)]
    y = np.zeros((len(x), len(w), *sizes), np.int64)
    outputs, channels = len(w) // group, w.shape[1]
    for g, tap in itertools.product(range(group), np.ndindex(*kernel)):
        at = tuple(slice(i, i + n) for i, n in zip(tap, sizes, strict=True))
        part = x[(slice(None), slice(g * channels, (g + 1) * channels), *at)]
        rows = slice(g * outputs, (g + 1) * outputs)
        y[:, rows] += np.einsum("oc,nc...->no...", w[(rows, slice(None), *tap)], part)
    return y


@pytest.mark.parametrize("kinds", [("uint8", "int8"), ("int8", "uint8"), ("uint8", "uint8")])
@pytest.mark.parametrize("group", [1, 2, 8])
@pytest.mark.parametrize("sizes", [(9,), (6, 7), (3, 4, 5)])
@pytest.mark.parametrize("at_run_time", [("x", "x_zero"), ("x", "w", "x_zero", "w_zero")])
def test_equal_their_definition(kinds, group, sizes, at_run_time):
    kernel = [3] * len(sizes)
    arrays = {
        "x": numbers(kinds[0], 2, 8, *sizes),
        "w": numbers(kinds[1], 16, 8 // group, *kernel),
        "x_zero": numbers(kinds[0]),
        "w_zero": numbers(kinds[1]),
    }
    given = {k: arrays[k] for k in at_run_time}
    held = {k: x for k, x in arrays.items() if k not in given}
    pads = [1] * 2 * len(sizes)
    found = computed(given, held, kernel_shape=kernel, pads=pads, group=group)
    np.testing.assert_array_equal(found, expected(**arrays, pad=1, group=group))


@pytest.mark.parametrize("constant_weights", [False, True])
def test_sums_beyond_the_whole_numbers_of_float32_are_exact(constant_weights):
    channels = 64
    x = np.full((1, channels, 4, 4), 255, np.uint8)
    w = np.full((3, channels, 3, 3), 255, np.uint8)
    w[:, 0, 0, 0] = 254, 252, 1  # sums that are no multiples of 2
    arrays = {"x": x, "w": w, "x_zero": np.uint8(0), "w_zero": np.uint8(0)}
    given = {k: arrays[k] for k in (("x",) if constant_weights else ("x", "w"))}
    held = {k: a for k, a in arrays.items() if k not in given}
    found = computed(given, held, kernel_shape=[3, 3])
    wanted = expected(**arrays, pad=0, group=1)
    assert wanted.max() > 1 << 24
    np.testing.assert_array_equal(found, wanted)


def test_zero_points_of_each_filter_and_images_of_any_size():
    arrays = {
        "x": numbers("uint8", 2, 6, 11, 14),
        "w": numbers("int8", 6, 1, 3, 3),
        "x_zero": np.uint8(120),
        "w_zero": numbers("int8", 6),
    }
    held = {k: arrays[k] for k in ("w", "w_zero")}
    given = {k: arrays[k] for k in ("x", "x_zero")}
    options = {"kernel_shape": [3, 3], "pads": [1] * 4, "group": 6}
    found = computed(given, held, open_extents=(2, 3), **options)
    np.testing.assert_array_equal(found, expected(**arrays, pad=1, group=6))


def test_float32_computes_filters_whose_sums_it_holds():
    x, zero = numbers("uint8", 1, 64, 5, 5), np.uint8(3)
    small = RNG.integers(-20, 21, (200, 64, 3, 3)).astype(np.int8)
    function = traced({"x": x}, {"w": small, "x_zero": zero, "w_zero": np.int8(0)})
    (convolution,) = [op for op in function.graph.get_operations() if op.type == "Conv2D"]
    assert convolution.inputs[0].dtype == tf.float32
