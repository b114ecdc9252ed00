"""Products of quantized matrices with a bias. The numbers are TensorFlow's."""

import numpy as np
import pytest

import penstock as tf

raw = tf.raw_ops
RANDOM = np.random.RandomState(0)
A = tf.bitcast(RANDOM.randint(0, 256, (2, 3)).astype(np.uint8), tf.quint8)
B = tf.bitcast(RANDOM.randint(-128, 128, (3, 4)).astype(np.int8), tf.qint8)
BIAS = RANDOM.randn(4).astype("f")
RANGES = {"min_a": 0.0, "max_a": 6.0, "min_b": -1.0, "max_b": 0.5}
SUMS = [6543, 8624, -15734, 19587, -2029, 22196, -25314, 22035]


def integers(made, kind):
    return tf.bitcast(made, kind).numpy().ravel().tolist()


@pytest.mark.parametrize("mode", ["MIN_FIRST", "SCALED"])
def test_sums(mode):
    made, low, high = raw.QuantizedMatMulWithBias(
        a=A, b=B, bias=BIAS, input_quant_mode=mode, **RANGES
    )
    assert integers(made, tf.int32) == SUMS
    np.testing.assert_allclose([low, high], [-298399.78, 298399.78], rtol=1e-6)
    positive, _, _ = raw.QuantizedMatMulWithBiasAndRelu(a=A, b=B, bias=BIAS, **RANGES)
    assert integers(positive, tf.int32) == [max(n, 0) for n in SUMS]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.0, 8.0, [39, 51, 0, 116, 0, 131, 0, 130]), (-1.0, 3.0, [103, 136, 0, 255, 0, 255, 0, 255])],
)
def test_fewer_bits(low, high, expected):
    ends = {"min_freezed_output": low, "max_freezed_output": high}
    for op in (
        raw.QuantizedMatMulWithBiasAndReluAndRequantize,
        raw.QuantizedMatMulWithBiasAndRequantize,
    ):
        made, *_ = op(a=A, b=B, bias=BIAS, **RANGES, **ends)
        assert integers(made, tf.uint8) == expected


def test_floats():
    made = raw.QuantizedMatMulWithBiasAndDequantize(
        a=A,
        b=B,
        bias=BIAS,
        min_freezed_output=-8.0,
        max_freezed_output=8.0,
        Toutput=tf.float32,
        input_quant_mode="SCALED",
        **{**RANGES, "min_a": -1.0, "max_a": 5.0},
    )
    expected = [1.2212, 1.2471, -2.0051, 3.2042, -0.1023, 3.3425, -3.4841, 3.5821]
    np.testing.assert_allclose(made.numpy().ravel(), expected, atol=2e-4)
