"""RowPartition: a partition of a sequence of values into rows, stored as row splits."""

import numpy as np

from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes, spec_names
from penstock._src.core.composite import CompositeTensor
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.specs import TensorSpec, TypeSpec
from penstock._src.core.tensor import Tensor
from penstock._src.graph.static_values import get_static_value
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

INDEX_TYPES = (dtypes.int32, dtypes.int64)


def index_vector(values, name, dtype=None, dtype_hint=None):
    """`values` as an int32 or int64 tensor (by default int64)."""
    hint = dtypes.int64 if dtype_hint is None else dtype_hint
    if dtype is not None and isinstance(values, Tensor):
        return cast(values, dtypes.as_dtype(dtype))
    tensor = convert_to_tensor(values, dtype=dtype, dtype_hint=hint, name=name)
    if tensor.dtype not in INDEX_TYPES:
        raise ValueError(
            f"Argument `{name}` must have dtype int32 or int64. Received {tensor.dtype}"
        )
    return tensor


def scalar(number, dtype):
    """A number as NumPy scalar of an index type."""
    return np.asarray(number, dtype.as_numpy_dtype)


def checked(tensor, condition, message):
    """`tensor`, after an assertion when executing eagerly."""
    known = get_static_value(condition) if isinstance(condition, Tensor) else condition
    if known is not None and not np.all(known):
        from_error = raw.Assert(
            condition=np.bool_(False), data=[convert_to_tensor(message), tensor]
        )
        del from_error
    return tensor


