"""Parses sequence examples into tensors: context features, and feature lists by step."""

import itertools

import numpy as np
from google.protobuf.message import DecodeError

from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import INDEX
from penstock._src.core.values.groups import NotGrouped, is_group
from penstock._src.ops.array.constant import zero_of
from penstock._src.ops.parsing import columns
from penstock._src.ops.parsing.each import (
    dense_each,
    dense_steps_each,
    ragged_each,
    ragged_steps_each,
    read_each,
    sparse_each,
    sparse_steps_each,
)
from penstock._src.ops.parsing.example import (
    _KINDS,
    _SHOWN,
    PARSED,
    ExampleBatch,
    array_of,
    splits_shape,
)
from penstock._src.ops.parsing.sequence_columns import SequenceColumns
from penstock._src.proto.example import SequenceExample


def _features(message):
    """{feature: (dtype, values)} of a context; a feature without a kind has no dtype and no values, yet is not missing."""
    features = {}
    for key, feature in message.items():
        kind = feature.WhichOneof("kind")
        values = list(getattr(feature, kind).value) if kind is not None else []
        features[key] = _KINDS.get(kind), values
    return features


class Sequences(ExampleBatch):
    """A batch of sequence examples: `rows` are the context features of each."""

    def __init__(self, op, serialized, names):
        self.op, self.single = op, False
        self.names = [n.decode(errors="replace") for n in names.reshape(-1)] or ["<unknown>"] * len(
            serialized
        )
        self.rows, self.lists = [], []
        for text, name in zip(serialized, self.names, strict=True):
            try:
                example = SequenceExample.FromString(text)
            except DecodeError as error:
                raise op.invalid(f"Name: {name}, Could not parse example input: {error}") from None
            self.rows.append(_features(example.context.feature))
            self.lists.append(example.feature_lists.feature_list)

    def steps(self, row, key, dtype):
        """The values of each step of a feature list, or None if it is missing."""
        if key not in self.lists[row]:
            return None
        steps = []
        for at, feature in enumerate(self.lists[row][key].feature):
            kind = feature.WhichOneof("kind")
            if kind is None:
                steps.append([])
                continue
            if _KINDS[kind] != dtype:
                raise self.op.invalid(
                    f"Name: {self.names[row]}, Key: {key}, Index: {at}.  Data types don't match. "
                    f"Expected type: {_SHOWN[dtype]}, but got type: {_SHOWN[_KINDS[kind]]}"
                )
            steps.append(list(getattr(feature, kind).value))
        return steps

    def dense_steps(self, key, dtype, shape, may_miss):
        """The array [examples, steps, *shape] of a feature list, padded, and the sequence lengths."""
        dims, size = shape.as_list(), int(np.prod(shape.as_list(), dtype=np.int64))
        lists = []
        for row, name in enumerate(self.names):
            steps = self.steps(row, key, dtype)
            if steps is None and not may_miss:
                raise self.op.invalid(
                    f"Name: {name}, Feature list '{key}' is required but could not be found.  Did you "
                    "mean to include it in feature_list_dense_missing_assumed_empty or "
                    "feature_list_dense_defaults?"
                )
            for at, values in enumerate(steps or []):
                if len(values) != size:
                    raise self.op.invalid(
                        f"Name: {name}, Key: {key}, Index: {at}.  Number of {_SHOWN[dtype]} values != "
                        f"expected.  values size: {len(values)} but output shape: {dims}"
                    )
            lists.append(steps or [])
        longest = max((len(steps) for steps in lists), default=0)
        out = np.full((len(lists), longest, *dims), zero_of(dtype), dtype.np)
        for row, steps in enumerate(lists):
            for at, values in enumerate(steps):
                out[row, at] = array_of(values, dtype, dims)
        return out, np.array([len(steps) for steps in lists], np.int64)

    def sparse_steps(self, key, dtype):
        """Indices [example, step, position], values and dense shape of a feature list."""
        lists = [self.steps(row, key, dtype) or [] for row in range(len(self.rows))]
        index = [
            (row, step, at)
            for row, steps in enumerate(lists)
            for step, values in enumerate(steps)
            for at in range(len(values))
        ]
        flat = [v for steps in lists for values in steps for v in values]
        longest = max((len(steps) for steps in lists), default=0)
        widest = max((len(values) for steps in lists for values in steps), default=0)
        shape = np.array([len(lists), longest, widest], np.int64)
        return np.array(index, np.int64).reshape(-1, 3), array_of(flat, dtype), shape

    def ragged_steps(self, key, dtype, splits):
        """Values, and the splits of examples and of steps, of a feature list."""
        lists = [self.steps(row, key, dtype) or [] for row in range(len(self.rows))]
        flat = [v for steps in lists for values in steps for v in values]
        outer = np.cumsum([0, *(len(steps) for steps in lists)])
        inner = np.cumsum([0, *(len(values) for steps in lists for values in steps)])
        return array_of(flat, dtype), outer.astype(splits.np), inner.astype(splits.np)


