"""Quantization against values recorded from TensorFlow 2.21 (raw ops on a CPU)."""

import math

import numpy as np
import pytest

import penstock as tf
import penstock._src.api.load
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.ops.quantized import quantize
from penstock._src.util.flags import override
from tests.harness.op_case import OpCase, check

X = np.float32([-1.3, 0.4, 2])
Y = np.float32([-7, 0.1, 0.2, 5.9])
ONE, TWO, FIVE = np.float32(1), np.float32(2), np.float32(5)


@pytest.mark.parametrize(
    ("op", "inputs", "attrs", "expected"),
    [
        ("FakeQuantWithMinMaxArgs", [Y], {}, [-6.0235295, 0.09411765, 0.1882353, 5.882353]),
        (
            "FakeQuantWithMinMaxVars",
            [Y, -ONE, np.float32(3)],
            {"num_bits": 4, "narrow_range": True},
            [-1.1428572, 0, 0.2857143, 2.857143],
        ),
        (
            "FakeQuantWithMinMaxVarsPerChannel",
            [np.float32([[-7, 0.1], [0.2, 5.9]]), np.float32([-1, 0]), np.float32([1, 2])],
            {},
            [[-0.9960785, 0.10196079], [0.20392159, 2]],
        ),
        (
            "QuantizeAndDequantizeV2",
            [X, -TWO, TWO],
            {"range_given": True},
            [-1.3070866, 0.39370078, 2],
        ),
        (
            "QuantizeAndDequantizeV2",
            [X, 0 * ONE, 0 * ONE],
            {"num_bits": 4},
            [-1.4285715, 0.2857143, 2],
        ),
        (
            "QuantizeAndDequantizeV2",
            [X, -ONE, FIVE],
            {"range_given": True, "num_bits": 4, "narrow_range": True, "round_mode": "HALF_UP"},
            [-1.4285715, 0.71428573, 2.142857],
        ),
        (
            "QuantizeAndDequantizeV3",
            [X, -ONE, FIVE, np.int32(4)],
            {},
            [-1.4285715, 0.71428573, 2.142857],
        ),
        (
            "QuantizeAndDequantizeV2",
            [np.abs(X), 0 * ONE, FIVE],
            {"range_given": True, "num_bits": 4, "signed_input": False},
            [1.3333334, 0.33333334, 2],
        ),
    ],
)
def test_floats_of_few_levels(op, inputs, attrs, expected):
    check(OpCase(op, inputs, attrs, expect=np.float32(expected), gradient=False, compiles=False))


def test_gradients_pass_within_the_range():
    found = raw.FakeQuantWithMinMaxVarsGradient(np.float32([1, 2, 3, 4]), Y, -ONE, np.float32(3))
    assert [t.numpy().tolist() for t in found] == [[0, 2, 3, 0], 1, 4]
    found = raw.QuantizeAndDequantizeV4Grad(np.float32([1, 2, 3]), X, -ONE, ONE)
    assert [t.numpy().tolist() for t in found] == [[0, 2, 0], 0, 0]


@pytest.mark.parametrize(
    ("attrs", "expected", "low"),
    [
        ({"T": "qint8"}, [-128, -9, 127], -1),
        ({"T": "quint8"}, [0, 119, 255], -1),
        ({"T": "quint8", "mode": "MIN_FIRST"}, [0, 119, 255], -1),
        ({"T": "qint8", "mode": "SCALED"}, [-83, 25, 127], -2.0157480239868164),
        (
            {"T": "qint8", "mode": "SCALED", "narrow_range": True, "round_mode": "HALF_TO_EVEN"},
            [-83, 25, 127],
            -2,
        ),
    ],
)
def test_quantize(attrs, expected, low):
    output, output_min, output_max = raw.QuantizeV2(X, -ONE, TWO, **attrs)
    assert raw.Cast(output, DstT="int32").numpy().tolist() == expected
    np.testing.assert_allclose(output_min.numpy(), low, rtol=1e-6)
    np.testing.assert_allclose(output_max.numpy(), 2)


@pytest.mark.parametrize(
    ("dtype", "numbers", "mode", "expected"),
    [
        ("qint8", [-128, 3, 127], "MIN_COMBINED", [-1, 0.54117656, 2]),
        ("quint8", [0, 3, 127], "MIN_FIRST", [-1, -0.9647059, 0.49411762]),
        ("qint8", [-128, 3, 127], "SCALED", [-2.015748, 0.04724409, 2]),
        ("quint8", [0, 3, 127], "SCALED", [0, 0.02352941, 0.9960785]),
    ],
)
def test_dequantize(dtype, numbers, mode, expected):
    quantized = raw.Cast(convert_to_tensor(np.int32(numbers)), DstT=dtype)
    out = raw.Dequantize(quantized, -ONE, TWO, mode=mode)
    np.testing.assert_allclose(out.numpy(), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("low", "high", "narrow", "expected"), [(-5.0, -2.0, False, -2.0), (2.0, 5.0, True, 5.0)]
)
def test_the_step_of_scaled_unsigned_numbers_is_that_of_the_upper_end(low, high, narrow, expected):
    numbers = tf.bitcast(tf.constant([0, 65535], tf.uint16), tf.quint16)
    floats = tf.quantization.dequantize(numbers, low, high, "SCALED", narrow_range=narrow)
    np.testing.assert_allclose(floats, [0.0, expected])


