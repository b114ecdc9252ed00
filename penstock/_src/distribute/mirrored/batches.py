"""Batches taken apart for replicas: dense, ragged and sparse tensors, and other composites that can be batched."""

import functools
import itertools
from typing import Any

import numpy as np

from penstock._src.api.array.creation import zeros
from penstock._src.api.control.conditionals import cond
from penstock._src.api.ragged.ragged_tensor import RaggedTensor, RaggedTensorSpec
from penstock._src.api.sparse import functions as sparse
from penstock._src.api.sparse.sparse_tensor import SparseTensor, SparseTensorSpec
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.specs import TensorSpec
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


def has_known_rows(spec: Any) -> bool:
    """True if all elements of a spec can be stacked: shapes are known; of ragged and sparse tensors, the number of rows."""
    if isinstance(spec, (RaggedTensorSpec, SparseTensorSpec)):
        return spec.shape.rank is not None and (not spec.shape.rank or spec.shape[0] is not None)
    return all(flat.shape.is_fully_defined() for flat in structure.flat_specs(spec))


def held(spec: Any, element: Any) -> Any:
    """An element as one value, which can be stacked with others of any shape."""
    return raw.OptionalFromValue(components=structure.to_tensors(spec, element))


def released(spec: Any, values: Any, count: int) -> Any:
    """The elements that up to `count` values hold, one for each replica; those that are missing have no rows."""
    spec = nest.map_structure(_of_any_rows, spec)
    types, shapes = structure.flat_types(spec), structure.flat_shapes(spec)
    number = _rows(values)

    def element(index: int) -> list[Any]:
        value = raw.StridedSlice(
            input=values, begin=[index], end=[index + 1], strides=[1], shrink_axis_mask=1
        )
        return list(raw.OptionalGetValue(optional=value, output_types=types, output_shapes=shapes))

    def empty() -> list[Any]:
        return list(structure.to_tensors(spec, nest.map_structure(_without_rows, spec)))

    flat = [element(0)] + [
        cond(number > index, functools.partial(element, index), empty) for index in range(1, count)
    ]
    elements = [structure.from_tensors(spec, tensors) for tensors in flat]
    leaves = zip(*[nest.flatten(each) for each in elements])
    return nest.pack_sequence_as(elements[0], [PerReplica(leaf) for leaf in leaves])


def _of_any_rows(spec: Any) -> Any:
    """The spec of elements with any number of rows, where the shape fixes it."""
    if not isinstance(spec, TensorSpec) or not spec.shape.rank or not spec.shape.is_fully_defined():
        return spec
    return TensorSpec([None, *spec.shape[1:]], spec.dtype, spec.name)


def _without_rows(spec: Any) -> Any:
    """An element of a spec, with as few numbers as its shape allows."""
    if isinstance(spec, RaggedTensorSpec):
        inner = spec.flat_values_spec or TensorSpec(spec.shape[spec.ragged_rank :], spec.dtype)
        result = _without_rows(inner)
        for _ in range(spec.ragged_rank):
            splits = np.zeros(1, spec.row_splits_dtype.np)
            result = RaggedTensor.from_row_splits(result, splits, validate=False)
        return result
    if isinstance(spec, SparseTensorSpec):
        extents = np.array([extent or 0 for extent in spec.shape], np.int64)
        indices = np.zeros((0, len(extents)), np.int64)
        return SparseTensor(indices, np.zeros(0, spec.dtype.np), extents)
    if isinstance(spec, TensorSpec):
        return zeros([extent or 0 for extent in spec.shape], spec.dtype)
    flat = [_without_rows(part) for part in structure.flat_specs(spec)]
    return structure.from_tensors(spec, flat)


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
