"""Weights of 2, 4 or 8 bits with a scale for each block of columns, as ONNX Runtime's exporters of language models pack them.

    weight[row, k] = scale[row, k // block] * (number[row, k] - zero point[row, k // block])

They are unpacked when the model is read, to floats that products take: right, and as large as the model was before.
"""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.ops.contraction import product_of
from penstock._src.formats.onnx.reading.ops.indexing import wrapped
from penstock._src.formats.onnx.reading.registry import MICROSOFT, Node, reads


def unpacked(numbers: np.ndarray, bits: int, count: int) -> np.ndarray:
    """The numbers that bytes hold along the last axis, the lowest bits first; `count` of them."""
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    parts = (numbers[..., None] >> shifts) & np.uint8(2**bits - 1)
    return parts.reshape(*numbers.shape[:-1], -1)[..., :count]


@reads("MatMulNBits", domain=MICROSOFT, settings=(1, 2, 3, 4))
def _matmul_n_bits(
    n: Node,
    x: Any,
    numbers: Any,
    scales: Any,
    zeros: Any = None,
    groups: Any = None,
    bias: Any = None,
) -> Any:
    n.only(weight_prepacked=0)
    if groups is not None:
        raise UnimplementedError("rows in another order than their groups (g_idx).")
    bits, block, rows, columns = (n.attr(a) for a in ("bits", "block_size", "N", "K"))
    if bits not in (2, 4, 8) or block < 1 or rows < 1 or columns < 1:
        raise InvalidArgumentError(f"{bits} bits in blocks of {block} for [{rows}, {columns}].")
    blocks = -(-columns // block)
    values = t.required(numbers, "packed weights").view(np.uint8)
    factors = t.required(scales, "the scales of packed weights")
    if values.size != rows * blocks * (block * bits // 8) or factors.size != rows * blocks:
        raise InvalidArgumentError(
            f"weights {numbers.shape} and scales {scales.shape} are not {rows} rows of {blocks} blocks."
        )
    wide = unpacked(values.reshape(rows, blocks, -1), bits, block).astype(np.float32)
    points = _zero_points(zeros, bits, rows, blocks)
    weights = (wide - points[..., None]) * factors.reshape(rows, blocks, 1).astype(np.float32)
    weights = weights.reshape(rows, -1)[:, :columns].T
    y = product_of(x, t.constant(np.ascontiguousarray(weights), x.dtype))
    return y if bias is None else raw.AddV2(y, bias)


def _zero_points(zeros: Any, bits: int, rows: int, blocks: int) -> np.ndarray:
    """A zero point for each block: packed as the weights are, or numbers as they stand; the middle without any."""
    if zeros is None:
        return np.full((rows, blocks), 2 ** (bits - 1), np.float32)
    values = t.required(zeros, "the zero points of packed weights")
    if values.dtype == np.uint8:
        values = unpacked(values.reshape(rows, -1), bits, blocks)
    return values.reshape(rows, blocks).astype(np.float32)


@reads("GatherBlockQuantized", domain=MICROSOFT, settings=(2, 3))
def _gather_block_quantized(
    n: Node, numbers: Any, indices: Any, scales: Any, zeros: Any = None
) -> Any:
    bits, block = n.attr("bits", 4), n.attr("block_size", 128)
    values = t.required(numbers, "packed rows")
    factors = t.required(scales, "the scales of packed rows")
    rank = values.ndim
    axis = t.axis_of(n.attr("quantize_axis", 1), rank)
    if values.dtype == np.uint8 and bits < 8:
        if axis != rank - 1:
            raise UnimplementedError("numbers packed in bytes along another axis than the last.")
        values = unpacked(values, bits, values.shape[-1] * 8 // bits)
    points: Any = 0
    if zeros is not None:
        points = t.required(zeros, "the zero points of packed rows")
        if points.dtype == np.uint8 and bits < 8:
            points = unpacked(points, bits, factors.shape[-1])
        points = _by_block(points, block, axis, values.shape[axis]).astype(np.float32)
    elif numbers.dtype is dtypes.uint8:
        points = 2 ** (bits - 1)
    factor = _by_block(factors, block, axis, values.shape[axis]).astype(np.float32)
    table = t.constant((values.astype(np.float32) - points) * factor, scales.dtype)
    along = t.axis_of(n.attr("gather_axis", 0), rank)
    return t.batched_gather(table, wrapped(indices, t.extent(table, along)), along)


def _by_block(values: np.ndarray, block: int, axis: int, extent: int) -> np.ndarray:
    """A number for each element of the blocks along an axis."""
    return np.take(values, np.arange(extent) // block, axis)
