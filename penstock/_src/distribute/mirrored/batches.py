"""Batches taken apart for replicas: dense, ragged and sparse tensors, and other composites that can be batched."""

import itertools
from typing import Any

from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.api.sparse import functions as sparse
from penstock._src.api.sparse.sparse_tensor import SparseTensor
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.data import structure
from penstock._src.distribute.values import PerReplica
from penstock._src.util import nest


def cut(element: Any, count: int) -> Any:
    """Splits every component of an element along its first axis; the last parts may be shorter."""

    def parts(leaf: Any) -> Any:
        return None if leaf is None else PerReplica(_parts(leaf, count))

    return nest.map_structure(parts, element)


def unstack(element: Any, count: int) -> Any:
    """Gives each replica one row of every component."""

    def rows(leaf: Any) -> Any:
        if not nest.is_composite(leaf):
            return PerReplica(raw.Unpack(value=convert_to_tensor(leaf), num=count, axis=0))
        spec = structure.leaf_spec(leaf)
        tensors = structure.to_batched_tensors(spec, leaf)
        row = structure.unbatched(spec)
        return PerReplica(
            [structure.from_tensors(row, [t[i] for t in tensors]) for i in range(count)]
        )

    return nest.map_structure(rows, element)


def _parts(leaf: Any, count: int) -> list[Any]:
    if isinstance(leaf, SparseTensor):
        shape = raw.Cast(x=leaf.dense_shape, DstT=dtypes.int32)
        return [_sparse_rows(leaf, low, high) for low, high in _bounds(shape[0], count)]
    if isinstance(leaf, RaggedTensor):
        rows = raw.Cast(x=leaf.nrows(), DstT=dtypes.int32)
        return [leaf[low:high] for low, high in _bounds(rows, count)]
    if not nest.is_composite(leaf):
        tensor = convert_to_tensor(leaf)
        return [tensor[low:high] for low, high in _bounds(_rows(tensor), count)]
    spec = structure.leaf_spec(leaf)
    tensors = structure.to_batched_tensors(spec, leaf)
    part = structure.batched(structure.unbatched(spec), None)
    return [
        structure.from_tensors(part, [t[low:high] for t in tensors])
        for low, high in _bounds(_rows(tensors[0]), count)
    ]


def _rows(tensor: Any) -> Any:
    return raw.StridedSlice(
        input=raw.Shape(input=tensor), begin=[0], end=[1], strides=[1], shrink_axis_mask=1
    )


def _bounds(rows: Any, count: int) -> list[tuple[Any, Any]]:
    """Return the begin and end of each of `count` parts of some rows."""
    length = (rows + (count - 1)) // count
    return list(itertools.pairwise([raw.Minimum(x=length * i, y=rows) for i in range(count + 1)]))


def _sparse_rows(leaf: SparseTensor, low: Any, high: Any) -> SparseTensor:
    rest = leaf.dense_shape[1:]
    first = raw.Cast(x=raw.Pack(values=[low]), DstT=dtypes.int64)
    number = raw.Cast(x=raw.Pack(values=[high - low]), DstT=dtypes.int64)
    start = raw.ConcatV2(values=[first, raw.ZerosLike(x=rest)], axis=0)
    return sparse.slice(leaf, start, raw.ConcatV2(values=[number, rest], axis=0))
