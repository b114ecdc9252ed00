"""Vocabularies that changed since a checkpoint: index remapping, and matrices loaded with remapped rows and columns."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import Permissions
from penstock._src.core.errors import (
    FailedPreconditionError,
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    OutOfRangeError,
    UnimplementedError,
)
from penstock._src.core.op import Op
from penstock._src.filesystems.files import read
from penstock._src.ops.io.bundle import BundleReader, path_of
from penstock._src.util.files.lines import lines_of


def _lines(op: Op, name: str, path: np.ndarray) -> list[bytes]:
    if np.ndim(path):
        extents = ",".join(map(str, path.shape))
        raise op.invalid(f"{name} should be a single string, but got [{extents}]")
    return lines_of(read(path_of(path)))


class GenerateVocabRemapping(Op):
    """The indices of a new vocabulary's entries in the old one, -1 for new entries; and the number of old entries found.

    Only the first `old_vocab_size` old entries are used; -1 for all.
    """

    signature = """new_vocab_file: string, old_vocab_file: string
        -> remapping: int64[num_new_vocab], num_present: int32[]"""
    ranks = {"new_vocab_file": (0,), "old_vocab_file": (0,)}
    permissions = Permissions(
        capabilities="read_files", file_arguments="new_vocab_file old_vocab_file"
    )
    new_vocab_offset: int
    num_new_vocab: int
    old_vocab_size: int = -1
    minimum = {"new_vocab_offset": 0, "num_new_vocab": 0, "old_vocab_size": -1}
    differentiable = False

    def eager(self, new_vocab_file, old_vocab_file):
        if self.num_new_vocab == 0:
            return np.zeros(0, np.int64), np.int32(0)
        old = self._old_places(_lines(self, "old_vocab_file", old_vocab_file), old_vocab_file)
        new = _lines(self, "new_vocab_file", new_vocab_file)
        end = self.new_vocab_offset + self.num_new_vocab
        if len(new) < end:
            raise InvalidArgumentError(
                "lookup table size must be larger than last new vocab entry's line"
            )
        places = [old.get(entry, -1) for entry in new[self.new_vocab_offset : end]]
        remapping = np.asarray(places, np.int64)
        return remapping, np.int32(np.count_nonzero(remapping >= 0))

    def _old_places(self, lines: list[bytes], path: np.ndarray) -> dict[bytes, int]:
        size = self.old_vocab_size
        if size == 0:
            raise OutOfRangeError(f"Finished reading 0 of lines from {path_of(path)}")
        if size > len(lines):
            raise InvalidArgumentError(
                f"Invalid vocab_size in {path_of(path)}: expected {size} but got {len(lines)}"
            )
        places: dict[bytes, int] = {}
        for place, entry in enumerate(lines if size < 0 else lines[:size]):
            if places.setdefault(entry, place) != place:
                raise FailedPreconditionError(
                    "HashTable has different value for same key. Key "
                    f"{entry.decode(errors='replace')} has {places[entry]} and trying to add value {place}"
                )
        return places


class LoadAndRemapMatrix(Op):
    """A matrix of a checkpoint with remapped rows and columns; new elements come from `initializing_values` in row-major order.

    `row_remapping` has the old row of each new row, or a negative number; `col_remapping` likewise for columns, or is empty.
    """

    signature = """ckpt_path: string, old_tensor_name: string, row_remapping: int64,
        col_remapping: int64, initializing_values: float32
        -> output_matrix: float32[num_rows, num_cols]"""
    ranks = {"old_tensor_name": (0,)}
    permissions = Permissions(capabilities="read_files", file_arguments="ckpt_path")
    num_rows: int
    num_cols: int
    max_rows_in_memory: int = -1
    minimum = {"num_rows": 0, "num_cols": 1}
    stateful = True
    differentiable = False

    def eager(self, ckpt_path, old_tensor_name, row_remapping, col_remapping, initializing_values):
        self._check(row_remapping, col_remapping)
        old = self._matrix(path_of(ckpt_path.reshape(-1)[0]), old_tensor_name.item().decode())
        columns = col_remapping if col_remapping.size else np.arange(self.num_cols)
        for name, remapping, extent in (
            ("0", row_remapping, old.shape[0]),
            ("1", columns, old.shape[1]),
        ):
            if remapping.size and remapping.max() >= extent:
                shape = ",".join(map(str, old.shape))
                raise InternalError(f"Extent in dimension {name} out of bounds: shape = [{shape}]")
        result = np.empty((self.num_rows, self.num_cols), np.float32)
        known = np.logical_and.outer(row_remapping >= 0, columns >= 0)
        result[known] = old[
            np.ix_(row_remapping[row_remapping >= 0], columns[columns >= 0])
        ].ravel()
        missing = int(np.count_nonzero(~known))
        available = initializing_values.size
        if available < missing:
            raise self.invalid(
                f"initializing_values contained {available} elements, but more missing values remain."
            )
        if available > missing:
            raise self.invalid(
                f"initializing_values contained {available} elements, but only {missing} elements were used "
                "to fill in missing values."
            )
        result[~known] = initializing_values.ravel()
        return result

    def _check(self, rows: np.ndarray, columns: np.ndarray) -> None:
        for name, remapping in (("row_remapping", rows), ("col_remapping", columns)):
            if remapping.ndim != 1:
                extents = ",".join(map(str, remapping.shape))
                raise self.invalid(
                    f"The `{name}` tensor must be 1-D, got a tensor of shape [{extents}]"
                )
        if rows.size != self.num_rows:
            raise self.invalid(
                f"Size of row_remapping is {rows.size} instead of being equal to num_rows={self.num_rows}"
            )
        if columns.size and columns.size != self.num_cols:
            raise self.invalid(
                f"Provided col_remapping, but its size is {columns.size} instead of being equal to "
                f"num_cols={self.num_cols}"
            )
        _refuse_twice(rows)
        _refuse_twice(columns)

    def _matrix(self, path: str, name: str) -> np.ndarray:
        reader = BundleReader(path)
        if name not in reader:
            raise NotFoundError(f"Key {name} not found in checkpoint")
        shape, dtype = reader.shape(name), reader.dtype(name)
        if len(shape) != 2:
            extents = ",".join(map(str, shape))
            raise self.invalid(
                f"Tensor {name} has shape [{extents}] of invalid rank {len(shape)} instead of expected "
                "shape of rank 2."
            )
        if dtype != dtypes.float32:
            kind = "double" if dtype == dtypes.float64 else dtype.name
            raise self.invalid(
                f"Tensor {name} has invalid type {kind} instead of expected type float"
            )
        return reader.read(name)


def _refuse_twice(remapping: np.ndarray) -> None:
    first: dict[int, int] = {}
    for new, old in enumerate(remapping.tolist()):
        if old >= 0 and first.setdefault(old, new) != new:
            raise UnimplementedError(
                f"Old ID {old} is mapped to both new ID {first[old]} and {new}, which is not supported."
            )
