"""Functions of one tensor, element by element."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.formats.tflite.reading.call import Call, builtin, clipped, number
from penstock._src.formats.tflite.reading.quantized_kernels.int16_table import by_table
from penstock._src.formats.tflite.reading.quantized_kernels.values import by_floats

UNARY: dict[str, Callable[[Any], Any]] = {
    "CEIL": lambda x: raw.Ceil(x=x),
    "COMPLEX_ABS": lambda x: raw.ComplexAbs(x=x, Tout=_real(x)),
    "COS": lambda x: raw.Cos(x=x),
    "ELU": lambda x: raw.Elu(features=x),
    "EXP": lambda x: raw.Exp(x=x),
    "FLOOR": lambda x: raw.Floor(x=x),
    "IMAG": lambda x: raw.Imag(input=x, Tout=_real(x)),
    "LOG": lambda x: raw.Log(x=x),
    "LOGICAL_NOT": lambda x: raw.LogicalNot(x=x),
    "NEG": lambda x: raw.Neg(x=x),
    "REAL": lambda x: raw.Real(input=x, Tout=_real(x)),
    "ROUND": lambda x: raw.Round(x=x),
    "SIGN": lambda x: raw.Sign(x=x),
    "SIN": lambda x: raw.Sin(x=x),
    "SQRT": lambda x: raw.Sqrt(x=x),
    "SQUARE": lambda x: raw.Square(x=x),
}

# Ops that TFLite computes by tables of int16.
_OF_INT16: dict[str, Callable[[np.ndarray], np.ndarray]] = {"EXP": np.exp, "LOG": np.log}


def _real(x: Any) -> Any:
    return dtypes.float64 if x.dtype == dtypes.complex128 else dtypes.float32


def _register(name: str, function: Callable[[Any], Any]) -> None:
    @builtin(name)
    def unary(call: Call) -> Any:
        if not call.is_quantized():
            return function(call.tensor(0))
        if name in _OF_INT16 and call.info(0).dtype == dtypes.int16:
            return by_table(call, _OF_INT16[name])
        return by_floats(call, function)


for _name, _function in UNARY.items():
    _register(_name, _function)


@builtin("ZEROS_LIKE")
def zeros_like(call: Call) -> Any:
    return raw.ZerosLike(x=call.tensor(0))


@builtin("CAST", options="CastOptions")
def cast(call: Call) -> Any:
    return raw.Cast(x=call.tensor(0), DstT=call.output().dtype)


@builtin("BITCAST")
def bitcast(call: Call) -> Any:
    return raw.Bitcast(input=call.tensor(0), type=call.output().dtype)


def gelu_of(x: Any, approximate: bool) -> Any:
    """Returns x times the normal distribution's probability of less."""
    half = raw.Mul(x=x, y=number(0.5, x))
    if approximate:
        cubic = raw.Mul(x=raw.Mul(x=raw.Mul(x=x, y=x), y=x), y=number(0.044715, x))
        inner = raw.Mul(x=raw.AddV2(x=x, y=cubic), y=number(0.7978845608028654, x))
        return raw.Mul(x=half, y=raw.AddV2(x=raw.Tanh(x=inner), y=number(1, x)))
    return raw.Mul(x=half, y=raw.Erfc(x=raw.Mul(x=x, y=number(-0.7071067811865476, x))))


@builtin("GELU", options="GeluOptions")
def gelu(call: Call) -> Any:
    approximate = call.options.approximate
    if call.is_quantized():
        return by_floats(call, lambda x: gelu_of(x, approximate))
    return gelu_of(call.tensor(0), approximate)


def hard_swish_of(x: Any) -> Any:
    """Returns x * relu6(x + 3) / 6."""
    gate = clipped(raw.AddV2(x=x, y=number(3, x)), 0, 6)
    return raw.RealDiv(x=raw.Mul(x=x, y=gate), y=number(6, x))
