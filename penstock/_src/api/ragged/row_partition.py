"""RowPartition: a partition of a sequence of values into rows, stored as row splits."""

import numpy as np

from penstock._src.api.control.scopes import name_scope_v1
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes, spec_names
from penstock._src.core.composite import CompositeTensor
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.specs import TensorSpec, TypeSpec
from penstock._src.core.tensor import Tensor
from penstock._src.eager.tensor import EagerTensor
from penstock._src.graph.static_values import get_static_value
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

from .row_checks import (
    INDEX_TYPES,
    ascending,
    begins_at_zero,
    check_flag,
    check_number_of_rows,
    check_product,
    checked,
    consistent,
    depending,
    index_tensors,
    index_vector,
    merged,
    not_negative,
    require,
    require_rank,
    scalar,
)


@export("experimental.RowPartition")
class RowPartition(CompositeTensor):
    """A partition of `nvals` values into `nrows` rows. Create one with the `from_...` methods.

    Args:
      row_splits: where rows end, from 0.
      row_lengths: the lengths of rows, if they are known already.
      value_rowids: the rows of values, if they are known already.
      nrows: the number of rows, if it is known already.
      uniform_row_length: the length of all rows, if they are equal.
      nvals: the number of values, if it is known already.
      internal: a mark of the constructors; programs use `from_row_splits` and its like.

    Raises:
      ValueError: it is not made by such a function.

    >>> partition = tf.experimental.RowPartition.from_row_lengths([2, 0, 1])
    >>> partition.row_splits().numpy(), partition.value_rowids().numpy()
    (array([0, 2, 2, 3]), array([0, 0, 2]))
    """

    def __init__(
        self,
        row_splits,
        row_lengths=None,
        value_rowids=None,
        nrows=None,
        uniform_row_length=None,
        nvals=None,
        internal=False,
    ):
        if internal is not INTERNAL:
            raise ValueError(
                "RowPartition constructor is private; please use one of the factory methods "
                "instead (e.g., RowPartition.from_row_lengths())"
            )
        if not isinstance(row_splits, Tensor):
            raise TypeError(f"Row-partitioning argument must be a Tensor, got {row_splits!r}")
        if row_splits.dtype not in INDEX_TYPES:
            raise ValueError("Row-partitioning argument must be int32 or int64")
        row_splits.shape.assert_has_rank(1)
        for tensor in (row_lengths, value_rowids, nrows, uniform_row_length, nvals):
            if tensor is not None and not isinstance(tensor, Tensor):
                raise TypeError("Cached value must be a Tensor or None.")
            if tensor is not None and tensor.dtype != row_splits.dtype:
                raise ValueError(
                    f"Inconsistent dtype for encoding tensors: {tensor} vs {row_splits}"
                )
        self._row_splits, self._row_lengths = row_splits, row_lengths
        self._value_rowids, self._nrows = value_rowids, nrows
        self._uniform_row_length, self._nvals = uniform_row_length, nvals

    @classmethod
    def from_row_splits(cls, row_splits, validate=True, dtype=None, dtype_hint=None):
        """Returns the partition with given ends of rows.

        Args:
          row_splits: integers, not descending: 0, and the end of each row.
          validate: whether it is checked.
          dtype: int32 or int64.
          dtype_hint: the dtype that is preferred.

        Returns:
          A `RowPartition`.

        Raises:
          TypeError: the splits are not integers.
          ValueError: the splits are not a vector, or empty.
        """
        check_flag(validate)
        if isinstance(row_splits, (list, tuple)) and not row_splits:
            raise ValueError("row_splits tensor may not be empty.")
        with name_scope_v1(None, "RowPartitionFromRowSplits", [row_splits]):
            splits = index_vector(row_splits, "row_splits", dtype, dtype_hint)
            splits.shape.assert_has_rank(1)
            if validate and splits.shape.rank and splits.shape[0] == 0:
                raise InvalidArgumentError("row_splits tensor may not be empty.")
            if validate:
                message = "Arguments to from_row_splits do not form a valid RaggedTensor:"
                splits = checked(splits, message + "zero", begins_at_zero)
                splits = checked(splits, message + "monotonic", ascending)
            return cls(splits, internal=INTERNAL)

    @classmethod
    def from_row_lengths(cls, row_lengths, validate=True, dtype=None, dtype_hint=None):
        """Returns the partition with given lengths of rows.

        Args:
          row_lengths: integers, not negative.
          validate: whether it is checked.
          dtype: int32 or int64.
          dtype_hint: the dtype that is preferred.

        Returns:
          A `RowPartition`.
        """
        check_flag(validate)
        with name_scope_v1(None, "RowPartitionFromRowLengths", [row_lengths]):
            lengths = index_vector(row_lengths, "row_lengths", dtype, dtype_hint)
            lengths.shape.assert_has_rank(1)
            if validate:
                message = "Arguments to from_row_lengths do not form a valid RowPartition"
                lengths = checked(lengths, message, not_negative)
            zero = np.zeros(1, lengths.dtype.as_numpy_dtype)
            splits = raw.ConcatV2(values=[zero, raw.Cumsum(x=lengths, axis=0)], axis=0)
            return cls(splits, row_lengths=lengths, internal=INTERNAL)

    @classmethod
    def from_row_starts(cls, row_starts, nvals, validate=True, dtype=None, dtype_hint=None):
        """Returns the partition with given beginnings of rows.

        Args:
          row_starts: integers, not descending, from 0.
          nvals: the number of values.
          validate: whether it is checked.
          dtype: int32 or int64.
          dtype_hint: the dtype that is preferred.

        Returns:
          A `RowPartition`.
        """
        check_flag(validate)
        with name_scope_v1(None, "RowPartitionFromRowStarts", [row_starts]):
            starts = index_vector(row_starts, "row_starts", dtype, dtype_hint)
            starts.shape.assert_has_rank(1)
            nvals = cast(convert_to_tensor(nvals), starts.dtype)
            splits = raw.ConcatV2(values=[starts, raw.Reshape(tensor=nvals, shape=[1])], axis=0)
            if validate:
                message = "Arguments to from_row_starts do not form a valid RaggedTensor"
                splits = checked(splits, message, ascending)
                if starts.shape.rank is None or starts.shape[0] != 0:
                    starts = checked(starts, message, begins_at_zero)
                    splits = depending(splits, [starts] if STATE.graph is not None else [])
            return cls(splits, nvals=nvals, internal=INTERNAL)

    @classmethod
    def from_row_limits(cls, row_limits, validate=True, dtype=None, dtype_hint=None):
        """Returns the partition with given ends of rows.

        Args:
          row_limits: integers, not descending.
          validate: whether it is checked.
          dtype: int32 or int64.
          dtype_hint: the dtype that is preferred.

        Returns:
          A `RowPartition`.
        """
        check_flag(validate)
        with name_scope_v1(None, "RowPartitionFromRowLimits", [row_limits]):
            limits = index_vector(row_limits, "row_limits", dtype, dtype_hint)
            limits.shape.assert_has_rank(1)
            if validate:
                message = "Arguments to from_row_limits do not form a valid RaggedTensor"
                limits = checked(limits, message, ascending, lambda x: x[:1] >= 0)
            zero = np.zeros(1, limits.dtype.as_numpy_dtype)
            splits = raw.ConcatV2(values=[zero, limits], axis=0)
            return cls(splits, internal=INTERNAL)

    @classmethod
    def from_value_rowids(
        cls, value_rowids, nrows=None, validate=True, dtype=None, dtype_hint=None
    ):
        """Returns the partition with the given row of each value.

        Args:
          value_rowids: integers, not descending.
          nrows: the number of rows; by default one more than the last.
          validate: whether it is checked.
          dtype: int32 or int64.
          dtype_hint: the dtype that is preferred.

        Returns:
          A `RowPartition`.
        """
        check_flag(validate)
        with name_scope_v1(None, "RowPartitionFromValueRowIds", [value_rowids, nrows]):
            rowids = index_vector(value_rowids, "value_rowids", dtype, dtype_hint)
            rowids.shape.assert_has_rank(1)
            kind = rowids.dtype
            if nrows is None:
                padded = raw.ConcatV2(values=[np.array([-1], kind.as_numpy_dtype), rowids], axis=0)
                nrows = padded[-1] + scalar(1, kind)
            else:
                nrows = cast(convert_to_tensor(nrows, dtype_hint=kind, name="nrows"), kind)
                check_number_of_rows(nrows, get_static_value(rowids))
            if validate:
                message = "Arguments to from_value_rowids do not form a valid RowPartition"
                rowids = checked(rowids, message, ascending, not_negative)
                if get_static_value(rowids) is None or get_static_value(nrows) is None:
                    nrows = depending(nrows, require(nrows >= scalar(0, kind), message, nrows))
                    checks = require(raw.Less(x=rowids[-1:], y=nrows), message, rowids, nrows)
                    rowids = depending(rowids, checks)
            counts = raw.UnsortedSegmentSum(
                data=raw.OnesLike(x=rowids), segment_ids=rowids, num_segments=nrows
            )
            zero = np.zeros(1, kind.as_numpy_dtype)
            splits = raw.ConcatV2(values=[zero, raw.Cumsum(x=counts, axis=0)], axis=0)
            return cls(
                splits, row_lengths=counts, value_rowids=rowids, nrows=nrows, internal=INTERNAL
            )

    @classmethod
    def from_uniform_row_length(
        cls, uniform_row_length, nvals=None, nrows=None, validate=True, dtype=None, dtype_hint=None
    ):
        """Returns the partition into rows of one length.

        Args:
          uniform_row_length: an integer.
          nvals: the number of values.
          nrows: the number of rows; needed where the length is 0.
          validate: whether it is checked.
          dtype: int32 or int64.
          dtype_hint: the dtype that is preferred.

        Returns:
          A `RowPartition`.

        Raises:
          ValueError: neither number is given, or they do not fit.
        """
        check_flag(validate)
        if nvals is None and nrows is None:
            raise ValueError("Either (or both) of nvals and nrows must be specified")
        with name_scope_v1(
            None, "RowPartitionFromUniformRowLength", [uniform_row_length, nvals, nrows]
        ):
            length, nvals, nrows = index_tensors(
                dtype, dtype_hint, uniform_row_length=uniform_row_length, nvals=nvals, nrows=nrows
            )
            checks = require_rank(length, 0)
            kind, one = length.dtype, scalar(1, length.dtype)
            if nrows is None:
                nrows = raw.FloorDiv(x=nvals, y=raw.Maximum(x=length, y=one))
                if get_static_value(length) == 0:
                    nrows = convert_to_tensor(scalar(0, kind))
            rows, wide, count = map(get_static_value, (nrows, length, nvals))
            if rows is not None and wide is not None and count is None:
                product = convert_to_tensor(scalar(rows * wide, kind))
                if nvals is not None and validate:
                    checks += check_product(nrows, length, nvals)
                nvals = product
            elif nvals is None:
                nvals = nrows * length
            elif validate:
                checks += check_product(nrows, length, nvals)
            if validate and wide is None:
                checks += require(length >= scalar(0, kind), "uniform_row_length must be >= 0.")
            elif validate and wide < 0:
                raise ValueError("uniform_row_length must be >= 0.")
            splits = raw.Range(start=scalar(0, kind), limit=nrows + one, delta=one) * length
            if rows is not None and wide is not None and rows >= 0:
                steps = np.arange(rows + 1, dtype=kind.as_numpy_dtype) * wide
                splits = convert_to_tensor(steps)
            return cls(
                depending(splits, checks),
                uniform_row_length=length,
                nrows=nrows,
                nvals=nvals,
                internal=INTERNAL,
            )

    dtype = read_only("_row_splits.dtype", "int32 or int64.")

    def row_splits(self):
        """Returns 0 and the end of each row.

        Returns:
          An integer vector.
        """
        return self._row_splits

    def row_lengths(self):
        """Returns the length of each row.

        Returns:
          An integer vector.
        """
        if self._row_lengths is not None:
            return self._row_lengths
        return self._row_splits[1:] - self._row_splits[:-1]

    def row_starts(self):
        """Returns where each row begins.

        Returns:
          An integer vector.
        """
        return self._row_splits[:-1]

    def row_limits(self):
        """Returns where each row ends.

        Returns:
          An integer vector.
        """
        return self._row_splits[1:]

    def nrows(self):
        """Returns the number of rows.

        Returns:
          An integer scalar.
        """
        if self._nrows is not None:
            return self._nrows
        shape = raw.Shape(input=self._row_splits, out_type=self.dtype)
        return shape[0] - scalar(1, self.dtype)

    def nvals(self):
        """Returns the number of values.

        Returns:
          An integer scalar.
        """
        return self._row_splits[-1]

    def value_rowids(self):
        """Returns the row of each value.

        Returns:
          An integer vector.
        """
        return self._rowids_of(None)

    def _rowids_of(self, values):
        """Returns the row of each value; `values` are what the rows divide, if they are known, and have to fit the splits."""
        if self._value_rowids is not None:
            return self._value_rowids
        return splits_to_rowids(self._row_splits, values)

    def offsets_in_rows(self):
        """Returns the offset of each value in its row.

        Returns:
          An integer vector.
        """
        zero, one = scalar(0, self.dtype), scalar(1, self.dtype)
        ranges = raw.RaggedRange(
            starts=zero, limits=self.row_lengths(), deltas=one, Tsplits=self.dtype
        )
        return ranges.rt_dense_values

    def is_uniform(self):
        """Returns True if all rows are known to have one length.

        Returns:
          A Python bool.
        """
        return self._uniform_row_length is not None

    def uniform_row_length(self):
        """Returns the length of all rows.

        Returns:
          An integer scalar, or None if rows may differ.
        """
        return self._uniform_row_length

    @property
    def static_nrows(self):
        """The static number of rows, or None."""
        extent = self._row_splits.shape[0] if self._row_splits.shape.rank else None
        if extent is not None:
            return extent - 1
        if self._row_lengths is not None and self._row_lengths.shape[0] is not None:
            return self._row_lengths.shape[0]
        known = None if self._nrows is None else get_static_value(self._nrows)
        return None if known is None else int(known)

    @property
    def static_nvals(self):
        """The static number of values, or None if only the splits contain it."""
        known = None if self._nvals is None else get_static_value(self._nvals)
        if known is None and self._value_rowids is not None:
            return self._value_rowids.shape[0]
        return None if known is None else int(known)

    def last_split(self):
        """The number of values that the splits say, or None in a graph that does not know them yet."""
        known = get_static_value(self._row_splits)
        return None if known is None or not len(known) else int(known[-1])

    @property
    def static_uniform_row_length(self):
        """The static common length of all rows, or None."""
        if self._uniform_row_length is None:
            return None
        known = get_static_value(self._uniform_row_length)
        return None if known is None else int(known)

    def with_dtype(self, dtype):
        """Returns the partition with numbers of a dtype.

        Args:
          dtype: int32 or int64.

        Returns:
          A `RowPartition`.

        Raises:
          ValueError: `dtype` is another.
        """
        kind = dtypes.as_dtype(dtype)
        if kind not in INDEX_TYPES:
            raise ValueError(f"dtype must be int32 or int64. Received {dtype}.")
        if kind == self.dtype:
            return self
        change = lambda t: None if t is None else cast(t, kind)  # noqa: E731
        return RowPartition(
            change(self._row_splits),
            row_lengths=change(self._row_lengths),
            value_rowids=change(self._value_rowids),
            nrows=change(self._nrows),
            uniform_row_length=change(self._uniform_row_length),
            nvals=change(self._nvals),
            internal=INTERNAL,
        )

    def set_uniform_row_length(self, length, axis):
        """Notes that all rows have a length (unless it is None).

        Raises:
          ValueError: they are known to have another.
        """
        known = self.static_uniform_row_length
        if length is None or length == known:
            return
        if known is not None:
            raise ValueError(f"Inconsistent size for axis {axis}: {known} vs. {length}.")
        self._uniform_row_length = convert_to_tensor(scalar(length, self.dtype))
        self._nrows = self.nrows()

    # -- encodings that are there without computing anything

    def _encodings(self):
        return {
            "row_splits": self._row_splits,
            "row_lengths": self._row_lengths,
            "value_rowids": self._value_rowids,
            "nrows": self._nrows,
            "uniform_row_length": self._uniform_row_length,
            "nvals": self._nvals,
        }

    def _with(self, **encodings):
        """The same partition, with more of it computed."""
        return RowPartition(**{**self._encodings(), **encodings}, internal=INTERNAL)

    def _has_precomputed_row_splits(self):
        return self._row_splits is not None

    def _has_precomputed_row_lengths(self):
        return self._row_lengths is not None

    def _has_precomputed_value_rowids(self):
        return self._value_rowids is not None

    def _has_precomputed_nrows(self):
        return self._nrows is not None

    def _has_precomputed_nvals(self):
        return self._nvals is not None

    def _with_precomputed_row_splits(self):
        return self._with(row_splits=self.row_splits())

    def _with_precomputed_row_lengths(self):
        return self._with(row_lengths=self.row_lengths())

    def _with_precomputed_value_rowids(self):
        return self._with(value_rowids=self.value_rowids())

    def _with_precomputed_nrows(self):
        return self._with(nrows=self.nrows())

    def _with_precomputed_nvals(self):
        return self._with(nvals=self.nvals())

    def _merge_with_spec(self, spec):
        """The same partition with the numbers that a compatible RowPartitionSpec knows."""
        if not self._type_spec.is_compatible_with(spec):
            raise ValueError("RowPartition and RowPartitionSpec are not compatible")
        numbers = {"nrows": spec.nrows, "nvals": spec.nvals}
        numbers["uniform_row_length"] = spec.uniform_row_length
        return self._with(
            **{
                name: convert_to_tensor(scalar(number, self.dtype))
                for name, number in numbers.items()
                if number is not None
            }
        )

    def _merge_precomputed_encodings(self, other, validate=True):
        """The same partition with all that is computed of it here or in `other`."""
        mine, others = self._encodings(), other._encodings()
        if all(mine[name] is others[name] for name in mine):
            return self
        encodings, same = {}, {}
        for name in sorted(mine, key=_CHEAP_FIRST.index):
            encodings[name], same[name] = merged(mine[name], others[name], name, validate)
            if name == "uniform_row_length":
                validate = validate and not (same["nrows"] and same[name])
            elif name in ("row_splits", "row_lengths"):
                validate = validate and not same[name]
        for whole in (self, other):
            known = whole._encodings()
            if all(encodings[name] is known[name] for name in known if name != "nvals"):
                return whole
        return RowPartition(**encodings, internal=INTERNAL)

    @property
    def _type_spec(self):
        return RowPartitionSpec.from_value(self)

    def __repr__(self):
        if self._uniform_row_length is not None:
            length = self._uniform_row_length
            return f"tf.RowPartition(nrows={_shown(self.nrows())}, uniform_row_length={_shown(length)})"
        return f"tf.RowPartition(row_splits={_shown(self._row_splits)})"


