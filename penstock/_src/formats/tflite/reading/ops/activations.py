"""Activation functions, of floats and quantized."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.formats.tflite.reading.call import Call, activate, builtin, number
from penstock._src.formats.tflite.reading.ops.unary import hard_swish_of
from penstock._src.formats.tflite.reading.quantized_kernels.fixed_point import rescale
from penstock._src.formats.tflite.reading.quantized_kernels.sigmoid_table import (
    sigmoid_of_int16,
    tanh_of_int16,
)
from penstock._src.formats.tflite.reading.quantized_kernels.values import (
    by_floats,
    centered,
    finish,
)
from penstock._src.formats.tflite.schema import ActivationFunctionType


def _relu(name: str, function: int) -> None:
    @builtin(name)
    def relu(call: Call) -> Any:
        if not call.is_quantized():
            return activate(call, call.tensor(0), function)
        return finish(call, rescale(centered(call, 0), _factor(call)), function)


for _name, _kind in (("RELU", "RELU"), ("RELU6", "RELU6"), ("RELU_N1_TO_1", "RELU_N1_TO_1")):
    _relu(_name, ActivationFunctionType.numbers[_kind])


def _factor(call: Call) -> float:
    return call.quantization(0).scale / call.output_quantization().scale


@builtin("RELU_0_TO_1")
def relu_0_to_1(call: Call) -> Any:
    if call.is_quantized():
        return by_floats(call, _between_0_and_1)
    return _between_0_and_1(call.tensor(0))


def _between_0_and_1(x: Any) -> Any:
    return raw.Minimum(x=raw.Relu(features=x), y=number(1, x))


def _curve(name: str, function: Callable[[Any], Any], of_int16: Callable[[Call], Any]) -> None:
    @builtin(name)
    def curve(call: Call) -> Any:
        if not call.is_quantized():
            return function(call.tensor(0))
        if call.info(0).dtype == dtypes.int16:
            return of_int16(call)
        return by_floats(call, function)


_curve("LOGISTIC", lambda x: raw.Sigmoid(x=x), sigmoid_of_int16)
_curve("TANH", lambda x: raw.Tanh(x=x), tanh_of_int16)


@builtin("HARD_SWISH")
def hard_swish(call: Call) -> Any:
    if call.is_quantized():
        return by_floats(call, hard_swish_of)
    return hard_swish_of(call.tensor(0))


@builtin("RSQRT")
def rsqrt(call: Call) -> Any:
    if call.is_quantized():
        return by_floats(call, lambda x: raw.Rsqrt(x=x))
    return raw.Rsqrt(x=call.tensor(0))


@builtin("ABS")
def absolute(call: Call) -> Any:
    if not call.is_quantized():
        return raw.Abs(x=call.tensor(0))
    return finish(call, rescale(raw.Abs(x=centered(call, 0)), _factor(call)))


@builtin("LEAKY_RELU", options="LeakyReluOptions")
def leaky_relu(call: Call) -> Any:
    alpha = call.options.alpha
    if not call.is_quantized():
        return raw.LeakyRelu(features=call.tensor(0), alpha=alpha)
    x = centered(call, 0)
    positive = rescale(x, _factor(call))
    negative = rescale(x, _factor(call) * np.float32(alpha))
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
