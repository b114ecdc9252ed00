"""Batches of elements of different shapes, as ragged or sparse tensors."""

from typing import Any

import numpy as np

from penstock._src.api.ragged.ragged_tensor import RaggedTensorSpec
from penstock._src.api.sparse.sparse_tensor import SparseTensorSpec
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.specs import TensorSpec
from penstock._src.data import structure
from penstock._src.data.traced import trace
from penstock._src.util import nest


def ragged_batch(
    dataset: Any, size: Any, drop_remainder: Any, known: int | None, splits: DType, name: Any
) -> Any:
    """Batches in which components with unknown dimensions become ragged tensors."""
    whole = dataset.element_spec
    leaves = nest.flatten(whole)
    ranks = [_ragged_rank(leaf) for leaf in leaves]

    def encode(*parts: Any) -> tuple[Any, ...]:
        element = parts if type(whole) is tuple else parts[0]
        tensors = structure.to_tensors(whole, element)
        return tuple(
            tensor if rank is None else _encoded(tensor, rank, splits)
            for tensor, rank in zip(tensors, ranks)
        )

    traced = trace(encode, whole, "RaggedBatch")
    encoded = dataset._of("MapDataset", traced.output_spec, traced.captured, f=traced.function)
    specs = [
        structure.batched(leaf, known)
        if rank is None
        else RaggedTensorSpec(
            TensorShape([known]).concatenate(leaf.shape), leaf.dtype, rank + 1, splits
        )
        for leaf, rank in zip(leaves, ranks)
    ]
    spec = nest.pack_sequence_as(whole, specs)
    batches = encoded._of("BatchDatasetV2", spec, size, drop_remainder, name=name)
    return dataset._derived("_BatchDataset", batches._variant_tensor, spec, dataset)


def _ragged_rank(leaf: Any) -> int | None:
    if not isinstance(leaf, TensorSpec) or leaf.shape.is_fully_defined():
        return None
    if leaf.shape.rank is None:
        raise ValueError("`ragged_batch` requires that elements have a known rank.")
    return max(axis for axis, extent in enumerate(leaf.shape.as_list()) if extent is None)


def _encoded(tensor: Any, rank: int, splits: DType) -> Any:
    """A dense tensor as the variant of a ragged tensor of ragged rank `rank`."""
    nested, values = [], tensor
    for _ in range(rank):
        shape = raw.Shape(input=values, out_type=splits)
        rows, columns = shape[0], shape[1]
        nested.append(
            raw.Range(start=_one(0, splits), limit=rows + 1, delta=_one(1, splits)) * columns
        )
        inner = raw.ConcatV2(
            values=[raw.Reshape(tensor=rows * columns, shape=[1]), shape[2:]], axis=0
        )
        values = raw.Reshape(tensor=values, shape=inner)
    return raw.RaggedTensorToVariant(
        rt_nested_splits=nested, rt_dense_values=values, batched_input=False, Tsplits=splits
    )


def _one(value: int, dtype: DType) -> Any:
    return convert_to_tensor(np.array(value, dtype.np))


def sparse_batch(dataset: Any, batch_size: Any, row_shape: TensorShape, name: Any) -> Any:
    """Return sparse tensors of rows of elements. Each element fits into `row_shape`."""
    spec = dataset.element_spec
    if not isinstance(spec, TensorSpec):
        raise TypeError(f"Elements must be tensors for `sparse_batch`. Received {spec}.")
    if dtypes.variant is spec.dtype:
        raise UnimplementedError("DenseToSparseBatchDataset: variants are not supported.")
    rows_spec = SparseTensorSpec(TensorShape([None]).concatenate(row_shape), spec.dtype)
    extents = [-1 if extent is None else extent for extent in row_shape.as_list()]
    return dataset._of(
        "DenseToSparseBatchDataset",
        rows_spec,
        convert_to_tensor(batch_size, dtype=dtypes.int64),
        convert_to_tensor(np.array(extents, np.int64)),
        name=name,
    )