def read_sequences(op, serialized, names, keys, list_keys, read):
    """Return the result of `read` for a batch: native columns, or Sequences for those that they cannot read or refuse."""
    if columns.is_available() and serialized:
        asked = tuple(dict.fromkeys(keys)), tuple(dict.fromkeys(list_keys))
        try:
            return read(SequenceColumns(serialized, *asked))
        except columns.IrregularError:
            pass  # read again, which reports the error or handles an unusual form
    return read(Sequences(op, serialized, names))


def _texts(keys):
    return [k.decode() if isinstance(k, bytes) else k for k in keys]


def _columns(rows, count):
    """Transposes rows of tuples to lists."""
    return [[row[i] for row in rows] for i in range(count)]


def _context(op, batch, sparse_keys, dense_keys, defaults):
    sparse = [batch.sparse(k, t) for k, t in zip(sparse_keys, op.context_sparse_types)]
    dense = [
        batch.dense(key, dtype, shape, default)
        for key, dtype, shape, default in zip(
            dense_keys, op.Tcontext_dense, op.context_dense_shapes, defaults, strict=True
        )
    ]
    return *_columns(sparse, 3), dense


def _steps(op, batch, sparse_keys, dense_keys, may_miss):
    sparse = [batch.sparse_steps(k, t) for k, t in zip(sparse_keys, op.feature_list_sparse_types)]
    dense = [
        batch.dense_steps(key, dtype, shape, miss)
        for key, dtype, shape, miss in zip(
            dense_keys, op.feature_list_dense_types, op.feature_list_dense_shapes, may_miss
        )
    ]
    return *_columns(sparse, 3), *_columns(dense, 2)


def _single(indices, values, shapes):
    """Sparse features of one example, without the axis of examples."""
    return [i[:, 1:] for i in indices], values, [s[1:] for s in shapes]


class _ParseSequences(Op):
    """Features and feature lists of sequence examples."""

    def _sparse_shapes(self, count, rank):
        return [[None, rank]] * count, [[None]] * count, [[rank]] * count

    def _dense_shapes(self, lead, steps, shapes):
        return [TensorShape([*lead, *steps]).concatenate(s) for s in shapes]

    def _dense_steps_each(self, batch, keys, may_miss):
        types, shapes = self.feature_list_dense_types, self.feature_list_dense_shapes
        return dense_steps_each(batch, keys, types, shapes, may_miss)


