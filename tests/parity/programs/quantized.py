"""Arithmetic on quantised tensors."""

import numpy as np

BYTES = np.array([[0, 10, 128, 255], [7, 77, 200, 31]], np.uint8)
WORDS = np.array([[-70000, 12, 900000, 5], [1 << 20, -5, 3, 77]], np.int32)


def _bytes(tf, values=BYTES):
    return tf.bitcast(tf.constant(values), tf.quint8)


def _words(tf, values=WORDS):
    return tf.bitcast(tf.constant(values), tf.qint32)


def _plain(tf, made):
    back = {tf.quint8: tf.uint8, tf.qint8: tf.int8, tf.qint32: tf.int32}
    return [tf.bitcast(x, back[x.dtype]) if x.dtype in back else x for x in made]


def ranges_of_sums(tf, tmp):
    raw, low, high = tf.raw_ops, np.float32(-1000.0), np.float32(3000.0)
    shrunk = raw.QuantizeDownAndShrinkRange(
        input=_words(tf), input_min=low, input_max=high, out_type=tf.quint8
    )
    wanted = raw.RequantizationRange(input=_words(tf), input_min=low, input_max=high)
    packed = raw.Requantize(
        input=_words(tf), input_min=low, input_max=high, requested_output_min=np.float32(-1.0),
        requested_output_max=np.float32(2.0), out_type=tf.quint8,
    )  # fmt: skip
    return [_plain(tf, shrunk), list(wanted), _plain(tf, packed)]


def activations(tf, tmp):
    raw, low, high = tf.raw_ops, np.float32(-3.0), np.float32(9.0)
    ends = {"min_features": low, "max_features": high}
    return [
        _plain(tf, raw.QuantizedRelu(features=_bytes(tf), **ends)),
        _plain(tf, raw.QuantizedRelu6(features=_bytes(tf), **ends)),
    ]


def sums_and_products(tf, tmp):
    raw = tf.raw_ops
    ends = {
        "min_x": np.float32(-1.0), "max_x": np.float32(2.0), "min_y": np.float32(0.5), "max_y": np.float32(3.5),
    }  # fmt: skip
    biases = {
        "min_input": np.float32(-1.0), "max_input": np.float32(2.0), "min_bias": np.float32(0.0),
        "max_bias": np.float32(1.0),
    }  # fmt: skip
    return [
        _plain(tf, raw.QuantizedMul(x=_bytes(tf), y=_bytes(tf, BYTES[:1]), **ends)),
        _plain(
            tf,
            raw.QuantizedBiasAdd(
                input=_bytes(tf), bias=_bytes(tf, BYTES[0]), out_type=tf.qint32, **biases
            ),
        ),
    ]


def shapes(tf, tmp):
    raw, low, high = tf.raw_ops, np.float32(-1.0), np.float32(2.0)
    joined = raw.QuantizedConcat(
        concat_dim=1, values=[_bytes(tf), _bytes(tf)], input_mins=[low, np.float32(-4.0)],
        input_maxes=[high, np.float32(1.0)],
    )  # fmt: skip
    turned = raw.QuantizedReshape(tensor=_bytes(tf), shape=[4, 2], input_min=low, input_max=high)
    return [_plain(tf, joined), _plain(tf, turned)]


def normalisations(tf, tmp):
    raw, low, high = tf.raw_ops, np.float32(-1.0), np.float32(2.0)
    images = BYTES.reshape(1, 2, 2, 2)
    inner = raw.QuantizedInstanceNorm(x=_bytes(tf, images), x_min=low, x_max=high)
    given = raw.QuantizedInstanceNorm(
        x=_bytes(tf, images),
        x_min=low,
        x_max=high,
        output_range_given=True,
        given_y_min=-2.0,
        given_y_max=2.0,
    )
    parts = {
        "t": images,
        "m": BYTES[0, :2],
        "v": BYTES[1, 1:3],
        "beta": BYTES[0, 1:3],
        "gamma": BYTES[1, :2],
    }
    named = {}
    for name, values in parts.items():
        named |= {name: _bytes(tf, values), f"{name}_min": low, f"{name}_max": high}
    named["v_min"] = np.float32(0.0)
    batch = raw.QuantizedBatchNormWithGlobalNormalization(
        **named, out_type=tf.qint32, variance_epsilon=0.01, scale_after_normalization=True
    )
    return [_plain(tf, inner), _plain(tf, given), _plain(tf, batch)]


