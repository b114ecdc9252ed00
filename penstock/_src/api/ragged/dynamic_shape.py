"""DynamicRaggedShape: the lengths of a ragged tensor's axes."""

from collections.abc import Iterable

import numpy as np

from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.composite import CompositeTensor
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.shapes import as_shape
from penstock._src.core.specs import TensorSpec, TypeSpec
from penstock._src.core.tensor import Tensor
from penstock._src.graph.static_values import constant_value, constant_value_as_shape
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

from .ragged_tensor import RaggedTensor
from .row_partition import RowPartition, RowPartitionSpec


@export("experimental.DynamicRaggedShape", v1=["experimental.DynamicRaggedShape"])
class DynamicRaggedShape(CompositeTensor):
    """The shape of a tensor some of whose axes have rows of different lengths.

    Args:
      row_partitions: the partitions of the outer axes into rows, outermost first.
      inner_shape: the shape of the flat values.
      dtype: `int32` or `int64`; by default that of the arguments, else int64.
      validate: accepted; checks always run on construction.
      static_inner_shape: static information about the inner shape besides its tensor.
    """

    def __init__(
        self, row_partitions, inner_shape, dtype=None, validate=False, static_inner_shape=None
    ):
        del validate
        partitions = tuple(row_partitions)
        if dtype is None:
            held = [p.dtype for p in partitions]
            held += [inner_shape.dtype] if isinstance(inner_shape, Tensor) else []
            dtype = dtypes.int64 if not held or dtypes.int64 in held else dtypes.int32
        dtype = dtypes.as_dtype(dtype)
        if dtype not in (dtypes.int32, dtypes.int64):
            raise ValueError(f"dtype must be int32 or int64, got {dtype}")
        self._row_partitions = tuple(p.with_dtype(dtype) for p in partitions)
        self._inner_shape = cast(convert_to_tensor(inner_shape, dtype_hint=dtype), dtype)
        self._inner_shape.shape.with_rank(1)
        known = constant_value_as_shape(self._inner_shape)
        self._static_inner_shape = known.merge_with(as_shape(static_inner_shape))

    @property
    def _type_spec(self):
        partitions = [p._type_spec for p in self._row_partitions]
        return DynamicRaggedShapeSpec(partitions, self._static_inner_shape, self.dtype)

    @classmethod
    def from_lengths(cls, lengths, num_row_partitions=None, dtype=dtypes.int64):
        """The shape with these lengths: a number for a uniform axis, a tuple for a ragged one.

        Raises:
          ValueError: the first length is not a number, or lengths are inconsistent.
        """
        lengths = list(lengths)
        if lengths and not isinstance(lengths[0], (int, np.integer)):
            raise ValueError(f"lengths[0] should be a scalar. Received {lengths[0]!r}.")
        ragged = [at for at, n in enumerate(lengths) if not isinstance(n, (int, np.integer))]
        count = max(ragged, default=0) if num_row_partitions is None else num_row_partitions
        if ragged and count < max(ragged):
            raise ValueError(
                f"num_row_partitions must be at least {max(ragged)}. Received {count}."
            )
        if count and count >= len(lengths):
            raise ValueError(f"num_row_partitions must be below {len(lengths)}. Received {count}.")
        partitions, rows = [], lengths[0] if lengths else None
        for length in lengths[1 : count + 1]:
            if isinstance(length, (int, np.integer)):
                made = RowPartition.from_uniform_row_length(
                    np.array(length, dtype.as_numpy_dtype), nvals=rows * length, nrows=rows
                )
                rows = rows * length
            else:
                if len(length) != rows:
                    raise ValueError(f"{list(length)} has {len(length)} rows, not {rows}.")
                made = RowPartition.from_row_lengths(np.array(length, dtype.as_numpy_dtype))
                rows = sum(length)
            partitions.append(made)
        inner = [rows, *lengths[count + 1 :]] if lengths else []
        return cls(partitions, np.array(inner, dtype.as_numpy_dtype), dtype)

    @classmethod
    def from_row_partitions(cls, row_partitions, dtype=None):
        """The shape whose axes all have partitions.

        Raises:
          ValueError: there are none.
        """
        if not row_partitions:
            raise ValueError("row_partitions cannot be empty")
        last = row_partitions[-1].nvals()
        return cls(row_partitions, raw.Reshape(tensor=last, shape=[1]), dtype)

    @classmethod
    def from_tensor(cls, t, dtype=None):
        """The shape of a tensor or ragged tensor."""
        if isinstance(t, DynamicRaggedShape):
            return t if dtype is None else t.with_dtype(dtype)
        if isinstance(t, RaggedTensor):
            partitions = t._nested_row_partitions
            kind = partitions[0].dtype if dtype is None else dtypes.as_dtype(dtype)
            inner = raw.Shape(input=t.flat_values, out_type=kind)
            return cls(partitions, inner, kind)
        kind = dtypes.int32 if dtype is None else dtypes.as_dtype(dtype)
        return cls((), raw.Shape(input=convert_to_tensor(t), out_type=kind), kind)

    row_partitions = read_only("_row_partitions", "How the outer axes are cut into rows.")

    @property
    def num_row_partitions(self):
        """The number of axes that have a partition."""
        return len(self._row_partitions)

    inner_shape = read_only("_inner_shape", "The shape of the flat values.")
    inner_rank = read_only(
        "_static_inner_shape.rank", "The rank of the flat values, if it is known."
    )

    @property
    def rank(self):
        """The number of axes, if it is known."""
        inner = self.inner_rank
        return None if inner is None else inner + len(self._row_partitions)

    dtype = read_only("_inner_shape.dtype", "The type of the lengths.")

    def with_dtype(self, dtype):
        """The same shape with lengths of another type."""
        return DynamicRaggedShape(self._row_partitions, self._inner_shape, dtype)

    def is_uniform(self, axis):
        """Whether all rows of an axis are known to have one length."""
        if not isinstance(axis, int):
            raise TypeError("axis must be an integer")
        if self.rank is not None and axis >= self.rank:
            raise IndexError(f"Expected axis={axis} < rank={self.rank}")
        inside = 0 < axis <= len(self._row_partitions)
        return not inside or self._row_partitions[axis - 1].is_uniform()

    def static_lengths(self, ragged_lengths=True):
        """The lengths: a number, None, or, with `ragged_lengths`, a tuple of known row lengths."""
        if self.rank is None:
            return [...]
        first = self._row_partitions[0].static_nrows if self._row_partitions else None
        found = [first] if self._row_partitions else []
        for partition in self._row_partitions:
            if partition.is_uniform():
                found.append(partition.static_uniform_row_length)
                continue
            known = constant_value(partition.row_lengths()) if ragged_lengths else None
            found.append(None if known is None else tuple(int(n) for n in known))
        rest = self._static_inner_shape.as_list()
        return found + (rest[1:] if self._row_partitions else rest)

    def __getitem__(self, index):
        """A length, or the shape of some of the outer axes.

        Raises:
          ValueError: the axis has rows of different lengths.
        """
        if isinstance(index, slice):
            return self._slice(index)
        rank = self.rank
        if index < 0:
            if rank is None:
                raise ValueError("Rank must be known to use __getitem__ with a negative index.")
            index += rank
        if index < 0 or (rank is not None and index >= rank):
            raise IndexError(f"Index {index} out of range for rank {rank}")
        if index == 0 and self._row_partitions:
            return self._row_partitions[0].nrows()
        if index > len(self._row_partitions) or not self._row_partitions:
            return self._inner_shape[index - len(self._row_partitions)]
        partition = self._row_partitions[index - 1]
        if not partition.is_uniform():
            raise ValueError(f"Index {index} is not uniform")
        return cast(partition.uniform_row_length(), self.dtype)

    def _slice(self, key):
        rank, count = self.rank, len(self._row_partitions)
        if key.step not in (None, 1):
            raise IndexError("Cannot stride through a shape")
        start, stop, _ = key.indices(rank)
        if start > 0:
            if any(not self.is_uniform(axis) for axis in range(start, min(stop, count + 1))):
                raise ValueError(f"All inner dimensions of {self!r} from {start} must be uniform.")
            lengths = [self[axis] for axis in range(start, stop)]
            shape = raw.Pack(values=lengths) if lengths else np.zeros(0, self.dtype.as_numpy_dtype)
            return DynamicRaggedShape((), shape, self.dtype)
        if stop > count:
            return DynamicRaggedShape(
                self._row_partitions, self._inner_shape[: stop - count], self.dtype
            )
        if stop <= 1:
            shape = [self[0]] if stop else []
            inner = raw.Pack(values=shape) if shape else np.zeros(0, self.dtype.as_numpy_dtype)
            return DynamicRaggedShape((), inner, self.dtype)
        return DynamicRaggedShape.from_row_partitions(self._row_partitions[: stop - 1], self.dtype)

    def _add_partitions(self, flat_values):
        """A ragged tensor of this shape over its flat values."""
        result = flat_values
        for partition in reversed(self._row_partitions):
            result = RaggedTensor._from_row_partition(result, partition, validate=False)
        return result

    def __eq__(self, other):
        if not isinstance(other, DynamicRaggedShape):
            return NotImplemented
        if len(self._row_partitions) != len(other._row_partitions):
            return False
        kind = dtypes.int64
        pairs = [(p.row_splits(), q.row_splits()) for p, q in zip(
            self._row_partitions, other._row_partitions, strict=True)]  # fmt: skip
        pairs.append((self._inner_shape, other._inner_shape))
        result = convert_to_tensor(True)
        for a, b in pairs:
            same = raw.Equal(x=cast(a, kind), y=cast(b, kind), incompatible_shape_error=False)
            axes = np.arange(same.shape.rank or 0, dtype=np.int32)
            result = raw.LogicalAnd(x=result, y=raw.All(input=same, axis=axes))
        return result

    __hash__ = None  # type: ignore[assignment]
    Spec: type

    def __repr__(self):
        lengths = ", ".join(str(n) for n in self.static_lengths())
        return (
            f"<DynamicRaggedShape lengths=[{lengths}] "
            f"num_row_partitions={len(self._row_partitions)}>"
        )


