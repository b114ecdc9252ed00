"""Integers whose range differs by channel. The numbers are TensorFlow's."""

import numpy as np
import pytest

import penstock as tf

raw = tf.raw_ops
X = tf.bitcast(
    np.random.RandomState(0).randint(-(2**30), 2**30, (1, 2, 2, 4)).astype(np.int32), tf.qint32
)
RANGES = {"input_min": np.float32([-1, -2, -3, -4]), "input_max": np.float32([1, 2, 3, 4])}


@pytest.mark.parametrize(
    ("kind", "low", "high", "expected"),
    [
        (
            "qint8",
            -1.0,
            1.0,
            [-51, -80, -27, 96, -37, 55, -128, 99, 44, -64, -79, 127, 48, 24, 108, -128],
        ),
        ("quint8", -1.0, 1.0, [0, 0, 0, 192, 0, 110, 0, 198, 89, 0, 0, 255, 96, 48, 217, 0]),
        ("quint8", 0.0, 1.0, [0, 0, 0, 192, 0, 110, 0, 198, 89, 0, 0, 255, 96, 48, 217, 0]),
        (
            "qint8",
            -2.0,
            1.0,
            [-26, -40, -13, 48, -19, 27, -78, 49, 22, -32, -40, 68, 24, 12, 54, -98],
        ),
    ],
)
def test_fewer_bits(kind, low, high, expected):
    made, *ends = raw.RequantizePerChannel(
        input=X, requested_output_min=low, requested_output_max=high, out_type=kind, **RANGES
    )
    assert tf.bitcast(made, kind[1:]).numpy().ravel().tolist() == expected
    assert [float(end) for end in ends] == [low, high]


def test_ranges_are_clipped_and_symmetric():
    low, high = raw.RequantizationRangePerChannel(input=X, clip_value_max=6.0, **RANGES)
    np.testing.assert_allclose([low, high], [-1.546296, 1.546296], rtol=1e-6)
    low, high = raw.RequantizationRangePerChannel(input=X, clip_value_max=1.0, **RANGES)
    assert (float(low), float(high)) == (-1, 1)


@pytest.mark.parametrize("axis", [0, 1])
def test_axes_from_the_end(axis):
    x = tf.constant([[1.0, -20.0], [3.0, 4.0]])
    low, high = [-20.0, -20.0], [4.0, 8.0]
    functions = {
        "quantize": lambda axis: tf.quantization.quantize(x, low, high, tf.quint8, axis=axis)[0],
        "again": lambda axis: tf.quantization.quantize_and_dequantize_v2(x, 0.0, 0.0, axis=axis),
        "legacy": lambda axis: tf.quantization.quantize_and_dequantize(x, 0.0, 0.0, axis=axis),
    }
    functions["dequantize"] = lambda axis: tf.quantization.dequantize(
        functions["quantize"](0), low, high, axis=axis
    )
    for name, function in functions.items():
        found, wanted = function(axis - 2), function(axis)
        assert np.asarray(found).tolist() == np.asarray(wanted).tolist(), name
    with pytest.raises(ValueError, match="known rank to use negative axis"):
        tf.function(
            lambda x: tf.quantization.quantize_and_dequantize_v2(x, 0.0, 0.0, axis=-1)
        ).get_concrete_function(tf.TensorSpec(None))
