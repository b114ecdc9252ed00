"""Ops that MediaPipe's models have besides TFLite's."""

import struct
from typing import Any

import numpy as np

from penstock._src.core.registry import raw
from penstock._src.formats.tflite.reading.call import Call, custom

# TensorFlow Lite's own numbers, which stand in the options of custom ops; files' tables have others.
_PADDINGS = {1: "SAME", 2: "VALID"}


@custom("Convolution2DTransposeBias")
def convolution_2d_transpose_bias(call: Call) -> Any:
    """A transposed convolution whose size follows from its input's, with a bias: three numbers say padding, horizontal and vertical stride."""
    options = call.operation.custom_options
    if len(options) < 12:
        raise call.invalid(f"{len(options)} bytes of options; there must be 12.")
    padding, stride_w, stride_h = struct.unpack("<3i", options[:12])
    if padding not in _PADDINGS or stride_w < 1 or stride_h < 1:
        raise call.invalid(f"padding {padding} and strides {stride_h}, {stride_w}.")
    x, weights = call.tensor(0), call.tensor(1)
    channels, height, width, _ = call.info(1).shape
    strides = (stride_h, stride_w)
    shape = raw.Shape(input=x)
    sizes = raw.Mul(x=shape[1:3], y=np.array(strides, np.int32))
    if _PADDINGS[padding] == "VALID":
        more = [max(n - stride, 0) for n, stride in zip((height, width), strides)]
        sizes = raw.AddV2(x=sizes, y=np.array(more, np.int32))
    result = raw.Conv2DBackpropInput(
        input_sizes=raw.ConcatV2(
            values=[shape[:1], sizes, np.array([channels], np.int32)], axis=np.int32(0)
        ),
        filter=raw.Transpose(x=weights, perm=np.array([1, 2, 0, 3], np.int32)),
        out_backprop=x,
        strides=[1, *strides, 1],
        padding=_PADDINGS[padding],
    )
    return raw.AddV2(x=result, y=call.tensor(2)) if call.has(2) else result