class DynamicRaggedShapeSpec(TypeSpec):
    """The type of shapes with these partitions; `DynamicRaggedShape.Spec`.

    Args:
      row_partitions: RowPartitionSpecs.
      static_inner_shape: the static shape of the flat values.
      dtype: of the lengths, int32 or int64.
    """

    def __init__(self, row_partitions, static_inner_shape, dtype):
        if not isinstance(row_partitions, Iterable):
            raise TypeError("row_partitions should be an Iterable")
        partitions = tuple(row_partitions)
        if not all(isinstance(p, RowPartitionSpec) for p in partitions):
            raise TypeError("row_partitions should be an Iterable of RowPartitionSpecs")
        self._dtype = dtypes.as_dtype(dtype)
        if self._dtype not in (dtypes.int32, dtypes.int64):
            raise ValueError("dtype must be tf.int32 or tf.int64")
        self._partitions = tuple(p.with_dtype(self._dtype) for p in partitions)
        self._static_inner_shape = as_shape(static_inner_shape)
        if partitions:
            self._fit_together()

    def _fit_together(self):
        """Infers the number of flat values from the last partition, and vice versa."""
        if self._static_inner_shape.rank == 0:
            raise ValueError("If row_partitions are provided, must have inner_rank > 0")
        if self._static_inner_shape.rank is None:
            return
        *before, last = self._partitions
        outer = self._static_inner_shape[:1].merge_with(last._nvals)
        self._static_inner_shape = outer.concatenate(self._static_inner_shape[1:])
        last = RowPartitionSpec(last.nrows, outer[0], last.uniform_row_length, self._dtype)
        self._partitions = (*before, last)

    @property
    def value_type(self):
        """DynamicRaggedShape."""
        return DynamicRaggedShape

    dtype = read_only("_dtype", "The type of the lengths.")
    inner_rank = read_only(
        "_static_inner_shape.rank", "The rank of the flat values, if it is known."
    )

    @property
    def num_row_partitions(self):
        """The number of axes that have a partition."""
        return len(self._partitions)

    @property
    def rank(self):
        """The number of axes, if it is known."""
        return None if self.inner_rank is None else self.inner_rank + len(self._partitions)

    @classmethod
    def from_value(cls, value):
        """The type of a shape."""
        return value._type_spec

    def with_dtype(self, dtype):
        """The same type with lengths of another type."""
        return DynamicRaggedShapeSpec(self._partitions, self._static_inner_shape, dtype)

    def _serialize(self):
        return self._partitions, self._static_inner_shape, self._dtype

    @property
    def _component_specs(self):
        inner = TensorSpec([self.inner_rank], self._dtype)
        return (inner, *self._partitions)

    def _to_components(self, value):
        return (value.inner_shape, *value.row_partitions)

    def _from_components(self, components):
        inner, *partitions = components
        return DynamicRaggedShape(
            partitions, inner, self._dtype, static_inner_shape=self._static_inner_shape
        )

    def __repr__(self):
        return (
            f"DynamicRaggedShape.Spec(row_partitions={self._partitions!r}, "
            f"static_inner_shape={self._static_inner_shape!r}, dtype={self._dtype!r})"
        )


DynamicRaggedShape.Spec = DynamicRaggedShapeSpec


def ragged_shape(input, out_type=None, name=None):
    """The DynamicRaggedShape of a ragged tensor (`tf.shape`)."""
    del name
    return DynamicRaggedShape.from_tensor(input, dtype=out_type or dtypes.int32)
