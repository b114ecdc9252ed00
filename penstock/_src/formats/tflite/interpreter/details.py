"""The details of a tensor that the interpreter returns."""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.formats.tflite.reading.contents import TensorInfo
from penstock._src.formats.tflite.schema import SCHEMA

_DENSE = SCHEMA.enums["DimensionType"].DENSE


def tensor_details(info: TensorInfo, shape: tuple[int, ...]) -> dict[str, Any]:
    """Returns the dictionary that `get_tensor_details` gives for a tensor.

    Args:
      info: the tensor.
      shape: its current shape.
    """
    quantization = info.quantization
    scales = np.zeros(0, np.float32) if quantization is None else quantization.scales
    zeros = np.zeros(0, np.int64) if quantization is None else quantization.zero_points
    single = (float(scales[0]), int(zeros[0])) if len(scales) == 1 else (0.0, 0)
    return {
        "name": info.name,
        "index": info.index,
        "shape": np.array(shape, np.int32),
        "shape_signature": np.array(info.shape_signature, np.int32),
        "dtype": np.bytes_
        if info.dtype == dtypes.string
        else np.dtype(info.dtype.as_numpy_dtype).type,
        "quantization": single,
        "quantization_parameters": {
            "scales": np.array(scales, np.float32),
            "zero_points": np.array(zeros, np.int32),
            "quantized_dimension": 0 if quantization is None else quantization.axis,
            "block_size": 0,
        },
        "sparsity_parameters": _sparsity(info.record.sparsity),
    }


def _sparsity(record: Any) -> dict[str, Any]:
    if record is None:
        return {}
    return {
        "traversal_order": _array(record.traversal_order),
        "block_map": _array(record.block_map),
        "dim_metadata": [
            {"format": 0, "dense_size": meta.dense_size}
            if meta.format == _DENSE
            else {
                "format": 1,
                "array_segments": _array(meta.array_segments.values),
                "array_indices": _array(meta.array_indices.values),
            }
            for meta in record.dim_metadata or ()
        ],
    }


def _array(values: Any) -> np.ndarray:
    return np.zeros(0, np.int32) if values is None else np.array(values, np.int32)