@export("experimental.RowPartition")
class RowPartition(CompositeTensor):
    """A partition of `nvals` values into `nrows` rows. Create one with the `from_...` methods."""

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
        if internal is not _INTERNAL:
            raise ValueError(
                "RowPartition constructor is private; please use one of the factory methods "
                "instead (e.g., RowPartition.from_row_lengths())"
            )
        self._row_splits, self._row_lengths = row_splits, row_lengths
        self._value_rowids, self._nrows = value_rowids, nrows
        self._uniform_row_length, self._nvals = uniform_row_length, nvals

    @classmethod
    def from_row_splits(cls, row_splits, validate=True, dtype=None, dtype_hint=None):
        """Rows i from row_splits[i] to row_splits[i + 1]."""
        if isinstance(row_splits, (list, tuple)) and not row_splits:
            raise ValueError("Argument `row_splits` may not be empty.")
        if (
            isinstance(row_splits, Tensor)
            and row_splits.shape.rank == 1
            and not row_splits.shape[0]
        ):
            if row_splits.shape[0] == 0:
                raise ValueError("Argument `row_splits` may not be empty.")
        splits = index_vector(row_splits, "row_splits", dtype, dtype_hint)
        splits.shape.assert_has_rank(1)
        if validate:
            known = get_static_value(splits)
            if known is not None:
                checked(
                    splits,
                    known[:1] == 0,
                    "Arguments to from_row_splits do not form a valid RaggedTensor:zero",
                )
                checked(
                    splits,
                    np.diff(known) >= 0,
                    "Arguments to from_row_splits do not form a valid RaggedTensor:monotonic",
                )
        return cls(splits, internal=_INTERNAL)

    @classmethod
    def from_row_lengths(cls, row_lengths, validate=True, dtype=None, dtype_hint=None):
        """Rows of these lengths."""
        lengths = index_vector(row_lengths, "row_lengths", dtype, dtype_hint)
        lengths.shape.assert_has_rank(1)
        if validate:
            known = get_static_value(lengths)
            if known is not None:
                checked(
                    lengths,
                    known >= 0,
                    "Arguments to from_row_lengths do not form a valid "
                    "RaggedTensor: negative length",
                )
        zero = np.zeros(1, lengths.dtype.as_numpy_dtype)
        splits = raw.ConcatV2(values=[zero, raw.Cumsum(x=lengths, axis=0)], axis=0)
        return cls(splits, row_lengths=lengths, internal=_INTERNAL)

    @classmethod
    def from_row_starts(cls, row_starts, nvals, validate=True, dtype=None, dtype_hint=None):
        """Rows that begin at these offsets."""
        starts = index_vector(row_starts, "row_starts", dtype, dtype_hint)
        nvals = cast(convert_to_tensor(nvals), starts.dtype)
        end = raw.Reshape(tensor=nvals, shape=[1])
        splits = raw.ConcatV2(values=[starts, end], axis=0)
        return cls.from_row_splits(splits, validate=validate)

    @classmethod
    def from_row_limits(cls, row_limits, validate=True, dtype=None, dtype_hint=None):
        """Rows that end before these offsets."""
        limits = index_vector(row_limits, "row_limits", dtype, dtype_hint)
        zero = np.zeros(1, limits.dtype.as_numpy_dtype)
        splits = raw.ConcatV2(values=[zero, limits], axis=0)
        return cls.from_row_splits(splits, validate=validate)

    @classmethod
    def from_value_rowids(
        cls, value_rowids, nrows=None, validate=True, dtype=None, dtype_hint=None
    ):
        """The row of each value, in ascending order."""
        rowids = index_vector(value_rowids, "value_rowids", dtype, dtype_hint)
        rowids.shape.assert_has_rank(1)
        kind = rowids.dtype
        if nrows is None:
            one = scalar(1, kind)
            padded = raw.ConcatV2(values=[np.array([-1], kind.as_numpy_dtype), rowids], axis=0)
            count = padded[-1] + one
            nrows_tensor = count
        else:
            if isinstance(nrows, (int, np.integer)) and nrows < 0:
                raise ValueError(f"Expected nrows >= 0; got {nrows}")
            nrows_tensor = cast(convert_to_tensor(nrows), kind)
        known = get_static_value(rowids)
        limit = get_static_value(nrows_tensor)
        if known is not None and validate:
            if len(known) and limit is not None and known[-1] >= limit:
                raise ValueError(
                    f"Expected nrows >= value_rowids[-1] + 1; got nrows={limit}, "
                    f"value_rowids[-1]={known[-1]}"
                )
            checked(
                rowids,
                np.diff(known) >= 0,
                "Arguments to from_value_rowids do not form a valid RaggedTensor:monotonic",
            )
            checked(
                rowids,
                known >= 0,
                "Arguments to from_value_rowids do not form a valid RaggedTensor:negative",
            )
        counts = raw.UnsortedSegmentSum(
            data=raw.OnesLike(x=rowids), segment_ids=rowids, num_segments=nrows_tensor
        )
        zero = np.zeros(1, kind.as_numpy_dtype)
        splits = raw.ConcatV2(values=[zero, raw.Cumsum(x=counts, axis=0)], axis=0)
        return cls(
            splits, row_lengths=counts, value_rowids=rowids, nrows=nrows_tensor, internal=_INTERNAL
        )

    @classmethod
    def from_uniform_row_length(
        cls, uniform_row_length, nvals=None, nrows=None, validate=True, dtype=None, dtype_hint=None
    ):
        """Rows of one length; their number follows from `nvals`, or is `nrows` if the length is 0."""
        if nvals is None and nrows is None:
            raise ValueError("Either (or both) of `nvals` and `nrows` must be specified")
        length = index_vector(uniform_row_length, "uniform_row_length", dtype, dtype_hint)
        kind = length.dtype
        length.shape.assert_has_rank(0)
        known = get_static_value(length)
        if known is not None and known < 0:
            raise ValueError(f"Argument `uniform_row_length` must be >= 0. Received {known}.")
        if nrows is None:
            total = cast(convert_to_tensor(nvals), kind)
            if known == 0:
                static = get_static_value(total)
                if static is None or static:
                    raise ValueError(
                        "uniform_row_length=0 needs `nrows`, and no values. Received nvals="
                        f"{nvals}."
                    )
                nrows = scalar(0, kind)
            else:
                nrows = raw.FloorDiv(x=total, y=length)
                static = get_static_value(total)
                if validate and static is not None and known is not None and static % known:
                    raise ValueError(
                        f"uniform_row_length={known} times nrows={static // known} must equal "
                        f"nvals={static}"
                    )
        count = cast(convert_to_tensor(nrows), kind)
        one = scalar(1, kind)
        splits = raw.Range(start=scalar(0, kind), limit=count + one, delta=one) * length
        return cls(splits, uniform_row_length=length, nrows=count, internal=_INTERNAL)

    dtype = read_only("_row_splits.dtype", "int32 or int64.")

    def row_splits(self):
        """Where rows begin, and where the last one ends: `[nrows + 1]`."""
        return self._row_splits

    def row_lengths(self):
        """The length of each row."""
        if self._row_lengths is not None:
            return self._row_lengths
        return self._row_splits[1:] - self._row_splits[:-1]

    def row_starts(self):
        """Where each row begins."""
        return self._row_splits[:-1]

    def row_limits(self):
        """Where each row ends."""
        return self._row_splits[1:]

    def nrows(self):
        """The number of rows."""
        if self._nrows is not None:
            return self._nrows
        shape = raw.Shape(input=self._row_splits, out_type=self.dtype)
        return shape[0] - scalar(1, self.dtype)

    def nvals(self):
        """The number of values."""
        return self._row_splits[-1]

    def value_rowids(self):
        """The row of each value."""
        if self._value_rowids is not None:
            return self._value_rowids
        return splits_to_rowids(self._row_splits)

    def offsets_in_rows(self):
        """The position of each value in its row."""
        one = scalar(1, self.dtype)
        places = raw.Range(start=scalar(0, self.dtype), limit=self.nvals(), delta=one)
        starts = raw.GatherV2(params=self.row_starts(), indices=self.value_rowids(), axis=0)
        return places - starts

    def is_uniform(self):
        """Whether all rows are known to have one length."""
        return self._uniform_row_length is not None

    def uniform_row_length(self):
        """The one length of all rows, or None."""
        return self._uniform_row_length

    @property
    def static_nrows(self):
        """The static number of rows, or None."""
        extent = self._row_splits.shape[0] if self._row_splits.shape.rank else None
        if extent is not None:
            return extent - 1
        known = None if self._nrows is None else get_static_value(self._nrows)
        return None if known is None else int(known)

    @property
    def static_nvals(self):
        """The static number of values, or None."""
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
        """The same rows with indices of another type."""
        kind = dtypes.as_dtype(dtype)
        if kind not in INDEX_TYPES:
            raise ValueError(
                f"Argument `row_splits` dtype must be int32 or int64. Received {dtype}."
            )
        if kind == self.dtype:
            return self
        change = lambda t: None if t is None else cast(t, kind)  # noqa: E731
        return RowPartition(
            change(self._row_splits),
            row_lengths=change(self._row_lengths),
            value_rowids=change(self._value_rowids),
            nrows=change(self._nrows),
            uniform_row_length=change(self._uniform_row_length),
            internal=_INTERNAL,
        )

    @property
    def _type_spec(self):
        return RowPartitionSpec(self.static_nrows, None, self.static_uniform_row_length, self.dtype)

    def __repr__(self):
        if self._uniform_row_length is not None:
            length = self._uniform_row_length
            return f"tf.RowPartition(nrows={_shown(self.nrows())}, uniform_row_length={_shown(length)})"
        return f"tf.RowPartition(row_splits={_shown(self._row_splits)})"


