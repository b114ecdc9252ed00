"""Batching of ragged shapes by datasets and map_fn: as ragged tensors of booleans that have these shapes."""

from __future__ import annotations

from typing import Any

from penstock._src.api.ragged.ragged_tensor import RaggedTensorSpec
from penstock._src.api.ragged.row_partition import RowPartitionSpec
from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.specs import TypeSpec


class ShapeBatchEncoder:
    """Batches shapes: a batch of shapes is the shape of a batch of tensors."""

    def batch(self, spec: Any, batch_size: int | None) -> Any:
        """Returns the type of the shape of a batch."""
        inner, kind = spec._static_inner_shape, spec.dtype
        if not spec.num_row_partitions and (batch_size is not None or spec.inner_rank == 0):
            return type(spec)([], TensorShape([batch_size]).concatenate(inner), kind)
        if not spec.num_row_partitions:
            head = RowPartitionSpec(uniform_row_length=spec._dimension(0), dtype=kind)
            return type(spec)([head], _scaled(inner, batch_size), kind)
        first = spec._row_partitions[0].nrows
        head = RowPartitionSpec(batch_size, _product(batch_size, first), first, kind)
        tail = [
            RowPartitionSpec(
                _product(p.nrows, batch_size),
                _product(p.nvals, batch_size),
                p.uniform_row_length,
                kind,
            )
            for p in spec._row_partitions
        ]
        return type(spec)([head, *tail], _scaled(inner, batch_size), kind)

    def unbatch(self, spec: Any) -> Any:
        """Returns the type of the shape of an element of a batch."""
        if not spec.num_row_partitions:
            return type(spec)([], spec._static_inner_shape[1:], spec.dtype)
        head, *tail = spec._row_partitions
        # the number of elements in the batch, as long as all axes so far are uniform
        size = None if head.uniform_row_length is None else head.nrows
        partitions = []
        for p in tail:
            rows = _quotient(p.nrows, size)
            if p.uniform_row_length is None:
                size = None
            values = _quotient(p.nvals, size)
            partitions.append(RowPartitionSpec(rows, values, p.uniform_row_length, spec.dtype))
        inner = spec._static_inner_shape
        first = TensorShape([_quotient(inner[0], size)])
        return type(spec)(partitions, first.concatenate(inner[1:]), spec.dtype)

    def encode(self, spec: Any, value: Any, minimum_rank: int = 0) -> Any:
        """Returns a tensor of this shape, all of it True."""
        del spec, minimum_rank
        ones = raw.Fill(dims=value.inner_shape, value=True)
        return value._add_row_partitions(ones)

    def decode(self, spec: Any, encoding: Any) -> Any:
        """Returns the shape of the tensor."""
        return spec.value_type.from_tensor(encoding, dtype=spec.dtype)

    def encoding_specs(self, spec: Any) -> TypeSpec:
        """Returns the type of the tensors that encode shapes of a type."""
        return RaggedTensorSpec(
            shape=spec._to_tensor_shape(),
            dtype=dtypes.as_dtype("bool"),
            ragged_rank=-1 if spec.rank == 0 else spec.num_row_partitions,
            row_splits_dtype=spec.dtype,
        )


def _scaled(inner: TensorShape, batch_size: int | None) -> TensorShape:
    return TensorShape([_product(inner[0], batch_size)]).concatenate(inner[1:])


def _product(number: int | None, size: int | None) -> int | None:
    return None if number is None or size is None else number * size


def _quotient(number: int | None, size: int | None) -> int | None:
    return None if number is None or size is None else number // size
