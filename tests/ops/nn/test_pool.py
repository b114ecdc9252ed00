"""Pooling, batch normalization and top-k, at every stage."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from tests.harness.op_case import OpCase, check

RNG = np.random.default_rng(2)
IMAGES = RNG.permutation(2 * 7 * 6 * 2).reshape(2, 7, 6, 2) / 10.0  # no two are equal


def window(k, s, padding):
    return {"ksize": [1, k, k, 1], "strides": [1, s, s, 1], "padding": padding}


SHAPES = [(2, 2), (3, 2), (3, 1), (2, 3), (6, 1)]
CASES = [
    OpCase(op, [IMAGES], window(k, s, padding), name=f"{k}-{s}-{padding}")
    for op in ("MaxPool", "AvgPool")
    for k, s in SHAPES
    for padding in ("SAME", "VALID")
]
CASES += [
    OpCase(
        op,
        [RNG.permutation(2 * 4 * 5 * 3).reshape(1, 4, 5, 3, 2).astype(np.float32)],
        {"ksize": [1, 2, 3, 1, 1], "strides": [1, 2, 1, 1, 1], "padding": "SAME"},
        gradient=False,
    )
    for op in ("MaxPool3D", "AvgPool3D")
]
F = [
    x.astype(np.float32)
    for x in (RNG.normal(size=(3, 2, 2, 4)), RNG.normal(size=4), RNG.normal(size=4))
]
CASES += [
    OpCase(
        "FusedBatchNormV3",
        [*F, RNG.normal(size=4).astype("f4"), np.abs(RNG.normal(size=4)).astype("f4")],
        {"is_training": training, "exponential_avg_factor": factor},
        gradient=False,
        name=f"{training}-{factor}",
        shape_known=False,
    )
    for training, factor in ((True, 1.0), (True, 0.3), (False, 1.0))
]
CASES += [
    OpCase("TopKV2", [IMAGES[0, 0], np.int32(2)]),
    OpCase("NthElement", [IMAGES[0, :, :, 0], np.int32(2)]),
    OpCase("LRN", [IMAGES.astype("f4") / 10], {"depth_radius": 1, "alpha": 0.3}, gradient=False),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_pool(case):
    check(case)


def test_the_first_of_equal_maxima_gets_the_gradient():
    x = np.ones((1, 4, 4, 1), np.float32)
    y = raw.MaxPool(input=x, **window(3, 1, "VALID"))
    grad = raw.MaxPoolGrad(
        orig_input=x, orig_output=y, grad=np.ones((1, 2, 2, 1), np.float32), **window(3, 1, "VALID")
    )
    expected = np.zeros((4, 4))
    expected[:2, :2] = 1
    np.testing.assert_array_equal(grad.numpy()[0, :, :, 0], expected)


def test_places_of_maxima_are_flat_indices():
    found = raw.MaxPoolWithArgmax(input=IMAGES.astype("f4"), **window(2, 2, "VALID"))
    flat = IMAGES.astype("f4").reshape(2, -1)
    for n in range(2):
        np.testing.assert_array_equal(flat[n][found[1].numpy()[n]], found[0].numpy()[n])


def test_equal_elements_come_in_order():
    values, indices = raw.TopKV2(input=[1.0, 3.0, 3.0, 2.0], k=3)
    assert indices.numpy().tolist() == [1, 2, 3]
    with pytest.raises(InvalidArgumentError, match="at least k columns. Had 4, needed 5"):
        raw.TopKV2(input=[1.0, 3.0, 3.0, 2.0], k=5)


@pytest.mark.parametrize("size, stride", [(1, 2), (2, 2), (3, 2), (2, 3)])
@pytest.mark.parametrize("op", [raw.MaxPool, raw.AvgPool])
def test_images_without_columns_have_none_left(op, size, stride):
    shape = [3, 1, 0, 4]
    options = {"ksize": [1, 1, size, 1], "strides": [1, 1, stride, 1], "padding": "VALID"}
    assert op(np.zeros(shape, np.float32), **options).shape == shape

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 4])])
    def pool(x):
        return op(x, **options)

    assert pool(np.zeros(shape, np.float32)).shape == shape
    known = tf.function(lambda x: op(x, **options))
    with pytest.raises(ValueError, match=f"subtracting {size} from 0"):
        known.get_concrete_function(tf.TensorSpec(shape))


@pytest.mark.parametrize("unknown", [False, True])
def test_compiled_means_round_once_as_eager_ones_do(unknown):
    x = np.arange(1029, dtype=np.float32).reshape(1, 7, 7, 7, 3) / np.float32(7)
    spec = tf.TensorSpec([None] * 5 if unknown else x.shape, tf.float32)
    pooled = tf.function(lambda x: tf.nn.avg_pool3d(x, 3, 1, "SAME"), input_signature=[spec])
    np.testing.assert_array_equal(pooled(x), tf.nn.avg_pool3d(x, 3, 1, "SAME"))


@pytest.mark.parametrize(
    "sizes, strides, said",
    [
        ([1, 2, 2, 2], [1, 1, 1, 1], "exactly one of pooling across depth"),
        ([1, 1, 1, 2], [1, 1, 1, 1], "depth window to equal the depth stride"),
        ([1, 1, 1, 3], [1, 1, 1, 3], "evenly divide"),
        ([2, 1, 1, 1], [1, 1, 1, 1], "not yet supported on the batch dimension"),
    ],
)
def test_windows_of_which_tensorflow_has_no_kernels(sizes, strides, said):
    x = np.ones((1, 4, 4, 4), np.float32)
    for pool in (tf.raw_ops.MaxPool, lambda input, **k: tf.raw_ops.AvgPool(value=input, **k)):
        with pytest.raises(tf.errors.UnimplementedError, match=said):
            pool(input=x, ksize=sizes, strides=strides, padding="SAME")


def test_paddings_are_smaller_than_the_window():
    x = np.ones((1, 4, 4, 1), np.float32)
    for paddings, said in (
        ([[3, 1], [0, 0]], "Top padding 3"),
        ([[0, 0], [0, 2]], "Right padding 2"),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"{said} needs to be smaller"):
            tf.nn.max_pool2d(x, 2, 1, [[0, 0], *paddings, [0, 0]])


WIDE = {
    "max": lambda x: tf.nn.max_pool2d(x, [4, 1], 2, "VALID"),
    "mean": lambda x: tf.nn.avg_pool2d(x, [4, 1], 2, "VALID"),
    "conv": lambda x: tf.nn.conv2d(x, tf.ones([4, 1, 2, 3]), 2, "VALID"),
    "depthwise": lambda x: tf.nn.depthwise_conv2d(x, tf.ones([4, 1, 2, 1]), [1, 2, 2, 1], "VALID"),
    "dilation": lambda x: tf.nn.dilation2d(
        x, tf.ones([4, 1, 2]), [1, 2, 2, 1], "VALID", "NHWC", [1] * 4
    ),
}


@pytest.mark.parametrize("kind", WIDE)
@pytest.mark.parametrize("compiled", [False, True])
def test_windows_too_wide_by_less_than_their_stride_have_empty_results(kind, compiled):
    def with_gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = WIDE[kind](x)
        return y, tape.gradient(y, x)

    spec = tf.TensorSpec([None, None, None, 2], tf.float32)
    function = tf.function(with_gradient, input_signature=[spec]) if compiled else with_gradient
    y, dx = function(tf.ones([1, 3, 5, 2]))
    assert y.shape[:3] == [1, 0, 3]
    np.testing.assert_array_equal(dx, np.zeros([1, 3, 5, 2]))
    with pytest.raises(InvalidArgumentError, match="size would be negative: -1 .*input_size: 0"):
        function(tf.ones([1, 0, 5, 2]))


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32"])
def test_maxima_along_one_axis_after_the_other_are_those_of_windows(dtype, padding):
    x = (np.random.default_rng(1).normal(size=(2, 7, 9, 3)) * 50).astype(dtype)
    if dtype != "int32":
        x[0, 2, 3], x[1, 4, 4, 0] = np.nan, -np.inf
    found = tf.raw_ops.MaxPool(
        input=tf.constant(x), ksize=[1, 3, 4, 1], strides=[1, 2, 3, 1], padding=padding
    ).numpy()
    low = (1, 0) if padding == "SAME" else (0, 0)
    for i, j in np.ndindex(*found.shape[1:3]):
        rows, columns = (slice(max(k, 0), k + n) for k, n in ((2 * i - low[0], 3), (3 * j, 4)))
        np.testing.assert_array_equal(found[:, i, j], x[:, rows, columns].max((1, 2)))
