"""DynamicRaggedShape: the lengths of a ragged tensor's axes."""

from collections.abc import Iterable

import numpy as np

from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.composite import CompositeTensor
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape, as_shape
from penstock._src.core.tensor import Tensor
from penstock._src.graph.static_values import constant_value, constant_value_as_shape
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

from .ragged_tensor import RaggedTensor, ragged_of_value
from .row_checks import depending, scalar
from .row_partition import RowPartition
from .shapes import layout
from .shapes.arguments import index_type, index_type_of_all, require_equal
from .shapes.spec import DynamicRaggedShapeSpec

_LAST_ROWS = "Last row partition does not match "


@export("experimental.DynamicRaggedShape", v1=["experimental.DynamicRaggedShape"])
class DynamicRaggedShape(CompositeTensor):
    """The shape of a tensor with rows of different lengths on some axes.

    Args:
      row_partitions: the partitions of the outer axes into rows, outermost first.
      inner_shape: the shape of the flat values.
      dtype: `int32` or `int64`; by default that of the arguments, else int64.
      validate: whether to check, when values are known, that partitions fit together.
      static_inner_shape: static information about the inner shape besides its tensor.

    Raises:
      TypeError: `row_partitions` are not partitions.
      ValueError: they are known not to fit together.

    >>> shape = tf.experimental.DynamicRaggedShape.from_lengths([2, (1, 3)])
    >>> shape.static_lengths()
    [2, (1, 3)]
    """

    Spec = DynamicRaggedShapeSpec

    def __init__(
        self, row_partitions, inner_shape, dtype=None, validate=False, static_inner_shape=None
    ):
        if not isinstance(row_partitions, Iterable):
            raise TypeError(
                f"row_partitions should be a list of row partitions. Instead, got {row_partitions}"
            )
        partitions = tuple(row_partitions)
        for partition in partitions:
            if not isinstance(partition, RowPartition):
                raise TypeError(f"row_partitions contains {partition} which is not a RowPartition")
        dtype = None if dtype is None else dtypes.as_dtype(dtype)
        dtype = index_type(inner_shape, index_type_of_all(partitions, dtype)) or dtypes.int64
        self._row_partitions = tuple(p.with_dtype(dtype) for p in partitions)
        self._inner_shape = cast(convert_to_tensor(inner_shape, dtype_hint=dtype), dtype)
        self._inner_shape.shape.assert_has_rank(1)
        known = constant_value_as_shape(self._inner_shape)
        self._static_inner_shape = known.merge_with(as_shape(static_inner_shape))
        self._check(validate)

    def _check(self, validate):
        """Raises, at once or when the graph runs, unless each partition has as many rows as the one before has values."""
        partitions, checks = self._row_partitions, []
        for axis, (outer, inner) in enumerate(zip(partitions, partitions[1:])):
            message = (
                f"RowPartitions in DynamicRaggedShape do not align between {axis} and {axis + 1}"
            )
            if None not in (outer.static_nvals, inner.static_nrows):
                if outer.static_nvals != inner.static_nrows:
                    raise ValueError(message)
            elif validate:
                checks += require_equal(outer.nvals(), inner.nrows(), message)
        if partitions and self._static_inner_shape.rank != 0:
            last, message = partitions[-1], f"{_LAST_ROWS}inner_shape."
            rank = self._static_inner_shape.rank
            known = None if rank is None else self._static_inner_shape[0]
            if None not in (last.static_nvals, known):
                if last.static_nvals != known:
                    raise ValueError(message)
            elif validate:
                checks += require_equal(last.nvals(), self._inner_shape[0], message)
        if checks:
            self._inner_shape = depending(self._inner_shape, checks)
            self._row_partitions = tuple(
                p._with(row_splits=depending(p.row_splits(), checks)) for p in partitions
            )

    @property
    def _type_spec(self):
        return DynamicRaggedShapeSpec.from_value(self)

    @classmethod
    def from_lengths(cls, lengths, num_row_partitions=None, dtype=dtypes.int64):
        """Returns the shape with the given extents.

        Args:
          lengths: for each axis an integer, or a tuple of the lengths of rows.
          num_row_partitions: how many axes have a row partition; by default up to the last ragged
            one.
          dtype: int32 or int64.

        Returns:
          A `DynamicRaggedShape`.

        Raises:
          ValueError: the first length is not a number, or lengths do not fit each other.
        """
        if not isinstance(lengths, list):
            raise ValueError("lengths should be a list")
        for length in lengths:
            if not _is_length(length):
                raise ValueError(
                    f"element of lengths should be int or tuple of ints: instead {length!r}"
                )
        if num_row_partitions is None:
            ragged = [at for at, length in enumerate(lengths) if isinstance(length, tuple)]
            num_row_partitions = max(ragged, default=0)
        if not isinstance(num_row_partitions, int):
            raise ValueError("num_row_partitions should be an int or None")
        if not lengths:
            if num_row_partitions > 0:
                raise ValueError("num_row_partitions==0 for a scalar shape")
            return cls([], [], dtype=dtype)
        if num_row_partitions >= len(lengths):
            raise ValueError(
                "num_row_partitions should be less than `len(lengths)` if shape is not scalar."
            )
        if num_row_partitions <= 0:
            return cls([], lengths, dtype=dtype)
        partitions, nvals = partitions_of_lengths(lengths[: num_row_partitions + 1])
        return cls(partitions, [nvals, *lengths[num_row_partitions + 1 :]], dtype=dtype)

    @classmethod
    def from_row_partitions(cls, row_partitions, dtype=None):
        """Returns the shape with the given row partitions.

        Args:
          row_partitions: a list of `RowPartition`, from the outermost axis to the innermost.
          dtype: int32 or int64.

        Returns:
          A `DynamicRaggedShape`.

        Raises:
          ValueError: there are none.
        """
        if not row_partitions:
            raise ValueError("row_partitions cannot be empty")
        return cls(row_partitions, raw.Pack(values=[row_partitions[-1].nvals()]), dtype)

    @classmethod
    def _from_inner_shape(cls, inner_shape, dtype=None):
        return cls([], inner_shape, dtype=dtype)

    @classmethod
    def from_tensor(cls, t, dtype=None):
        """Returns the shape of a tensor or ragged tensor.

        Args:
          t: a tensor or ragged tensor.
          dtype: int32 or int64.

        Returns:
          A `DynamicRaggedShape`.
        """
        if isinstance(t, DynamicRaggedShape):
            return t if dtype is None else t.with_dtype(dtype)
        t = ragged_of_value(t)
        if isinstance(t, RaggedTensor):
            partitions = t._nested_row_partitions
            kind = partitions[0].dtype if dtype is None else dtypes.as_dtype(dtype)
            return cls(partitions, raw.Shape(input=t.flat_values, out_type=kind), kind)
        kind = dtypes.int32 if dtype is None else dtypes.as_dtype(dtype)
        return cls((), raw.Shape(input=convert_to_tensor(t), out_type=kind), kind)

    row_partitions = read_only("_row_partitions", "Partitions of the outer axes into rows.")

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
        """Returns the shape with numbers of a dtype.

        Args:
          dtype: int32 or int64.

        Returns:
          A `DynamicRaggedShape`.
        """
        if dtype == self.dtype:
            return self
        return DynamicRaggedShape(self._row_partitions, self._inner_shape, dtype)

    def is_uniform(self, axis):
        """Returns True if an axis is not ragged.

        Args:
          axis: the axis.

        Returns:
          A Python bool.

        Raises:
          IndexError: there is no such axis.
        """
        if not isinstance(axis, int):
            raise TypeError("axis must be an integer")
        if axis < 0:
            raise IndexError("Negative axis values are not supported")
        if self.rank is not None and axis >= self.rank:
            raise IndexError(f"Expected axis={axis} < rank={self.rank}")
        inside = 0 < axis <= len(self._row_partitions)
        return not inside or self._row_partitions[axis - 1].is_uniform()

    def static_lengths(self, ragged_lengths=True):
        """Returns the extents, as far as they are known.

        Args:
          ragged_lengths: whether the lengths of rows are returned for ragged axes, or None.

        Returns:
          A list of integers, tuples and Nones.
        """
        rest = [...] if self.inner_rank is None else self._static_inner_shape.as_list()
        if not self._row_partitions:
            return rest
        lengths = [self._row_partitions[0].static_nrows]
        for partition in self._row_partitions:
            if partition.is_uniform():
                lengths.append(partition.static_uniform_row_length)
                continue
            known = constant_value(partition.row_lengths()) if ragged_lengths else None
            lengths.append(None if known is None else tuple(known.tolist()))
        return lengths + (rest if self.inner_rank is None else rest[1:])

    def _to_tensor_shape(self):
        """The static shape, with None for ragged axes."""
        lengths = self.static_lengths(ragged_lengths=False)
        return TensorShape(None if lengths and lengths[-1] is ... else lengths)

    def __getitem__(self, index):
        """A length, or the shape of some axes.

        Raises:
          ValueError: an axis has rows of different lengths, or the rank must be known.
          IndexError: there is no such axis.
        """
        if isinstance(index, slice):
            start, stop = layout.bounds(index, self.rank, len(self._row_partitions))
            return self._slice_shape(start, stop)
        if not isinstance(index, int):
            raise TypeError("Argument is not an int or a slice")
        if index >= 0:
            return self._dimension(index)
        if self.rank is None:
            raise ValueError("Rank must be known to use __getitem__ with a negative index.")
        return self._dimension(self.rank + index)

    def _slice_shape(self, start, stop):
        return layout.axes_between(self, start, stop)

    def _dimension(self, index):
        """The length of a uniform axis."""
        if not isinstance(index, int):
            raise TypeError("index should be an int")
        rank, count = self.rank, len(self._row_partitions)
        if not count or index > count + 1:
            if rank is None:
                raise ValueError("Rank must be known to use __getitem__ on a large index.")
            if index >= rank:
                raise IndexError(f"Index is too big: {index}>={rank}")
        if index < 0:
            raise IndexError(f"Index must be non-negative: {index}")
        if not self.is_uniform(index):
            raise ValueError(f"Index {index} is not uniform")
        if index == 0 and count:
            known = self._row_partitions[0].static_nrows
            return self._row_partitions[0].nrows() if known is None else self._constant(known)
        if count and index <= count:
            return self._row_partitions[index - 1].uniform_row_length()
        return self._inner_length(index - count)

    def _constant(self, length):
        return convert_to_tensor(scalar(length, self.dtype))

    def _inner_length(self, axis):
        """The length of an axis of the flat values."""
        known = None if self.inner_rank is None else self._static_inner_shape[axis]
        return self._inner_shape[axis] if known is None else self._constant(known)

    def _num_elements(self):
        return layout.product(self._inner_shape)

    def _num_slices_in_dimension(self, axis):
        """Return the total number of rows of an axis."""
        if not isinstance(axis, int):
            raise TypeError("axis must be an integer")
        if axis < 0:
            if self.rank is None:
                raise ValueError("You can't use negative values if the rank is undefined")
            axis += self.rank
        if axis == 0:
            return self._dimension(0)
        if axis <= len(self._row_partitions):
            return self._row_partitions[axis - 1].nvals()
        return layout.product(self._inner_shape[: axis - len(self._row_partitions) + 1])

    def _alt_inner_shape(self, new_inner_rank):
        return layout.inner_shape_of_rank(self, new_inner_rank)

    def _with_inner_rank(self, inner_rank):
        """The same shape with flat values of another rank."""
        rank = self.rank
        if rank is None:
            raise ValueError("Rank must be known to adjust inner_rank")
        if rank < 2:
            if inner_rank == rank:
                return self
            raise ValueError("Cannot change inner_rank if rank < 2")
        return layout.with_partitions(self, rank - inner_rank)

    def _with_num_row_partitions(self, num_row_partitions):
        return layout.with_partitions(self, num_row_partitions)

    def _merge_dims(self, outer_axis, inner_axis):
        return layout.merged_axes(self, outer_axis, inner_axis)

    def _merge_with(self, other):
        """The same shape with all that is known of it here or in another DynamicRaggedShape."""
        return self._merged(other, lambda mine, theirs: mine._merge_precomputed_encodings(theirs))

    def _merge_with_spec(self, other):
        """The same shape with what a DynamicRaggedShape.Spec knows of it."""
        return self._merged(other, lambda mine, theirs: mine._merge_with_spec(theirs))

    def _merged(self, other, merge):
        count = max(self.num_row_partitions, other.num_row_partitions)
        one, two = self._with_num_row_partitions(count), other._with_num_row_partitions(count)
        kind = two.dtype if one.dtype == dtypes.int32 else dtypes.int64
        pairs = zip(one._row_partitions, two._row_partitions, strict=True)
        partitions = [merge(mine, theirs) for mine, theirs in pairs]
        known = one._static_inner_shape.merge_with(two._static_inner_shape)
        return DynamicRaggedShape(partitions, one._inner_shape, kind, True, known)

    def _as_row_partitions(self):
        """The partitions of all axes but the first."""
        if self.rank is None:
            raise ValueError("rank must be known for _as_row_partitions")
        if self.rank < 1:
            raise ValueError("rank must be >= 1 for _as_row_partitions")
        return self._with_num_row_partitions(self.rank - 1).row_partitions

    def _validate_flat_values(self, flat_values):
        """`flat_values`, once they are as many as the partitions say."""
        if not self._row_partitions or not isinstance(flat_values, Tensor):
            return flat_values
        last, known = self._row_partitions[-1], flat_values.shape
        extent = known[0] if known.rank is not None else None
        if None in (extent, last.static_nvals):
            return self._validate_flat_values_dynamically(flat_values)
        if extent != last.static_nvals:
            raise ValueError(f"{_LAST_ROWS}flat_values.")
        return flat_values

    def _validate_flat_values_dynamically(self, flat_values):
        if not self._row_partitions:
            return flat_values
        extent = raw.Shape(input=flat_values, out_type=self.dtype)[0]
        checks = require_equal(
            self._row_partitions[-1].nvals(), extent, f"{_LAST_ROWS}flat_values."
        )
        return depending(flat_values, checks)

    def _add_row_partitions(self, flat_values, validate=False):
        """A ragged tensor of this shape over its flat values; these alone if no axis has a partition."""
        if not self._row_partitions:
            return flat_values
        if validate:
            flat_values = self._validate_flat_values(flat_values)
        return RaggedTensor._from_nested_row_partitions(
            flat_values, self._row_partitions, validate=False
        )

    def __eq__(self, other):
        if not isinstance(other, DynamicRaggedShape):
            return NotImplemented
        if len(self._row_partitions) != len(other._row_partitions):
            return False
        kind = dtypes.int64
        pairs = [(p.row_splits(), q.row_splits()) for p, q in zip(
            self._row_partitions, other._row_partitions, strict=True)]  # fmt: skip
        pairs.append((self._inner_shape, other._inner_shape))
        if not all(a.shape.is_compatible_with(b.shape) for a, b in pairs):
            return False
        result = convert_to_tensor(True)
        for a, b in pairs:
            same = raw.Equal(x=cast(a, kind), y=cast(b, kind), incompatible_shape_error=False)
            axes = np.arange(same.shape.rank or 0, dtype=np.int32)
            result = raw.LogicalAnd(x=result, y=raw.All(input=same, axis=axes))
        return result

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self):
        shown = ", ".join("..." if n is ... else str(n) for n in self.static_lengths())
        return (
            f"<DynamicRaggedShape lengths=[{shown}] num_row_partitions={len(self._row_partitions)}>"
        )


