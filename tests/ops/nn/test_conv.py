"""Convolutions against plain loops, at every stage."""

import itertools

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from tests.harness.op_case import OpCase, check

RNG = np.random.default_rng(1)


def padding_of(extent, size, stride, dilation, padding):
    if padding == "VALID":
        return 0, 0
    out = -(-extent // stride)
    total = max((out - 1) * stride + (size - 1) * dilation + 1 - extent, 0)
    return total // 2, total - total // 2


def loops(x, w, strides, padding, dilations):
    """NHWC by HWIO, one tap at a time."""
    pads = [
        padding_of(x.shape[a + 1], w.shape[a], strides[a], dilations[a], padding) for a in (0, 1)
    ]
    x = np.pad(x, [(0, 0), *pads, (0, 0)])
    outs = [
        (x.shape[a + 1] - (w.shape[a] - 1) * dilations[a] - 1) // strides[a] + 1 for a in (0, 1)
    ]
    y = np.zeros((x.shape[0], *outs, w.shape[3]))
    for i, j in np.ndindex(*outs):
        for a, b in np.ndindex(*w.shape[:2]):
            y[:, i, j] += (
                x[:, i * strides[0] + a * dilations[0], j * strides[1] + b * dilations[1]] @ w[a, b]
            )
    return y


def case(stride, padding, dilation=1, layout="NHWC"):
    x, w = RNG.normal(size=(2, 7, 6, 3)), RNG.normal(size=(3, 2, 3, 4))
    expect = loops(x, w, (stride, stride), padding, (dilation, dilation))
    if layout == "NCHW":
        x, expect = x.transpose(0, 3, 1, 2), expect.transpose(0, 3, 1, 2)
        attrs = {"strides": [1, 1, stride, stride], "dilations": [1, 1, dilation, dilation]}
    else:
        attrs = {"strides": [1, stride, stride, 1], "dilations": [1, dilation, dilation, 1]}
    attrs |= {"padding": padding, "data_format": layout}
    name = f"{stride}-{padding}-{dilation}-{layout}"
    return OpCase("Conv2D", [x, w], attrs, expect=expect, name=name, tolerance=(1e-9, 1e-9))


CASES = [case(s, p) for s, p in itertools.product((1, 2, 3), ("SAME", "VALID"))]
CASES += [case(1, "SAME", 2), case(2, "SAME", layout="NCHW")]
CASES += [
    OpCase(
        "DepthwiseConv2dNative",
        [RNG.normal(size=(2, 6, 5, 3)), RNG.normal(size=(3, 2, 3, 2))],
        {"strides": [1, s, s, 1], "padding": "SAME"},
        tolerance=(1e-9, 1e-9),
        name=f"stride {s}",
    )
    for s in (1, 2)
]
CASES += [
    OpCase(
        "Conv3D",
        [RNG.normal(size=(1, 3, 4, 5, 2)), RNG.normal(size=(2, 2, 3, 2, 3))],
        {"strides": [1, 1, 2, 1, 1], "padding": "SAME"},
        tolerance=(1e-9, 1e-9),
    ),
    OpCase(
        "Dilation2D",
        [RNG.normal(size=(1, 5, 4, 2)), RNG.normal(size=(2, 2, 2))],
        {"strides": [1, 2, 1, 1], "rates": [1, 1, 2, 1], "padding": "VALID"},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_convolution(case):
    check(case)


def test_groups_are_convolutions_side_by_side():
    x, w = RNG.normal(size=(1, 5, 5, 4)), RNG.normal(size=(3, 3, 2, 6))
    whole = raw.Conv2D(input=x, filter=w, strides=[1, 1, 1, 1], padding="SAME").numpy()
    for g in range(2):
        part = loops(x[..., 2 * g : 2 * g + 2], w[..., 3 * g : 3 * g + 3], (1, 1), "SAME", (1, 1))
        np.testing.assert_allclose(whole[..., 3 * g : 3 * g + 3], part, rtol=1e-10)


def test_a_depth_that_does_not_divide_is_rejected():
    with pytest.raises(
        InvalidArgumentError, match="input depth must be evenly divisible .* 3 vs 2"
    ):
        raw.Conv2D(
            input=np.zeros((1, 5, 5, 3)), filter=np.zeros((3, 3, 2, 4)), strides=[1, 1, 1, 1],
            padding="SAME",
        )  # fmt: skip


def test_no_images():
    x, kernel = np.zeros((0, 3, 3, 2), np.float32), np.ones((2, 2, 2, 3), np.float32)
    attrs = {"strides": [1, 1, 1, 1], "padding": "VALID"}
    check(OpCase("DepthwiseConv2dNative", [x, kernel], attrs))
    check(OpCase("Conv2D", [x, kernel[:, :, :1, :2]], attrs, name="in groups"))


def test_images_without_rows():
    x, kernel = np.zeros((1, 0, 4, 2), np.float32), np.ones((3, 3, 2, 3), np.float32)
    check(OpCase("Conv", [x, kernel], {"strides": [1, 1, 1, 1], "padding": "SAME"}))


def test_several_batch_axes():
    x, kernel = RNG.random((2, 3, 4, 5, 2)), RNG.random((2, 2, 2, 6))
    attrs = {"strides": [1, 2, 1, 1], "padding": "VALID"}
    check(OpCase("Conv", [x, kernel], {**attrs, "batch_dims": 2}))
    check(OpCase("Conv", [x[0, 0], kernel], {**attrs, "batch_dims": 0}, name="none"))


@pytest.mark.parametrize(
    "attrs",
    [
        {"strides": [1, 1, 1, 1, 1]},
        {"strides": [1, 1, 1, 1], "dilations": [1, 1, 1]},
        {"strides": [1, 1, 1, 1], "batch_dims": 2},
        {"strides": [1, 1, 1, 1], "groups": 2},
    ],
    ids=str,
)
def test_attributes_that_do_not_fit_the_input(attrs):
    x, kernel = np.ones((2, 4, 5, 2)), np.ones((2, 2, 2, 6))
    with pytest.raises(InvalidArgumentError, match="Conv: "):
        raw.Conv(input=x, filter=kernel, padding="VALID", **attrs)


def test_images_without_channels():
    x, dy = np.zeros((1, 4, 4, 0), np.float32), np.zeros((1, 4, 4, 0), np.float32)
    sizes = np.array([3, 3, 0, 2], np.int32)
    attrs = {"strides": [1, 1, 1, 1], "padding": "SAME"}
    check(OpCase("DepthwiseConv2dNativeBackpropFilter", [x, sizes, dy], attrs))


def test_filters_have_no_gradient_where_windows_have_no_position():
    x, filters = tf.ones([2, 5, 6, 6]), tf.ones([6, 6, 6, 4])

    def gradient(x, filters):
        with tf.GradientTape() as tape:
            tape.watch(filters)
            y = tf.nn.conv2d(x, filters, 1, "VALID")
        return tape.gradient(y, filters)

    for _ in range(3):
        del [np.full((6, 6, 6, 4), 7e22, "float32") for _ in range(40)][
            :
        ]  # memory to be found again
        assert not gradient(x, filters).numpy().any()


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("taps", [(0, 0), (0, 2)])
def test_filters_without_taps_give_zeros(taps, padding):
    x, kernel = np.ones((2, 6, 6, 3), np.float32), np.ones((*taps, 3, 2), np.float32)
    attrs = {"strides": [1, 1, 1, 1], "padding": padding}
    y = raw.DepthwiseConv2dNative(input=x, filter=kernel, **attrs)
    rows = 6 if padding == "SAME" else 7
    assert y.shape[:2] == [2, rows]
    assert not np.any(y)
    sizes = np.array([*taps, 3, 2], np.int32)
    arguments = {
        "DepthwiseConv2dNative": [x, kernel],
        "DepthwiseConv2dNativeBackpropInput": [np.array(x.shape, np.int32), kernel, y.numpy()],
        "DepthwiseConv2dNativeBackpropFilter": [x, sizes, y.numpy()],
    }
    for name, values in arguments.items():
        check(OpCase(name, values, attrs, gradient=False))


def test_filters_without_elements_are_taken_where_the_result_has_none_either():
    attrs = {"strides": [1, 1, 1, 1], "padding": "SAME"}
    for wrap in (tf.function, lambda f: f):
        convolve = wrap(lambda x, kernel: raw.Conv2D(x, kernel, **attrs))
        assert convolve(tf.ones([0, 6, 6, 3]), tf.ones([0, 2, 3, 2])).shape == [0, 6, 6, 2]
        assert convolve(tf.ones([2, 6, 6, 3]), tf.ones([2, 2, 3, 0])).shape == [2, 6, 6, 0]
        with pytest.raises(InvalidArgumentError, match="zero elements"):
            convolve(tf.ones([2, 6, 6, 3]), tf.ones([0, 2, 3, 2]))
    with pytest.raises(InvalidArgumentError, match="zero elements"):
        raw.Conv(tf.ones([2, 6, 6, 3]), tf.ones([0, 2, 3, 2]), **attrs)


@pytest.mark.parametrize("wrap", [lambda f: f, lambda f: tf.function(f, autograph=False)])
@pytest.mark.parametrize("groups", [1, 2])
def test_gradients_of_filters_without_output_channels(wrap, groups):
    @wrap
    def gradient(x):
        return tf.raw_ops.Conv2DBackpropFilter(
            input=x, filter_sizes=[3, 3, 2, 0], out_backprop=tf.ones([1, 4, 4, 0]), strides=[1] * 4,
            padding="SAME",
        )  # fmt: skip

    assert gradient(tf.ones([1, 4, 4, 2 * groups])).shape == [3, 3, 2, 0]
