"""Functions of elements that need more than a row: quantized arithmetic, division, selection, other types."""

from typing import Any

import numpy as np

from penstock._src.core.registry import raw
from penstock._src.formats.tflite.reading.call import Call, builtin, custom, quantized
from penstock._src.formats.tflite.reading.quantized_kernels import (
    arithmetic as quantized_arithmetic,
)

for _name, _kernel in quantized_arithmetic.ARITHMETIC.items():
    quantized(_name)(_kernel)


@builtin("DIV")
def divide(call: Call) -> Any:
    if call.is_quantized():
        return quantized_arithmetic.quotient(call)
    if call.tensor(0).dtype.is_integer:
        return call.activated(raw.TruncateDiv(x=call.tensor(0), y=call.tensor(1)))
    return call.by_row()


@builtin("SELECT")
def select(call: Call) -> Any:
    condition, x, y = call.tensors()
    if condition.shape.rank == 1 and (x.shape.rank or 0) > 1:  # it chooses rows
        shape = np.array([-1] + [1] * (call.rank(1) - 1), np.int32)
        condition = raw.Reshape(tensor=condition, shape=shape)
    return raw.SelectV2(condition=condition, t=x, e=y)


@builtin("CAST", options="CastOptions")
def cast(call: Call) -> Any:
    return raw.Cast(x=call.tensor(0), DstT=call.output().dtype)


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
