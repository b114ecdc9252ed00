"""Parses examples into tensors: dense, sparse and ragged features."""

import numpy as np
from google.protobuf.message import DecodeError

from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import INDEX
from penstock._src.core.values.groups import NotGrouped, is_group
from penstock._src.ops.parsing import columns
from penstock._src.ops.parsing.each import dense_each, ragged_each, read_each, sparse_each
from penstock._src.ops.rules import show
from penstock._src.proto.example import Example

PARSED = frozenset({dtypes.float32, dtypes.int64, dtypes.string})
_KINDS = {"float_list": dtypes.float32, "int64_list": dtypes.int64, "bytes_list": dtypes.string}
_SHOWN = {dtypes.float32: "float", dtypes.int64: "int64", dtypes.string: "string"}


def parsed(op, serialized, name):
    """{feature: (dtype, values)} of an example; a feature without a kind counts as missing."""
    try:
        features = Example.FromString(serialized).features.feature
    except DecodeError as error:
        raise op.invalid(f"Name: {name}, Could not parse example input: {error}") from None
    by_name = {}
    for key, feature in features.items():
        kind = feature.WhichOneof("kind")
        if kind is not None:
            by_name[key] = _KINDS[kind], list(getattr(feature, kind).value)
    return by_name


def array_of(values, dtype, shape=None):
    """Values of a feature as an array."""
    out = np.empty(len(values), dtype.np)
    for at, value in enumerate(values):
        out[at] = value
    return out if shape is None else out.reshape(shape)