def _shown(tensor):
    """The value of a tensor, or the tensor of a graph."""
    return tensor.numpy() if hasattr(tensor, "numpy") else tensor


INTERNAL = object()
_CHEAP_FIRST = ["nrows", "nvals", "uniform_row_length", "row_splits", "row_lengths", "value_rowids"]


def make(row_splits, uniform_row_length=None):
    """A RowPartition of valid splits, without checks."""
    return RowPartition(row_splits, uniform_row_length=uniform_row_length, internal=INTERNAL)


def splits_to_rowids(splits, values=None):
    """[0, 2, 2, 3] -> [0, 0, 2]: the row of each value.

    In a graph `values` tell by their shape how many there are: a program serves any number, but not one that only the splits' values say.
    """
    known = get_static_value(splits)
    kind = splits.dtype
    if known is not None:
        lengths = np.diff(known)
        count = int(known[-1]) if values is None else _static_count(values, int(known[-1]))
        if known[0] or known[-1] != count or (lengths < 0).any():
            raise InvalidArgumentError(
                f"The row splits {known.tolist()} do not cut {count} values into rows."
            )
        rows = np.repeat(np.arange(len(lengths), dtype=kind.as_numpy_dtype), lengths)
        return convert_to_tensor(rows)
    one = scalar(1, kind)
    places = raw.Range(start=scalar(0, kind), limit=_count(splits, values), delta=one)
    bounds = raw.UpperBound(
        sorted_inputs=raw.ExpandDims(input=splits, axis=0),
        values=raw.ExpandDims(input=places, axis=0),
        out_type=kind,
    )
    return raw.Squeeze(input=bounds, axis=[0]) - one


