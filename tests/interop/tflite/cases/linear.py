"""Convolutions, products, pooling, reductions."""

import numpy as np

from tests.interop.tflite.cases import (
    I8,
    I16,
    I32,
    I64,
    U8,
    B,
    F,
    Tensor,
    bools,
    case,
    const,
    f32,
    ints,
    out,
    quant,
)


def _bias(n, x, w, wide=False):
    scales = np.atleast_1d(np.float32(x.scales)) * np.atleast_1d(np.float32(w.scales))
    value = np.random.default_rng(3).integers(-3000, 3000, n).astype(np.int64 if wide else np.int32)
    return Tensor(value, constant=True, scales=scales, zeros=0, axis=0)


def _linear(op, shape, weights, axis, options, outer=0, **fields):
    channels = weights[axis]
    more = {"rtol": 1e-5, "atol": 1e-5}
    for act in (0, 1, 3):
        given = {**fields, "fused_activation_function": act}
        case(
            op,
            [f32(*shape), f32(*weights, constant=True), f32(channels, constant=True)],
            [out(F)],
            options,
            f"{fields} act={act}",
            fields=given,
            **more,
        )
    given = {**fields, "fused_activation_function": 1}
    for dtype in (I8, I16):
        for per_axis in (True, False):
            x = quant(dtype, *shape, scale=0.02 if dtype == I8 else 0.0001)
            w = quant(
                I8, *weights, scale=0.01, zero=0, constant=True, axis=axis if per_axis else None
            )
            w.value = np.maximum(w.value, -127)
            if not per_axis:
                w.zeros = 0
            o = out(dtype, 0.1 if dtype == I8 else 0.0005)
            case(
                op,
                [x, w, _bias(channels, x, w, dtype == I16)],
                [o],
                options,
                f"{fields} per_axis={per_axis}",
                fields=given,
            )
            if op != "CONV_2D":
                case(
                    op,
                    [x, w] if op != "FULLY_CONNECTED" else [x, w, None],
                    [o],
                    options,
                    f"{fields} per_axis={per_axis} no bias",
                    fields=given,
                )
            if dtype == I16 and op != "DEPTHWISE_CONV_2D":
                case(
                    op,
                    [x, w, _bias(channels, x, w)],
                    [o],
                    options,
                    f"{fields} per_axis={per_axis} int32 bias",
                    fields={**given, "quantized_bias_type": 2},
                )
    if op != "TRANSPOSE_CONV":
        x, w = quant(U8, *shape), quant(U8, *weights, scale=0.01, zero=120, constant=True)
        case(op, [x, w, _bias(channels, x, w)], [out(U8, 0.1)], options, f"{fields}", fields=given)
        w = quant(I8, *weights, scale=0.01, zero=0, constant=True, axis=axis)
        case(
            op,
            [f32(*shape), w, f32(channels, constant=True)],
            [out(F)],
            options,
            f"{fields} hybrid",
            fields={**given, "asymmetric_quantize_inputs": True}
            if op == "FULLY_CONNECTED"
            else given,
            **more,
        )


