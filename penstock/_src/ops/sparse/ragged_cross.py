"""Crosses of ragged, sparse and dense columns, as ragged tensors."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.core.typesets import INDEX

from .cross import Column, column_of_dense, column_of_sparse, crossed, hashed_crosses

_RANK = "tf.ragged.cross only supports inputs with rank=2."
_BATCH = "inputs must all have the same batch dimension size."
_KINDS = {"R": "ragged tensor", "S": "sparse tensor", "D": "dense tensor"}


class RaggedCross(Op):
    """Crosses of ragged, sparse and dense columns, as a ragged tensor."""

    signature = """ragged_values: *ragged_values_types, ragged_row_splits: *ragged_splits_types,
        sparse_indices: Nsparse * int64, sparse_values: *sparse_values_types,
        sparse_shape: Nsparse * int64, dense_inputs: *dense_types
        -> output_values: out_values_type, output_row_splits: out_row_splits_type"""
    minimum = {"num_buckets": 0}
    ragged_values_types = frozenset({dtypes.int64, dtypes.string})
    ragged_splits_types = INDEX
    sparse_values_types = frozenset({dtypes.int64, dtypes.string})
    dense_types = frozenset({dtypes.int64, dtypes.string})
    input_order: str
    hashed_output: bool
    num_buckets: int
    hash_key: int
    out_values_type: {dtypes.int64, dtypes.string}
    out_row_splits_type: INDEX

    def shape(self, ragged_values, ragged_row_splits, indices, values, _shapes, dense_inputs):
        self._check_counts(ragged_values, ragged_row_splits, indices, values)
        rows = {None}
        for splits in ragged_row_splits:
            if splits.rank not in (None, 1):
                raise ValueError(_RANK)
            known = splits[0] if splits.rank else None
            # No splits at all are left to the kernel, which says so.
            rows.add(known - 1 if known else None)
        for dense in dense_inputs:
            if dense.rank not in (None, 2):
                raise ValueError(_RANK)
            rows.add(dense[0] if dense.rank else None)
        rows.discard(None)
        if len(rows) > 1:
            raise ValueError(_BATCH)
        return [None], [rows.pop() + 1 if rows else None]

    def _check_counts(self, ragged_values, ragged_row_splits, sparse_indices, sparse_values):
        if len(ragged_values) != len(ragged_row_splits):
            raise self.invalid("ragged values and splits must have the same length")
        if len(sparse_indices) != len(sparse_values):
            raise self.invalid("sparse indices and values must have the same length")

    def eager(self, ragged_values, ragged_row_splits, indices, values, shapes, dense_inputs):
        self._check_counts(ragged_values, ragged_row_splits, indices, values)
        ragged = list(zip(ragged_values, ragged_row_splits, strict=True))
        sparse = list(zip(indices, values, shapes, strict=True))
        for column in ragged:
            self._check_ragged(*column)
        for at, column in enumerate(sparse):
            self._check_sparse(at, *column)
        if any(x.ndim != 2 for x in dense_inputs):
            raise self.invalid(_RANK)
        counts = {s.size - 1 for _, s in ragged} | {int(s[0]) for *_, s in sparse}
        counts |= {len(x) for x in dense_inputs}
        if len(counts) > 1:
            raise self.invalid(_BATCH)
        rows = counts.pop() if counts else 0
        parts = {
            "R": [Column(values, np.diff(splits)) for values, splits in ragged],
            "S": [column_of_sparse(self, i, v, rows) for i, v, _ in sparse],
            "D": list(map(column_of_dense, dense_inputs)),
        }
        columns = self._in_order(parts)
        if self.hashed_output:
            crosses = hashed_crosses(columns, rows, self.num_buckets, key=self.hash_key)
        else:
            crosses = crossed(columns, rows, b"_X_")
        array, counts = crosses
        splits = np.concatenate([[0], np.cumsum(counts)])
        return array, splits.astype(self.out_row_splits_type.np)

    def _check_ragged(self, values, splits):
        wrong = lambda message: self.invalid(f"Invalid ragged splits: {message}")  # noqa: E731
        if values.ndim != 1 or splits.ndim != 1:
            raise self.invalid(_RANK)
        if not splits.size:
            raise wrong("there must be at least one, as there is one more than rows.")
        if splits[0] != 0:
            raise wrong(f"the first must be 0. Received {splits[0]}.")
        falls = np.flatnonzero(np.diff(splits) < 0)
        if falls.size:
            at = falls[0]
            raise wrong(f"they must not decrease. Received {splits[at]} before {splits[at + 1]}.")
        if splits[-1] != values.size:
            raise wrong(
                f"the last must be the number of values, {values.size}. Received {splits[-1]}."
            )

    def _check_sparse(self, at, indices, values, shape):
        if indices.ndim != 2 or values.ndim != 1 or shape.ndim != 1 or len(indices) != len(values):
            raise self.invalid(f"Invalid SparseTensor {at}")
        if shape.size != 2:
            raise self.invalid(_RANK)

    def _in_order(self, by_kind):
        """The columns in the order that `input_order` gives: a letter for the kind of each."""
        if len(self.input_order) != sum(map(len, by_kind.values())):
            raise self.invalid("Invalid length for input_order")
        sources = {kind: iter(columns) for kind, columns in by_kind.items()}
        columns = []
        for at, kind in enumerate(self.input_order):
            if kind not in sources:
                raise self.invalid("Unexpected input_order value.")
            column = next(sources[kind], None)
            if column is None:
                raise self.invalid(
                    f'input_order "{kind}" at position {at} means a {_KINDS[kind]}: there '
                    f"are only {len(by_kind[kind])}."
                )
            columns.append(column)
        return columns