def _shown(tensor):
    """The value of a tensor, or the tensor of a graph."""
    return tensor.numpy() if hasattr(tensor, "numpy") else tensor


_INTERNAL = object()


def make(row_splits, uniform_row_length=None):
    """A RowPartition of valid splits, without checks."""
    return RowPartition(row_splits, uniform_row_length=uniform_row_length, internal=_INTERNAL)


def splits_to_rowids(splits):
    """[0, 2, 2, 3] -> [0, 0, 2]: the row of each value."""
    known = get_static_value(splits)
    kind = splits.dtype
    if known is not None:
        lengths = np.diff(known)
        rows = np.repeat(np.arange(len(lengths), dtype=kind.as_numpy_dtype), lengths)
        return convert_to_tensor(rows)
    one = scalar(1, kind)
    values = raw.Range(start=scalar(0, kind), limit=splits[-1], delta=one)
    found = raw.UpperBound(
        sorted_inputs=raw.ExpandDims(input=splits, axis=0),
        values=raw.ExpandDims(input=values, axis=0),
        out_type=kind,
    )
    return raw.Squeeze(input=found, axis=[0]) - one


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
        # Stored as vector shapes, which implement compatibility.
        self._nrows, self._nvals = TensorShape([nrows]), TensorShape([nvals])
        self._uniform_row_length = TensorShape([uniform_row_length])
        self._dtype = dtypes.as_dtype(dtype)
        if self._dtype not in (dtypes.int32, dtypes.int64):
            raise ValueError("dtype must be tf.int32 or tf.int64")
        if nrows is None or uniform_row_length is None:
            return
        if nvals not in (None, nrows * uniform_row_length):
            raise ValueError(
                f"nvals={nvals} is not compatible with nrows={nrows} and "
                f"uniform_row_length={uniform_row_length}"
            )
        self._nvals = TensorShape([nrows * uniform_row_length])

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
        return value._type_spec

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
