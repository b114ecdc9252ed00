"""Functions of one tensor and of two."""

import functools

import numpy as np

from tests.interop.tflite.cases import (
    I8,
    I16,
    I32,
    I64,
    U8,
    B,
    F,
    bools,
    case,
    const,
    f32,
    ints,
    out,
    quant,
)

for _op in "ABS CEIL COS ELU EXP FLOOR HARD_SWISH LOGISTIC NEG RELU RELU6 RELU_N1_TO_1 RELU_0_TO_1 ROUND SIGN SIN SQUARE TANH ZEROS_LIKE".split():
    case(_op, [f32(3, 37, low=-8, high=8)], [out(F)], rtol=1e-5)
for _op in "LOG RSQRT SQRT".split():
    case(_op, [f32(3, 37, low=0.01, high=9)], [out(F)], rtol=1e-5)
for _approximate in (False, True):
    case(
        "GELU",
        [f32(3, 37)],
        [out(F)],
        "GeluOptions",
        f"approximate={_approximate}",
        fields={"approximate": _approximate},
        rtol=1e-5,
    )
    for _dtype in (I8, U8):
        case(
            "GELU",
            [quant(_dtype, 3, 37)],
            [out(_dtype, 0.03)],
            "GeluOptions",
            f"approximate={_approximate}",
            fields={"approximate": _approximate},
            steps=1,
        )
case("LEAKY_RELU", [f32(3, 37)], [out(F)], "LeakyReluOptions", fields={"alpha": 0.3})
case("PRELU", [f32(2, 5, 7), f32(7, constant=True)], [out(F)])
case("LOGICAL_NOT", [bools(3, 4)], [out(B)])
for _dtype in (I32, I64):
    case("NEG", [ints(_dtype, 3, 4)], [out(_dtype)])
for _dtype in (I32, I16):
    case("ABS", [ints(_dtype, 3, 4)], [out(_dtype)])

for _dtype in (I8, U8, I16):
    _o = 0.02 if _dtype != I16 else 0.0002
    _i = {"scale": 0.02} if _dtype != I16 else {"scale": 0.0002}
    for _op in "RELU RELU6 RELU_N1_TO_1 RELU_0_TO_1".split():
        case(_op, [quant(_dtype, 3, 37, **_i)], [out(_dtype, _o * 1.3)])
    case("HARD_SWISH", [quant(_dtype, 3, 37, scale=0.05)], [out(_dtype, 0.04)], steps=1)
    case(
        "LEAKY_RELU",
        [quant(_dtype, 3, 37, **_i)],
        [out(_dtype, _o)],
        "LeakyReluOptions",
        fields={"alpha": 0.3},
    )
    case("EXP", [quant(_dtype, 3, 37, scale=_i["scale"] / 2)], [out(_dtype, _o)], steps=1)
    if _dtype != I16:
        case("PRELU", [quant(_dtype, 2, 5, 7), quant(_dtype, 7, constant=True)], [out(_dtype, _o)])
        case(
            "LOGISTIC",
            [quant(_dtype, 3, 37, scale=0.05)],
            [out(_dtype, 1 / 256, -128 if _dtype == I8 else 0)],
            steps=1,
        )
        case(
            "TANH",
            [quant(_dtype, 3, 37, scale=0.03)],
            [out(_dtype, 1 / 128, 0 if _dtype == I8 else 128)],
            steps=1,
        )
        case("ELU", [quant(_dtype, 3, 37)], [out(_dtype, _o)], steps=1)
for _scale in (1 / 4096, 0.0003):
    case("LOGISTIC", [quant(I16, 3, 370, scale=_scale)], [out(I16, 1 / 32768)], note=f"{_scale}")
    case("TANH", [quant(I16, 3, 370, scale=_scale)], [out(I16, 1 / 32768)], note=f"{_scale}")
for _dtype in (I8, I16):
    case("ABS", [quant(_dtype, 3, 37)], [out(_dtype, 0.03)])
    case(
        "RSQRT",
        [quant(_dtype, 3, 37, zero=-128 if _dtype == I8 else 0)],
        [out(_dtype, 0.05)],
        steps=1,
    ) if _dtype == I8 else None
    case(
        "LOG",
        [quant(_dtype, 3, 37, zero=-128 if _dtype == I8 else 0)],
        [out(_dtype, 0.03)],
        steps=1,
    ) if _dtype == I8 else None

