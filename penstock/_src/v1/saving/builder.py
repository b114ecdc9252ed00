"""The operations of a Saver: they write tensors to a checkpoint and read them back."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core.dispatch import STATE
from penstock._src.core.dispatch import device as device_scope
from penstock._src.core.dtypes import int32
from penstock._src.core.registry import raw
from penstock._src.proto.saved import SaverDef
from penstock._src.v1.saving.saveables import (
    SaveableObject,
    SaveSpec,
    VariableSaveable,
    all_saveables,
)


class SaverBuilder:
    """Adds the operations of savers to graphs; subclasses may write and read tensors in their own way."""

    SaveSpec = SaveSpec
    SaveableObject = SaveableObject
    VariableSaveable = ResourceVariableSaveable = VariableSaveable

    def __init__(self, write_version: int = SaverDef.V2) -> None:
        self._write_version = write_version

    def save_op(self, filename_tensor: Any, saveables: Sequence[SaveableObject]) -> Any:
        """Returns an operation that writes the tensors."""
        specs = [spec for saveable in saveables for spec in saveable.specs]
        return raw.SaveV2(
            prefix=filename_tensor,
            tensor_names=_strings([spec.name for spec in specs]),
            shape_and_slices=_strings([spec.slice_spec for spec in specs]),
            tensors=[spec.tensor for spec in specs],
        )

    def restore_op(
        self, filename_tensor: Any, saveable: SaveableObject, preferred_shard: int
    ) -> list[Any]:
        """Returns the tensors of one object."""
        return [
            raw.RestoreV2(
                prefix=filename_tensor,
                tensor_names=_strings([spec.name]),
                shape_and_slices=_strings([spec.slice_spec]),
                dtypes=[spec.dtype],
            )[0]
            for spec in saveable.specs
        ]

    def bulk_restore(
        self,
        filename_tensor: Any,
        saveables: Sequence[SaveableObject],
        preferred_shard: int,
        restore_sequentially: bool,
    ) -> list[Any]:
        """Returns the tensors of all objects, each read separately."""
        del restore_sequentially
        tensors: list[Any] = []
        for saveable in saveables:
            tensors.extend(self.restore_op(filename_tensor, saveable, preferred_shard))
        return tensors

    def sharded_filename(self, filename_tensor: Any, shard: int, num_shards: Any) -> Any:
        """Returns the name of a shard."""
        return raw.ShardedFilename(basename=filename_tensor, shard=shard, num_shards=num_shards)

    def build(
        self,
        named: Any,
        reshape: bool = False,
        sharded: bool = False,
        max_to_keep: int | None = 5,
        keep_checkpoint_every_n_hours: float | None = 10000.0,
        name: str | None = None,
        restore_sequentially: bool = False,
        filename: str | None = "model",
    ) -> Any:
        """Adds the operations for objects by name to the current graph; returns their SaverDef."""
        graph = STATE.graph
        saveables = all_saveables(named)
        with graph.name_scope(name or "save"):
            filename_tensor = raw.PlaceholderWithDefault(
                input=filename or "model", shape=[], name="filename"
            )
            prefix = raw.PlaceholderWithDefault(input=filename_tensor, shape=[], name="Const")
            written = self._add_save(prefix, saveables, sharded)
            done = self._add_restore(prefix, saveables, restore_sequentially, reshape, sharded)
        return SaverDef(
            filename_tensor_name=prefix.name,
            save_tensor_name=written.name,
            restore_op_name=done.name,
            max_to_keep=max_to_keep or 0,
            keep_checkpoint_every_n_hours=keep_checkpoint_every_n_hours or 0,
            sharded=sharded,
            version=self._write_version,
        )

    def _add_save(self, prefix: Any, saveables: list[SaveableObject], sharded: bool) -> Any:
        graph = STATE.graph
        if not sharded:
            save = self.save_op(prefix, saveables)
            with graph.control_dependencies([save]):
                return raw.Identity(input=prefix, name="control_dependency")
        groups = _by_device(saveables)
        temporary = raw.StringJoin(inputs=[prefix, "_temp/part"])
        count = graph.constant(np.array(len(groups), np.int32), dtype=int32, name="num_shards")
        names, saves = [], []
        for shard, (device, members) in enumerate(groups):
            with device_scope(device):
                names.append(self.sharded_filename(temporary, shard, count))
                saves.append(self.save_op(names[-1], members))
        with graph.control_dependencies(saves):
            merged = raw.MergeV2Checkpoints(
                checkpoint_prefixes=raw.Pack(values=names),
                destination_prefix=prefix,
                delete_old_dirs=True,
            )
        with graph.control_dependencies([merged]):
            return raw.Identity(input=prefix)

    def _add_restore(
        self,
        prefix: Any,
        saveables: list[SaveableObject],
        sequentially: bool,
        reshape: bool,
        sharded: bool,
    ) -> Any:
        if not sharded:
            return self._add_assignments(
                prefix, saveables, sequentially, reshape, "restore_all", -1
            )
        shards = []
        for shard, (device, members) in enumerate(_by_device(saveables)):
            with device_scope(device):
                shards.append(
                    self._add_assignments(
                        prefix, members, sequentially, reshape, "restore_shard", shard
                    )
                )
        with STATE.graph.control_dependencies(shards):
            return raw.NoOp(name="restore_all")

    def _add_assignments(
        self,
        prefix: Any,
        saveables: list[SaveableObject],
        sequentially: bool,
        reshape: bool,
        name: str,
        shard: int,
    ) -> Any:
        tensors = iter(self.bulk_restore(prefix, saveables, shard, sequentially))
        assigned = []
        for saveable in saveables:
            shapes = [_shape_of(spec.tensor) for spec in saveable.specs] if reshape else None
            assignment = saveable.restore([next(tensors) for _ in saveable.specs], shapes)
            if assignment is not None:
                assigned.append(assignment)
        with STATE.graph.control_dependencies(assigned):
            return raw.NoOp(name=name)


class BulkSaverBuilder(SaverBuilder):
    """A builder that reads all tensors by one operation."""

    def bulk_restore(
        self,
        filename_tensor: Any,
        saveables: Sequence[SaveableObject],
        preferred_shard: int,
        restore_sequentially: bool,
    ) -> list[Any]:
        """Returns the tensors of all objects."""
        del preferred_shard, restore_sequentially
        specs = [spec for saveable in saveables for spec in saveable.specs]
        with device_scope("/device:CPU:0"):
            return raw.RestoreV2(
                prefix=filename_tensor,
                tensor_names=_strings([spec.name for spec in specs]),
                shape_and_slices=_strings([spec.slice_spec for spec in specs]),
                dtypes=[spec.dtype for spec in specs],
            )


def _shape_of(tensor: Any) -> Any:
    shape = tensor.shape
    return shape.as_list() if shape.is_fully_defined() else raw.Shape(input=tensor)


def _by_device(saveables: list[SaveableObject]) -> list[tuple[Any, list[SaveableObject]]]:
    """The saveables by device, in the order of the devices' names."""
    groups: dict[str, list[SaveableObject]] = {}
    for saveable in saveables:
        devices = {spec.device or "" for spec in saveable.specs}
        if len(devices) != 1:
            raise ValueError(
                f"All tensors of a saveable object must be on the same device: {saveable.name}"
            )
        groups.setdefault(devices.pop(), []).append(saveable)
    return [(device or None, members) for device, members in sorted(groups.items())]


def _strings(texts: Sequence[str | bytes]) -> np.ndarray:
    strings = np.empty(len(texts), object)
    strings[:] = [text.encode() if isinstance(text, str) else text for text in texts]
    return strings
