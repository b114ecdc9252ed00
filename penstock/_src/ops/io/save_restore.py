"""Ops that save tensors to a checkpoint and restore them."""

import os
from typing import Any

from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError, NotFoundError
from penstock._src.core.op import Op
from penstock._src.ops.io.bundle import (
    BundleReader,
    TensorSlice,
    index_name,
    parsed_slice,
    path_of,
    shard_name,
    write_bundle,
)
from penstock._src.ops.io.slices import SliceReader


class SaveV2(Op):
    """Writes tensors, or slices of tensors, into a checkpoint."""

    signature = """prefix: string, tensor_names: string, shape_and_slices: string, tensors: *dtypes
        ->"""
    dtypes: list[DType]
    stateful = True

    def eager(self, prefix, tensor_names, shape_and_slices, tensors):
        if not len(tensor_names) == len(shape_and_slices) == len(tensors):
            raise InvalidArgumentError(
                f"SaveV2: got {len(tensor_names)} names and {len(shape_and_slices)} slices but "
                f"{len(tensors)} tensors."
            )
        held: dict[str, Any] = {}
        for name, spec, tensor in zip(tensor_names, shape_and_slices, tensors, strict=True):
            if spec:
                full, starts, lengths = parsed_slice(spec.decode())
                held.setdefault(name.decode(), []).append(
                    TensorSlice(full, starts, lengths, tensor)
                )
            else:
                held[name.decode()] = tensor
        write_bundle(path_of(prefix), held)
        return ()


class RestoreV2(Op):
    """Reads tensors, or slices of tensors, of a checkpoint."""

    signature = """prefix: string, tensor_names: string, shape_and_slices: string
        -> tensors: *dtypes[...]"""
    dtypes: list[DType]
    stateful = True

    def eager(self, prefix, tensor_names, shape_and_slices):
        path = path_of(prefix)
        specs = list(zip(tensor_names, shape_and_slices, self.dtypes, strict=True))
        if not os.path.exists(index_name(path)) and os.path.isfile(path):  # of the first format
            old = SliceReader(path)
            return [old.read(name.decode(), spec.decode(), dtype) for name, spec, dtype in specs]
        reader = BundleReader(path)
        tensors = []
        for name, spec, dtype in specs:
            key = name.decode()
            if key in reader and reader.dtype(key) is not dtype:
                raise InvalidArgumentError(
                    f"RestoreV2: tensor {key} has type {reader.dtype(key).name}, not {dtype.name}."
                )
            if spec:
                _, starts, lengths = parsed_slice(spec.decode())
                tensors.append(reader.read_slice(key, starts, lengths))
            else:
                tensors.append(reader.read(key))
        return tensors


class MergeV2Checkpoints(Op):
    """Merges several checkpoints into one."""

    signature = "checkpoint_prefixes: string, destination_prefix: string -> "
    delete_old_dirs: bool = True
    allow_missing_files: bool = False
    stateful = True

    def eager(self, checkpoint_prefixes, destination_prefix):
        held: dict[str, Any] = {}
        sources = [path_of(prefix) for prefix in checkpoint_prefixes.ravel()]
        for prefix in sources:
            try:
                reader = BundleReader(prefix)
            except NotFoundError:
                if self.allow_missing_files:
                    continue
                raise
            for name in reader.entries:
                stored = reader.read_stored(name)
                if isinstance(stored, list):  # other parts of it may be in another file
                    stored = [*held.get(name, ()), *stored]
                held[name] = stored
        write_bundle(path_of(destination_prefix), held)
        if self.delete_old_dirs:
            for prefix in set(sources) - {path_of(destination_prefix)}:
                for path in (index_name(prefix), shard_name(prefix, 0, 1)):
                    if os.path.exists(path):
                        os.remove(path)
            for folder in {os.path.dirname(prefix) for prefix in sources}:
                if folder != os.path.dirname(path_of(destination_prefix)) and is_empty(folder):
                    os.rmdir(folder)
        return ()


def is_empty(folder: str) -> bool:
    return os.path.isdir(folder) and not os.listdir(folder)
