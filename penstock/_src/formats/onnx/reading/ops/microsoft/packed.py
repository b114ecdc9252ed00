"""Weights of 2, 4 or 8 bits with a scale for each block of columns, as ONNX Runtime's exporters of language models pack them.

    weight[row, k] = scale[row, k // block] * (number[row, k] - zero point[row, k // block])

They stay packed where they are rows of whole blocks of 32 (`formats/weights/packing.py`) and the numbers less their zero points are integers of eight
bits: the products are those of language models from GGUF files. Others are unpacked when the model is read, to floats as large as the model was before.
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
from penstock._src.formats.weights.packing import BLOCK, pack_integers


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
    parts = unpacked(values.reshape(rows, blocks, -1), bits, block)
    points = _zero_points(zeros, bits, rows, blocks)
    factors = factors.reshape(rows, blocks)
    matrix = _held(parts, points, factors, columns)
    if matrix is not None:
        y = raw.PackedMatMul(x, t.constant(matrix[1], dtypes.uint8), format=matrix[0])
    else:
        weights = _widened(parts, points, factors)[:, :columns].T
        y = product_of(x, t.constant(np.ascontiguousarray(weights), x.dtype))
    return y if bias is None else raw.AddV2(y, bias)


def _held(
    parts: np.ndarray, points: np.ndarray, scales: np.ndarray, columns: int
) -> tuple[str, np.ndarray] | None:
    """The packed format and the rows that hold the numbers, None if there is no such format.

    Args:
      parts: integers without a sign, `[rows, blocks, numbers of a block]`.
      points: zero points of the blocks, floats `[rows, blocks]`.
      scales: of the blocks.
      columns: the numbers of a row, of which the last block may have more.
    """
    rows, _, block = parts.shape
    if not columns or block % BLOCK or columns % BLOCK or (points != np.rint(points)).any():
        return None
    signed = parts.astype(np.int16) - points.astype(np.int16)[..., None]
    signed = signed.reshape(rows, -1)[:, :columns].reshape(-1, BLOCK)
    each = np.repeat(scales, block // BLOCK, axis=1)[:, : columns // BLOCK]
    packed = pack_integers(signed, each)
    return None if packed is None else (packed[0], packed[1].reshape(rows, -1))


def _widened(parts: np.ndarray, points: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """The numbers as floats, `[rows, numbers of all blocks]`."""
    wide = (parts.astype(np.float32) - points[..., None]) * scales[..., None].astype(np.float32)
    return wide.reshape(len(parts), -1)


def _zero_points(zeros: Any, bits: int, rows: int, blocks: int) -> np.ndarray:
    """A zero point for each block: packed as the weights are, or numbers as they stand; the middle without any."""
    if zeros is None:
        return np.full((rows, blocks), 2 ** (bits - 1), np.float32)
    values = t.required(zeros, "the zero points of packed weights")
    if values.dtype == np.uint8:
        values = unpacked(values.reshape(rows, -1), bits, blocks)
    return values.reshape(rows, blocks).astype(np.float32)


# What the numbers of four bits of bitsandbytes stand for, times the greatest size in a block: floats of a sign, two bits of exponent and one of
# fraction; and means of as many equally likely parts of a normal distribution (Dettmers et al. 2023, QLoRA, appendix E).
_HALVES = (0.0, 5.208333333e-03, 2 / 3, 1.0, 1 / 3, 1 / 2, 1 / 6, 1 / 4)
_FOUR_BITS = {
    0: (*_HALVES, *(-v for v in _HALVES)),
    1: (
        -1.0,
        -0.6961928009986877,
        -0.5250730514526367,
        -0.39491748809814453,
        -0.28444138169288635,
        -0.18477343022823334,
        -0.09105003625154495,
        0.0,
        0.07958029955625534,
        0.16093020141124725,
        0.24611230194568634,
        0.33791524171829224,
        0.44070982933044434,
        0.5626170039176941,
        0.7229568362236023,
        1.0,
    ),
}


@reads("MatMulBnb4", domain=MICROSOFT, settings=(1, 2))
def _matmul_bnb4(n: Node, x: Any, numbers: Any, greatest: Any) -> Any:
    """The product with weights [N, K] whose rows follow one another in blocks of one scale; a byte has the first number in its upper half."""
    kind, block, rows, columns = (n.attr(a) for a in ("quant_type", "block_size", "N", "K"))
    if kind not in _FOUR_BITS:
        raise InvalidArgumentError(f"quant_type must be 0 or 1. Received: {kind}")
    if not n.flag("transB", 1):
        raise UnimplementedError("transB=0 is not supported; it is 1.")
    values = t.required(numbers, "packed weights").reshape(-1).view(np.uint8)
    scales = t.required(greatest, "the scales of packed weights").reshape(-1).astype(np.float32)
    count = rows * columns
    if block < 1 or values.size != -(-count // 2) or scales.size != -(-count // block):
        raise InvalidArgumentError(
            f"weights {numbers.shape} and scales {greatest.shape} are not [{rows}, {columns}] in blocks of {block}."
        )
    parts = np.stack([values >> 4, values & 15], axis=1).reshape(-1)[:count]
    floats = np.array(_FOUR_BITS[kind], np.float32)[parts] * _by_block(scales, block, 0, count)
    weights = np.ascontiguousarray(floats.reshape(rows, columns).T)
    return product_of(x, t.constant(weights, x.dtype))


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
    points = np.zeros(factors.shape, np.float32)
    if zeros is not None:
        points = t.required(zeros, "the zero points of packed rows")
        if points.dtype == np.uint8 and bits < 8:
            points = unpacked(points, bits, factors.shape[-1])
        points = points.astype(np.float32)
    elif numbers.dtype is dtypes.uint8:
        points += 2 ** (bits - 1)
    along = t.axis_of(n.attr("gather_axis", 0), rank)
    if (rank, axis, along) == (2, 1, 0) and values.shape[1] == factors.shape[1] * block:
        parts = values.reshape(len(values), -1, block)
        matrix = _held(parts, points, factors, values.shape[1])
        if matrix is not None:
            rows = wrapped(indices, t.constant(np.int64(len(values)), indices.dtype))
            packed = t.constant(matrix[1], dtypes.uint8)
            return raw.PackedGather(packed, rows, format=matrix[0], dtype=scales.dtype)
    by_number = (_by_block(each, block, axis, values.shape[axis]) for each in (points, factors))
    point, factor = (each.astype(np.float32) for each in by_number)
    table = t.constant((values.astype(np.float32) - point) * factor, scales.dtype)
    return t.batched_gather(table, wrapped(indices, t.extent(table, along)), along)


def _by_block(values: np.ndarray, block: int, axis: int, extent: int) -> np.ndarray:
    """A number for each element of the blocks along an axis."""
    return np.take(values, np.arange(extent) // block, axis)