_linear(
    "CONV_2D", (2, 7, 8, 5), (6, 3, 3, 5), 0, "Conv2DOptions", padding=0, stride_w=1, stride_h=1
)
_linear(
    "CONV_2D", (2, 9, 8, 5), (6, 3, 2, 5), 0, "Conv2DOptions", padding=1, stride_w=2, stride_h=1
)
_linear(
    "CONV_2D",
    (1, 9, 9, 3),
    (4, 3, 3, 3),
    0,
    "Conv2DOptions",
    padding=0,
    stride_w=1,
    stride_h=1,
    dilation_w_factor=2,
    dilation_h_factor=2,
)
_linear(
    "DEPTHWISE_CONV_2D",
    (2, 7, 8, 4),
    (1, 3, 3, 4),
    3,
    "DepthwiseConv2DOptions",
    padding=0,
    stride_w=1,
    stride_h=1,
    depth_multiplier=1,
)
_linear(
    "DEPTHWISE_CONV_2D",
    (2, 7, 8, 3),
    (1, 3, 3, 6),
    3,
    "DepthwiseConv2DOptions",
    padding=1,
    stride_w=2,
    stride_h=2,
    depth_multiplier=2,
)
case(
    "DEPTHWISE_CONV_2D",
    [f32(1, 8, 8, 3), f32(1, 3, 3, 3, constant=True), f32(3, constant=True)],
    [out(F)],
    "DepthwiseConv2DOptions",
    "uneven strides",
    fields={"padding": 0, "stride_w": 1, "stride_h": 2, "depth_multiplier": 1},
    rtol=1e-5,
    atol=1e-5,
)
case(
    "CONV_2D",
    [f32(1, 8, 8, 6), f32(4, 3, 3, 3, constant=True), f32(4, constant=True)],
    [out(F)],
    "Conv2DOptions",
    "groups",
    fields={"padding": 0, "stride_w": 1, "stride_h": 1},
    rtol=1e-5,
    atol=1e-5,
)
_linear("FULLY_CONNECTED", (4, 40), (7, 40), 0, "FullyConnectedOptions")
_linear("FULLY_CONNECTED", (2, 3, 40), (7, 40), 0, "FullyConnectedOptions", keep_num_dims=True)
case(
    "FULLY_CONNECTED",
    [f32(4, 40), quant(I8, 7, 40, scale=0.01, zero=0, constant=True)],
    [out(F)],
    "FullyConnectedOptions",
    "hybrid symmetric",
    rtol=1e-5,
    atol=1e-5,
)
for _padding, _stride, _to in ((0, 2, (1, 8, 8, 6)), (1, 2, (1, 9, 9, 6)), (0, 1, (1, 4, 4, 6))):
    _f = {"padding": _padding, "stride_w": _stride, "stride_h": _stride}
    case(
        "TRANSPOSE_CONV",
        [const(_to), f32(6, 3, 3, 5, constant=True), f32(1, 4, 4, 5)],
        [out(F)],
        "TransposeConvOptions",
        f"{_f}",
        fields=_f,
        rtol=1e-5,
        atol=1e-5,
    )
    for _dtype in (I8, I16):
        _x = quant(_dtype, 1, 4, 4, 5, scale=0.02 if _dtype == I8 else 0.0001)
        _w = quant(I8, 6, 3, 3, 5, scale=0.01, zero=0, constant=True, axis=0)
        case(
            "TRANSPOSE_CONV",
            [const(_to), _w, _x, _bias(6, _x, _w, _dtype == I16)],
            [out(_dtype, 0.1 if _dtype == I8 else 0.0005)],
            "TransposeConvOptions",
            f"{_f} {_dtype.__name__}",
            fields=_f,
        )
case(
    "CONV_3D",
    [f32(1, 4, 5, 5, 2), f32(2, 3, 3, 2, 4), f32(4)],
    [out(F)],
    "Conv3DOptions",
    fields={
        "padding": 0,
        "stride_d": 1,
        "stride_w": 1,
        "stride_h": 2,
        "fused_activation_function": 1,
    },
    rtol=1e-5,
    atol=1e-5,
)
case(
    "CONV_3D_TRANSPOSE",
    [const([1, 4, 6, 6, 3]), f32(2, 3, 3, 3, 2), f32(1, 2, 3, 3, 2)],
    [out(F)],
    "Conv3DOptions",
    fields={"padding": 0, "stride_d": 2, "stride_w": 2, "stride_h": 2},
    rtol=1e-5,
    atol=1e-5,
)
for _ax, _ay in ((False, False), (True, False), (False, True)):
    _sx, _sy = ((2, 5, 3) if _ax else (2, 3, 5)), ((2, 4, 5) if _ay else (2, 5, 4))
    _f = {"adj_x": _ax, "adj_y": _ay}
    case(
        "BATCH_MATMUL",
        [f32(*_sx), f32(*_sy)],
        [out(F)],
        "BatchMatMulOptions",
        f"{_f}",
        fields=_f,
        rtol=1e-5,
        atol=1e-5,
    )
    for _dtype in (I8, I16):
        _s = 0.02 if _dtype == I8 else 0.0001
        case(
            "BATCH_MATMUL",
            [quant(_dtype, *_sx, scale=_s), quant(_dtype, *_sy, scale=_s)],
            [out(_dtype, _s * 4)],
            "BatchMatMulOptions",
            f"{_f}",
            fields=_f,
        )
    case(
        "BATCH_MATMUL",
        [f32(*_sx), quant(I8, *_sy, zero=0, constant=True)],
        [out(F)],
        "BatchMatMulOptions",
        f"hybrid {_f}",
        fields=_f,
        rtol=1e-5,
        atol=1e-5,
    )
for _op in ("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D"):
    for _padding in (0, 1):
        _f = {
            "padding": _padding,
            "stride_w": 2,
            "stride_h": 1,
            "filter_width": 3,
            "filter_height": 2,
            "fused_activation_function": 1,
        }
        case(_op, [f32(2, 7, 8, 3)], [out(F)], "Pool2DOptions", f"padding={_padding}", fields=_f)
        if _op != "L2_POOL_2D":
            for _dtype in (I8, U8, I16):
                case(
                    _op,
                    [quant(_dtype, 2, 7, 8, 3)],
                    [out(_dtype, 0.02, {I8: 3, U8: 131, I16: 0}[_dtype])],
                    "Pool2DOptions",
                    f"padding={_padding}",
                    fields=_f,
                )
