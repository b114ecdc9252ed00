"""DynamicRaggedShape.Spec: the static part of a ragged shape."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from penstock._src.api.ragged.row_checks import INDEX_TYPES, positive_axis
from penstock._src.api.ragged.row_partition import RowPartitionSpec
from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.shapes import Dimension, TensorShape, as_shape
from penstock._src.core.specs import BatchableTypeSpec, TensorSpec
from penstock._src.util.lazy import resolve
from penstock._src.util.signatures import read_only

from .batching import ShapeBatchEncoder


class DynamicRaggedShapeSpec(BatchableTypeSpec):
    """The type of shapes with these partitions; `DynamicRaggedShape.Spec`.

    Args:
      row_partitions: RowPartitionSpecs.
      static_inner_shape: the static shape of the flat values.
      dtype: of the lengths, int32 or int64.

    Raises:
      TypeError: `row_partitions` are something else.
      ValueError: the dtypes differ, or the numbers contradict each other.
    """

    __batch_encoder__ = ShapeBatchEncoder()

    def __init__(
        self, row_partitions: Iterable[RowPartitionSpec], static_inner_shape: Any, dtype: Any
    ) -> None:
        if not isinstance(row_partitions, Iterable):
            raise TypeError("row_partitions should be an Iterable")
        partitions = tuple(row_partitions)
        inner, kind = as_shape(static_inner_shape), dtypes.as_dtype(dtype)
        if not all(isinstance(p, RowPartitionSpec) for p in partitions):
            raise TypeError("row_partitions should be an Iterable of RowPartitionSpecs")
        if kind not in INDEX_TYPES:
            raise ValueError("dtype must be tf.int32 or tf.int64")
        for spec in partitions:
            if spec.dtype != kind:
                raise ValueError(f"dtype of {spec!r} is {spec.dtype!r}: expected {kind!r}")
        if partitions and inner.rank == 0:
            raise ValueError("If row_partitions are provided, must have inner_rank > 0")
        if partitions:
            partitions, inner = _fitted(partitions, inner)
        self._row_partitions, self._static_inner_shape, self._dtype = partitions, inner, kind

    @property
    def value_type(self) -> Any:
        """DynamicRaggedShape."""
        return resolve("penstock._src.api.ragged.dynamic_shape", "DynamicRaggedShape")

    dtype = read_only("_dtype", "The type of the lengths.")
    inner_rank = read_only(
        "_static_inner_shape.rank", "The rank of the flat values, if it is known."
    )

    @property
    def num_row_partitions(self) -> int:
        """The number of axes that have a partition."""
        return len(self._row_partitions)

    @property
    def rank(self) -> int | None:
        """The number of axes, if it is known."""
        inner = self.inner_rank
        return None if inner is None else inner + len(self._row_partitions)

    @classmethod
    def from_value(cls, value: Any) -> DynamicRaggedShapeSpec:
        """Returns the type of a shape."""
        partitions = [RowPartitionSpec.from_value(p) for p in value.row_partitions]
        return cls(partitions, value._static_inner_shape, value.dtype)

    @classmethod
    def _from_tensor_shape(
        cls, shape: Any, num_row_partitions: int, dtype: DType
    ) -> DynamicRaggedShapeSpec:
        """Returns the spec of uniform shapes with `num_row_partitions` partitioned axes."""
        if dtype not in INDEX_TYPES:
            raise ValueError("dtype must be tf.int32 or tf.int64")
        known = as_shape(shape)
        if known.rank is None:
            unknown = [RowPartitionSpec(dtype=dtype)] * num_row_partitions
            return cls(unknown, TensorShape(None), dtype)
        if known.rank <= 1 and num_row_partitions:
            raise ValueError("num_row_partitions should be zero if shape is a scalar or vector.")
        if known.rank <= num_row_partitions and num_row_partitions:
            raise ValueError("num_row_partitions must be less than rank")
        if not num_row_partitions:
            return cls([], known, dtype)
        rows, partitions = known[0], []
        for length in known.as_list()[1 : num_row_partitions + 1]:
            values = None if rows is None or length is None else rows * length
            partitions.append(RowPartitionSpec(rows, values, length, dtype))
            rows = values
        inner = TensorShape([rows]).concatenate(known[num_row_partitions + 1 :])
        return cls(partitions, inner, dtype)

    @classmethod
    def _from_spec(cls, spec: Any, dtype: DType = dtypes.int64) -> DynamicRaggedShapeSpec | None:
        """Returns the type of the shapes of tensors of a type."""
        if isinstance(spec, DynamicRaggedShapeSpec):
            return spec
        if isinstance(spec, TensorSpec):
            return cls._from_tensor_shape(spec.shape, 0, dtype)
        return cls._from_tensor_shape(spec.shape, spec.ragged_rank, spec.row_splits_dtype)

    def _dimension(self, index: int) -> int | None:
        """The static length of an axis, or None.

        Raises:
          ValueError: there is no such axis.
        """
        if index == 0 and self._row_partitions:
            return self._row_partitions[0].nrows
        if 0 < index <= len(self._row_partitions):
            return self._row_partitions[index - 1].uniform_row_length
        inside = index - len(self._row_partitions)
        if self.inner_rank is None:
            return None
        if inside >= self.inner_rank:
            raise ValueError(f"Index out of range: {index}.")
        return self._static_inner_shape[inside]

    def _num_slices_in_dimension(self, axis: int) -> int | None:
        """The static number of rows that an axis has in all, or None."""
        if not isinstance(axis, int):
            raise TypeError("axis must be an integer")
        axis = positive_axis(axis, self.rank, rank_name="rank")
        if axis == 0:
            return self._dimension(0)
        if axis <= len(self._row_partitions):
            return self._row_partitions[axis - 1].nvals
        return self._static_inner_shape[: axis - len(self._row_partitions) + 1].num_elements()

    def with_dtype(self, dtype: Any) -> DynamicRaggedShapeSpec:
        """Returns the same type with lengths of another type."""
        partitions = [p.with_dtype(dtype) for p in self._row_partitions]
        return DynamicRaggedShapeSpec(partitions, self._static_inner_shape, dtype)

    def _merge_with(self, other: DynamicRaggedShapeSpec) -> DynamicRaggedShapeSpec:
        """Returns the type that knows what both know.

        Raises:
          ValueError: they contradict each other.
        """
        count = max(self.num_row_partitions, other.num_row_partitions)
        one, two = self._with_num_row_partitions(count), other._with_num_row_partitions(count)
        pairs = zip(one._row_partitions, two._row_partitions, strict=True)
        partitions = [mine._merge_with(theirs) for mine, theirs in pairs]
        inner = one._static_inner_shape.merge_with(two._static_inner_shape)
        kind = two.dtype if one.dtype == dtypes.int32 else dtypes.int64
        return DynamicRaggedShapeSpec(partitions, inner, kind)

    def _with_num_row_partitions(self, new_num_row_partitions: int) -> DynamicRaggedShapeSpec:
        """Returns the same type with partitions for more or fewer axes."""
        rank, present = self.rank, len(self._row_partitions)
        if rank is None:
            raise ValueError("Changing num_row_partitions with unknown rank unsupported")
        if new_num_row_partitions > max(rank - 1, 0):
            raise ValueError("Number of row partitions too large")
        if new_num_row_partitions < 0:
            raise ValueError("Number of row partitions negative")
        if present == new_num_row_partitions:
            return self
        if present < new_num_row_partitions:
            tail = self._from_tensor_shape(
                self._static_inner_shape, new_num_row_partitions - present, self._dtype
            )
            partitions = self._row_partitions + tail._row_partitions
            return DynamicRaggedShapeSpec(partitions, tail._static_inner_shape, self._dtype)
        kept, rest = (
            self._row_partitions[:new_num_row_partitions],
            self._row_partitions[new_num_row_partitions:],
        )
        outer = kept[-1].nvals if kept else rest[0].nrows
        lengths = [outer, *(p.uniform_row_length for p in rest)]
        inner = TensorShape(lengths).concatenate(self._static_inner_shape[1:])
        return DynamicRaggedShapeSpec(kept, inner, self._dtype)

    def _set_rank_if_unknown(self, new_rank: int) -> DynamicRaggedShapeSpec:
        """Returns this type with a rank of at least `new_rank`."""
        if new_rank is None:
            raise TypeError("new_rank is None, but expected int")
        if new_rank < 0:
            raise ValueError("Rank must be non-negative")
        if self.rank is not None:
            if self.rank < new_rank:
                raise ValueError(f"Rank is {self.rank}, expected at least {new_rank}.")
            return self
        if not self._row_partitions:
            return DynamicRaggedShapeSpec([], TensorShape([None] * new_rank), self._dtype)
        inside = max(new_rank - len(self._row_partitions), 1)
        inner = TensorShape([self._row_partitions[-1].nvals, *[None] * (inside - 1)])
        return DynamicRaggedShapeSpec(self._row_partitions, inner, self._dtype)

    def _truncate(self, new_rank: int) -> DynamicRaggedShapeSpec:
        """Returns the type of the shapes of the outer axes."""
        if self.rank is None:
            return self._set_rank_if_unknown(new_rank)._truncate(new_rank)
        if new_rank <= 1:
            lengths = [self._dimension(0)] if new_rank else []
            return DynamicRaggedShapeSpec([], TensorShape(lengths), self._dtype)
        if new_rank <= len(self._row_partitions):
            kept = self._row_partitions[: new_rank - 1]
            return DynamicRaggedShapeSpec(kept, TensorShape([kept[-1].nvals]), self._dtype)
        inner = self._static_inner_shape[: new_rank - len(self._row_partitions)]
        return DynamicRaggedShapeSpec(self._row_partitions, inner, self._dtype)

    def _to_tensor_shape(self) -> TensorShape:
        """Returns the static shape, with None for ragged axes."""
        inner = self._static_inner_shape
        if not self._row_partitions or inner.rank is None:
            return inner
        lengths = [self._dimension(0), *(p.uniform_row_length for p in self._row_partitions)]
        return TensorShape(lengths).concatenate(inner[1:])

    def _batch(self, batch_size: int | None) -> DynamicRaggedShapeSpec:
        return self.__batch_encoder__.batch(self, batch_size)

    def _unbatch(self) -> DynamicRaggedShapeSpec:
        return self.__batch_encoder__.unbatch(self)

    def _serialize(self) -> tuple[Any, ...]:
        return self._row_partitions, self._static_inner_shape, self._dtype

    @property
    def _component_specs(self) -> tuple[Any, ...]:
        inner = TensorSpec([self.inner_rank], self._dtype)
        return (inner, *self._row_partitions)

    def _to_components(self, value: Any) -> tuple[Any, ...]:
        return (value.inner_shape, *value.row_partitions)

    def _from_components(self, components: Sequence[Any]) -> Any:
        inner, *partitions = components
        return self.value_type(
            partitions, inner, self._dtype, static_inner_shape=self._static_inner_shape
        )

    def __repr__(self) -> str:
        return (
            f"DynamicRaggedShape.Spec(row_partitions={self._row_partitions!r}, "
            f"static_inner_shape={self._static_inner_shape!r}, dtype={self._dtype!r})"
        )


def _fitted(
    partitions: tuple[RowPartitionSpec, ...], inner: TensorShape
) -> tuple[tuple[RowPartitionSpec, ...], TensorShape]:
    """Infers numbers of rows and values from those of the axes before and after.

    Raises:
      ValueError: they contradict each other.
    """
    # counts[i]: how many slices axis i has in all
    counts = [Dimension(partitions[0].nrows)]
    for at, spec in enumerate(partitions):
        count = (counts[-1] * spec.uniform_row_length).merge_with(spec.nvals)
        if at + 1 < len(partitions):
            count = count.merge_with(partitions[at + 1].nrows)
        counts.append(count)
    if inner.rank is not None:
        counts[-1] = counts[-1].merge_with(inner[0])
        inner = TensorShape([counts[-1]]).concatenate(inner[1:])
    for at in range(len(partitions), 0, -1):
        length = partitions[at - 1].uniform_row_length
        if length:
            counts[at - 1] = counts[at - 1].merge_with(counts[at] // length)
    fitted = tuple(
        RowPartitionSpec(
            counts[at].value, counts[at + 1].value, spec.uniform_row_length, spec.dtype
        )
        for at, spec in enumerate(partitions)
    )
    return fitted, inner