def rounding_of_floats(tf, tmp):
    raw = tf.raw_ops
    x = np.linspace(-2.0, 3.0, 11).astype(np.float32)
    ends = {"input_min": np.float32(-1.0), "input_max": np.float32(2.0)}
    return [
        raw.QuantizeAndDequantizeV2(input=x, range_given=True, narrow_range=True, **ends),
        raw.QuantizeAndDequantizeV3(input=x, num_bits=4, **ends),
        raw.QuantizeAndDequantizeV4(input=x, num_bits=5, signed_input=False, **ends),
        [
            raw.QuantizeAndDequantizeV2(input=x, round_mode=m, **ends)
            for m in ("HALF_TO_EVEN", "HALF_UP")
        ],
        list(raw.FakeQuantWithMinMaxVarsGradient(gradients=x, inputs=x, min=-1.0, max=2.0)),
    ]


def uniform_quantization(tf, tmp):
    raw = tf.raw_ops
    x = np.array([[-3.0, 0.1], [2.2, 9.0]], np.float32)
    scales, zeros = np.array([0.5, 0.25], np.float32), np.array([3, -4], np.int32)
    axis = {"quantization_axis": 1, "quantization_min_val": -128, "quantization_max_val": 127}
    q = raw.UniformQuantize(input=x, scales=scales, zero_points=zeros, Tout=tf.qint8, **axis)
    back = raw.UniformDequantize(input=q, scales=scales, zero_points=zeros, Tout=tf.float32, **axis)
    again = raw.UniformRequantize(
        input=q, input_scales=scales, input_zero_points=zeros, output_scales=np.float32(0.4),
        output_zero_points=np.int32(1), Tout=tf.qint8, input_quantization_axis=1,
        input_quantization_min_val=-128, input_quantization_max_val=127,
        output_quantization_min_val=-128, output_quantization_max_val=127,
    )  # fmt: skip
    words = tf.bitcast(tf.constant([[100, -7], [55, 9000]]), tf.qint32)
    wide = {"quantization_min_val": -(2**31), "quantization_max_val": 2**31 - 1}
    clipped = raw.UniformQuantizedClipByValue(
        operand=words, min=tf.bitcast(tf.constant([-5, 0]), tf.qint32),
        max=tf.bitcast(tf.constant([60, 70]), tf.qint32), scales=scales, zero_points=zeros,
        quantization_axis=1, **wide,
    )  # fmt: skip
    ends = {
        f"{side}_quantization_{end}_val": value
        for side in ("lhs", "rhs", "output")
        for end, value in (("min", -(2**31)), ("max", 2**31 - 1))
    }
    total = raw.UniformQuantizedAdd(
        lhs=words, rhs=words[0], lhs_scales=np.float32(0.5), lhs_zero_points=np.int32(2),
        rhs_scales=np.float32(0.5), rhs_zero_points=np.int32(2), output_scales=np.float32(0.5),
        output_zero_points=np.int32(2), **ends,
    )  # fmt: skip
    return _plain(tf, [q, back, again, clipped, total])


def uniform_products(tf, tmp):
    raw = tf.raw_ops
    eight = {"quantization_min_val": -128, "quantization_max_val": 127}
    a = tf.bitcast(tf.constant(np.array([[1, -2, 3], [40, 50, -60]], np.int8)), tf.qint8)
    b = tf.bitcast(tf.constant(np.array([[7, 8], [-9, 10], [11, 12]], np.int8)), tf.qint8)
    ends = {f"{s}_{k}": v for s in ("lhs", "rhs") for k, v in eight.items()}
    wide = {"output_quantization_min_val": -(2**31), "output_quantization_max_val": 2**31 - 1}
    one, none = np.float32(0.5), np.int32(1)
    product = raw.UniformQuantizedDot(
        lhs=a, rhs=b, lhs_scales=one, lhs_zero_points=none, rhs_scales=np.array([0.5, 0.25], np.float32),
        rhs_zero_points=np.array([0, 0], np.int32), output_scales=np.array([0.25, 0.125], np.float32),
        output_zero_points=np.array([0, 0], np.int32), Tout=tf.qint32, rhs_quantization_axis=1,
        output_quantization_axis=1, **ends, **wide,
    )  # fmt: skip
    hybrid = raw.UniformQuantizedDotHybrid(
        lhs=np.array([[1.0, 2.0, 3.0]], np.float32), rhs=b, rhs_scales=one, rhs_zero_points=none,
        Tout=tf.float32, rhs_quantization_min_val=-128, rhs_quantization_max_val=127,
    )  # fmt: skip
    return _plain(tf, [product, hybrid])
