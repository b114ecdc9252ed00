"""Ops that write and read checkpoints in TensorFlow's V1 format."""

from typing import Any

import numpy as np

from penstock._src.core.calls.facts import Permissions
from penstock._src.core.dtypes import DType
from penstock._src.core.op import Op
from penstock._src.ops.io.bundle import path_of
from penstock._src.ops.io.slices import Piece, SliceReader, write_slices


class Save(Op):
    """Writes tensors to a V1 checkpoint."""

    signature = "filename: string, tensor_names: string, data: *T ->"
    ranks = {"filename": (0,)}
    permissions = Permissions(capabilities="write_files", file_arguments="filename")
    stateful = True

    def eager(self, filename, tensor_names, data):
        _save(self, filename, tensor_names, [b""] * len(data), data)


class SaveSlices(Op):
    """Writes tensors, or slices of tensors, to a V1 checkpoint."""

    signature = "filename: string, tensor_names: string, shapes_and_slices: string, data: *T ->"
    ranks = {"filename": (0,)}
    permissions = Permissions(capabilities="write_files", file_arguments="filename")
    stateful = True

    def eager(self, filename, tensor_names, shapes_and_slices, data):
        _save(self, filename, tensor_names, shapes_and_slices.ravel().tolist(), data)


def _save(op: Any, filename: Any, names: np.ndarray, specs: list[bytes], data: list[Any]) -> None:
    if not names.size == len(specs) == len(data):
        raise op.invalid(f"got {names.size} names and {len(specs)} slices but {len(data)} tensors")
    pieces = [
        (name, Piece.of(spec.decode(), values.shape), values, dtype)
        for name, spec, values, dtype in zip(names.ravel().tolist(), specs, data, op.T, strict=True)
    ]
    write_slices(path_of(filename), pieces)


class Restore(Op):
    """A tensor of a V1 checkpoint."""

    signature = "file_pattern: string, tensor_name: string -> tensor: dt[...]"
    ranks = {"file_pattern": (0,), "tensor_name": (0,)}
    permissions = Permissions(
        capabilities="read_files", file_arguments="file_pattern", are_patterns=True
    )
    dt: DType
    preferred_shard: int = -1
    stateful = True

    def eager(self, file_pattern, tensor_name):
        return SliceReader(path_of(file_pattern)).read(path_of(tensor_name), "", self.dt)


class RestoreSlice(Op):
    """A tensor, or a slice of one, of a V1 checkpoint."""

    signature = """file_pattern: string, tensor_name: string, shape_and_slice: string
        -> tensor: dt[...]"""
    ranks = {"file_pattern": (0,), "tensor_name": (0,), "shape_and_slice": (0,)}
    permissions = Permissions(
        capabilities="read_files", file_arguments="file_pattern", are_patterns=True
    )
    dt: DType
    preferred_shard: int = -1
    stateful = True

    def eager(self, file_pattern, tensor_name, shape_and_slice):
        reader = SliceReader(path_of(file_pattern))
        return reader.read(path_of(tensor_name), path_of(shape_and_slice), self.dt)
