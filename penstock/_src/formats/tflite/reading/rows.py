"""Reads builtin ops by their rows of `../operators.py`."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.formats.tflite.operators import FLOATS, ONE_SCALE
from penstock._src.formats.tflite.reading.call import QUANTIZED_KERNELS, Call
from penstock._src.formats.tflite.reading.quantized_kernels.arithmetic import comparable
from penstock._src.formats.tflite.reading.quantized_kernels.int16_table import by_table
from penstock._src.formats.tflite.reading.quantized_kernels.sigmoid_table import (
    sigmoid_of_int16,
    tanh_of_int16,
)
from penstock._src.formats.tflite.reading.quantized_kernels.values import by_floats

# Ops that TFLite computes by tables of int16; numbers below zero are as zero to those that have no value for them.
_OF_INT16: dict[str, Callable[[Call], Any]] = {
    "EXP": lambda call: by_table(call, np.exp),
    "LOG": lambda call: by_table(call, lambda x: np.log(np.maximum(x, 0))),
    "RSQRT": lambda call: by_table(call, lambda x: 1 / np.sqrt(np.maximum(x, 0))),
    "LOGISTIC": sigmoid_of_int16,
    "TANH": tanh_of_int16,
}


def read_row(call: Call) -> Any:
    """Returns the outputs of an op without a specific reader."""
    row = call.row
    kernel = QUANTIZED_KERNELS.get(row.name)
    if not (kernel or row.quantized) or not call.is_quantized():
        return call.by_row()
    if kernel is not None:
        return kernel(call)
    if row.quantized == ONE_SCALE:
        return call.by_row(*comparable(call))
    assert row.quantized == FLOATS
    if row.name in _OF_INT16 and call.info(0).dtype == dtypes.int16:
        return _OF_INT16[row.name](call)
    return by_floats(call, lambda x: call.by_row(x, *call.tensors()[1:]))
