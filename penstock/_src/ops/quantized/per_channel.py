"""32-bit sums with a separate range for each channel."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.core.typesets import QUANTIZED
from penstock._src.ops.quantized.quantize import limits

F = np.float32


def _steps(op, input, input_min, input_max):
    """The scale of each channel."""
    if input.ndim != 4:
        raise op.invalid("Current per-channel operators support 4D tensors only.")
    depth = input.shape[-1]
    if input_min.shape != (depth,) or input_max.shape != (depth,):
        raise op.invalid(f"input_min and input_max have incorrect size, expected {depth}")
    ends = np.maximum(np.abs(input_min), np.abs(input_max)).astype(np.float64)
    return ends / (limits(op.T)[1] + 1)


class RequantizationRangePerChannel(Op):
    """The range of the represented numbers, clipped to `clip_value_max`."""

    signature = """input: T, input_min: float32, input_max: float32
        -> output_min: float32[], output_max: float32[]"""
    ranks = {"input_min": (1,), "input_max": (1,)}
    T: QUANTIZED = dtypes.qint32
    clip_value_max: float

    def eager(self, input, input_min, input_max):
        step = _steps(self, input, input_min, input_max)
        low, high = (f(input, axis=(0, 1, 2)) * step for f in (np.min, np.max))
        if (low >= 0).all():
            return F(0), F(min(high.max(), self.clip_value_max))
        end = F(min(max(-low.min(), high.max()), self.clip_value_max))
        return -end, end


class RequantizePerChannel(Op):
    """The integers in fewer bits, over one range for all channels."""

    signature = """input: T, input_min: float32, input_max: float32, requested_output_min: float32,
        requested_output_max: float32
        -> output: out_type[input], output_min: float32[], output_max: float32[]"""
    ranks = {
        "input_min": (1,),
        "input_max": (1,),
        "requested_output_min": (0,),
        "requested_output_max": (0,),
    }
    T: QUANTIZED = dtypes.qint32
    out_type: QUANTIZED = dtypes.quint8

    def eager(self, input, input_min, input_max, requested_output_min, requested_output_max):
        step = _steps(self, input, input_min, input_max)
        low, high = F(requested_output_min), F(requested_output_max)
        least, most = limits(self.out_type)
        if least < 0 and low >= 0:
            raise self.invalid("If out_type is QINT8, requested_output_min must be negative.")
        end = float(max(abs(low), abs(high)))
        rounded = np.clip(np.rint(input * (step * most / end)), least, most)
        return rounded.astype(self.out_type.np), low, high
