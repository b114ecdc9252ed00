"""Ops that save tensors to a checkpoint and restore them."""

import os
from typing import Any

from penstock._src.core.calls.facts import Permissions
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError, NotFoundError
from penstock._src.core.op import Op
from penstock._src.filesystems import files
from penstock._src.ops.io.bundle import (
    BundleReader,
    TensorSlice,
    index_name,
    parsed_slice,
    path_of,
    write_bundle,
    write_shards,
)
from penstock._src.ops.io.slices import SliceReader


class SaveV2(Op):
    """Writes tensors, or slices of tensors, into a checkpoint."""

    signature = """prefix: string, tensor_names: string, shape_and_slices: string, tensors: *dtypes
        ->"""
    ranks = {"prefix": (0,)}
    extents = {"tensor_names": "n", "shape_and_slices": "n"}
    permissions = Permissions(capabilities="write_files", file_arguments="prefix")
    dtypes: list[DType]
    stateful = True

    def eager(self, prefix, tensor_names, shape_and_slices, tensors):
        if not len(tensor_names) == len(shape_and_slices) == len(tensors):
            raise InvalidArgumentError(
                f"SaveV2: got {len(tensor_names)} names and {len(shape_and_slices)} slices but "
                f"{len(tensors)} tensors."
            )
        contents: dict[str, Any] = {}
        for name, spec, tensor in zip(tensor_names, shape_and_slices, tensors, strict=True):
            if spec:
                full, starts, lengths = parsed_slice(spec.decode())
                contents.setdefault(name.decode(), []).append(
                    TensorSlice(full, starts, lengths, tensor)
                )
            else:
                contents[name.decode()] = tensor
        write_bundle(path_of(prefix), contents)
        return ()


class RestoreV2(Op):
    """Reads tensors, or slices of tensors, of a checkpoint."""

    signature = """prefix: string, tensor_names: string, shape_and_slices: string
        -> tensors: *dtypes[...]"""
    ranks = {"prefix": (0,)}
    extents = {"tensor_names": "n", "shape_and_slices": "n"}
    permissions = Permissions(capabilities="read_files", file_arguments="prefix", are_patterns=True)
    dtypes: list[DType]
    stateful = True

    def eager(self, prefix, tensor_names, shape_and_slices):
        path = path_of(prefix)
        specs = list(zip(tensor_names, shape_and_slices, self.dtypes, strict=True))
        if not files.exists(index_name(path)) and files.is_file(path):  # of the first format
            old = SliceReader(path)
            return [old.read(name.decode(), spec.decode(), dtype) for name, spec, dtype in specs]
        reader = BundleReader(path)
        tensors = []
        for name, spec, dtype in specs:
            key = name.decode()
            if key in reader and reader.dtype(key) is not dtype:
                raise InvalidArgumentError(
                    f"RestoreV2: tensor {key} of {path} has type {reader.dtype(key).name}, not {dtype.name}."
                )
            if spec:
                _, starts, lengths = parsed_slice(spec.decode())
                tensors.append(reader.read_slice(key, starts, lengths))
            else:
                tensors.append(reader.read(key))
        return tensors


class MergeV2Checkpoints(Op):
    """Merges several checkpoints into one, with a data file for each."""

    signature = "checkpoint_prefixes: string, destination_prefix: string -> "
    ranks = {"checkpoint_prefixes": (1,), "destination_prefix": (0,)}
    permissions = Permissions(
        capabilities="read_files write_files",
        file_arguments="checkpoint_prefixes destination_prefix",
    )
    delete_old_dirs: bool = True
    allow_missing_files: bool = False
    stateful = True

    def eager(self, checkpoint_prefixes, destination_prefix):
        sources = [path_of(prefix) for prefix in checkpoint_prefixes.ravel()]
        shards: list[dict[str, Any]] = []
        for prefix in sources:
            try:
                reader = BundleReader(prefix)
            except NotFoundError as error:
                if self.allow_missing_files:
                    continue
                raise self.invalid(
                    f"allow_missing_files was set to false and {prefix} did not exist. {error.message}"
                ) from error
            shards.append({name: reader.read_stored(name) for name in reader.entries})
            for name, stored in shards[-1].items():
                before = [shard[name] for shard in shards[:-1] if name in shard]
                if before and not all(isinstance(one, list) for one in (stored, *before)):
                    raise self.invalid(
                        f"Duplicate tensor keyed by {name} encountered, when merging prefix: {prefix}"
                    )
        write_shards(path_of(destination_prefix), shards or [{}])
        if self.delete_old_dirs:
            for prefix in set(sources) - {path_of(destination_prefix)}:
                for path in (*files.matching_prefix(prefix, ".data-"), index_name(prefix)):
                    files.remove_if_there(path)
            for folder in {os.path.dirname(prefix) for prefix in sources}:
                if folder != os.path.dirname(path_of(destination_prefix)) and is_empty(folder):
                    files.system_of(folder).remove_folder(folder)
        return ()


def is_empty(folder: str) -> bool:
    return files.is_folder(folder) and not files.names(folder)
