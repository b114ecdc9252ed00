"""ONNX files whose numbers and shapes other formats do not hold as they stand are converted to these formats."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.formats import table
from tests.formats.onnx.models import graph, model, node, value

FAR = np.iinfo(np.int64).max
FORMATS = {"onnx": "m.onnx", "tflite": "m.tflite", "tfjs": "folder", "saved-model": "folder"}


def converted(proto, folder, name):
    source, target = folder / "source.onnx", folder / FORMATS[name]
    source.write_bytes(proto.SerializeToString())
    table.convert(str(source), str(target), name)
    _, function = table.read(str(target)).only("the test")
    return function


def result_of(function, x):
    (y,) = tf.nest.flatten(function(tf.constant(x)))
    return y.numpy()


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    ("start", "end", "step"),
    [(2, FAR, 1), (-FAR, 3, 1), (-1, -FAR, -1), (FAR, 1, -1), (FAR, -FAR, -2), (-FAR, FAR, 3)],
)
def test_slices_to_the_end_of_an_axis(tmp_path, name, start, end, step):
    bounds = {"starts": [start], "ends": [end], "axes": [1], "steps": [step]}
    proto = model(
        graph(
            [node("Slice", "x starts ends axes steps", "y")],
            [value("x", [2, 7])],
            [value("y", [2, "rows"])],
            **{key: np.array(numbers, np.int64) for key, numbers in bounds.items()},
        )
    )
    x = np.arange(14, dtype=np.float32).reshape(2, 7)
    sliced = slice(*[None if abs(n) == FAR else n for n in (start, end)], step)
    np.testing.assert_array_equal(result_of(converted(proto, tmp_path, name), x), x[:, sliced])


@pytest.mark.parametrize("groups", [1, 2])
def test_convolutions_of_channels_that_are_not_declared(tmp_path, groups):
    w = np.random.default_rng(0).normal(size=(4, 4 // groups, 3, 3)).astype(np.float32)
    proto = model(
        graph(
            [node("Conv", "x w", "y", group=groups)],
            [value("x", [1, "channels", 6, 6])],
            [value("y", [1, 4, 4, 4])],
            w=w,
        )
    )
    x = np.random.default_rng(1).normal(size=(1, 4, 6, 6)).astype(np.float32)
    expected = np.zeros((1, 4, 4, 4), np.float32)
    for out in range(4):
        first = out // (4 // groups) * (4 // groups)
        for i, j in np.ndindex(4, 4):
            window = x[0, first : first + 4 // groups, i : i + 3, j : j + 3]
            expected[0, out, i, j] = (window * w[out]).sum()
    found = result_of(converted(proto, tmp_path, "onnx"), x)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", FORMATS)
def test_convolutions_padded_to_the_size_of_images_of_any_size(tmp_path, name):
    w = np.random.default_rng(0).normal(size=(3, 2, 3, 3)).astype(np.float32)
    proto = model(
        graph(
            [node("Conv", "x w", "y", auto_pad="SAME_LOWER", strides=[2, 2])],
            [value("x", [1, 2, "height", "width"])],
            [value("y", [1, 3, "rows", "columns"])],
            w=w,
        )
    )
    x = np.random.default_rng(1).normal(size=(1, 2, 6, 5)).astype(np.float32)
    padded = np.pad(x[0], [(0, 0), (1, 0), (1, 1)])
    expected = np.zeros((1, 3, 3, 3), np.float32)
    for i, j in np.ndindex(3, 3):
        window = padded[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
        expected[0, :, i, j] = (w * window).sum((1, 2, 3))
    found = result_of(converted(proto, tmp_path, name), x)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", FORMATS)
def test_convolutions_over_three_dimensions(tmp_path, name):
    w = np.random.default_rng(0).normal(size=(2, 3, 2, 2, 2)).astype(np.float32)
    proto = model(
        graph(
            [node("Conv", "x w", "y", pads=[0, 1, 0, 0, 0, 0])],
            [value("x", [1, 3, 3, 3, 3])],
            [value("y", [1, 2, 2, 3, 2])],
            w=w,
        )
    )
    x = np.random.default_rng(1).normal(size=(1, 3, 3, 3, 3)).astype(np.float32)
    padded = np.pad(x[0], [(0, 0), (0, 0), (1, 0), (0, 0)])
    expected = np.zeros((1, 2, 2, 3, 2), np.float32)
    for i, j, k in np.ndindex(2, 3, 2):
        window = padded[:, i : i + 2, j : j + 2, k : k + 2]
        expected[0, :, i, j, k] = (w * window).sum((1, 2, 3, 4))
    found = result_of(converted(proto, tmp_path, name), x)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