class ParseSequenceExampleV2(_ParseSequences):
    """Features and feature lists of a batch of sequence examples, or of one."""

    signature = """serialized: string, debug_name: string, context_sparse_keys: string,
        context_dense_keys: string, context_ragged_keys: string,
        feature_list_sparse_keys: string, feature_list_dense_keys: string,
        feature_list_ragged_keys: string, feature_list_dense_missing_assumed_empty: bool,
        context_dense_defaults: *Tcontext_dense ->
        context_sparse_indices: Ncontext_sparse * int64,
        context_sparse_values: *context_sparse_types,
        context_sparse_shapes: Ncontext_sparse * int64,
        context_dense_values: *Tcontext_dense,
        context_ragged_values: *context_ragged_value_types,
        context_ragged_row_splits: *context_ragged_split_types,
        feature_list_sparse_indices: Nfeature_list_sparse * int64,
        feature_list_sparse_values: *feature_list_sparse_types,
        feature_list_sparse_shapes: Nfeature_list_sparse * int64,
        feature_list_dense_values: *feature_list_dense_types,
        feature_list_dense_lengths: Nfeature_list_dense * int64,
        feature_list_ragged_values: *feature_list_ragged_value_types,
        feature_list_ragged_outer_splits: *feature_list_ragged_split_types,
        feature_list_ragged_inner_splits: *feature_list_ragged_split_types"""
    minimum = {"Ncontext_sparse": 0, "Nfeature_list_sparse": 0, "Nfeature_list_dense": 0}
    Ncontext_sparse: int = 0
    Tcontext_dense: [PARSED] = []
    context_sparse_types: [PARSED] = []
    context_ragged_value_types: [PARSED] = []
    context_ragged_split_types: [INDEX] = []
    context_dense_shapes: list[TensorShape] = []
    Nfeature_list_sparse: int = 0
    Nfeature_list_dense: int = 0
    feature_list_dense_types: [PARSED] = []
    feature_list_sparse_types: [PARSED] = []
    feature_list_ragged_value_types: [PARSED] = []
    feature_list_ragged_split_types: [INDEX] = []
    feature_list_dense_shapes: list[TensorShape] = []

    def shape(self, serialized, *_):
        rank = serialized.rank
        if rank is None:
            rank, lead, known = 0, [], False
        else:
            lead, known = serialized.as_list(), True
        context_ragged = len(self.context_ragged_value_types)
        steps_ragged = len(self.feature_list_ragged_value_types)
        dense = self._dense_shapes(lead, [], self.context_dense_shapes)
        dense_steps = self._dense_shapes(lead, [None], self.feature_list_dense_shapes)
        splits = splits_shape(serialized)
        return (
            *self._sparse_shapes(self.Ncontext_sparse, rank + 1 if known else None),
            dense if known else [None] * len(dense),
            [[None]] * context_ragged,
            [splits] * context_ragged,
            *self._sparse_shapes(self.Nfeature_list_sparse, rank + 2 if known else None),
            dense_steps if known else [None] * len(dense_steps),
            [lead if known else None] * self.Nfeature_list_dense,
            [[None]] * steps_ragged,
            [splits] * steps_ragged,
            [[None]] * steps_ragged,
        )

    def eager(
        self,
        serialized,
        debug_name,
        context_sparse_keys,
        context_dense_keys,
        context_ragged_keys,
        feature_list_sparse_keys,
        feature_list_dense_keys,
        feature_list_ragged_keys,
        feature_list_dense_missing_assumed_empty,
        context_dense_defaults,
    ):
        sparse_keys, dense_keys = _texts(context_sparse_keys), _texts(context_dense_keys)
        ragged_keys, ragged_lists = _texts(context_ragged_keys), _texts(feature_list_ragged_keys)
        sparse_lists, dense_lists = (
            _texts(feature_list_sparse_keys),
            _texts(feature_list_dense_keys),
        )
        may_miss = feature_list_dense_missing_assumed_empty.tolist()

        def read(batch):
            types = zip(self.context_ragged_value_types, self.context_ragged_split_types)
            list_types = zip(
                self.feature_list_ragged_value_types, self.feature_list_ragged_split_types
            )
            return (
                _context(self, batch, sparse_keys, dense_keys, context_dense_defaults),
                [batch.ragged(key, *kinds) for key, kinds in zip(ragged_keys, types)],
                _steps(self, batch, sparse_lists, dense_lists, may_miss),
                [batch.ragged_steps(key, *kinds) for key, kinds in zip(ragged_lists, list_types)],
            )

        keys = sparse_keys + dense_keys + ragged_keys
        lists = sparse_lists + dense_lists + ragged_lists
        rows = list(serialized.reshape(-1))
        context, ragged, steps, ragged_steps = read_sequences(
            self, rows, debug_name, keys, lists, read
        )
        (*sparse, dense), (*sparse_steps, dense_steps, lengths) = context, steps
        values, splits = _columns(ragged, 2)
        flat, outer, inner = _columns(ragged_steps, 3)
        if serialized.ndim == 0:
            sparse, sparse_steps = _single(*sparse), _single(*sparse_steps)
            dense, dense_steps = [d[0] for d in dense], [d[0] for d in dense_steps]
            splits, outer = [s[:0] for s in splits], [s[:0] for s in outer]
            lengths = [np.asarray(n[0]) for n in lengths]
        context = (*sparse, dense, values, splits)
        return *context, *sparse_steps, dense_steps, lengths, flat, outer, inner

    def eager_each(self, serialized, debug_name, *keys_and_defaults):
        *keys, defaults = keys_and_defaults
        if any(map(is_group, (debug_name, *keys, *defaults))):
            raise NotGrouped
        *names, may_miss = [array.tolist() for array in keys]
        sparse, dense, ragged, sparse_lists, dense_lists, ragged_lists = map(_texts, names)

        def read(batch):
            types, splits = self.context_ragged_value_types, self.context_ragged_split_types
            list_types = self.feature_list_ragged_value_types
            list_splits = self.feature_list_ragged_split_types
            return (
                *sparse_each(batch, sparse, self.context_sparse_types),
                dense_each(batch, dense, self.Tcontext_dense, self.context_dense_shapes, defaults),
                *ragged_each(batch, ragged, types, splits),
                *sparse_steps_each(batch, sparse_lists, self.feature_list_sparse_types),
                *self._dense_steps_each(batch, dense_lists, may_miss),
                *ragged_steps_each(batch, ragged_lists, list_types, list_splits),
            )

        asked = [sparse + dense + ragged, sparse_lists + dense_lists + ragged_lists]
        return read_each(SequenceColumns, serialized, asked, read)


