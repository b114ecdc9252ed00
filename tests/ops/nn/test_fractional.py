"""Pooling over windows of varying sizes. The constants are TensorFlow's."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.ops.nn_legacy import fractional

raw = tf.raw_ops
X = np.random.RandomState(0).randn(1, 7, 7, 1).astype("f")


@pytest.mark.parametrize("pseudo_random", [False, True])
@pytest.mark.parametrize("overlapping", [False, True])
def test_windows_cover_the_image(pseudo_random, overlapping):
    made, rows, columns = (
        v.numpy()
        for v in raw.FractionalMaxPool(
            value=X, pooling_ratio=[1.0, 1.6, 1.4, 1.0], pseudo_random=pseudo_random,
            overlapping=overlapping, deterministic=True, seed=1, seed2=2,
        )
    )  # fmt: skip
    assert made.shape == (1, 4, 5, 1)
    assert rows[0] == columns[0] == 0 and rows[-1] == columns[-1] == 7
    assert set(np.diff(rows)) | set(np.diff(columns)) <= {1, 2}
    more = int(overlapping)
    for i in range(4):
        for j in range(5):
            window = X[0, rows[i] : rows[i + 1] + more, columns[j] : columns[j + 1] + more]
            assert made[0, i, j, 0] == window.max()


def test_gradients_go_to_their_windows():
    ends = {
        "row_pooling_sequence": np.int64([0, 1, 3, 5, 7]),
        "col_pooling_sequence": np.int64([0, 2, 3, 5, 6, 7]),
        "out_backprop": np.arange(20, dtype="f").reshape(1, 4, 5, 1),
    }
    maxima = [
        [X[0, t:b, left:right, 0].max() for left, right in ((0, 2), (2, 3), (3, 5), (5, 6), (6, 7))]
        for t, b in ((0, 1), (1, 3), (3, 5), (5, 7))
    ]
    maxima = np.array(maxima, X.dtype)[None, :, :, None]
    largest = raw.FractionalMaxPoolGrad(orig_input=X, orig_output=maxima, **ends)
    assert largest.numpy().ravel()[:14].tolist() == [0, 0, 1, 2, 0, 3, 4, 0, 0, 0, 0, 7, 8, 9]
    mean = raw.FractionalAvgPoolGrad(orig_input_tensor_shape=np.int64(X.shape), **ends)
    expected = [0, 0, 1, 1, 1, 3, 4, 1.25, 1.25, 3, 1.75, 1.75, 4, 4.5]
    np.testing.assert_allclose(mean.numpy().ravel()[:14], expected, rtol=2e-6)


@pytest.mark.parametrize("pseudo_random", [False, True])
def test_a_deterministic_op_draws_the_same_windows_each_time(pseudo_random):
    attrs = dict(deterministic=True, seed=1, seed2=2, pseudo_random=pseudo_random)
    calls = [
        raw.FractionalMaxPool(value=X, pooling_ratio=[1, 1.44, 1.73, 1], **attrs) for _ in "ab"
    ]
    for first, second in zip(*calls, strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", ["FractionalMaxPool", "FractionalAvgPool"])
@pytest.mark.parametrize("overlapping", [False, True])
@pytest.mark.parametrize("dtype", ["float64", "int32"])
def test_windows_are_those_between_the_boundaries(name, overlapping, dtype):
    x = (np.random.default_rng(1).normal(size=(2, 13, 11, 3)) * 9).astype(dtype)
    attrs = {"pooling_ratio": [1, 1.7, 2.4, 1], "overlapping": overlapping, "seed": 1}
    found, *ends = getattr(tf.raw_ops, name)(value=x, **attrs)
    pairs = [
        list(zip(e[:-1], e[1:] + int(overlapping), strict=True)) for e in (e.numpy() for e in ends)
    ]
    for i, rows in enumerate(pairs[0]):
        for j, columns in enumerate(pairs[1]):
            window = x[:, slice(*rows), slice(*columns)]
            if name == "FractionalMaxPool":
                expected = window.max((1, 2))
            else:
                mean = window.sum((1, 2)) / (window.shape[1] * window.shape[2])
                expected = mean if dtype == "float64" else np.trunc(mean)
            np.testing.assert_allclose(found[:, i, j], expected, rtol=1e-12)


def test_gradients_of_whole_numbers_are_added_before_they_are_cut():
    # what TensorFlow gives
    dy = np.array([7, -9, 12, 5], np.int32).reshape(1, 2, 2, 1)
    gradient = tf.raw_ops.FractionalAvgPoolGrad(
        orig_input_tensor_shape=np.array([1, 4, 4, 1]),
        out_backprop=dy,
        row_pooling_sequence=np.array([0, 1, 4]),
        col_pooling_sequence=np.array([0, 2, 4]),
        overlapping=True,
    )
    expected = [1, 1, -1, -2, 2, 2, 1, -1, 1, 1, 2, 0, 1, 1, 2, 0]
    np.testing.assert_array_equal(gradient.numpy().ravel(), expected)


@pytest.mark.parametrize("overlapping", [False, True])
def test_the_first_of_equal_maxima_takes_the_gradient(overlapping):
    x = np.array([[3, 3, 1, 4], [3, 0, 4, 4], [2, 5, 5, 5]], np.float32).reshape(1, 3, 4, 1)
    maxima = [[3, 4], [5, 5]] if not overlapping else [[4, 4], [5, 5]]
    gradient = tf.raw_ops.FractionalMaxPoolGrad(
        orig_input=x,
        orig_output=np.array(maxima, np.float32).reshape(1, 2, 2, 1),
        out_backprop=np.array([1, 10, 100, 1000], np.float32).reshape(1, 2, 2, 1),
        row_pooling_sequence=np.array([0, 1, 3]),
        col_pooling_sequence=np.array([0, 2, 4]),
        overlapping=overlapping,
    )
    expected = np.zeros((3, 4))
    if overlapping:
        expected[1, 2], expected[0, 3], expected[2, 1], expected[2, 2] = 1, 10, 100, 1000
    else:
        expected[0, 0], expected[0, 3], expected[2, 1], expected[2, 2] = 1, 10, 100, 1000
    np.testing.assert_array_equal(gradient.numpy()[0, :, :, 0], expected)
    with pytest.raises(tf.errors.InvalidArgumentError, match="maxima of the windows are others"):
        tf.raw_ops.FractionalMaxPoolGrad(
            orig_input=x,
            orig_output=np.full((1, 2, 2, 1), 2, np.float32),
            out_backprop=np.ones((1, 2, 2, 1), np.float32),
            row_pooling_sequence=np.array([0, 1, 3]),
            col_pooling_sequence=np.array([0, 2, 4]),
            overlapping=overlapping,
        )


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64"])
@pytest.mark.parametrize("depth", [1, 19])
@pytest.mark.parametrize("overlapping", [False, True])
def test_native_gradients_of_maxima_are_those_of_numpy(monkeypatch, dtype, depth, overlapping):
    random = np.random.default_rng(depth)
    value = random.integers(-3, 3, (2, 7, 5, depth)).astype(dtype)
    output, rows, columns = raw.FractionalMaxPool(
        value=value, pooling_ratio=[1.0, 1.6, 1.3, 1.0], overlapping=overlapping, seed=1, seed2=2
    )
    slopes = random.normal(size=output.shape).astype(dtype)

    def gradient(output, is_native):
        monkeypatch.setattr(fractional, "runs_native_code", lambda: is_native)
        return raw.FractionalMaxPoolGrad(
            orig_input=value, orig_output=output, out_backprop=slopes, overlapping=overlapping,
            row_pooling_sequence=rows, col_pooling_sequence=columns,
        ).numpy()  # fmt: skip

    np.testing.assert_array_equal(gradient(output, True), gradient(output, False))
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="the maxima of the windows are others"
    ):
        gradient(output - 1, True)