def _count(splits, values):
    """The number of values, a scalar of the type of the splits."""
    last, kind = splits[-1], splits.dtype
    if values is None or isinstance(splits, EagerTensor):
        return last
    if isinstance(values, Tensor):
        count = raw.Shape(input=values, out_type=kind)[0]
    else:
        count = values.nrows(kind)
    ends = raw.LogicalAnd(x=raw.Equal(x=last, y=count), y=raw.Equal(x=splits[0], y=scalar(0, kind)))
    ascend = raw.GreaterEqual(x=splits[1:], y=splits[:-1])
    message = "Arguments do not match: the row splits must ascend from 0 to the number of values"
    return depending(count, require(ends, message, last, count) + require(ascend, message, splits))


def _static_count(values, default):
    """The number of values, or of the rows of ragged ones, if it is known; else a default."""
    count = values.shape[0] if isinstance(values, Tensor) else values._row_partition.static_nrows
    return default if count is None else count


@spec_names.register("tf.RowPartitionSpec")
class RowPartitionSpec(TypeSpec):
    """The type of a RowPartition.

    Args:
      nrows, nvals: the number of rows and of values, or None.
      uniform_row_length: the length of all rows, or None.
      dtype: of the splits, int32 or int64.

    Raises:
      ValueError: the numbers contradict each other.
    """

    def __init__(self, nrows=None, nvals=None, uniform_row_length=None, dtype=dtypes.int64):
        self._dtype = dtypes.as_dtype(dtype)
        if self._dtype not in INDEX_TYPES:
            raise ValueError("dtype must be tf.int32 or tf.int64")
        nrows, nvals, uniform_row_length = consistent(nrows, nvals, uniform_row_length)
        # Stored as vector shapes, which implement compatibility.
        self._nrows, self._nvals = TensorShape([nrows]), TensorShape([nvals])
        self._uniform_row_length = TensorShape([uniform_row_length])

    @property
    def value_type(self):
        """RowPartition."""
        return RowPartition

    dtype = read_only("_dtype", "int32 or int64.")

    @property
    def nrows(self):
        """The number of rows, or None."""
        return self._nrows[0]

    @property
    def nvals(self):
        """The number of values, or None."""
        return self._nvals[0]

    @property
    def uniform_row_length(self):
        """The length of all rows, or None."""
        return self._uniform_row_length[0]

    @classmethod
    def from_value(cls, value):
        """The type of a RowPartition."""
        if not isinstance(value, RowPartition):
            raise TypeError("Expected `value` to be a `RowPartition`")
        return cls(
            value.static_nrows, value.static_nvals, value.static_uniform_row_length, value.dtype
        )

    def is_compatible_with(self, spec_or_value):
        """True if a partition can have both types."""
        if not super().is_compatible_with(spec_or_value):
            return False
        other = spec_or_value
        if isinstance(other, RowPartition):
            other = RowPartitionSpec.from_value(other)
        try:
            self._merged_numbers(other)
        except ValueError:
            return False
        return True

    def _merged_numbers(self, other):
        mine = (self._nrows, self._nvals, self._uniform_row_length)
        others = (other._nrows, other._nvals, other._uniform_row_length)
        return consistent(*(a.merge_with(b)[0] for a, b in zip(mine, others)))

    def _merge_with(self, other):
        """The type that knows what both know.

        Raises:
          ValueError: the types are not compatible.
        """
        mine = (self._nrows, self._nvals, self._uniform_row_length)
        others = (other._nrows, other._nvals, other._uniform_row_length)
        numbers = [a.merge_with(b)[0] for a, b in zip(mine, others)]
        try:
            numbers = consistent(*numbers)
        except ValueError as error:
            raise ValueError(f"Merging incompatible RowPartitionSpecs: {error}") from None
        if self.dtype != other.dtype:
            raise ValueError("Merging RowPartitionSpecs with incompatible dtypes")
        return RowPartitionSpec(*numbers, self.dtype)

    def with_dtype(self, dtype):
        """The same type with splits of another type."""
        return RowPartitionSpec(self.nrows, self.nvals, self.uniform_row_length, dtype)

    def _serialize(self):
        return (self._nrows, self._nvals, self._uniform_row_length, self._dtype)

    @classmethod
    def _deserialize(cls, serialization):
        *lengths, dtype = serialization
        return cls(*(length[0] for length in lengths), dtype)

    @property
    def _component_specs(self):
        extent = None if self.nrows is None else self.nrows + 1
        return TensorSpec([extent], self._dtype)

    def _to_components(self, value):
        return value.row_splits()

    def _from_components(self, components):
        length = self.uniform_row_length
        if length is not None:
            length = convert_to_tensor(scalar(length, self._dtype))
        return make(components, length)

    def __reduce__(self):
        return RowPartitionSpec._deserialize, (self._serialize(),)

    def __repr__(self):
        return (
            f"RowPartitionSpec(nrows={self.nrows}, nvals={self.nvals}, "
            f"uniform_row_length={self.uniform_row_length}, dtype={self._dtype!r})"
        )

    def __deepcopy__(self, memo):
        return RowPartitionSpec(self.nrows, self.nvals, self.uniform_row_length, self.dtype)