class _ParseWithoutRagged(_ParseSequences):
    """Sparse and dense features and feature lists."""

    Ncontext_sparse: int = 0
    Ncontext_dense: int = 0
    Nfeature_list_sparse: int = 0
    Nfeature_list_dense: int = 0
    context_sparse_types: [PARSED] = []
    Tcontext_dense: [PARSED] = []
    feature_list_dense_types: [PARSED] = []
    context_dense_shapes: list[TensorShape] = []
    feature_list_sparse_types: [PARSED] = []
    feature_list_dense_shapes: list[TensorShape] = []


class ParseSequenceExample(_ParseWithoutRagged):
    """Features and feature lists of a batch of sequence examples, with keys as attributes."""

    signature = """serialized: string, debug_name: string, context_dense_defaults: *Tcontext_dense ->
        context_sparse_indices: Ncontext_sparse * int64,
        context_sparse_values: *context_sparse_types,
        context_sparse_shapes: Ncontext_sparse * int64,
        context_dense_values: *Tcontext_dense,
        feature_list_sparse_indices: Nfeature_list_sparse * int64,
        feature_list_sparse_values: *feature_list_sparse_types,
        feature_list_sparse_shapes: Nfeature_list_sparse * int64,
        feature_list_dense_values: *feature_list_dense_types,
        feature_list_dense_lengths: Nfeature_list_dense * int64"""
    minimum = {
        "Ncontext_sparse": 0,
        "Ncontext_dense": 0,
        "Nfeature_list_sparse": 0,
        "Nfeature_list_dense": 0,
    }
    feature_list_dense_missing_assumed_empty: list[str]
    context_sparse_keys: list[str]
    context_dense_keys: list[str]
    feature_list_sparse_keys: list[str]
    feature_list_dense_keys: list[str]

    def shape(self, serialized, *_):
        lead = [serialized.with_rank(1)[0]]
        return (
            *self._sparse_shapes(self.Ncontext_sparse, 2),
            self._dense_shapes(lead, [], self.context_dense_shapes),
            *self._sparse_shapes(self.Nfeature_list_sparse, 3),
            self._dense_shapes(lead, [None], self.feature_list_dense_shapes),
            [lead] * self.Nfeature_list_dense,
        )

    def eager(self, serialized, debug_name, context_dense_defaults):
        sparse_keys, dense_keys = _texts(self.context_sparse_keys), _texts(self.context_dense_keys)
        sparse_lists = _texts(self.feature_list_sparse_keys)
        dense_lists = _texts(self.feature_list_dense_keys)
        optional = set(_texts(self.feature_list_dense_missing_assumed_empty))
        may_miss = [key in optional for key in dense_lists]

        def read(batch):
            return (
                *_context(self, batch, sparse_keys, dense_keys, context_dense_defaults),
                *_steps(self, batch, sparse_lists, dense_lists, may_miss),
            )

        keys, lists = sparse_keys + dense_keys, sparse_lists + dense_lists
        return read_sequences(self, list(serialized), debug_name, keys, lists, read)


