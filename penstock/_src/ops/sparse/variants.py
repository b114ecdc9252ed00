"""Converts sparse and ragged tensors to variants and back."""

import numpy as np
from google.protobuf.message import DecodeError

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.op import Op, at_least
from penstock._src.core.registry import raw
from penstock._src.core.typesets import ANY, INDEX
from penstock._src.ops.rules import show
from penstock._src.ops.sparse.splits import check_splits
from penstock._src.ops.sparse.tensor import check_indices, check_parts, check_sparse
from penstock._src.ops.tensor_proto import from_proto, to_proto
from penstock._src.proto.tensor import TensorProto


class RaggedValue:
    """The value of a ragged variant: its row splits from the outermost inwards, and flat values."""

    __slots__ = ("splits", "values")

    def __init__(self, splits, values):
        self.splits, self.values = splits, values

    def zeros_like(self):
        """Returns the same rows of zeros."""
        return RaggedValue(self.splits, np.zeros_like(self.values))

    def __add__(self, other):
        """Adds values of the same rows; the number 0 is a variant that was never set."""
        if isinstance(other, int) and other == 0:
            return self
        if not isinstance(other, RaggedValue):
            return NotImplemented
        alike = len(self.splits) == len(other.splits) and all(
            map(np.array_equal, self.splits, other.splits)
        )
        if not alike or np.shape(self.values) != np.shape(other.values):
            raise InvalidArgumentError("AddN: ragged values must have the same rows.")
        return RaggedValue(self.splits, self.values + other.values)

    __radd__ = __add__


def _objects(items, shape):
    out = np.empty(shape, object)
    flat = out.reshape(-1)
    for at, item in enumerate(items):
        flat[at] = item
    return out


def _row(splits, values, row):
    """Row `row` of a ragged tensor."""
    begin, end = int(splits[0][row]), int(splits[0][row + 1])
    inner = []
    for level in splits[1:]:
        part = level[begin : end + 1]
        inner.append(part - part[0])
        begin, end = int(part[0]), int(part[-1])
    return RaggedValue(inner, values[begin:end])


class RaggedTensorToVariant(Op):
    """A ragged tensor as one variant or, batched, as one for each row."""

    signature = """rt_nested_splits: RAGGED_RANK * Tsplits, rt_dense_values: Tvalues
        -> encoded_ragged: variant"""
    ranks = {"rt_nested_splits": (1,), "rt_dense_values": at_least(1)}
    Tvalues = ANY
    Tsplits: INDEX = dtypes.int64
    batched_input: bool

    def shape(self, rt_nested_splits, rt_dense_values):
        if not self.batched_input:
            return ()
        if not rt_nested_splits:
            return [rt_dense_values.with_rank_at_least(1)[0]]
        rows = rt_nested_splits[0].with_rank(1)[0]
        return [None if rows is None else rows - 1]

    def gradient(self, rt_nested_splits, rt_dense_values, _encoded, dy):
        splits = np.zeros(0, np.int64)
        if self.batched_input and rt_nested_splits:
            # Start of each row of the outermost axis in the flat values.
            splits, *inner = rt_nested_splits
            for below in inner:
                splits = raw.GatherV2(params=below, indices=splits, axis=0)
        by_values = raw.RaggedTensorToVariantGradient(
            encoded_ragged_grad=dy,
            row_splits=splits,
            dense_values_shape=raw.Shape(input=rt_dense_values),
            Tvalues=rt_dense_values.dtype,
        )
        return [None] * len(rt_nested_splits), by_values

    def eager(self, rt_nested_splits, rt_dense_values):
        splits = list(rt_nested_splits)
        rows_below = (
            [*(inner.size - 1 for inner in splits[1:]), len(rt_dense_values)] if splits else []
        )
        for outer, rows in zip(splits, rows_below, strict=True):
            check_splits(self, outer, rows)
        if not self.batched_input:
            return RaggedValue(splits, rt_dense_values)
        if not splits:
            return _objects([RaggedValue([], v) for v in rt_dense_values], (len(rt_dense_values),))
        rows = splits[0].size - 1
        return _objects([_row(splits, rt_dense_values, r) for r in range(rows)], (rows,))


