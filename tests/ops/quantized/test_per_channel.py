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


def test_ranges():
    low, high = raw.RequantizationRangePerChannel(input=X, clip_value_max=6.0, **RANGES)
    np.testing.assert_allclose([low, high], [-1.546296, 1.546296], rtol=1e-6)
    low, high = raw.RequantizationRangePerChannel(input=X, clip_value_max=1.0, **RANGES)
    assert (float(low), float(high)) == (-1, 1)
