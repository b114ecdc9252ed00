"""Scales of channels go into weights where that changes nothing but rounding, and nowhere else."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.graph.needed_operations import needed_operations
from penstock._src.graph.passes.fold_constants import fold_constants
from penstock._src.graph.passes.fold_scales import fold_scales

RNG = np.random.default_rng(1)


def constant(*shape):
    return RNG.uniform(0.5, 2, shape).astype("f")


FILTER, DEEP, MATRIX = constant(3, 3, 4, 6), constant(3, 3, 4, 2), constant(4, 6)
S, B, EIGHT = constant(6), constant(6), constant(8)


def norm(x):
    """A batch norm as one operation."""
    return tf.compat.v1.nn.fused_batch_norm(x, S, B, B - 1, S + 0.5, is_training=False)[0]


CASES = {
    "norm": (lambda x: norm(tf.nn.conv2d(x, FILTER, 1, "SAME") + B), []),
    "norm after an activation": (
        lambda x: norm(tf.nn.relu(tf.nn.conv2d(x, FILTER, 1, "SAME"))),
        ["FusedBatchNormV3"],
    ),
    "conv": (lambda x: tf.nn.conv2d(x, FILTER, 1, "SAME") * S + B, []),
    "conv of images in one scale": (lambda x: tf.nn.conv2d(x, FILTER, 1, "SAME") * 3.0, []),
    "bias": (lambda x: (tf.nn.conv2d(x, FILTER, 2, "SAME") + B) * S + B, []),
    "depthwise": (
        lambda x: tf.nn.depthwise_conv2d(x, DEEP, [1, 1, 1, 1], "SAME") * EIGHT,
        [],
    ),
    "product": (lambda x: tf.linalg.matmul(tf.reshape(x, [-1, 4]), MATRIX) * S, []),
    "twice": (lambda x: (tf.nn.conv2d(x, FILTER, 1, "SAME") * S + B) * S, []),
    "after an activation": (lambda x: tf.nn.relu(tf.nn.conv2d(x, FILTER, 1, "SAME")) * S, ["Mul"]),
    "of rows": (lambda x: tf.linalg.matmul(tf.reshape(x, [6, 4]), MATRIX) * S[:, None], ["Mul"]),
    "infinite": (lambda x: tf.nn.conv2d(x, FILTER, 1, "SAME") * float("inf"), ["Mul"]),
    "too large": (lambda x: tf.nn.conv2d(x, FILTER * 1e30, 1, "SAME") * 1e10, ["Mul"]),
    "too small": (lambda x: tf.nn.conv2d(x, FILTER * 1e-30, 1, "SAME") * 1e-10, ["Mul"]),
    "of scalars": (lambda x: tf.reduce_sum(x) + x[0, 0, 0, 0], []),
    "widening": (lambda x: tf.nn.conv2d(x, FILTER, 1, "SAME") * S[None, None, None, None], ["Mul"]),
}


def read_twice(x):
    y = tf.nn.conv2d(x, FILTER, 1, "SAME")
    return y * S - y


@pytest.mark.parametrize("name", [*CASES, "read twice"])
def test_values_are_equal_and_scales_are_gone(name):
    function, left = CASES.get(name, (read_twice, ["Mul"]))
    traced = tf.function(function, autograph=False).get_concrete_function(
        tf.TensorSpec([1, 3, 2, 4])
    )
    made = fold_constants(fold_scales(fold_constants(traced.graph_function)))
    operations = needed_operations(made.graph, made.inputs, made.outputs, [])
    assert [op.type for op in operations if op.type in ("Mul", "FusedBatchNormV3")] == left
    assert sum(op.type in ("AddV2", "BiasAdd") for op in operations) <= 1
    x = RNG.normal(size=[1, 3, 2, 4]).astype("f")
    np.testing.assert_allclose(made.run([x])[0], traced(tf.constant(x)), rtol=1e-5, atol=1e-5)


def test_sums_that_round_are_left_alone():
    def rounded(x):
        return (tf.nn.conv2d(x, FILTER, 1, "SAME") + 1.5 * 2**23) + -1.5 * 2**23

    traced = tf.function(rounded, autograph=False)
    concrete = traced.get_concrete_function(tf.TensorSpec([1, 3, 2, 4]))
    made = fold_constants(fold_scales(fold_constants(concrete.graph_function)))
    (y,) = made.run([RNG.normal(size=[1, 3, 2, 4]).astype("f")])
    np.testing.assert_array_equal(y, np.round(y))


def test_sums_of_numbers_are_left_alone():
    traced = tf.function(lambda x: (tf.reduce_sum(x) + 1.0) + 2.0, autograph=False)
    concrete = traced.get_concrete_function(tf.TensorSpec([2]))
    made = fold_scales(fold_constants(concrete.graph_function))
    assert float(made.run([np.float32([1, 2])])[0]) == 6


@pytest.mark.parametrize(
    "function",
    [
        lambda x: tf.nn.bias_add(x + S, B, data_format="NCHW"),
        lambda x: (x[0, 0, 0] + S[None]) + B,
        lambda x: (x[0, 0, 0] + S) + B[None],
    ],
)
def test_sums_along_other_axes_are_not_merged(function):
    traced = tf.function(function, autograph=False).get_concrete_function(
        tf.TensorSpec([2, 6, 3, 6])
    )
    made = fold_constants(fold_scales(fold_constants(traced.graph_function)))
    x = RNG.normal(size=[2, 6, 3, 6]).astype("f")
    expected = traced(tf.constant(x)).numpy()
    (result,) = made.run([x])
    assert np.shape(result) == expected.shape
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)
