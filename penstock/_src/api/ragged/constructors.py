"""Constructors of ragged tensors: from row splits, lengths, starts, limits or row ids."""

import numpy as np

from penstock._src.api.array.ranges import sequence_mask
from penstock._src.api.debugging.shape_asserts import assert_integer
from penstock._src.api.extending.dispatch import add_dispatch_support
from penstock._src.api.extending.scopes import scoped
from penstock._src.api.math.elementwise import cast
from penstock._src.api.sparse.sparse_tensor import SparseTensor
from penstock._src.core import dtypes
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor

from .row_checks import check_flag, depending, index_vector, require, scalar
from .row_partition import RowPartition


class RaggedConstructors:
    """The constructor methods of RaggedTensor."""

    @classmethod
    def _from_row_partition(cls, values, row_partition, validate=True):
        """Values that a partition cuts into rows; with `validate` they are to be as many as it says."""
        if not isinstance(row_partition, RowPartition):
            raise TypeError(
                f"Argument `row_partition` must be a RowPartition. Received {row_partition}."
            )
        check_flag(validate)
        values = values_of(values)
        message = "Arguments to _from_row_partition do not form a valid RaggedTensor"
        row_partition = _covering(row_partition, values, validate, message)
        return cls(values, row_partition, internal=True)

    @classmethod
    def _from_nested_row_partitions(
        cls, flat_values, nested_row_partitions, name=None, validate=True
    ):
        if not isinstance(nested_row_partitions, (list, tuple)):
            raise TypeError(
                "Argument `nested_row_partitions` must be a list of RowPartitions. Received "
                f"{nested_row_partitions}."
            )
        result = values_of(flat_values)
        for partition in reversed(nested_row_partitions):
            result = cls._from_row_partition(result, partition, validate)
        return result

    @classmethod
    def _partitioned(cls, partition_by, values, rows, validate):
        values = _rows_of(values)
        partition = partition_by(rows, validate, dtype_hint=_hint(values))
        return cls(values, _covering(partition, values, validate), internal=True)

    @classmethod
    @add_dispatch_support
    @scoped("RaggedFromRowSplits")
    def from_row_splits(cls, values, row_splits, name=None, validate=True):
        """Returns a ragged tensor from its values and row splits, the boundaries of rows.

        Args:
          values: a tensor or ragged tensor of all rows.
          row_splits: integers, not descending: 0, and the end of each row.
          name: a name for the operation.
          validate: whether the partition is checked.

        Returns:
          A `RaggedTensor`.
        """
        return cls._partitioned(RowPartition.from_row_splits, values, row_splits, validate)

    @classmethod
    @add_dispatch_support
    @scoped("RaggedFromRowLengths")
    def from_row_lengths(cls, values, row_lengths, name=None, validate=True):
        """Returns rows of given lengths.

        Args:
          values: a tensor or ragged tensor of all rows.
          row_lengths: integers, not negative: the length of each row.
          name: a name for the operation.
          validate: whether the partition is checked.

        Returns:
          A `RaggedTensor`.
        """
        return cls._partitioned(RowPartition.from_row_lengths, values, row_lengths, validate)

    @classmethod
    @add_dispatch_support
    @scoped("RaggedFromRowStarts")
    def from_row_starts(cls, values, row_starts, name=None, validate=True):
        """Returns a ragged tensor from its values and the index of each row's first value.

        Args:
          values: a tensor or ragged tensor of all rows.
          row_starts: integers, not descending, from 0: the beginning of each row.
          name: a name for the operation.
          validate: whether the partition is checked.

        Returns:
          A `RaggedTensor`.
        """
        values = _rows_of(values)
        partition = RowPartition.from_row_starts(
            row_starts, _count(values), validate, dtype_hint=_hint(values)
        )
        return cls(values, partition, internal=True)

    @classmethod
    @add_dispatch_support
    @scoped("RaggedFromRowLimits")
    def from_row_limits(cls, values, row_limits, name=None, validate=True):
        """Returns a ragged tensor from its values and the index after each row's last value.

        Args:
          values: a tensor or ragged tensor of all rows.
          row_limits: integers, not descending: the end of each row.
          name: a name for the operation.
          validate: whether the partition is checked.

        Returns:
          A `RaggedTensor`.
        """
        return cls._partitioned(RowPartition.from_row_limits, values, row_limits, validate)

    @classmethod
    @add_dispatch_support
    @scoped("RaggedFromValueRowIds")
    def from_value_rowids(cls, values, value_rowids, nrows=None, name=None, validate=True):
        """Returns a ragged tensor from its values and the row of each value.

        Args:
          values: a tensor or ragged tensor of all rows.
          value_rowids: integers, not descending: the row of each value.
          nrows: the number of rows; by default one more than the last.
          name: a name for the operation.
          validate: whether the partition is checked.

        Returns:
          A `RaggedTensor`.
        """
        values = values_of(values)
        partition = RowPartition.from_value_rowids(
            value_rowids, nrows, validate, dtype_hint=_hint(values)
        )
        values.shape[:1].assert_is_compatible_with(partition.value_rowids().shape)
        return cls(values, _covering(partition, values, validate), internal=True)

    @classmethod
    @add_dispatch_support
    @scoped("RaggedFromUniformRowLength")
    def from_uniform_row_length(
        cls, values, uniform_row_length, nrows=None, validate=True, name=None
    ):
        """Returns rows of one length.

        Args:
          values: a tensor or ragged tensor of all rows.
          uniform_row_length: an integer: the length of every row.
          nrows: the number of rows, needed where the length is 0.
          validate: whether the partition is checked.
          name: a name for the operation.

        Returns:
          A `RaggedTensor`.
        """
        values = _rows_of(values)
        length = index_vector(uniform_row_length, "uniform_row_length", dtype_hint=_hint(values))
        partition = RowPartition.from_uniform_row_length(
            length, cast(_count(values), length.dtype), nrows, validate
        )
        return cls(values, partition, internal=True)

    @classmethod
    @add_dispatch_support
    @scoped("RaggedFromNestedRowSplits")
    def from_nested_row_splits(cls, flat_values, nested_row_splits, name=None, validate=True):
        """Returns a ragged tensor from its flat values and the row splits of each ragged axis.

        Args:
          flat_values: a tensor of all values.
          nested_row_splits: a list of row splits, from the outermost axis to the innermost.
          name: a name for the operation.
          validate: whether the partitions are checked.

        Returns:
          A `RaggedTensor`.

        Raises:
          TypeError: `nested_row_splits` is a tensor.
        """
        if isinstance(nested_row_splits, Tensor):
            raise TypeError(
                "Argument `nested_row_splits` must be a list of Tensors. Received "
                f"{nested_row_splits}."
            )
        result = flat_values
        for splits in reversed(nested_row_splits):
            result = cls.from_row_splits(result, splits, validate=validate)
        return values_of(result)

    @classmethod
    @add_dispatch_support
    @scoped("RaggedFromNestedRowlengths")
    def from_nested_row_lengths(cls, flat_values, nested_row_lengths, name=None, validate=True):
        """Returns rows within rows of given lengths.

        Args:
          flat_values: a tensor of all values.
          nested_row_lengths: a list of row lengths, from the outermost axis to the innermost.
          name: a name for the operation.
          validate: whether the partitions are checked.

        Returns:
          A `RaggedTensor`.

        Raises:
          TypeError: `nested_row_lengths` is a tensor.
        """
        if isinstance(nested_row_lengths, Tensor):
            raise TypeError("Argument `nested_row_lengths` must be a list of Tensors.")
        result = flat_values
        for lengths in reversed(nested_row_lengths):
            result = cls.from_row_lengths(result, lengths, validate=validate)
        return values_of(result)

    @classmethod
    @add_dispatch_support
    @scoped("RaggedFromNestedValueRowIds")
    def from_nested_value_rowids(
        cls, flat_values, nested_value_rowids, nested_nrows=None, name=None, validate=True
    ):
        """Returns a ragged tensor from its flat values and, for each ragged axis, the rows of values.

        Args:
          flat_values: a tensor of all values.
          nested_value_rowids: a list of rows of values, from the outermost axis to the innermost.
          nested_nrows: a list of numbers of rows.
          name: a name for the operation.
          validate: whether the partitions are checked.

        Returns:
          A `RaggedTensor`.

        Raises:
          TypeError: an argument is a tensor.
          ValueError: the lists differ in length.
        """
        if isinstance(nested_value_rowids, Tensor):
            raise TypeError("Argument `nested_value_rowids` must be a list of Tensors.")
        if isinstance(nested_nrows, Tensor):
            raise TypeError("Argument `nested_nrows` must be a list of Tensors.")
        counts = nested_nrows or [None] * len(nested_value_rowids)
        if len(counts) != len(nested_value_rowids):
            raise ValueError(
                "Argument `nested_nrows` must have the same length as argument "
                "`nested_value_rowids`."
            )
        result = flat_values
        for rowids, nrows in reversed(list(zip(nested_value_rowids, counts, strict=True))):
            result = cls.from_value_rowids(result, rowids, nrows, validate=validate)
        return values_of(result)

    @classmethod
    @add_dispatch_support
    @scoped("RaggedFromSparse")
    def from_sparse(cls, st_input, name=None, row_splits_dtype=dtypes.int64):
        """Returns a ragged tensor of a sparse matrix.

        Args:
          st_input: a `SparseTensor` of rank 2 whose entries stand at the beginnings of rows.
          name: a name for the operation.
          row_splits_dtype: int32 or int64.

        Returns:
          A `RaggedTensor`.

        Raises:
          ValueError: the rank is another.
          TypeError: `st_input` is not sparse.
        """
        if not isinstance(st_input, SparseTensor):
            raise TypeError(
                f"Argument `st_input` must be of type SparseTensor, but is of type {type(st_input).__name__}."
            )
        kind = dtypes.as_dtype(row_splits_dtype)
        indices, dense_shape = st_input.indices, st_input.dense_shape
        ranks = {indices.shape[1] if indices.shape.rank else None}
        ranks |= {dense_shape.shape[0] if dense_shape.shape.rank else None}
        if ranks - {None} != {2}:
            raise ValueError(f"rank(st_input) must be 2. Received a shape of {st_input.shape}.")
        rows, columns = indices[:, 0], indices[:, 1]
        # Each entry stands right after the one before, or begins a row.
        same_row = cast(raw.Equal(x=rows[1:], y=rows[:-1]), dtypes.int64)
        expected = raw.ConcatV2(
            values=[np.zeros(1, np.int64), (columns[:-1] + np.int64(1)) * same_row], axis=0
        )
        in_place = raw.Equal(x=columns, y=expected[: raw.Size(input=columns)])
        checks = require(in_place, "SparseTensor is not right-ragged", indices)
        inside = raw.LogicalAnd(
            x=raw.GreaterEqual(x=rows, y=np.int64(0)), y=raw.Less(x=rows, y=dense_shape[0])
        )
        checks += require(inside, "Rows of the SparseTensor are outside of its shape", indices)
        ascend = raw.GreaterEqual(x=rows[1:], y=rows[:-1])
        checks += require(ascend, "Rows of the SparseTensor are out of order", indices)
        return cls.from_value_rowids(
            depending(st_input.values, checks),
            cast(rows, kind),
            cast(dense_shape[0], kind),
            validate=False,
        )

    @classmethod
    @add_dispatch_support
    @scoped("RaggedFromTensor")
    def from_tensor(
        cls,
        tensor,
        lengths=None,
        padding=None,
        ragged_rank=1,
        name=None,
        row_splits_dtype=dtypes.int64,
    ):
        """Returns a ragged tensor of a tensor.

        Args:
          tensor: a tensor of rank 2 or more.
          lengths: the lengths of rows, or a list of them for several axes.
          padding: a value that is left out at the ends of rows; not with `lengths`.
          ragged_rank: how many axes are ragged.
          name: a name for the operation.
          row_splits_dtype: int32 or int64.

        Returns:
          A `RaggedTensor`.

        Raises:
          ValueError: both `lengths` and `padding` are given, or `ragged_rank` is not positive.
          TypeError: an argument is of another kind.
        """
        if lengths is not None and padding is not None:
            raise ValueError("Specify argument `lengths` or `padding`, but not both.")
        if not isinstance(ragged_rank, int):
            raise TypeError(f"Argument `ragged_rank` must be an int. Received {ragged_rank}.")
        if ragged_rank <= 0:
            raise ValueError(
                f"Argument `ragged_rank` must be greater than 0. Received {ragged_rank}."
            )
        kind = dtypes.as_dtype(row_splits_dtype)
        tensor = convert_to_tensor(tensor, name="tensor")
        if tensor.shape.rank is not None and tensor.shape.rank <= ragged_rank:
            raise ValueError(
                f"The rank of a RaggedTensor must be greater than 1, and than ragged_rank="
                f"{ragged_rank}. Received a tensor of shape {tensor.shape}."
            )
        is_list = isinstance(lengths, (list, tuple)) and bool(lengths)
        if is_list and not isinstance(lengths[0], (int, float)):
            return cls._from_nested_lengths(tensor, lengths, kind)
        shape = raw.Shape(input=tensor, out_type=kind)
        if ragged_rank > 1:
            return cls._from_merged_axes(tensor, shape, lengths, padding, ragged_rank)
        if lengths is None and padding is None:
            flat = raw.ConcatV2(
                values=[raw.Reshape(tensor=shape[0] * shape[1], shape=[1]), shape[2:]], axis=0
            )
            values = raw.Reshape(tensor=tensor, shape=flat)
            return cls.from_uniform_row_length(values, _extent(tensor, shape, 1), shape[0])
        if padding is not None:
            lengths = _lengths_before_padding(tensor, padding, kind)
        lengths = convert_to_tensor(lengths, dtype_hint=kind, name="lengths")
        assert_integer(lengths)
        lengths = raw.Maximum(x=cast(lengths, kind), y=scalar(0, kind))
        lengths = raw.Minimum(x=lengths, y=shape[1])
        mask = sequence_mask(lengths, shape[1])
        values = raw.GatherNd(params=tensor, indices=raw.Where(condition=mask))
        return cls.from_row_lengths(values, lengths, validate=False)

    @classmethod
    def _from_merged_axes(cls, tensor, shape, lengths, padding, ragged_rank):
        """`from_tensor` of several ragged axes: only the last one has rows of different lengths."""
        size = raw.Prod(input=shape[:ragged_rank], axis=[0])
        merged = raw.ConcatV2(
            values=[raw.Reshape(tensor=size, shape=[1]), shape[ragged_rank:]], axis=0
        )
        result = cls.from_tensor(
            raw.Reshape(tensor=tensor, shape=merged),
            lengths=lengths,
            padding=padding,
            row_splits_dtype=shape.dtype,
        )
        for axis in range(ragged_rank - 1, 0, -1):
            rows = raw.Prod(input=shape[:axis], axis=[0])
            result = cls.from_uniform_row_length(result, _extent(tensor, shape, axis), rows)
        return result

    @classmethod
    def _from_nested_lengths(cls, tensor, nested, kind):
        result = cls.from_tensor(tensor, lengths=nested[0], row_splits_dtype=kind)
        if len(nested) == 1:
            return result
        inner = cls._from_nested_lengths(result.values, nested[1:], kind)
        return result.with_values(inner)

    @scoped("RaggedToVariant")
    def _to_variant(self, batched_input=False, name=None):
        """All of it as one variant; if batched, each row as one."""
        return raw.RaggedTensorToVariant(
            rt_nested_splits=list(self.nested_row_splits),
            rt_dense_values=self.flat_values,
            batched_input=batched_input,
            name=name,
        )

    @classmethod
    def _from_variant(
        cls,
        variant,
        dtype,
        output_ragged_rank,
        input_ragged_rank=None,
        row_splits_dtype=dtypes.int64,
        name=None,
    ):
        """Decode a variant, or a tensor of variants with axes that become the outer ones."""
        variant = convert_to_tensor(variant, dtype=dtypes.variant, name="variant")
        outer = variant.shape.rank
        inner = -1 if input_ragged_rank is None else input_ragged_rank
        if inner >= 0 and outer is not None and output_ragged_rank != inner + outer:
            raise ValueError(
                f"Argument `output_ragged_rank` ({output_ragged_rank}) must be equal to "
                f"`input_ragged_rank` + `variant.shape.ndims` ({inner} + {outer})."
            )
        splits, values = raw.RaggedTensorFromVariant(
            encoded_ragged=variant,
            input_ragged_rank=inner,
            output_ragged_rank=max(output_ragged_rank, 0),
            Tvalues=dtype,
            Tsplits=row_splits_dtype,
            name=name,
        )
        return cls.from_nested_row_splits(values, splits, validate=False)


