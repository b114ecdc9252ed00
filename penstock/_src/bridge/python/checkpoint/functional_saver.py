"""`tensorflow.python.checkpoint.functional_saver`: saves tensors of objects by operations, eagerly or in graphs."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from penstock._src.api.config.devices import device as placed
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.dtypes import string
from penstock._src.core.registry import raw
from penstock._src.proto.saved import SaverDef
from penstock._src.saving.checkpoint import CheckpointOptions
from penstock._src.saving.metrics import LATEST
from penstock._src.saving.registered import get_restore_function, get_save_function
from penstock._src.saving.sharding import Shard, ShardableTensor, ShardByTaskPolicy
from penstock._src.util import nest
from penstock._src.util.device_spec import DeviceSpec
from penstock._src.v1.saving.saveables import SaveSpec

from ..trackable.trackable_utils import extract_local_name
from ..training.saving.saveable_object_util import set_cpu0


@dataclasses.dataclass
class _Owner:
    """An object that restores tensors, given by key and slice, once all of them have been read."""

    restore: Callable[[dict[tuple[str, str], Any]], Any]
    specs: dict[tuple[str, str], SaveSpec]
    trackable: Any = None


class MultiDeviceSaver:
    """Saves and restores tensors of objects, eagerly or by operations of a graph.

    Args:
      serialized_tensors: {object: {key: tensor, SaveSpec or {slice: either}}}; the object None is not restored.
      registered_savers: {name of a registered saver: {name: object}}.
      call_with_mapped_captures: accepted; captures are not exchanged.
    """

    def __init__(
        self,
        serialized_tensors: Any,
        registered_savers: Mapping[str, Mapping[str, Any]] | None = None,
        call_with_mapped_captures: Any = None,
    ) -> None:
        del call_with_mapped_captures
        self._registered = dict(registered_savers or {})
        self._owners = [_owner_of(*item) for item in serialized_tensors.items()]
        self._check()

    @classmethod
    def from_saveables(
        cls,
        saveables: Iterable[Any],
        registered_savers: Any = None,
        call_with_mapped_captures: Any = None,
    ) -> "MultiDeviceSaver":
        """Returns a saver of saveables."""
        saver = cls({}, registered_savers, call_with_mapped_captures)
        saver._owners = [_owner_of_saveable(saveable) for saveable in saveables]
        saver._check()
        return saver

    def _check(self) -> None:
        seen: set[tuple[str, str]] = set()
        for where in (where for owner in self._owners for where in owner.specs):
            if where in seen:
                raise ValueError(
                    "Received multiple tensors with the same checkpoint key and slice spec: "
                    f"'{where[0]}', '{where[1]}'. Please make sure that all keys are unique."
                )
            seen.add(where)

    def _shards(self, options: CheckpointOptions) -> list[tuple[str, Shard]]:
        """(task, content) of each data file."""
        callback = options.experimental_sharding_callback or ShardByTaskPolicy()
        LATEST["sharding_callback"] = callback.description
        by_task: dict[str, list[ShardableTensor]] = {}
        for owner in self._owners:
            for (key, part), spec in owner.specs.items():
                tensor = spec.tensor
                if tensor is None:  # known to the object graph, and without a value
                    continue
                device = spec.device or tensor.device or "cpu:0"
                device = DeviceSpec.from_string(device) if isinstance(device, str) else device
                by_task.setdefault(set_cpu0(device.to_string()), []).append(
                    ShardableTensor(
                        spec, tensor, spec.dtype, device, spec.name, tensor.shape, part, key,
                        owner.trackable,
                    )
                )  # fmt: skip
        return [(task, shard) for task, listed in by_task.items() for shard in callback(listed)]

    def save(self, file_prefix: Any, options: CheckpointOptions | None = None) -> Any:
        """Writes the tensors; returns the operation that does so, None eagerly."""
        options = options or CheckpointOptions()
        prefix = convert_to_tensor(file_prefix, string)
        written = []
        for name, objects in self._registered.items():
            place = raw.StringJoin(inputs=[prefix, convert_to_tensor(f"-{name}")])
            paths = get_save_function(name)(trackables=objects, file_prefix=place)
            written += [] if paths is None else _checked_prefixes(paths)
        shards = self._shards(options)
        temporary = raw.StringJoin(inputs=[prefix, convert_to_tensor("_temp/part")])
        saves = []
        for number, (task, shard) in enumerate(shards):
            with placed(task):
                place = raw.ShardedFilename(
                    basename=temporary, shard=number, num_shards=len(shards)
                )
            written.append(place)
            saves.append(_single_shard_save(place, shard, task, options))
        last = shards[-1][0] if shards else "cpu:0"
        with _after(saves), placed(options.experimental_io_device or last):
            return raw.MergeV2Checkpoints(
                checkpoint_prefixes=written, destination_prefix=prefix, delete_old_dirs=True
            )

    def restore(self, file_prefix: Any, options: CheckpointOptions | None = None) -> dict[str, Any]:
        """Gives the objects the values of a checkpoint; returns the restore operations by names of saveables."""
        operations: dict[str, Any] = {}
        for restored in self._restored(file_prefix, options):
            operations.update(restored if isinstance(restored, dict) else {})
        return operations

    def _restored(self, file_prefix: Any, options: CheckpointOptions | None = None) -> list[Any]:
        """Restores; returns the result of each object, and of each registered saver."""
        prefix = convert_to_tensor(file_prefix, string)
        device = (options or CheckpointOptions()).experimental_io_device
        operations = []
        for owner in self._owners:
            with placed(device or "cpu:0"):
                tensors = raw.RestoreV2(
                    prefix=prefix,
                    tensor_names=[spec.name for spec in owner.specs.values()],
                    shape_and_slices=[spec.slice_spec for spec in owner.specs.values()],
                    dtypes=[spec.dtype for spec in owner.specs.values()],
                )
            operations.append(owner.restore(dict(zip(owner.specs, tensors, strict=True))))
        for name, objects in self._registered.items():
            operations.append(get_restore_function(name)(trackables=objects, merged_prefix=prefix))
        return operations

    def to_proto(self) -> Any:
        """Adds the operations to the graph that is built; returns the SaverDef that names them.

        Raises:
          RuntimeError: no graph is built.
        """
        if STATE.graph is None:
            raise RuntimeError("A saver is described by operations of a graph, and none is built.")
        filename = raw.Placeholder(dtype=string, shape=[], name="saver_filename")
        with _after([self.save(filename)]):
            saved = raw.Identity(input=filename)
        restored = nest.flatten(self._restored(filename))
        with _after(getattr(one, "op", one) for one in restored):
            done = raw.Identity(input=filename)
        return SaverDef(
            filename_tensor_name=filename.name,
            save_tensor_name=saved.name,
            restore_op_name=done.op.name,
            version=SaverDef.V2,
        )


def _owner_of(trackable: Any, tensors: Mapping[str, Any]) -> _Owner:
    specs: dict[tuple[str, str], SaveSpec] = {}
    for key, slices in tensors.items():
        for part, value in (slices if isinstance(slices, dict) else {"": slices}).items():
            is_spec = isinstance(value, SaveSpec)
            specs[key, part] = value if is_spec else SaveSpec(value, part, key)

    def restore(restored: dict[tuple[str, str], Any]) -> Any:
        named: dict[str, Any] = {}
        for (key, part), tensor in restored.items():
            name = extract_local_name(key)
            if part:
                named.setdefault(name, {})[part] = tensor
            else:
                named[name] = tensor
        return None if trackable is None else trackable._restore_from_tensors(named)

    return _Owner(restore, specs, trackable)


def _owner_of_saveable(saveable: Any) -> _Owner:
    specs = {(spec.name, spec.slice_spec): spec for spec in saveable.specs}

    def restore(restored: dict[tuple[str, str], Any]) -> dict[str, Any]:
        done = saveable.restore(list(restored.values()), None)
        return {} if done is None else {saveable.name: done}

    return _Owner(restore, specs, saveable.op)


def _checked_prefixes(prefixes: Any) -> list[Any]:
    flat = nest.flatten(prefixes)
    if any(getattr(prefix, "dtype", None) != string for prefix in flat):
        raise ValueError(
            f"Registered saver must return a (maybe empty) list of string type tensors. Got {prefixes}."
        )
    return flat


def _after(operations: Iterable[Any]) -> Any:
    """The context of operations that come after others of a graph."""
    if STATE.graph is None:
        return contextlib.nullcontext()
    return STATE.graph.control_dependencies([op for op in operations if op is not None])


def _single_shard_save(
    file_prefix: Any, shard: Shard, task: Any, options: CheckpointOptions | None = None
) -> Any:
    """Writes the tensors of a data file; returns the operation that does so, None eagerly."""
    listed = [(key, part, t) for key, slices in shard.items() for part, t in slices.items()]
    listed = [(key, part, tensor) for key, part, tensor in listed if tensor is not None]
    with placed((options or CheckpointOptions()).experimental_io_device or task):
        return raw.SaveV2(
            prefix=convert_to_tensor(file_prefix, string),
            tensor_names=[key for key, _, _ in listed],
            shape_and_slices=[part or "" for _, part, _ in listed],
            tensors=[tensor for *_, tensor in listed],
        )


def _single_shard_restore(
    file_prefix: Any,
    shardable_tensors: Sequence[ShardableTensor],
    options: CheckpointOptions | None = None,
) -> Shard:
    """Reads tensors; returns {key: {slice: tensor}}."""
    specs = [one._tensor_save_spec for one in shardable_tensors]
    listed = list(zip(shardable_tensors, specs))
    with placed((options or CheckpointOptions()).experimental_io_device or "cpu:0"):
        tensors = raw.RestoreV2(
            prefix=convert_to_tensor(file_prefix, string),
            tensor_names=[s.name if s else one.checkpoint_key for one, s in listed],
            shape_and_slices=[s.slice_spec if s else one.slice_spec for one, s in listed],
            dtypes=[one.dtype for one in shardable_tensors],
        )
    shard: Shard = {}
    for one, tensor in zip(shardable_tensors, tensors, strict=True):
        shard.setdefault(one.checkpoint_key, {})[one.slice_spec] = tensor
    return shard
