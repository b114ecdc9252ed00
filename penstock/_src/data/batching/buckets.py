"""Batches of elements of similar length."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.util import nest

_TOO_LONG = "When pad_to_bucket_boundary=True, elements must have length < max(bucket_boundaries)."


def bucketed(
    dataset: Any,
    length_of: Callable[..., Any],
    boundaries: Sequence[int],
    sizes: Sequence[int],
    padded_shapes: Any,
    padding_values: Any,
    to_boundary: bool,
    no_padding: bool,
    drop_remainder: bool,
    name: str | None,
) -> Any:
    """See `Dataset.bucket_by_sequence_length`."""
    if len(sizes) != len(boundaries) + 1:
        raise ValueError(
            "`len(bucket_batch_sizes)` must equal `len(bucket_boundaries) + 1` but "
            f"`len(bucket_batch_sizes)={len(sizes)}` and "
            f"`len(bucket_boundaries)={len(boundaries)}`."
        )
    upper = np.array([*boundaries, np.iinfo(np.int32).max], np.int64)
    lower = np.array([np.iinfo(np.int32).min, *boundaries], np.int64)
    batch_sizes = convert_to_tensor(np.array(sizes, np.int64))

    def bucket_of(*element: Any) -> Any:
        length = raw.Cast(x=convert_to_tensor(length_of(*element)), DstT=dtypes.int64)
        inside = raw.LogicalAnd(x=raw.LessEqual(x=lower, y=length), y=raw.Less(x=length, y=upper))
        return raw.Min(input=raw.Where(condition=inside), axis=[0, 1])

    def size_of(bucket: Any) -> Any:
        return raw.GatherV2(params=batch_sizes, indices=bucket, axis=0)

    def batch(bucket: Any, window: Any) -> Any:
        size = size_of(bucket)
        if no_padding:
            return window.batch(size, drop_remainder=drop_remainder)
        shapes = padded_shapes
        if shapes is None:
            shapes = nest.map_structure(lambda spec: spec.shape, window.element_spec)
        if to_boundary:
            raw.Assert(condition=raw.Less(x=bucket, y=np.int64(len(boundaries))), data=[_TOO_LONG])
            limit = raw.GatherV2(params=upper, indices=bucket, axis=0)
            shapes = nest.map_structure(lambda shape: _bounded(shape, limit - 1), shapes)
        return window.padded_batch(
            size, shapes, padding_values=padding_values, drop_remainder=drop_remainder
        )

    return dataset.group_by_window(
        key_func=bucket_of, reduce_func=batch, window_size_func=size_of, name=name
    )


def _bounded(shape: Any, limit: Any) -> Any:
    extents = TensorShape(shape).as_list()
    parts = [limit if extent is None else np.int64(extent) for extent in extents]
    return raw.Pack(values=[convert_to_tensor(part) for part in parts], axis=0) if parts else shape