@pytest.mark.parametrize("low, high", [(np.nan, 1.0), (0.0, np.nan), (2.0, 1.0), (1.0, 1.0)])
def test_ranges_without_numbers_are_refused(low, high):
    with pytest.raises(tf.errors.InvalidArgumentError, match="min has to be smaller than max"):
        raw.FakeQuantWithMinMaxArgs(inputs=Y, min=low, max=high)


@pytest.mark.parametrize(("low", "high"), [(-1, 2), (0, 3), (1, 3), (0, 0), (-3, -1), (2, 2)])
def test_compiled_levels_are_those_of_the_host(low, high):
    x = np.float32([[0, np.inf, -np.inf, np.nan], [-0.7, 0.3, 1.3, 2.9], [-3, 3, 0.06, -0.06]])
    slope = np.float32(np.arange(12).reshape(3, 4))
    bounds = np.float32(low), np.float32(high)
    each = np.float32([-1, 0, 0, low]), np.float32([1, 0, 6, high])
    attrs = {"num_bits": 4, "narrow_range": low < 0}

    def everything():
        return [
            raw.FakeQuantWithMinMaxVars(x, *bounds, **attrs),
            *raw.FakeQuantWithMinMaxVarsGradient(slope, x, *bounds, **attrs),
            raw.FakeQuantWithMinMaxVarsPerChannel(x, *each, **attrs),
            *raw.FakeQuantWithMinMaxVarsPerChannelGradient(slope, x, *each, **attrs),
            raw.FakeQuantWithMinMaxArgs(x, **attrs),
            raw.FakeQuantWithMinMaxArgsGradient(slope, x, **attrs),
        ]

    wanted = everything()
    for device in ("CPU", "GPU_emulated"):
        with override(device=device):
            found = tf.function(everything, autograph=False)()
        for a, b in zip(found, wanted, strict=True):
            np.testing.assert_allclose(a, b, 1e-6)


@pytest.mark.parametrize("axis", [-1, 0, 1])
@pytest.mark.parametrize("range_given", [False, True])
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.float16])
def test_compiled_quantize_and_dequantize_is_that_of_the_host(axis, range_given, kind):
    x = np.random.default_rng(1).uniform(-7, 7, (5, 6)).astype(kind)
    shape = () if axis == -1 else (x.shape[axis],)
    low, high = np.full(shape, -3.3, kind), np.full(shape, 2.9, kind)
    attrs = {"range_given": range_given, "axis": axis}

    def everything():
        return [
            raw.QuantizeAndDequantizeV2(x, low, high, **attrs),
            raw.QuantizeAndDequantizeV2(x, low, high, round_mode="HALF_UP", num_bits=3, **attrs),
            raw.QuantizeAndDequantizeV3(x, low, high, np.int32(5), narrow_range=True, **attrs),
            raw.QuantizeAndDequantizeV4(x, low, high, signed_input=False, **attrs),
            *raw.QuantizeAndDequantizeV4Grad(x, x, low, high, axis=axis),
            raw.QuantizeAndDequantize(x, range_given=range_given, input_min=-5.0, input_max=4.0),
        ]

    wanted = everything()
    for device in ("CPU", "GPU_emulated"):
        with override(device=device):
            compiled = tf.function(everything, autograph=False)
            assert "\nhost" not in str(compiled.explain())
            for a, b in zip(compiled(), wanted, strict=True):
                np.testing.assert_array_equal(a, b)


def test_a_compiled_range_in_the_wrong_order_is_refused():
    compiled = tf.function(
        lambda low: tf.quantization.quantize_and_dequantize_v2(
            tf.ones([3]), low, 1.0, range_given=True
        )
    )
    np.testing.assert_array_equal(compiled(tf.constant(-1.0)), [1, 1, 1])
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="Invalid range: input_min 2.0 > input"
    ):
        compiled(tf.constant(2.0))


def test_scaled_numbers_are_computed_in_float32():
    # recorded from TensorFlow 2.21
    x = np.linspace(-3, 3, 41).astype(np.float32)
    made = tf.quantization.quantize(x, -2.5, 2.7, tf.quint8, "SCALED", "HALF_AWAY_FROM_ZERO")
    again = tf.quantization.dequantize(made.output, made.output_min, made.output_max, "SCALED")
    assert tf.bitcast(made.output, tf.uint8).numpy()[23] == 43
    wanted = [0.45529410243034363, 0.8999999761581421, 1.7999999523162842]
    np.testing.assert_array_equal(again.numpy()[[23, 26, 32]], np.float32(wanted))


