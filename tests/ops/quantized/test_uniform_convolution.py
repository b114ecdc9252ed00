"""Convolutions of uniformly quantized integers: size, sum and one entry are TensorFlow's."""

import numpy as np
import pytest

import penstock as tf

RANDOM = np.random.RandomState(3)
IMAGES = RANDOM.randint(-128, 128, (2, 4, 5, 5)).astype(np.int8)
KERNELS = RANDOM.randint(-128, 128, (6, 4, 3, 3)).astype(np.int8)
GROUPED = RANDOM.randint(-128, 128, (6, 2, 3, 3)).astype(np.int8)
MANY = np.linspace(0.1, 0.6, 6).astype("f"), np.arange(6, dtype=np.int32)
RANGES = {
    f"{side}_quantization_{end}_val": value
    for side, ends in (
        ("lhs", (-128, 127)),
        ("rhs", (-128, 127)),
        ("output", (-(2**31), 2**31 - 1)),
    )
    for end, value in zip(("min", "max"), ends, strict=True)
}


@pytest.mark.parametrize(
    ("kernels", "scales", "attrs", "expected"),
    [
        (KERNELS, (np.float32(0.25), np.int32(2)), {}, [108, 255382, 25999]),
        (
            KERNELS,
            (np.float32(0.25), np.int32(2)),
            {"padding": "SAME", "window_strides": [2, 1]},
            [180, -21021, -12476],
        ),
        (
            KERNELS,
            (np.float32(0.25), np.int32(2)),
            {"padding": "SAME", "rhs_dilation": [2, 1], "lhs_dilation": [1, 2]},
            [540, 174405, -57],
        ),
        (
            KERNELS,
            (np.float32(0.25), np.int32(2)),
            {"padding": "EXPLICIT", "explicit_padding": [1, 2, 0, 1]},
            [288, 489542, -25890],
        ),
        (
            GROUPED,
            (np.float32(0.25), np.int32(2)),
            {"feature_group_count": 2},
            [108, 181147, 70466],
        ),
        (KERNELS, (np.float32(0.25), np.int32(2)), {"batch_group_count": 2}, [54, 252341, 25999]),
        (KERNELS, MANY, {"rhs_quantization_axis": 0}, [108, 748666, 10210]),
    ],
)
def test_convolution(kernels, scales, attrs, expected):
    made = tf.raw_ops.UniformQuantizedConvolution(
        lhs=tf.bitcast(IMAGES, tf.qint8),
        rhs=tf.bitcast(kernels, tf.qint8),
        lhs_scales=np.float32(0.5),
        lhs_zero_points=np.int32(1),
        rhs_scales=scales[0],
        rhs_zero_points=scales[1],
        output_scales=np.float32(0.125),
        output_zero_points=np.int32(3),
        Tout=tf.qint32,
        **{"padding": "VALID", **RANGES, **attrs},
    )
    flat = tf.bitcast(made, tf.int32).numpy().ravel().astype(np.int64)
    assert [flat.size, int(flat.sum()), int(flat[3])] == expected