def values_of(values):
    if isinstance(values, (RaggedConstructors, Tensor)):
        return values
    if hasattr(type(values), "_type_spec") and not isinstance(values, IndexedSlices):
        return values
    return convert_to_tensor(values, name="values")


def _rows_of(values):
    """`values_of(values)`, which must have a first axis."""
    values = values_of(values)
    if values.shape.rank == 0:
        kind = ValueError if STATE.graph is not None else InvalidArgumentError
        raise kind("slice index 0 of dimension 0 out of bounds: values must not be a scalar.")
    return values


def _hint(values):
    return values._row_partition.dtype if isinstance(values, RaggedConstructors) else dtypes.int64


def _count(values):
    if isinstance(values, RaggedConstructors):
        return values._row_partition.nrows()
    extent = values.shape[0] if values.shape.rank else None
    if extent is not None:
        return convert_to_tensor(np.int64(extent))
    return raw.Shape(input=values, out_type=dtypes.int64)[0]


_UNCOVERED = "Arguments to _from_row_partition do not form a valid RaggedTensor: the last split must be the number of values"


def _covering(partition, values, validate, message=_UNCOVERED):
    """The partition, once it is certain that it covers the values."""
    if not validate or values.shape.rank == 0:
        return partition
    have, wanted = values.shape[0] if values.shape.rank else None, partition.last_split()
    if have is None or wanted is None:
        have, wanted = cast(_count(values), partition.dtype), partition.nvals()
    if isinstance(have, int):
        checks = require(
            have == wanted, f"{message}. Received last split {wanted} of {have} values"
        )
    else:
        checks = require(raw.Equal(x=have, y=wanted), message)
    if not checks:
        return partition
    return partition._with(row_splits=depending(partition.row_splits(), checks))