_PAIRS = {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions", "DIV": "DivOptions"}
for _op, _options in _PAIRS.items():
    for _act in (0, 1, 2, 3):
        case(
            _op,
            [f32(2, 3, 5), f32(5, low=0.5)],
            [out(F)],
            _options,
            f"act={_act}",
            fields={"fused_activation_function": _act},
        )
    for _dtype in (I32, I64) if _op != "DIV" else (I32,):
        case(_op, [ints(_dtype, 3, 5), ints(_dtype, 3, 5, low=1)], [out(_dtype)], _options)
    for _dtype in (I8, U8, I16):
        for _act in (0, 1, 3):
            if _op == "DIV" and _dtype != U8:
                continue
            _s = 1.0 if _dtype != I16 else 1 / 256
            _second = quant(_dtype, 5, scale=0.013 * _s)
            if _op == "DIV":
                _second.value = np.maximum(_second.value, 150)
            case(
                _op,
                [quant(_dtype, 2, 3, 5, scale=0.02 * _s), _second],
                [out(_dtype, 0.035 * _s)],
                _options,
                f"act={_act}",
                fields={"fused_activation_function": _act},
                steps=1 if _op == "DIV" else 0,
            )
case(
    "ADD",
    [quant(I16, 4, 9, scale=2**-12), quant(I16, 4, 9, scale=2**-13)],
    [out(I16, 2**-12)],
    "AddOptions",
    "powers",
    fields={"pot_scale_int16": True},
)
for _op in ("MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE", "FLOOR_DIV", "FLOOR_MOD", "POW"):
    case(_op, [f32(2, 3, 5, low=0.1), f32(5, low=0.5)], [out(F)], rtol=1e-5)
    case(_op, [ints(I32, 2, 3, 5, low=0), ints(I32, 5, low=1, high=4)], [out(I32)])
for _dtype in (I8, U8, I16):
    for _op in ("MAXIMUM", "MINIMUM"):
        case(
            _op,
            [quant(_dtype, 2, 3, 5), quant(_dtype, 5)],
            [out(_dtype, 0.02, {I8: 3, U8: 131, I16: 0}[_dtype])],
        )
case("SQUARED_DIFFERENCE", [quant(I8, 2, 3, 5), quant(I8, 5, scale=0.017)], [out(I8, 0.05)])
case("ATAN2", [f32(4, 5), f32(4, 5)], [out(F)], rtol=1e-5)
case("FLOOR_MOD", [ints(I64, 3, 5), ints(I64, 5, low=1, high=4)], [out(I64)])
for _op in ("LOGICAL_AND", "LOGICAL_OR"):
    case(_op, [bools(3, 4), bools(4)], [out(B)])
for _op in "EQUAL NOT_EQUAL LESS LESS_EQUAL GREATER GREATER_EQUAL".split():
    case(_op, [f32(3, 4), f32(4)], [out(B)])
    case(_op, [ints(I32, 3, 40, low=0, high=3), ints(I32, 40, low=0, high=3)], [out(B)])
    for _dtype in (I8, U8):
        case(_op, [quant(_dtype, 3, 40), quant(_dtype, 40, scale=0.013)], [out(B)])
case("EQUAL", [bools(3, 4), bools(4)], [out(B)])
case("ADD_N", [f32(3, 4), f32(3, 4), f32(3, 4)], [out(F)])
for _dtype in (F, I32, I8, B):
    _make = bools if _dtype == B else functools.partial(ints, _dtype)
    case("SELECT", [bools(3, 4), _make(3, 4), _make(3, 4)], [out(_dtype)], note=_dtype.__name__)
    case(
        "SELECT",
        [bools(3), _make(3, 4), _make(3, 4)],
        [out(_dtype)],
        note=f"rows {_dtype.__name__}",
    )
    case("SELECT_V2", [bools(3, 1), _make(4), _make(3, 4)], [out(_dtype)], note=_dtype.__name__)
for _source in (F, I32, I64, I8, U8, I16, B):
    for _target in (F, I32, I64, I8, U8, I16, B):
        _x = (
            bools(3, 4)
            if _source == B
            else ints(_source, 3, 4, low=0 if U8 in (_source, _target) else -9)
        )
        case("CAST", [_x], [out(_target)], "CastOptions", f"to {_target.__name__}")
case("BITWISE_XOR", [ints(I32, 3, 4), ints(I32, 4)], [out(I32)])
case("RIGHT_SHIFT", [ints(I32, 3, 4), ints(I32, 4, low=0, high=5)], [out(I32)])
case("BITCAST", [f32(3, 4)], [out(I32)])
case(
    "BUCKETIZE",
    [f32(3, 14)],
    [out(I32)],
    "BucketizeOptions",
    fields={"boundaries": np.float32([-1, 0, 0.5])},
)
case(
    "FAKE_QUANT",
    [f32(3, 14)],
    [out(F)],
    "FakeQuantOptions",
    fields={"min": -1.0, "max": 1.5, "num_bits": 8},
    rtol=1e-5,
)
for _dtype in (I8, U8, I16):
    case("QUANTIZE", [f32(3, 40)], [out(_dtype, 0.01)])
    case("DEQUANTIZE", [quant(_dtype, 3, 40)], [out(F)])
    for _target in (I8, U8, I16):
        if _dtype == U8 and _target == I16:
            continue
        case(
            "QUANTIZE",
            [quant(_dtype, 3, 400, scale=0.02 if _dtype != I16 else 0.0001)],
            [out(_target, 0.023 if _target != I16 else 0.0001)],
            note=f"to {_target.__name__}",
        )
case("DEQUANTIZE", [quant(I8, 3, 5, axis=0, constant=False)], [out(F)], note="per axis")
case("DEQUANTIZE", [const(np.arange(6) / 4, np.float16)], [out(F)], note="half")
case("REAL", [const([1 + 2j, 3 - 1j], np.complex64)], [out(F)])
case("IMAG", [const([1 + 2j, 3 - 1j], np.complex64)], [out(F)])
case("COMPLEX_ABS", [const([1 + 2j, 3 - 1j], np.complex64)], [out(F)])
