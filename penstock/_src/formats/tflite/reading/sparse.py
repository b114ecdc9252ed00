"""Sparse constants of TFLite: a tree of dense and compressed dimensions over blocks."""

from typing import Any

import numpy as np

from penstock._src.formats.tflite.schema import SCHEMA
from penstock._src.formats.tflite.types import buffer_to_array

_DENSE = SCHEMA.enums["DimensionType"].DENSE


def densified(data: np.ndarray, type: int, shape: tuple[int, ...], sparsity: Any) -> np.ndarray:
    """Returns the dense array of a sparse constant.

    Args:
      data: the buffer with the values that are stored.
      type: the TensorType of values.
      shape: of the dense array.
      sparsity: the table `SparsityParameters`: the order in which dimensions, then blocks, are traversed; which
        dimensions have blocks; and per traversed dimension its size, or segments and indices.

    Raises:
      ValueError: it is damaged.
    """
    order, blocks, sizes = _dimensions(shape, sparsity)
    # For each level the coordinates of stored entries: each entry of the level before has its children.
    coordinates: list[np.ndarray] = []
    count = 1
    for level, meta in enumerate(sparsity.dim_metadata):
        if meta.format == _DENSE:
            if meta.dense_size < 0 or count * meta.dense_size > 8 * np.prod(shape, dtype=float) + 8:
                raise ValueError(f"dimension {level} has {meta.dense_size} entries.")
            parents = np.repeat(np.arange(count), meta.dense_size)
            own = np.tile(np.arange(meta.dense_size), count)
        else:
            parents, own = _compressed(meta, count, level)
        coordinates = [c[parents] for c in coordinates] + [own]
        count = len(own)
    values = buffer_to_array(data, type, count)
    positions = [np.zeros(count, np.int64) for _ in shape]
    for level, dimension in enumerate(order):
        if dimension < len(shape):
            positions[dimension] += coordinates[level] * sizes[dimension]
        else:
            positions[blocks[dimension - len(shape)]] += coordinates[level]
    dense = np.zeros(shape, values.dtype)
    if any(np.any((p < 0) | (p >= n)) for p, n in zip(positions, shape)):
        raise ValueError(f"values are stored outside of the shape {shape}.")
    dense[tuple(positions)] = values
    return dense


def _dimensions(shape: tuple[int, ...], sparsity: Any) -> tuple[list[int], list[int], list[int]]:
    """The order of traversal, the dimension of each block, and the block's size per dimension."""
    order = [] if sparsity.traversal_order is None else sparsity.traversal_order.tolist()
    blocks = [] if sparsity.block_map is None else sparsity.block_map.tolist()
    metadata = sparsity.dim_metadata or ()
    known = len(shape) + len(blocks)
    if sorted(order) != list(range(known)) or len(metadata) != known:
        raise ValueError(f"the order of dimensions {order} is not that of {known} dimensions.")
    if any(not 0 <= block < len(shape) for block in blocks):
        raise ValueError(f"blocks of dimensions {blocks} are not in the shape {shape}.")
    sizes = [1] * len(shape)
    for level, dimension in enumerate(order):
        if dimension >= len(shape):
            sizes[blocks[dimension - len(shape)]] = max(1, metadata[level].dense_size)
    return order, blocks, sizes


def _compressed(meta: Any, count: int, level: int) -> tuple[np.ndarray, np.ndarray]:
    if meta.array_segments is None or meta.array_indices is None:
        raise ValueError(f"dimension {level} has no segments and indices.")
    segments = np.asarray(meta.array_segments.values, np.int64)
    own = np.asarray(meta.array_indices.values, np.int64)
    lengths = np.diff(segments)
    if len(segments) != count + 1 or np.any(lengths < 0) or segments[0] or segments[-1] != len(own):
        raise ValueError(f"the segments of dimension {level} are not those of {count} entries.")
    return np.repeat(np.arange(count), lengths), own
