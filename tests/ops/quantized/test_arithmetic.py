"""Arithmetic on integers that stand for floats. Constants are TensorFlow's; others follow from the floats."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.ops.quantized.arithmetic import exact_product

raw = tf.raw_ops


def bytes_of(*shape, kind=tf.quint8):
    values = np.random.RandomState(0).randint(0, 256, shape).astype("uint8")
    return tf.bitcast(tf.constant(values), kind)


def ints(tensor):
    return tf.bitcast(
        tensor, {tf.qint32: tf.int32, tf.quint8: tf.uint8, tf.qint8: tf.int8}[tensor.dtype]
    )


def floats(tensor, low, high, steps=255.0):
    return low + np.asarray(ints(tensor), "d") * (high - low) / steps


def test_product_of_matrices():
    a, b = bytes_of(2, 3), bytes_of(3, 2)
    made, low, high = raw.QuantizedMatMul(a=a, b=b, min_a=-1.0, max_a=2.0, min_b=-0.5, max_b=3.0)
    found = np.asarray(ints(made), "d") * (float(high) - float(low)) / 2.0**32
    np.testing.assert_allclose(found, floats(a, -1, 2) @ floats(b, -0.5, 3), atol=0.05)


def test_products_of_wide_integers_do_not_round():
    """Their sums exceed the integers of double precision."""
    ends = np.array([[2**31 - 1, -(2**31), 3]], np.int64)
    np.testing.assert_array_equal(exact_product(ends, ends.T), ends @ ends.T)
    assert (ends.astype("d") @ ends.T.astype("d")).astype(np.int64) != ends @ ends.T


def test_convolution():
    x, w = bytes_of(1, 4, 4, 2), bytes_of(2, 2, 2, 3)
    attrs = {"strides": [1, 1, 1, 1], "padding": "VALID"}
    made, low, high = raw.QuantizedConv2D(
        input=x, filter=w, min_input=0.0, max_input=2.0, min_filter=-0.5, max_filter=3.0, **attrs
    )
    found = np.asarray(ints(made), "d") * (float(high) - float(low)) / 2.0**32
    expected = tf.nn.conv2d(floats(x, 0, 2).astype("f"), floats(w, -0.5, 3).astype("f"), **attrs)
    np.testing.assert_allclose(found, expected, atol=0.1)


def test_sums_have_room():
    made, low, high = raw.QuantizedAdd(
        x=bytes_of(3), y=bytes_of(3), min_x=-1.0, max_x=2.0, min_y=0.0, max_y=3.0
    )
    assert (float(low), float(high)) == (-49152, 49152)
    expected = floats(bytes_of(3), -1, 2) + floats(bytes_of(3), 0, 3)
    found = np.asarray(ints(made), "d") * 49152 / 2**31
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_another_range():
    wide = tf.bitcast(tf.constant([-(2**24), 0, 2**23]), tf.qint32)
    made, *_ = raw.Requantize(
        input=wide, input_min=-100.0, input_max=100.0, requested_output_min=-1.0,
        requested_output_max=1.0, out_type=tf.quint8,
    )  # fmt: skip
    assert ints(made).numpy().tolist() == [28, 128, 177]
    low, high = raw.RequantizationRange(input=wide, input_min=-100.0, input_max=100.0)
    np.testing.assert_allclose([low, high], [-0.78125, 0.390625], rtol=2e-6)


@pytest.mark.parametrize("op", ["QuantizedMaxPool", "QuantizedAvgPool"])
def test_pools(op):
    x = bytes_of(1, 2, 2, 1)
    attrs = {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "padding": "VALID"}
    made, *_ = getattr(raw, op)(input=x, min_input=0.0, max_input=1.0, **attrs)
    values = ints(x).numpy()
    wanted = values.max() if "Max" in op else (int(values.sum(dtype=int)) + 2) // 4
    assert ints(made).numpy().ravel().tolist() == [wanted]


def test_relu_keeps_the_range():
    made, low, high = raw.QuantizedRelu(features=bytes_of(4), min_features=-1.0, max_features=2.0)
    np.testing.assert_array_equal(ints(made), np.maximum(ints(bytes_of(4)), 85))


ENDS = {"quantization_min_val": -128, "quantization_max_val": 127}


def test_uniform_there_and_back_by_channel():
    x = np.float32([[-1, 0.5, 0.25], [0.3, -0.6, 0.9]])
    parts = {"scales": [0.02, 0.03, 0.01], "zero_points": [3, 4, -5], "quantization_axis": 1}
    made = raw.UniformQuantize(input=x, Tout=tf.qint8, **parts, **ENDS)
    assert ints(made).numpy().tolist() == [[-47, 21, 20], [18, -16, 85]]
    back = raw.UniformDequantize(input=made, Tout=tf.float32, **parts, **ENDS)
    np.testing.assert_allclose(back, x, atol=0.015)


def test_uniform_product_of_floats_and_integers():
    x = np.random.RandomState(1).randn(2, 3).astype("f")
    w = tf.bitcast(tf.constant(np.int8([[10, -20], [30, 40], [-50, 60]])), tf.qint8)
    made = raw.UniformQuantizedDotHybrid(
        lhs=x, rhs=w, rhs_scales=0.03, rhs_zero_points=-1, Tout=tf.float32,
        rhs_quantization_min_val=-128, rhs_quantization_max_val=127,
    )  # fmt: skip
    expected = x @ ((np.asarray(ints(w), "d") + 1) * 0.03)
    np.testing.assert_allclose(made, expected, atol=0.05)


def test_uniform_halves_are_rounded_up():
    # recorded from TensorFlow 2.21
    x = np.float32([-1.25, -0.75, -0.25, 0.25, 0.75, 1.25])
    parts = {"scales": 0.5, "zero_points": 2}
    made = raw.UniformQuantize(input=x, Tout=tf.qint8, **parts, **ENDS)
    assert ints(made).numpy().tolist() == [0, 1, 2, 3, 4, 5]


def test_uniform_halves_of_floats_are_rounded_up_in_products():
    # recorded from TensorFlow 2.21
    x = np.float32([[-0.75, 126.75, 0.25, 0.75, -0.25, 0.5]])
    made = raw.UniformQuantizedDotHybrid(
        lhs=x, rhs=tf.bitcast(tf.eye(6, dtype=tf.int8), tf.qint8), rhs_scales=1.0, rhs_zero_points=0,
        Tout=tf.float32, rhs_quantization_min_val=-127, rhs_quantization_max_val=127,
    )  # fmt: skip
    assert made.numpy().tolist() == [[-0.5, 127.0, 0.5, 1.0, 0.0, 0.5]]


@pytest.mark.parametrize("low", [[0.0], []])
def test_ends_of_ranges_are_scalars(low):
    x = tf.zeros([2, 2], tf.quint8)

    def limited():
        return tf.raw_ops.QuantizedRelu(features=x, min_features=low, max_features=1.0)

    with pytest.raises(tf.errors.InvalidArgumentError, match="Shape must be rank 0 but is rank 1"):
        limited()
    with pytest.raises(ValueError, match="Shape must be rank 0 but is rank 1"):
        tf.function(limited)()


def test_a_convolution_is_of_four_axes():
    kernel = tf.cast(tf.ones([1, 1, 1, 1]), tf.quint8)
    for wrong in ("input", "filter"):
        given = {"input": kernel, "filter": kernel, wrong: tf.cast(tf.ones([1, 2]), tf.quint8)}
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"{wrong} must be rank 4 but is"):
            tf.raw_ops.QuantizedConv2D(
                **given,
                min_input=0.0,
                max_input=1.0,
                min_filter=0.0,
                max_filter=1.0,
                strides=[1] * 4,
                padding="SAME",
            )


def test_symmetric_ranges_begin_where_tensorflow_rounds_them_to():
    v = np.arange(0, 256, 51).astype("uint8")
    values = tf.bitcast(v, tf.quint8)
    joined = raw.QuantizedConcat(
        concat_dim=0, values=[values, values], input_mins=[-1.0, -2.0], input_maxes=[1.0, 2.0]
    )
    assert ints(joined[0]).numpy().tolist() == [64, 90, 116, 141, 167, 192, *v.tolist()]
    added = raw.QuantizedBiasAdd(
        input=values[None], bias=tf.bitcast(0 * v, tf.quint8), min_input=-1.0, max_input=1.0,
        min_bias=-1.0, max_bias=1.0, out_type=tf.qint32,
    )  # fmt: skip
    wanted = [[-32640, -26086, -19533, -12979, -6425, 128]]
    np.testing.assert_allclose(ints(added[0]), wanted, atol=1)
    z = tf.bitcast(np.array([-(2**30), -12345678, 0, 5, 2**30], "int32"), tf.qint32)
    made = raw.Requantize(
        input=z, input_min=-7.0, input_max=7.0, requested_output_min=-3.5,
        requested_output_max=3.5, out_type=tf.qint8,
    )  # fmt: skip
    assert ints(made[0]).numpy().tolist() == [-128, -2, -1, -1, 126]


def test_means_round_halves_to_even_numbers():
    x = np.array([[0, 1, 0, 2], [16, 17, 4, 4]], "uint8").reshape(1, 2, 4, 1)
    found = raw.QuantizedAvgPool(
        input=tf.bitcast(x, tf.quint8), min_input=-1.0, max_input=1.0, ksize=[1, 2, 2, 1],
        strides=[1, 1, 1, 1], padding="SAME",
    )  # fmt: skip
    assert ints(found[0]).numpy().ravel().tolist() == [8, 6, 2, 3, 16, 10, 4, 4]