for _op in ("SUM", "MEAN", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD"):
    for _axes in ([1], [1, 2], [-1], [0, 1, 2, 3]):
        for _keep in (False, True):
            _f = {"keep_dims": _keep}
            case(
                _op,
                [f32(2, 3, 4, 5), const(_axes)],
                [out(F)],
                "ReducerOptions",
                f"{_axes} {_keep}",
                fields=_f,
                rtol=1e-5,
                atol=1e-5,
            )
            for _dtype in (I8, U8, I16):
                if _op == "REDUCE_PROD" or (_op == "SUM" and _dtype == U8):
                    continue
                _same = _op in ("REDUCE_MAX", "REDUCE_MIN")
                _o = out(
                    _dtype,
                    0.02 if _same else 0.017 * (5 if _op == "SUM" else 1),
                    {I8: 3, U8: 131, I16: 0}[_dtype] if _same else None,
                )
                case(
                    _op,
                    [quant(_dtype, 2, 3, 4, 5), const(_axes)],
                    [_o],
                    "ReducerOptions",
                    f"{_axes} {_keep}",
                    fields=_f,
                    optimized=_op == "SUM",
                )
    case(_op, [ints(I32, 3, 4), const([1])], [out(I32)], "ReducerOptions")
    case(_op, [ints(I64, 3, 4), const([0])], [out(I64)], "ReducerOptions")
for _op in ("REDUCE_ANY", "REDUCE_ALL"):
    case(_op, [bools(3, 4), const([1])], [out(B)], "ReducerOptions")
for _op in ("ARG_MAX", "ARG_MIN"):
    for _dtype in (F, I32, I8, U8):
        _v = f32(3, 40) if _dtype == F else ints(_dtype, 3, 40, low=0)
        case(
            _op,
            [_v, const(1)],
            [out(I32)],
            {"ARG_MAX": "ArgMaxOptions", "ARG_MIN": "ArgMinOptions"}[_op],
            fields={"output_type": 2},
        )
    case(
        _op,
        [f32(3, 40), const(-1)],
        [out(I64)],
        {"ARG_MAX": "ArgMaxOptions", "ARG_MIN": "ArgMinOptions"}[_op],
        "int64",
        fields={"output_type": 4},
    )
case("SOFTMAX", [f32(3, 40)], [out(F)], "SoftmaxOptions", fields={"beta": 1.0}, rtol=1e-5)
case("SOFTMAX", [f32(3, 40)], [out(F)], "SoftmaxOptions", "beta", fields={"beta": 0.7}, rtol=1e-5)
for _dtype, _scale, _zero in ((I8, 1 / 256, -128), (U8, 1 / 256, 0), (I16, 1 / 32768, 0)):
    case(
        "SOFTMAX",
        [quant(_dtype, 3, 40, scale=0.05 if _dtype != I16 else 0.0003)],
        [out(_dtype, _scale, _zero)],
        "SoftmaxOptions",
        fields={"beta": 1.0},
        steps=1,
    )
case(
    "SOFTMAX",
    [quant(I8, 3, 40, scale=0.05)],
    [out(I16, 1 / 65536, -32768)],
    "SoftmaxOptions",
    "to int16",
    fields={"beta": 1.0},
    steps=1,
)
case("LOG_SOFTMAX", [f32(3, 40)], [out(F)], rtol=1e-5)
case("LOG_SOFTMAX", [quant(I8, 3, 40, scale=0.05)], [out(I8, 16 / 256, 127)], steps=1)
case("LOG_SOFTMAX", [quant(U8, 3, 40, scale=0.05)], [out(U8, 16 / 256, 255)], steps=1)
case("L2_NORMALIZATION", [f32(3, 4, 5)], [out(F)], "L2NormOptions")
case("L2_NORMALIZATION", [quant(I8, 3, 4, 5)], [out(I8, 1 / 128, 0)], "L2NormOptions", steps=1)
case("L2_NORMALIZATION", [quant(U8, 3, 4, 5)], [out(U8, 1 / 128, 128)], "L2NormOptions", steps=1)
case(
    "LOCAL_RESPONSE_NORMALIZATION",
    [f32(1, 3, 3, 20)],
    [out(F)],
    "LocalResponseNormalizationOptions",
    fields={"radius": 2, "bias": 1.0, "alpha": 0.1, "beta": 0.5},
    rtol=1e-5,
    optimized=True,
)