class RaggedTensorToVariantGradient(Op):
    """The gradient of RaggedTensorToVariant with respect to the flat values."""

    signature = """encoded_ragged_grad: variant, row_splits: Tsplits, dense_values_shape: int32
        -> dense_values_grad: Tvalues[*dense_values_shape]"""
    Tvalues: DType
    Tsplits: INDEX = dtypes.int64

    def eager(self, encoded_ragged_grad, row_splits, dense_values_shape):
        dims = tuple(int(n) for n in dense_values_shape)
        gradient = encoded_ragged_grad
        parts = list(gradient.reshape(-1)) if isinstance(gradient, np.ndarray) else [gradient]
        if row_splits.size:
            counts = np.diff(row_splits)
        else:
            counts = [dims[0] // max(len(parts), 1) if dims else 1] * len(parts)
        pieces = [
            part.values.reshape(-1, *dims[1:])
            if isinstance(part, RaggedValue)
            else np.zeros((count, *dims[1:]), self.Tvalues.np)  # a variant that was never set
            for part, count in zip(parts, counts, strict=True)
        ]
        if not pieces:
            return np.zeros(dims, self.Tvalues.np)
        return np.concatenate(pieces).reshape(dims)


class RaggedTensorFromVariant(Op):
    """The ragged tensor stored in variants; an array of variants gives its outer rows."""

    signature = """encoded_ragged: variant -> output_nested_splits: output_ragged_rank * Tsplits[?],
        output_dense_values: Tvalues[...]"""
    minimum = {"input_ragged_rank": -1, "output_ragged_rank": 0}
    input_ragged_rank: int
    output_ragged_rank: int
    Tvalues: DType
    Tsplits: INDEX = dtypes.int64

    def gradient(self, encoded_ragged, splits, _values, _dsplits, dvalues):
        if encoded_ragged.shape.rank == 0:
            return raw.RaggedTensorToVariant(
                rt_nested_splits=splits, rt_dense_values=dvalues, batched_input=False
            )
        return raw.RaggedTensorToVariant(
            rt_nested_splits=splits, rt_dense_values=dvalues, batched_input=True
        )

    def eager(self, encoded_ragged):
        kind = self.Tsplits.np
        if isinstance(encoded_ragged, np.ndarray) and not encoded_ragged.ndim:
            encoded_ragged = encoded_ragged.item()
        if not isinstance(encoded_ragged, np.ndarray):
            ragged = encoded_ragged
            if self.output_ragged_rank != len(ragged.splits):
                raise self.invalid(
                    "output_ragged_rank must be equal to input_ragged_rank + encoded_ragged.dims(). "
                    f"Received {self.output_ragged_rank}, {len(ragged.splits)}, []"
                )
            return [s.astype(kind) for s in ragged.splits], ragged.values
        shape = encoded_ragged.shape
        parts = list(encoded_ragged.reshape(-1))
        if self.output_ragged_rank == 0 and self.input_ragged_rank <= 0:
            return [], self._stacked(parts, shape)
        outer = [
            np.arange(int(np.prod(shape[:axis])) + 1) * shape[axis] for axis in range(1, len(shape))
        ]
        wanted = self.output_ragged_rank - encoded_ragged.ndim
        depth = len(parts[0].splits) if parts else max(wanted, 0)
        if self.output_ragged_rank != depth + encoded_ragged.ndim:
            raise self.invalid(
                "output_ragged_rank must be equal to input_ragged_rank + encoded_ragged.dims(). "
                f"Received {self.output_ragged_rank}, {depth}, {show(shape)}"
            )
        if not parts:
            empty = [np.zeros(1, kind) for _ in range(depth + 1)]
            return [o.astype(kind) for o in outer] + empty, np.zeros(0, self.Tvalues.np)
        self._check(parts)
        counts = [p.splits[0].size - 1 if depth else len(p.values) for p in parts]
        levels = [np.concatenate([[0], np.cumsum(counts)])]
        for level in range(depth):
            lengths = np.concatenate([np.diff(p.splits[level]) for p in parts])
            levels.append(np.concatenate([[0], np.cumsum(lengths)]))
        values = np.concatenate([p.values for p in parts])
        return [s.astype(kind) for s in (*outer, *levels)], values

    def _stacked(self, parts, shape):
        """Dense values of one shape, stacked."""
        if not parts:
            return np.zeros(shape, self.Tvalues.np)
        for at, part in enumerate(parts):
            if np.shape(part.values) != np.shape(parts[0].values):
                self._refuse_shapes(parts[0].values.shape, at, part.values.shape)
        return np.stack([part.values for part in parts]).reshape(*shape, *np.shape(parts[0].values))

    def _check(self, parts):
        for at, part in enumerate(parts):
            if not np.ndim(part.values):
                raise self.invalid(
                    f"Ragged values must have rank >= 1; encoded scalar element at index {at}"
                )
            if part.values.shape[1:] != parts[0].values.shape[1:]:
                self._refuse_shapes(parts[0].values.shape[1:], at, part.values.shape[1:])

    def _refuse_shapes(self, first, at, shape):
        raise self.invalid(
            f"All flat_values must have compatible shapes.  Shape at index 0: {show(first)}.  "
            f"Shape at index {at}: {show(shape)}.  If you are using tf.map_fn, then you may need to "
            "specify an explicit fn_output_signature with appropriate ragged_rank, and/or convert "
            "output tensors to RaggedTensors."
        )


class _Serialize(Op):
    """A sparse tensor as three variants or strings."""

    ranks = {"sparse_indices": (2,), "sparse_values": (1,), "sparse_shape": (1,)}

    T = ANY
    out_type: {dtypes.string, dtypes.variant} = dtypes.string

    def packed(self, indices, values, shape):
        """The three parts in the requested form."""
        check_parts(self, indices, values, shape)
        if self.out_type == dtypes.variant:
            return indices, values, shape
        parts = ((indices, dtypes.int64), (values, self.T), (shape, dtypes.int64))
        return [to_proto(np.ascontiguousarray(x), t).SerializeToString() for x, t in parts]


class SerializeSparse(_Serialize):
    """A sparse tensor as a vector of three variants."""

    signature = """sparse_indices: int64, sparse_values: T, sparse_shape: int64
        -> serialized_sparse: out_type[3]"""

    def eager(self, sparse_indices, sparse_values, sparse_shape):
        return _objects(self.packed(sparse_indices, sparse_values, sparse_shape), (3,))


class SerializeManySparse(_Serialize):
    """Each row of a sparse tensor as three variants."""

    signature = """sparse_indices: int64, sparse_values: T, sparse_shape: int64
        -> serialized_sparse: out_type"""

    def shape(self, sparse_indices, sparse_values, sparse_shape):
        known = sparse_shape.value
        return [None if known is None else int(known[0]), 3]

    def eager(self, sparse_indices, sparse_values, sparse_shape):
        check_sparse(self, sparse_indices, sparse_values, sparse_shape)
        if sparse_shape.size < 2:
            raise self.invalid(
                f"Rank of input SparseTensor should be > 1, but saw rank: {sparse_shape.size}"
            )
        check_indices(self, sparse_indices, sparse_shape)
        rows = int(sparse_shape[0])
        serialized = np.empty((rows, 3), object)  # first, so that too many rows are refused at once
        for row in range(rows):
            here = sparse_indices[:, 0] == row
            parts = self.packed(sparse_indices[here, 1:], sparse_values[here], sparse_shape[1:])
            serialized[row] = parts
        return serialized


class DeserializeSparse(Op):
    """The sparse tensor of variants; leading axes become its outer dimensions."""

    signature = """serialized_sparse: Tserialized
        -> sparse_indices: int64[?, ?], sparse_values: dtype[?], sparse_shape: int64[?]"""
    dtype: DType
    Tserialized: {dtypes.string, dtypes.variant} = dtypes.string

    def shape(self, serialized_sparse):
        triples = serialized_sparse.with_rank_at_least(1)
        if triples.rank is not None and triples[-1] not in (None, 3):
            raise ValueError(f"Dimension must be 3 but is {triples[-1]}")
        return [None, None], [None], [None]

    def eager(self, serialized_sparse):
        lead = serialized_sparse.shape[:-1]
        triples = serialized_sparse.reshape(-1, 3)
        if self.Tserialized == dtypes.string:
            triples = [_parsed(self, row) for row in triples]
        return _in_rows(self, triples, lead)


class DeserializeManySparse(Op):
    """The sparse tensor of serialized rows."""

    signature = """serialized_sparse: string[?, ?]
        -> sparse_indices: int64[?, ?], sparse_values: dtype[?], sparse_shape: int64[?]"""
    extents = {"serialized_sparse": "?, 3"}
    dtype: DType

    def eager(self, serialized_sparse):
        if serialized_sparse.ndim != 2 or serialized_sparse.shape[1] != 3:
            raise self.invalid(
                "Serialized sparse should have 3 columns, but has shape "
                f"{show(serialized_sparse.shape)}"
            )
        if not len(serialized_sparse):
            raise self.invalid(
                "Serialized sparse should have at least 1 serialized tensor, but has a zero dimension "
                f"{show(serialized_sparse.shape)}"
            )
        parts = [_parsed(self, row) for row in serialized_sparse]
        return _in_rows(self, parts, (len(parts),))


def _parsed(op, row):
    """The indices, values and shape of one serialized sparse tensor."""
    try:
        protos = [TensorProto.FromString(s) for s in row]
    except DecodeError:
        raise op.invalid("Could not parse serialized proto") from None
    return [from_proto(p) for p in protos]


def _in_rows(op, triples, lead):
    """Sparse tensors (indices, values, shape) as one, with `lead` as outer dimensions."""
    dtype = op.dtype
    indices, values, widest = [], [], None
    for at, (index, value, shape) in enumerate(triples):
        check_parts(op, index, value, shape, f"SparseTensor[{at}]")
        if value.dtype != dtype.np:
            raise op.invalid(
                f"Requested SparseTensor of type {dtype.name} but SparseTensor[{at}].values.dtype() "
                f"== {dtypes.as_dtype(value.dtype).name}"
            )
        if widest is not None and len(widest) != len(shape):
            raise op.invalid(
                f"Inconsistent shape across SparseTensors: rank prior to SparseTensor[{at}] was: "
                f"{len(widest)} but rank of SparseTensor[{at}] is: {len(shape)}"
            )
        outer = np.array(np.unravel_index(at, lead), np.int64).reshape(1, -1)
        outer = np.broadcast_to(outer, (len(index), len(lead)))
        indices.append(np.concatenate([outer, index], 1))
        values.append(value)
        widest = shape if widest is None else np.maximum(widest, shape)
    if widest is None:
        empty = np.zeros((0, len(lead) + 1), np.int64)
        return empty, np.zeros(0, dtype.np), np.zeros(len(lead) + 1, np.int64)
    shape = np.concatenate([np.array(lead, np.int64), widest])
    return np.concatenate(indices), np.concatenate(values), shape
