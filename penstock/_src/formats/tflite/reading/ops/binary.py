"""Functions of two or more tensors, element by element: arithmetic, comparisons, logic, selection."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core.registry import raw
from penstock._src.formats.tflite.reading.call import Call, activate, builtin, custom
from penstock._src.formats.tflite.reading.quantized_kernels import (
    arithmetic as quantized_arithmetic,
)


def _arithmetic(name: str, options: str, function: Callable[..., Any]) -> None:
    @builtin(name, options=options)
    def binary(call: Call) -> Any:
        if call.is_quantized() and name in quantized_arithmetic.ARITHMETIC:
            return quantized_arithmetic.ARITHMETIC[name](call)
        result = function(call.tensor(0), call.tensor(1))
        return activate(call, result, call.options.fused_activation_function) if options else result


def _divide(x: Any, y: Any) -> Any:
    if x.dtype.is_integer:
        return raw.TruncateDiv(x=x, y=y)
    return raw.RealDiv(x=x, y=y)


_arithmetic("ADD", "AddOptions", lambda x, y: raw.AddV2(x=x, y=y))
_arithmetic("SUB", "SubOptions", lambda x, y: raw.Sub(x=x, y=y))
_arithmetic("MUL", "MulOptions", lambda x, y: raw.Mul(x=x, y=y))
_arithmetic("DIV", "DivOptions", _divide)
_arithmetic("ATAN2", "", lambda y, x: raw.Atan2(y=y, x=x))
_arithmetic("FLOOR_DIV", "", lambda x, y: raw.FloorDiv(x=x, y=y))
_arithmetic("FLOOR_MOD", "", lambda x, y: raw.FloorMod(x=x, y=y))
_arithmetic("MAXIMUM", "", lambda x, y: raw.Maximum(x=x, y=y))
_arithmetic("MINIMUM", "", lambda x, y: raw.Minimum(x=x, y=y))
_arithmetic("POW", "", lambda x, y: raw.Pow(x=x, y=y))
_arithmetic("SQUARED_DIFFERENCE", "", lambda x, y: raw.SquaredDifference(x=x, y=y))
_arithmetic("BITWISE_XOR", "", lambda x, y: raw.BitwiseXor(x=x, y=y))
_arithmetic("RIGHT_SHIFT", "", lambda x, y: raw.RightShift(x=x, y=y))
_arithmetic("LOGICAL_AND", "", lambda x, y: raw.LogicalAnd(x=x, y=y))
_arithmetic("LOGICAL_OR", "", lambda x, y: raw.LogicalOr(x=x, y=y))

_COMPARISONS: dict[str, Callable[..., Any]] = {
    "EQUAL": lambda x, y: raw.Equal(x=x, y=y),
    "NOT_EQUAL": lambda x, y: raw.NotEqual(x=x, y=y),
    "LESS": lambda x, y: raw.Less(x=x, y=y),
    "LESS_EQUAL": lambda x, y: raw.LessEqual(x=x, y=y),
    "GREATER": lambda x, y: raw.Greater(x=x, y=y),
    "GREATER_EQUAL": lambda x, y: raw.GreaterEqual(x=x, y=y),
}


def _comparison(name: str, function: Callable[..., Any]) -> None:
    @builtin(name)
    def compare(call: Call) -> Any:
        if call.is_quantized():
            return function(*quantized_arithmetic.comparable(call))
        return function(call.tensor(0), call.tensor(1))


for _name, _function in _COMPARISONS.items():
    _comparison(_name, _function)


@builtin("ADD_N")
def add_n(call: Call) -> Any:
    return raw.AddN(inputs=call.tensors())


@builtin("SELECT")
def select(call: Call) -> Any:
    condition, x, y = call.tensors()
    if condition.shape.rank == 1 and (x.shape.rank or 0) > 1:  # it chooses rows
        shape = np.array([-1] + [1] * (call.rank(1) - 1), np.int32)
        condition = raw.Reshape(tensor=condition, shape=shape)
    return raw.SelectV2(condition=condition, t=x, e=y)


@builtin("SELECT_V2")
def select_v2(call: Call) -> Any:
    condition, x, y = call.tensors()
    return raw.SelectV2(condition=condition, t=x, e=y)


@builtin("BUCKETIZE", options="BucketizeOptions")
def bucketize(call: Call) -> Any:
    boundaries = call.options.boundaries
    return raw.Bucketize(
        input=call.tensor(0), boundaries=[] if boundaries is None else boundaries.tolist()
    )


@builtin("FAKE_QUANT", options="FakeQuantOptions")
def fake_quant(call: Call) -> Any:
    options = call.options
    return raw.FakeQuantWithMinMaxArgs(
        inputs=call.tensor(0),
        min=options.min,
        max=options.max,
        num_bits=options.num_bits,
        narrow_range=options.narrow_range,
    )


@builtin("DEQUANTIZE")
def dequantize_op(call: Call) -> Any:
    return quantized_arithmetic.to_float(call)


@custom("NumericVerify")
def numeric_verify(call: Call) -> Any:
    """The difference between the values of quantized tensors and reals."""
    return raw.Sub(x=quantized_arithmetic.to_float(call), y=call.tensor(1))


@builtin("QUANTIZE")
def quantize_op(call: Call) -> Any:
    return quantized_arithmetic.to_quantized(call)


@builtin("DENSIFY")
def densify(call: Call) -> Any:
    return call.tensor(0)  # sparse constants are dense since they were read