@pytest.mark.parametrize(
    ("dtype", "low", "numbers", "ends"),
    [
        (tf.qint8, -2.5, [-128, -118, 0, 127, 127], [-2.7, 2.7]),
        (tf.qint8, 0.0, [-128, -118, 0, 127, 127], [-2.7, 2.7]),
        (tf.quint8, -2.8, [0, 0, 0, 246, 255], [0, 2.8]),
    ],
)
def test_halves_to_even_take_the_range_of_the_wider_end(dtype, low, numbers, ends):
    # recorded from TensorFlow 2.21
    x = tf.constant([-9, -2.5, 0, 2.7, 9])
    made = tf.quantization.quantize(x, low, 2.7, dtype, "SCALED", "HALF_TO_EVEN")
    assert tf.cast(made.output, tf.int32).numpy().tolist() == numbers
    np.testing.assert_array_equal([made.output_min, made.output_max], np.float32(ends))


@pytest.mark.parametrize(("dtype", "levels"), [(tf.quint8, [10, 16]), (tf.qint8, [-117, -111])])
def test_a_low_end_of_bytes_is_added_before_numbers_are_rounded(dtype, levels):
    # recorded from TensorFlow 2.21, where signed bytes are one level higher
    made = tf.quantization.quantize(tf.constant([-2.19, -2.07]), -2.4, 2.7, dtype, "MIN_FIRST")
    assert tf.cast(made.output, tf.int32).numpy().tolist() == levels


def test_ranges_along_an_axis_in_a_function():
    @tf.function
    def quantized(x, low, high):
        made = tf.quantization.quantize(x, low, high, tf.qint8, axis=1)
        return tf.quantization.dequantize(made.output, *made[1:], axis=1), made.output_min

    x = tf.constant([[-1.0, 2.0, 30.0], [1.0, -2.0, -30.0]])
    again, low = quantized(x, tf.constant([-1.0, -2.0, -30.0]), tf.constant([1.0, 2.0, 30.0]))
    np.testing.assert_allclose(again, x, rtol=0.01)
    assert low.shape == [3]
    with pytest.raises(ValueError, match="2 and 3"):
        quantized(x, tf.constant([-1.0, -2.0]), tf.constant([1.0, 2.0]))


def test_numbers_above_the_range_are_the_greatest_of_32_bits():
    numbers, low, high = tf.quantization.quantize(
        [0.5, 1.0, 2.0], -1.0, 1.0, tf.qint32, "MIN_FIRST"
    )
    expected = [1073741824, 2147483520, 2147483520]
    assert tf.bitcast(numbers, tf.int32).numpy().tolist() == expected
    floats = tf.quantization.dequantize(numbers, low, high, "MIN_FIRST")
    np.testing.assert_allclose(floats, [0.5, 1.0, 1.0], rtol=1e-6)


@pytest.mark.parametrize("mode", ["MIN_COMBINED", "SCALED", "MIN_FIRST"])
@pytest.mark.parametrize("dtype", [tf.qint8, tf.quint8, tf.qint16, tf.quint16])
@pytest.mark.parametrize("size", [0, 1, 15, 16, 37])
def test_native_levels_are_those_of_numpy(monkeypatch, mode, dtype, size):
    rng = np.random.default_rng(size)
    x = np.concatenate([rng.normal(size=size) * 3, np.round(rng.normal(size=size) * 16) / 8])
    x[:1] = np.nan
    for rounding in ["HALF_AWAY_FROM_ZERO"] + ["HALF_TO_EVEN"] * (mode == "SCALED"):
        results = []
        for work in (0, math.inf):
            monkeypatch.setattr(quantize._quantized, "done", work)
            made = tf.quantization.quantize(
                tf.constant(x, tf.float32), -2.0, 1.9375, dtype, mode, rounding
            )
            results.append(tf.cast(made.output, tf.int32).numpy())
        np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("mode", ["MIN_COMBINED", "SCALED"])
@pytest.mark.parametrize(
    ("dtype", "least"), [(tf.qint8, -128), (tf.quint8, 0), (tf.qint16, -32768)]
)
def test_a_nan_becomes_the_least_number(mode, dtype, least):
    # recorded from TensorFlow 2.21, whose vectors have at least 16 elements
    x = tf.constant([np.nan] + [0.0] * 31)
    made = tf.quantization.quantize(x, -3.0, 3.0, dtype, mode)
    assert tf.cast(made.output, tf.int32).numpy()[0] == least


@pytest.mark.parametrize("work", [0, math.inf])
def test_a_nan_becomes_the_end_that_its_mode_gives(monkeypatch, work):
    monkeypatch.setattr(quantize._quantized, "done", work)
    for dtype, mode, rounding, end in (
        (tf.qint8, "SCALED", "HALF_TO_EVEN", -128),
        (tf.quint8, "SCALED", "HALF_TO_EVEN", 0),
        (tf.quint8, "MIN_FIRST", "HALF_AWAY_FROM_ZERO", 255),
    ):
        made = tf.quantization.quantize([np.nan, 0.5], -3.0, 3.0, dtype, mode, rounding)
        assert tf.cast(made.output, tf.int32).numpy()[0] == end