class ExampleBatch:
    """The features of a batch of examples, or of a single one. The two have different error messages.

    It reads with the protocol buffers' own library: any form, but slowly.
    """

    def __init__(self, op, serialized, names, single=False):
        self.op, self.single = op, single
        self.names = [n.decode(errors="replace") for n in names.reshape(-1)] or ["<unknown>"] * len(
            serialized
        )
        self.rows = [parsed(op, s, n) for s, n in zip(serialized, self.names, strict=True)]

    def values(self, row, key, dtype):
        """The values of a feature in one example, or None if it is missing."""
        feature = self.rows[row].get(key)
        if feature is None:
            return None
        if feature[0] not in (dtype, None):
            raise self.op.invalid(
                f"{self.place(row, key)}  Data types don't match. Data type: {_SHOWN[feature[0]]} but expected type: {_SHOWN[dtype]}"
            )
        return feature[1]

    def place(self, row, key):
        """Return the example and the feature of an error, for its message."""
        return (
            f"Key: {key}." if self.single else f"Name: {self.names[row]}, Key: {key}, Index: {row}."
        )

    def dense(self, key, dtype, shape, default):
        """The array [examples, *shape] of a feature; padded if the first dimension is unknown."""
        dims = shape.as_list()
        if dims and dims[0] is None:
            return self._padded(key, dtype, dims[1:], default)
        size = int(np.prod(dims)) if dims else 1
        rows = []
        for row in range(len(self.rows)):
            values = self.values(row, key, dtype)
            if values is None:
                if default.size == 0 and size:
                    name = "" if self.single else f"Name: {self.names[row]}, "
                    raise self.op.invalid(
                        f"{name}Feature: {key} (data type: {_SHOWN[dtype]}) is "
                        "required but could not be found."
                    )
                rows.append(default.reshape(dims))
                continue
            if len(values) != size:
                what = "Can't parse serialized Example: " if self.single else ""
                raise self.op.invalid(
                    f"{self.place(row, key)}  {what}Number of {_SHOWN[dtype]} values != expected.  Values size: {len(values)} but output "
                    f"shape: {dims}"
                )
            rows.append(array_of(values, dtype, dims))
        return np.stack(rows) if rows else np.zeros((0, *dims), dtype.np)

    def _padded(self, key, dtype, inner, default):
        stride = int(np.prod(inner)) if inner else 1
        lists = [self.values(row, key, dtype) or [] for row in range(len(self.rows))]
        for row, values in enumerate(lists):
            if len(values) % stride:
                if self.single:
                    raise self.op.invalid(
                        f"Error while parsing feature with key {key}: number of elements should be "
                        f"divisible by {stride}, found {len(values)} instead"
                    )
                kind = "bytes" if dtype is dtypes.string else _SHOWN[dtype]
                shape = ",".join(["?", *map(str, inner)])
                raise self.op.invalid(
                    f"{self.place(row, key)}  Number of {kind} values is not a multiple of stride length. "
                    f"Saw {len(values)} values but output shape is: [{shape}]"
                )
        longest = max((len(v) // stride for v in lists), default=0)
        out = np.empty((len(lists), longest * stride), dtype.np)
        out[...] = (
            default.reshape(-1)[0] if default.size else (b"" if dtype is dtypes.string else 0)
        )
        for row, values in enumerate(lists):
            out[row, : len(values)] = array_of(values, dtype)
        return out.reshape(len(lists), longest, *inner)

    def sparse(self, key, dtype):
        """Indices, values and dense shape of a feature."""
        lists = [self.values(row, key, dtype) or [] for row in range(len(self.rows))]
        index = [(row, at) for row, values in enumerate(lists) for at in range(len(values))]
        flat = array_of([v for values in lists for v in values], dtype)
        widest = max((len(v) for v in lists), default=0)
        shape = np.array([len(lists), widest], np.int64)
        return np.array(index, np.int64).reshape(-1, 2), flat, shape

    def ragged(self, key, dtype, splits):
        """Values and row splits of a feature."""
        lists = [self.values(row, key, dtype) or [] for row in range(len(self.rows))]
        flat = array_of([v for values in lists for v in values], dtype)
        ends = np.cumsum([0, *(len(v) for v in lists)])
        return flat, ends.astype(splits.np)


def read_examples(op, serialized, names, keys, read, single=False):
    """Return the result of `read` for a batch's features: native columns, or an ExampleBatch for those that they cannot read or refuse."""
    if columns.is_available() and serialized and keys:
        try:
            return read(columns.ExampleColumns(serialized, tuple(dict.fromkeys(keys))))
        except columns.IrregularError:
            pass  # read again, which reports the error or handles an unusual form
    return read(ExampleBatch(op, serialized, names, single))


def splits_shape(serialized):
    """The shape of the row splits of a ragged feature."""
    rows = serialized[0] if serialized.rank == 1 else None
    return [None if rows is None else rows + 1]


def _texts(keys):
    return [k.decode() if isinstance(k, bytes) else k for k in keys]


def dense_columns(op, batch, keys, defaults):
    """The dense features of a batch."""
    return [
        batch.dense(key, dtype, shape, default)
        for key, dtype, shape, default in zip(
            keys, op.Tdense, op.dense_shapes, defaults, strict=True
        )
    ]


def sparse_columns(op, batch, keys):
    """The sparse features of a batch: indices, values and shapes."""
    features = [batch.sparse(k, t) for k, t in zip(keys, op.sparse_types, strict=True)]
    return [f[0] for f in features], [f[1] for f in features], [f[2] for f in features]


class ParseExample(Op):
    """Features of a batch of serialized examples."""

    signature = """serialized: string, names: string, sparse_keys: Nsparse * string,
        dense_keys: Ndense * string, dense_defaults: *Tdense -> sparse_indices: Nsparse * int64,
        sparse_values: *sparse_types, sparse_shapes: Nsparse * int64, dense_values: *Tdense"""
    Tdense = PARSED
    sparse_types: [PARSED]
    dense_shapes: list[TensorShape]

    def shape(self, serialized, names, sparse_keys, dense_keys, dense_defaults):
        rows = serialized.with_rank(1)[0]
        count = len(sparse_keys)
        dense = [TensorShape([rows]).concatenate(s) for s in self.dense_shapes]
        return [[None, 2]] * count, [[None]] * count, [[2]] * count, dense

    def eager(self, serialized, names, sparse_keys, dense_keys, dense_defaults):
        sparse = _texts(k.item() for k in sparse_keys)
        dense = _texts(k.item() for k in dense_keys)

        def read(batch):
            return (
                *sparse_columns(self, batch, sparse),
                dense_columns(self, batch, dense, dense_defaults),
            )

        return read_examples(self, list(serialized), names, sparse + dense, read)


class ParseExampleV2(Op):
    """Features of a batch of serialized examples, or of one."""

    signature = """serialized: string, names: string, sparse_keys: string, dense_keys: string,
        ragged_keys: string, dense_defaults: *Tdense -> sparse_indices: num_sparse * int64,
        sparse_values: *sparse_types, sparse_shapes: num_sparse * int64, dense_values: *Tdense,
        ragged_values: *ragged_value_types, ragged_row_splits: *ragged_split_types"""
    minimum = {"num_sparse": 0}
    Tdense = PARSED
    num_sparse: int
    sparse_types: [PARSED]
    ragged_value_types: [PARSED]
    ragged_split_types: [INDEX]
    dense_shapes: list[TensorShape]

    def shape(self, serialized, names, sparse_keys, dense_keys, ragged_keys, dense_defaults):
        rank = serialized.rank
        lead = TensorShape([serialized[0]]) if rank == 1 else TensorShape([])
        count, ragged = self.num_sparse, len(self.ragged_value_types)
        inner = None if rank is None else rank + 1
        dense = [None if rank is None else lead.concatenate(s) for s in self.dense_shapes]
        return (
            [[None, inner]] * count,
            [[None]] * count,
            [[inner]] * count,
            dense,
            [[None]] * ragged,
            [splits_shape(serialized)] * ragged,
        )

    def eager(self, serialized, names, sparse_keys, dense_keys, ragged_keys, dense_defaults):
        if serialized.ndim > 1:
            raise self.invalid(
                f"serialized must be a scalar or a vector. Received {show(serialized.shape)}"
            )
        sparse, dense, ragged = _texts(sparse_keys), _texts(dense_keys), _texts(ragged_keys)

        def read(batch):
            kinds = zip(ragged, self.ragged_value_types, self.ragged_split_types, strict=True)
            return (
                sparse_columns(self, batch, sparse),
                dense_columns(self, batch, dense, dense_defaults),
                [batch.ragged(key, dtype, splits) for key, dtype, splits in kinds],
            )

        rows, keys = list(serialized.reshape(-1)), sparse + dense + ragged
        (indices, values, shapes), dense, ragged = read_examples(
            self, rows, names, keys, read, serialized.ndim == 0
        )
        flat, splits = [r[0] for r in ragged], [r[1] for r in ragged]
        if serialized.ndim == 0:
            indices, shapes = [i[:, 1:] for i in indices], [s[1:] for s in shapes]
            dense, splits = [d[0] for d in dense], [s[:0] for s in splits]
        return indices, values, shapes, dense, flat, splits

    def eager_each(self, serialized, names, sparse_keys, dense_keys, ragged_keys, dense_defaults):
        if any(map(is_group, (names, sparse_keys, dense_keys, ragged_keys, *dense_defaults))):
            raise NotGrouped
        sparse, dense, ragged = _texts(sparse_keys), _texts(dense_keys), _texts(ragged_keys)

        def read(batch):
            return (
                *sparse_each(batch, sparse, self.sparse_types),
                dense_each(batch, dense, self.Tdense, self.dense_shapes, dense_defaults),
                *ragged_each(batch, ragged, self.ragged_value_types, self.ragged_split_types),
            )

        return read_each(columns.ExampleColumns, serialized, [sparse + dense + ragged], read)


class ParseSingleExample(Op):
    """Features of one serialized example."""

    signature = """serialized: string, dense_defaults: *Tdense
        -> sparse_indices: num_sparse * int64, sparse_values: *sparse_types,
        sparse_shapes: num_sparse * int64, dense_values: *Tdense"""
    minimum = {"num_sparse": 0}
    Tdense = PARSED
    num_sparse: int
    sparse_keys: list[str]
    dense_keys: list[str]
    sparse_types: [PARSED]
    dense_shapes: list[TensorShape]

    def shape(self, serialized, dense_defaults):
        count = self.num_sparse
        return [[None, 1]] * count, [[None]] * count, [[1]] * count, list(self.dense_shapes)

    def eager(self, serialized, dense_defaults):
        sparse, dense_keys = _texts(self.sparse_keys), _texts(self.dense_keys)

        def read(batch):
            return sparse_columns(self, batch, sparse), dense_columns(
                self, batch, dense_keys, dense_defaults
            )

        (indices, values, shapes), dense = read_examples(
            self, [serialized.item()], np.zeros(0, object), sparse + dense_keys, read, single=True
        )
        return [i[:, 1:] for i in indices], values, [s[1:] for s in shapes], [d[0] for d in dense]

    def eager_each(self, serialized, dense_defaults):
        if any(map(is_group, dense_defaults)):
            raise NotGrouped
        sparse, dense = _texts(self.sparse_keys), _texts(self.dense_keys)

        def read(batch):
            return (
                *sparse_each(batch, sparse, self.sparse_types),
                dense_each(batch, dense, self.Tdense, self.dense_shapes, dense_defaults),
            )

        return read_each(columns.ExampleColumns, serialized, [sparse + dense], read)
