"""Activation functions, of floats and quantized."""

import math
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.formats.tflite.reading.call import (
    Call,
    activate,
    builtin,
    clipped,
    number,
    quantized,
)
from penstock._src.formats.tflite.reading.quantized_kernels.fixed_point import rescale
from penstock._src.formats.tflite.reading.quantized_kernels.int16_table import by_table
from penstock._src.formats.tflite.reading.quantized_kernels.values import (
    by_floats,
    centered,
    finish,
)
from penstock._src.formats.tflite.schema import ActivationFunctionType


@quantized("RELU")
def relu(call: Call) -> Any:
    return _rescaled(call, ActivationFunctionType.RELU)


@quantized("RELU6")
def relu6(call: Call) -> Any:
    return _rescaled(call, ActivationFunctionType.RELU6)


@builtin("RELU_N1_TO_1")
def relu_n1_to_1(call: Call) -> Any:
    function = ActivationFunctionType.RELU_N1_TO_1
    if call.is_quantized():
        return _rescaled(call, function)
    return activate(call, call.tensor(0), function)


def _rescaled(call: Call, function: int) -> Any:
    """An activation function of the quantized input."""
    return finish(call, rescale(centered(call, 0), _factor(call)), function)


def _factor(call: Call) -> float:
    return call.quantization(0).scale / call.output_quantization().scale


@builtin("RELU_0_TO_1")
def relu_0_to_1(call: Call) -> Any:
    if call.is_quantized():
        return by_floats(call, _between_0_and_1)
    return _between_0_and_1(call.tensor(0))


def _between_0_and_1(x: Any) -> Any:
    return raw.Minimum(x=raw.Relu(features=x), y=number(1, x))


@builtin("HARD_SWISH")
def hard_swish(call: Call) -> Any:
    if call.is_quantized():
        return by_floats(call, hard_swish_of)
    return hard_swish_of(call.tensor(0))


@quantized("ABS")
def absolute(call: Call) -> Any:
    return finish(call, rescale(raw.Abs(x=centered(call, 0)), _factor(call)))


@quantized("LEAKY_RELU")
def leaky_relu(call: Call) -> Any:
    x = centered(call, 0)
    positive = rescale(x, _factor(call))
    negative = rescale(x, _factor(call) * np.float32(call.options.alpha))
    return finish(call, _by_sign(x, positive, negative))


@builtin("PRELU")
def prelu(call: Call) -> Any:
    if not call.is_quantized():
        x, alpha = call.tensor(0), call.tensor(1)
        return _by_sign(x, x, raw.Mul(x=x, y=alpha))
    x = centered(call, 0)
    scaled = raw.Mul(x=x, y=centered(call, 1))
    positive = rescale(x, _factor(call))
    negative = rescale(scaled, _factor(call) * call.quantization(1).scale)
    return finish(call, _by_sign(x, positive, negative))


def _by_sign(x: Any, positive: Any, negative: Any) -> Any:
    return raw.SelectV2(condition=raw.GreaterEqual(x=x, y=number(0, x)), t=positive, e=negative)


def gelu_of(x: Any, approximate: bool) -> Any:
    """Returns x times the normal distribution's probability of less."""
    half = raw.Mul(x=x, y=number(0.5, x))
    if approximate:
        cubic = raw.Mul(x=raw.Mul(x=raw.Mul(x=x, y=x), y=x), y=number(0.044715, x))
        inner = raw.Mul(x=raw.AddV2(x=x, y=cubic), y=number(0.7978845608028654, x))
        return raw.Mul(x=half, y=raw.AddV2(x=raw.Tanh(x=inner), y=number(1, x)))
    return raw.Mul(x=half, y=raw.Erfc(x=raw.Mul(x=x, y=number(-0.7071067811865476, x))))


def _gelu(x: np.ndarray) -> np.ndarray:
    """`gelu_of` in NumPy, for tables."""
    places = x * np.float32(-math.sqrt(0.5))
    rest = np.array([math.erfc(place) for place in places.tolist()], np.float32)
    return np.float32(0.5) * x * rest


def _approximate_gelu(x: np.ndarray) -> np.ndarray:
    inner = np.float32(math.sqrt(2 / math.pi)) * (x + np.float32(0.044715) * x * x * x)
    return np.float32(0.5) * x * (1 + np.tanh(inner))


@builtin("GELU", options="GeluOptions")
def gelu(call: Call) -> Any:
    approximate = call.options.approximate
    if call.is_quantized() and call.info(0).dtype == dtypes.int16:
        return by_table(call, _approximate_gelu if approximate else _gelu)
    if call.is_quantized():
        return by_floats(call, lambda x: gelu_of(x, approximate))
    return gelu_of(call.tensor(0), approximate)


def hard_swish_of(x: Any) -> Any:
    """Returns x * relu6(x + 3) / 6."""
    gate = clipped(raw.AddV2(x=x, y=number(3, x)), 0, 6)
    return raw.RealDiv(x=raw.Mul(x=x, y=gate), y=number(6, x))
