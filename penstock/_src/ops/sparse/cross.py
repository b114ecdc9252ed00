"""Feature crosses: all combinations of one value from each column, joined or hashed."""

from typing import NamedTuple

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.native.algorithms.texts import bytewise
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.rules import places_in_runs, show
from penstock._src.ops.strings.elements import strings
from penstock._src.ops.strings.fingerprint import fingerprints64, siphash

_MULTIPLIER = np.uint64(0xC6A4A7935BD1E995)
_MASK = (1 << 64) - 1
_LARGEST = (1 << 63) - 1


def _mix(x):
    return x ^ (x >> np.uint64(47))


def joined_fingerprints(first, second):
    """The fingerprints of pairs of concatenated fingerprints, arrays of uint64; the order matters."""
    result = first ^ _MULTIPLIER
    result ^= _mix(second * _MULTIPLIER) * _MULTIPLIER
    result *= _MULTIPLIER
    return _mix(_mix(result) * _MULTIPLIER)


class Column(NamedTuple):
    """A column of features.

    Attributes:
      values: those of all rows, one row after the other: byte strings or int64.
      counts: the number of each row's.
    """

    values: np.ndarray
    counts: np.ndarray


def column_of_sparse(op, indices, values, rows):
    """The column of a sparse matrix, whose elements may be in any order.

    Raises:
      InvalidArgumentError: an element is in a row that is not there.
    """
    row = indices[:, 0]
    if row.size and not 0 <= row.min() <= row.max() < rows:
        wrong = row[(row < 0) | (row >= rows)][0]
        raise op.invalid(f"Row {wrong} of a sparse input is out of bounds: there are {rows} rows.")
    if not (row[1:] >= row[:-1]).all():
        values = values[np.argsort(row, kind="stable")]
    return Column(values, np.bincount(row, minlength=rows))


def column_of_dense(matrix):
    """The column of a dense matrix."""
    return Column(matrix.reshape(-1), np.full(len(matrix), matrix.shape[1], np.int64))


def _texts(values):
    """A list of values as byte strings."""
    if values.dtype == object:
        return values.tolist()
    if runs_native_code():
        return bytewise.decimals(values).tolist()
    return [str(value).encode() for value in values.tolist()]


def _bytes(value):
    return value if isinstance(value, bytes) else (value & 0xFFFFFFFF).to_bytes(4, "little")


def _fingerprints(values, of_texts):
    """Returns the fingerprints of values, uint64; numbers are their own."""
    return of_texts(values) if values.dtype == object else values.astype(np.int64).view(np.uint64)


def _combinations(columns, rows):
    """The row of each combination of values, and for each column the positions of its values; the last column runs fastest."""
    row, positions = np.arange(rows), []
    for _, counts in columns:
        repeats = counts[row]
        # Each combination so far goes with every value of the column's row.
        at = np.repeat((np.cumsum(counts) - counts)[row], repeats) + places_in_runs(repeats)
        positions = [*(np.repeat(other, repeats) for other in positions), at]
        row = np.repeat(row, repeats)
    return row, positions


def hashed_crosses(columns, rows, buckets, of_texts=fingerprints64, key=None):
    """Hashes the combinations of each row: the fingerprints of the key, if any, and of its values, joined in order.

    Args:
      columns: a list of `Column`.
      rows: their number.
      buckets: how many numbers there are for hashes; 0 for all.
      of_texts: gives the fingerprints of a vector of byte strings.
      key: a number, or None.

    Returns:
      The hashes of all rows, the last column running fastest, int64; and the number of each row's.
    """
    row, positions = _combinations(columns, rows)
    hashes = None if key is None else np.full(row.size, key & _MASK, np.uint64)
    for column, at in zip(columns, positions, strict=True):
        numbers = _fingerprints(column.values, of_texts)[at]
        hashes = numbers if hashes is None else joined_fingerprints(hashes, numbers)
    modulus = np.uint64(buckets if buckets > 0 else _LARGEST)
    hashes = np.zeros(0, np.uint64) if hashes is None else hashes % modulus
    return hashes.astype(np.int64), np.bincount(row, minlength=rows)


def crossed(columns, rows, by):
    """The combinations of all rows, joined by a separator, the last column running fastest, and the number of each row's."""
    row, positions = _combinations(columns, rows)
    parts = []
    for column, at in zip(columns, positions, strict=True):
        texts = _texts(column.values)
        parts.append([texts[i] for i in at.tolist()])
    joined = map(by.join, zip(*parts, strict=True)) if parts else [b""] * row.size
    return strings(joined, (row.size,)), np.bincount(row, minlength=rows)


