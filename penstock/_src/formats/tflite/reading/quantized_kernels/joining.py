"""Joins of quantized tensors with different scales."""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.formats.tflite.reading.call import Call
from penstock._src.formats.tflite.reading.quantized_kernels.fixed_point import round_away
from penstock._src.formats.tflite.reading.quantized_kernels.values import limits, saturate


def requantized_parts(call: Call) -> list[Any]:
    """Returns the inputs with the output's scale; those that have it stay as they are."""
    target = call.output_quantization()
    parts = []
    for i in range(len(call)):
        source = call.quantization(i)
        part = call.tensor(i)
        if (source.scale, source.zero_point) != (target.scale, target.zero_point):
            part = _requantized(call, part, i)
        parts.append(part)
    return parts


def _requantized(call: Call, x: Any, i: int) -> Any:
    """Requantizes like TFLite's uint8 kernel: `round(x * scale + bias)` in floats."""
    source, target, dtype = call.quantization(i), call.output_quantization(), call.output().dtype
    scale = np.float32(source.scale) * (np.float32(1) / np.float32(target.scale))
    bias = np.float32(-source.zero_point) * scale
    scaled = raw.AddV2(x=raw.Mul(x=raw.Cast(x=x, DstT=dtypes.float32), y=scale), y=bias)
    rounded = raw.Cast(x=round_away(scaled), DstT=dtypes.int32)
    shifted = raw.AddV2(x=rounded, y=np.int32(target.zero_point))
    return saturate(shifted, dtype, *limits(dtype))
