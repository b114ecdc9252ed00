"""Arithmetic of tensors and slices: `tensorflow.python.distribute.cross_device_utils`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock._src.core.composite import IndexedSlices
from penstock._src.core.dispatch import device
from penstock._src.core.registry import raw
from penstock._src.distribute.values import DistributedValues


def is_indexed_slices(value: Any) -> bool:
    """True if a value is IndexedSlices, on every replica."""
    values = value.values if isinstance(value, DistributedValues) else [value]
    return all(isinstance(one, IndexedSlices) for one in values)


def aggregate_tensors_or_indexed_slices(values: Sequence[Any], accumulation_fn: Any = None) -> Any:
    """Returns the sum of tensors, or of slices, whose rows are joined."""
    if not any(map(is_indexed_slices, values)):
        return accumulation_fn(values) if accumulation_fn else raw.AddN(inputs=list(values))
    return IndexedSlices(
        raw.ConcatV2(values=[one.values for one in values], axis=0),
        raw.ConcatV2(values=[one.indices for one in values], axis=0),
        values[0].dense_shape,
    )


def divide_by_n_tensors_or_indexed_slices(value: Any, n: int) -> Any:
    """Returns a tensor or slices divided by a number."""
    if is_indexed_slices(value):
        return IndexedSlices(value.values / n, value.indices, value.dense_shape)
    return value / n


def copy_tensor_or_indexed_slices_to_device(value: Any, device_name: str) -> Any:
    """Returns a tensor or slices on another device."""
    with device(device_name):
        if is_indexed_slices(value):
            values, indices = raw.Identity(input=value.values), raw.Identity(input=value.indices)
            return IndexedSlices(values, indices, value.dense_shape)
        return raw.Identity(input=value)


def group_by_size(input_tensors: Sequence[Any], bytes_per_pack: int) -> list[list[Any]]:
    """Returns the tensors in packs of at least this many bytes; 0: one pack, as with tensors of unknown size."""
    if bytes_per_pack == 0:
        return [list(input_tensors)]
    packs: list[list[Any]] = []
    size = 0
    for tensor in input_tensors:
        count = tensor.shape.num_elements()
        if count is None:
            return [list(input_tensors)]
        if not packs or size > bytes_per_pack:
            packs.append([])
            size = 0
        packs[-1].append(tensor)
        size += count * tensor.dtype.size
    return packs