def _columns(op, indices, values, shapes, dense_inputs):
    for at, (index, value, shape) in enumerate(zip(indices, values, shapes, strict=True)):
        for name, part, rank, kind in (
            ("indices", index, 2, "matrix"),
            ("values", value, 1, "vector"),
            ("shapes", shape, 1, "vector"),
        ):
            if part.ndim != rank:
                raise op.invalid(
                    f"Input {name} should be a {kind} but received shape {show(part.shape)} at "
                    f"position {at}"
                )
        if index.shape[1] != 2 or shape.size != 2:
            raise op.invalid(
                f"Expected D2 of index to be 2 got {index.shape[1]} at position {at}: sparse inputs "
                "are matrices"
            )
        if index.shape[0] != value.size:
            raise op.invalid(
                f"Expected size of values to be {index.shape[0]} got {value.size} at position {at}"
            )
    for at, x in enumerate(dense_inputs):
        if x.ndim != 2:
            raise op.invalid(
                f"Dense inputs should be a matrix but received shape {show(x.shape)} at position {at}"
            )
    counts = {int(s[0]) for s in shapes} | {d.shape[0] for d in dense_inputs}
    if len(counts) > 1:
        raise op.invalid(f"Expected batch size {min(counts)}, got {max(counts)}")
    rows = counts.pop() if counts else 0
    columns = [column_of_sparse(op, i, v, rows) for i, v in zip(indices, values, strict=True)]
    columns.extend(map(column_of_dense, dense_inputs))
    return columns, rows


def _as_sparse(values, counts):
    row = np.repeat(np.arange(len(counts)), counts)
    column = places_in_runs(counts)
    widest = counts.max(initial=0)
    return np.stack([row, column], 1), values, np.array([len(counts), widest], np.int64)


class _Cross(Op):
    """A cross of sparse and dense columns, as a sparse tensor."""

    sparse_types = frozenset({dtypes.int64, dtypes.string})
    dense_types = frozenset({dtypes.int64, dtypes.string})

    def shape(self, *inputs):
        return [None, 2], [None], [2]


class SparseCross(_Cross):
    """Crosses of columns, joined by _X_ or hashed with a key."""

    signature = """indices: N * int64, values: *sparse_types, shapes: N * int64,
        dense_inputs: *dense_types
        -> output_indices: int64, output_values: out_type, output_shape: int64"""
    minimum = {"num_buckets": 0}
    hashed_output: bool
    num_buckets: int
    hash_key: int
    out_type: {dtypes.int64, dtypes.string}
    internal_type: {dtypes.int64, dtypes.string}

    def eager(self, indices, values, shapes, dense_inputs):
        columns, rows = _columns(self, indices, values, shapes, dense_inputs)
        if self.hashed_output:
            crosses = hashed_crosses(columns, rows, self.num_buckets, key=self.hash_key)
        else:
            crosses = crossed(columns, rows, b"_X_")
        return _as_sparse(*crosses)


class SparseCrossV2(_Cross):
    """Crosses of columns, joined by a separator."""

    signature = """indices: N * int64, values: *sparse_types, shapes: N * int64,
        dense_inputs: *dense_types, sep: string
        -> output_indices: int64, output_values: string, output_shape: int64"""

    def eager(self, indices, values, shapes, dense_inputs, sep):
        if sep.ndim:
            raise self.invalid(
                f"Input separator should be a scalar. Received: {sep.astype(str).tolist()}"
            )
        columns, rows = _columns(self, indices, values, shapes, dense_inputs)
        return _as_sparse(*crossed(columns, rows, sep.item()))


class SparseCrossHashed(_Cross):
    """Crosses of columns, hashed; `strong_hash` hashes strings with the salt as key."""

    signature = """indices: N * int64, values: *sparse_types, shapes: N * int64,
        dense_inputs: *dense_types, num_buckets: int64, strong_hash: bool, salt: int64
        -> output_indices: int64, output_values: int64, output_shape: int64"""

    def eager(self, indices, values, shapes, dense_inputs, num_buckets, strong_hash, salt):
        columns, rows = _columns(self, indices, values, shapes, dense_inputs)
        if salt.shape != (2,):
            raise self.invalid(f'Input "salt" must have length 2. Received {show(salt.shape)}')
        # Numbers of sparse columns are hashed by their lower 32 bits, those of dense columns are used unhashed.
        for at in range(len(values)):
            listed, counts = columns[at].values.tolist(), columns[at].counts
            columns[at] = Column(strings(map(_bytes, listed), (len(listed),)), counts)
        key = tuple(int(part) & _MASK for part in salt)

        def strong(texts):
            return np.array([siphash(key, text) for text in texts], np.uint64)

        of_texts = strong if strong_hash else fingerprints64
        return _as_sparse(*hashed_crosses(columns, rows, int(num_buckets), of_texts))