class ParseSingleSequenceExample(_ParseWithoutRagged):
    """Features and feature lists of one sequence example."""

    signature = """serialized: string, feature_list_dense_missing_assumed_empty: string,
        context_sparse_keys: Ncontext_sparse * string,
        context_dense_keys: Ncontext_dense * string,
        feature_list_sparse_keys: Nfeature_list_sparse * string,
        feature_list_dense_keys: Nfeature_list_dense * string,
        context_dense_defaults: *Tcontext_dense, debug_name: string ->
        context_sparse_indices: Ncontext_sparse * int64,
        context_sparse_values: *context_sparse_types,
        context_sparse_shapes: Ncontext_sparse * int64,
        context_dense_values: *Tcontext_dense,
        feature_list_sparse_indices: Nfeature_list_sparse * int64,
        feature_list_sparse_values: *feature_list_sparse_types,
        feature_list_sparse_shapes: Nfeature_list_sparse * int64,
        feature_list_dense_values: *feature_list_dense_types"""

    def shape(self, *_):
        return (
            *self._sparse_shapes(self.Ncontext_sparse, 1),
            list(self.context_dense_shapes),
            *self._sparse_shapes(self.Nfeature_list_sparse, 2),
            self._dense_shapes([], [None], self.feature_list_dense_shapes),
        )

    def eager(
        self,
        serialized,
        feature_list_dense_missing_assumed_empty,
        context_sparse_keys,
        context_dense_keys,
        feature_list_sparse_keys,
        feature_list_dense_keys,
        context_dense_defaults,
        debug_name,
    ):
        names = [
            _texts(k.item() for k in keys)
            for keys in (
                context_sparse_keys,
                context_dense_keys,
                feature_list_sparse_keys,
                feature_list_dense_keys,
            )
        ]
        optional = set(_texts(feature_list_dense_missing_assumed_empty.tolist()))
        may_miss = [key in optional for key in names[3]]

        def read(batch):
            return (
                _context(self, batch, names[0], names[1], context_dense_defaults),
                _steps(self, batch, names[2], names[3], may_miss),
            )

        keys, lists = names[0] + names[1], names[2] + names[3]
        (*sparse, dense), (*sparse_steps, dense_steps, _) = read_sequences(
            self, [serialized.item()], debug_name, keys, lists, read
        )
        first, second = _single(*sparse), _single(*sparse_steps)
        return *first, [d[0] for d in dense], *second, [d[0] for d in dense_steps]

    def eager_each(self, serialized, may_be_missing, *keys_and_defaults):
        *keys, defaults, debug_name = keys_and_defaults
        arguments = [debug_name, may_be_missing, *defaults, *itertools.chain.from_iterable(keys)]
        if any(map(is_group, arguments)):
            raise NotGrouped
        sparse, dense, sparse_lists, dense_lists = [
            _texts(k.item() for k in names) for names in keys
        ]
        optional = set(_texts(may_be_missing.tolist()))

        def read(batch):
            return (
                *sparse_each(batch, sparse, self.context_sparse_types),
                dense_each(batch, dense, self.Tcontext_dense, self.context_dense_shapes, defaults),
                *sparse_steps_each(batch, sparse_lists, self.feature_list_sparse_types),
                self._dense_steps_each(batch, dense_lists, [k in optional for k in dense_lists])[0],
            )

        return read_each(
            SequenceColumns, serialized, [sparse + dense, sparse_lists + dense_lists], read
        )
