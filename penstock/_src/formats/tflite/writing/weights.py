"""Constants stored narrower than they are computed with."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.formats.tflite.schema import SCHEMA
from penstock._src.formats.tflite.types import TYPES, array_to_buffer
from penstock._src.formats.tflite.writing.graph import GraphWriter

# As TensorFlow's converter: smaller weights stay floats.
_LEAST_ELEMENTS = 1024


def weight(graph: GraphWriter, value: np.ndarray, name: str, axis: int | None) -> int:
    """Returns the index of a float weight, stored as the graph's weights are.

    Args:
      graph: the graph.
      value: the weight.
      name: of its tensor.
      axis: of its output channels, which get scales of their own; None for one scale.
    """
    if value.dtype != np.float32:
        return graph.constant(value, name)
    if graph.weights == "float16":
        return half(graph, value, name)
    if graph.weights == "int8" and value.size >= _LEAST_ELEMENTS:
        return _quantized(graph, value, name, axis)
    return graph.constant(value, name)


def half(graph: GraphWriter, value: np.ndarray, name: str) -> int:
    """Returns the index of a constant that is stored in 16 bits and widened at run time."""
    limits = np.finfo(np.float16)
    narrow = np.clip(value, limits.min, limits.max).astype(np.float16)
    stored = graph.constant(narrow, f"{name}_half")
    return graph.emit("DEQUANTIZE", [stored], dtypes.float32, value.shape, name)


def _quantized(graph: GraphWriter, value: np.ndarray, name: str, axis: int | None) -> int:
    """int8 without zero points: the largest magnitude is 127."""
    others = None if axis is None else tuple(i for i in range(value.ndim) if i != axis)
    largest = np.max(np.abs(value), axis=others, keepdims=True)
    scales = np.where(largest == 0, np.float32(1), largest / np.float32(127)).astype(np.float32)
    scaled = np.clip(np.rint(value / scales), -127, 127).astype(np.int8)
    flat = scales.reshape(-1)
    quantization = SCHEMA["QuantizationParameters"](
        scale=flat, zero_point=np.zeros(len(flat), np.int64), quantized_dimension=axis or 0
    )
    buffer = graph.file.buffer(array_to_buffer(scaled, TYPES[dtypes.int8]))
    return graph.add_tensor(name, dtypes.int8, value.shape, buffer, quantization)