def _extent(tensor, shape, axis):
    """The length of an axis of a tensor: a constant if it is known."""
    known = None if tensor.shape.rank is None else tensor.shape[axis]
    return shape[axis] if known is None else convert_to_tensor(scalar(known, shape.dtype))


def _lengths_before_padding(tensor, padding, kind):
    padding = convert_to_tensor(padding, dtype=tensor.dtype)
    tensor.shape[2:].assert_is_compatible_with(padding.shape)
    differs = raw.NotEqual(x=tensor, y=padding)
    rank = tensor.shape.rank
    if rank is None or rank > 2:
        axes = raw.Range(
            start=np.int32(2),
            limit=raw.Rank(input=tensor) if rank is None else np.int32(rank),
            delta=np.int32(1),
        )
        differs = raw.Any(input=differs, axis=axes)
    width = raw.Shape(input=tensor, out_type=kind)[1]
    one = scalar(1, kind)
    places = raw.Range(start=one, limit=width + one, delta=one)
    zero = np.zeros(1, kind.as_numpy_dtype)
    marked = raw.SelectV2(condition=differs, t=places, e=scalar(0, kind))
    empty = raw.Fill(
        dims=raw.Pack(values=[raw.Shape(input=marked)[0], np.int32(1)]), value=scalar(0, kind)
    )
    del zero
    return raw.Max(input=raw.ConcatV2(values=[empty, marked], axis=1), axis=[1])