def partitions_of_lengths(lengths, dtype=None):
    """The partitions of axes of these lengths, a number first, and the number of values.

    Raises:
      ValueError: an axis has lengths for another number of rows.
    """
    partitions, rows = [], lengths[0]
    for length in lengths[1:]:
        if isinstance(length, int):
            partition = RowPartition.from_uniform_row_length(
                length, rows * length, nrows=rows, dtype_hint=dtype
            )
            rows *= length
        else:
            if rows != len(length):
                raise ValueError("Shape not consistent.")
            partition = RowPartition.from_row_lengths(length, dtype_hint=dtype)
            rows = sum(length)
        partitions.append(partition)
    return partitions, rows


def _is_length(value):
    if isinstance(value, tuple):
        return all(isinstance(length, int) for length in value)
    return isinstance(value, int)


def ones(shape, dtype=dtypes.float32, name=None):
    """A tensor of this shape, all of it one."""
    one = np.ones([], dtypes.as_dtype(dtype).as_numpy_dtype)
    flat = raw.Fill(dims=shape.inner_shape, value=one, name=name)
    return shape._add_row_partitions(flat)


def ragged_shape(input, out_type=None, name=None):
    """The DynamicRaggedShape of a ragged tensor (`tf.shape`)."""
    del name
    return DynamicRaggedShape.from_tensor(input, dtype=out_type or dtypes.int32)
