"""Sharding callbacks and policies: distribute the tensors of a checkpoint over data files."""

import abc
import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.api.variables import SaveSliceInfo
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE, building_unrecorded
from penstock._src.core.values.resources import RemoteResource
from penstock._src.eager.tensor import CPU_NAME, EagerTensor
from penstock._src.ops.io.bundle import TensorSlice
from penstock._src.saving.object_graph import GRAPH_KEY
from penstock._src.util.dataclass import dataclass
from penstock._src.util.device_spec import DeviceSpec
from penstock._src.util.export import export
from penstock._src.util.slots import above

log = logging.getLogger("tensorflow")
_PACKAGE = "train.experimental"
# {checkpoint key: {slice: tensor}}; an empty slice means the whole tensor.
Shard = dict[str, dict[Any, Any]]


@export(f"{_PACKAGE}.ShardableTensor")
@dataclass(frozen=True)
class ShardableTensor:
    """A tensor to be assigned to a data file, with its properties.

    Args:
      tensor: the value, or a function that returns it.
      dtype: of the tensor.
      device: where it is.
      name: of the tensor in the checkpoint.
      shape: of the tensor.
      slice_spec: which part of a larger tensor it is; "" for all of it.
      checkpoint_key: of the object's value.
      trackable: the object.
    """

    _tensor_save_spec: Any
    tensor: Any
    dtype: Any
    device: Any
    name: str
    shape: Any
    slice_spec: Any
    checkpoint_key: str
    trackable: Any

    def __hash__(self) -> int:
        return hash((self.name, self.dtype, str(self.device), self.checkpoint_key))


@export(f"{_PACKAGE}.ShardingCallback")
class ShardingCallback(abc.ABC):
    """Decides which tensors go into one data file; see `tf.train.CheckpointOptions`."""

    @property
    @abc.abstractmethod
    def description(self) -> str:
        """A description in one sentence."""

    def __hash__(self) -> int:
        return hash((self.description, *map(str, sorted(vars(self).items()))))

    @abc.abstractmethod
    def __call__(self, shardable_tensors: Sequence[ShardableTensor]) -> Sequence[Shard]:
        """Returns the content of each data file: [{checkpoint key: {slice: tensor}}]."""


def validate_shards(
    shards: Sequence[Shard], shardable_tensors: Sequence[ShardableTensor], description: str
) -> None:
    """Checks that data files hold each tensor once and as it was.

    Args:
      shards: what the callback returned.
      shardable_tensors: what it was given, cut as it cuts them.
      description: of the callback.

    Raises:
      RuntimeError: they do not.
    """
    waiting = {(one.checkpoint_key, one.slice_spec.strip()): one for one in shardable_tensors}
    known = {key for key, _ in waiting}
    # The device of the variable that a tensor was read from; its value is here.
    homes = {id(one.tensor): one.device for one in shardable_tensors}
    seen = set()

    def refuse(what: str, key: str, part: str, *more: str) -> RuntimeError:
        lines = [
            f"callback_description: {description}",
            f"checkpoint_key: {key}",
            f"slice_spec: {part}",
        ]
        heading = f"After executing the checkpoint sharding callback, {what}:"
        return RuntimeError("\n  ".join([heading, *lines, *more]))

    for shard in shards:
        first_task = None
        for key, slices in shard.items():
            for text, tensor in slices.items():
                part = text.strip()
                if (key, part) in seen:
                    what = "multiple tensors with the same checkpoint key and slice spec were found"
                    raise refuse(what, key, part)
                if key not in known:
                    what = "a tensor not originally in the object graph was found in the checkpoint shards"
                    raise refuse(what, key, part)
                model = waiting.pop((key, part), None)
                if model is None or tensor.shape != model.tensor.shape:
                    was = "none" if model is None else model.tensor.shape
                    more = f"original tensor_shape: {was}", f"new tensor_shape: {tensor.shape}"
                    raise refuse("a tensor was found with an altered shape", key, part, *more)
                if tensor.dtype != model.tensor.dtype:
                    more = (
                        f"original tensor_dtype: {model.tensor.dtype}",
                        f"new tensor_dtype: {tensor.dtype}",
                    )
                    raise refuse("a tensor was found with an altered dtype", key, part, *more)
                task = _task_of(homes.get(id(tensor), tensor.device))
                if task != _task_of(homes[id(model.tensor)]):
                    raise refuse("a tensor was found with an altered task", key, part)
                first_task = task if first_task is None else first_task
                if task is not None and task != first_task:
                    what = "tensors with different tasks were found in the same shard"
                    raise refuse(what, key, part)
                seen.add((key, part))
    for key, part in waiting:
        what = "tensors in the object graph were not found in the checkpoint shards"
        raise refuse(what, key, part)


def _task_of(device: Any) -> int | None:
    return (DeviceSpec.from_string(device) if isinstance(device, str) else device).task


@export(f"{_PACKAGE}.ShardByTaskPolicy")
class ShardByTaskPolicy(ShardingCallback):
    """A data file for each task of a cluster that holds variables. Without a cluster there is one."""

    @property
    def description(self) -> str:
        """A description of the policy."""
        return "Split tensors into shards based on their device spec task."

    def __call__(self, shardable_tensors: Sequence[ShardableTensor]) -> Sequence[Shard]:
        """Returns all tensors as the content of one file."""
        shard: Shard = {}
        for one in shardable_tensors:
            shard.setdefault(one.checkpoint_key, {})[one.slice_spec] = one.tensor
        return [shard]


@dataclass
class _Box:
    """The part of a tensor that is not in a file yet: its offset and size, in the tensor that it may be a slice of."""

    start: list[int]
    shape: list[int]
    full: list[int]

    def text(self) -> str:
        """The slice in the checkpoint format: full shape, then start and length per axis."""
        return SaveSliceInfo(
            full_shape=self.full, var_offset=self.start, var_shape=self.shape
        ).spec.strip()

    def cut(self, axis: int, length: int) -> "_Box":
        """Removes the first `length` positions along an axis and returns them."""
        taken = _Box(list(self.start), list(self.shape), self.full)
        taken.shape[axis] = length
        self.start[axis] += length
        self.shape[axis] -= length
        return taken


def _box_of(one: ShardableTensor) -> _Box:
    if one.slice_spec:
        info = SaveSliceInfo.from_spec(one.slice_spec)
        return _Box(list(info.var_offset), list(info.var_shape), list(info.full_shape))
    shape = one.shape.as_list()
    return _Box([0] * len(shape), list(shape), list(shape))


@export(f"{_PACKAGE}.MaxShardSizePolicy")
class MaxShardSizePolicy(ShardingCallback):
    """Data files of limited size; tensors are split where they do not fit.

    A file is larger only if it contains a single larger element, or the object graph.

    Args:
      max_shard_size: in bytes.
    """

    class MaxShardSizePartitioner:
        """Fills the files in sequence."""

        def get_shards(
            self, max_shard_size: int, shardable_tensors: Sequence[ShardableTensor]
        ) -> Sequence[Shard]:
            """Returns the content of each file."""
            self._limit = self._room = max_shard_size
            self._shards: list[Shard] = [{}]
            self._alone: list[Shard] = []
            self._warned = False
            for one in shardable_tensors:
                tensor, total, element = self._sizes(one)
                if one.shape.rank:
                    self._add_box(one, tensor, _box_of(one), total, element)
                else:
                    self._add_scalar(one, tensor, total)
            return [shard for shard in self._shards if shard] + self._alone

        def _sizes(self, one: ShardableTensor) -> tuple[Any, int, int]:
            """(tensor, bytes, bytes of its largest element); 0 for the object graph and where they are unknown."""
            if one.checkpoint_key == GRAPH_KEY or one.dtype is dtypes.variant:
                return one.tensor, 0, 0
            if one.dtype is not dtypes.string:
                count = math.prod(_box_of(one).shape)
                return one.tensor, count * one.dtype.size, one.dtype.size
            tensor = one.tensor
            if STATE.graph is not None:
                session = above("get_default_session")()
                if session is None:
                    self._warn_of_unknown_sizes()
                    return tensor, 0, 0
                tensor = tensor if isinstance(tensor, EagerTensor) else session.run(tensor)
            texts = tensor.numpy() if isinstance(tensor, EagerTensor) else tensor
            sizes = [len(text) for text in np.ravel(np.asarray(texts, object))]
            return tensor, sum(sizes), max(sizes, default=0)

        def _warn_of_unknown_sizes(self) -> None:
            if not self._warned:
                log.warning(
                    "The checkpoint sharding policy is being executed in a tf.function. The size of strings and "
                    "variants is not known there."
                )
            self._warned = True

        def _next_shard(self) -> None:
            self._shards.append({})
            self._room = self._limit

        def _add_box(
            self, one: ShardableTensor, tensor: Any, box: _Box, total: int, element: int
        ) -> None:
            origin = list(box.start)
            while total > self._room:
                axis, length = _best_cut(box.shape, element, self._room)
                if length:
                    taken = box.cut(axis, length)
                    self._put(one, tensor, taken, origin, math.prod(taken.shape) * element)
                    if not self._room:
                        self._next_shard()
                elif self._room < self._limit:
                    self._next_shard()
                elif math.prod(box.shape) == 1:
                    part = _part(tensor, box, origin)
                    self._alone.append({one.checkpoint_key: {box.text(): part}})
                    return
                else:  # no slice along one axis fits: split single rows along others
                    axis = next(a for a, extent in enumerate(box.shape) if extent > 1)
                    row = box.cut(axis, 1)
                    rows = _part(tensor, row, origin)
                    self._add_box(one, rows, row, math.prod(row.shape) * element, element)
                total = math.prod(box.shape) * element
            if math.prod(box.shape):
                self._put(one, tensor, box, origin, total)

        def _add_scalar(self, one: ShardableTensor, tensor: Any, size: int) -> None:
            content = {one.checkpoint_key: {one.slice_spec: tensor}}
            if size > self._limit:
                log.warning(
                    "Tensor %s of %s bytes exceeds the limit of a shard and gets a shard of its own.",
                    one.name,
                    size,
                )
                self._alone.append(content)
                return
            if size > self._room:
                self._next_shard()
            self._shards[-1].setdefault(one.checkpoint_key, {})[one.slice_spec] = tensor
            self._room -= size

        def _put(
            self, one: ShardableTensor, tensor: Any, box: _Box, origin: list[int], size: int
        ) -> None:
            boxes = self._shards[-1].setdefault(one.checkpoint_key, {})
            boxes[box.text()] = _part(tensor, box, origin)
            self._room -= size

    def __init__(self, max_shard_size: int) -> None:
        self.max_shard_size = max_shard_size

    @property
    def description(self) -> str:
        """A description of the policy."""
        return "Split tensors into shards with a max shard size."

    def __call__(self, shardable_tensors: Sequence[ShardableTensor]) -> Sequence[Shard]:
        """Returns the content of each file."""
        return self.MaxShardSizePartitioner().get_shards(self.max_shard_size, shardable_tensors)


def _best_cut(shape: list[int], size: int, room: int) -> tuple[int, int]:
    """(axis, length) of a split that fits: along the axis that needs the fewest parts, of equal size."""
    best = (0, 0)
    fewest = math.inf
    for axis, extent in enumerate(shape):
        fitting = room // (math.prod(shape) // extent * size)
        pieces = math.ceil(extent / fitting) if fitting else math.inf
        if pieces < fewest:
            best, fewest = (axis, math.ceil(extent / pieces)), pieces
    return best


def _part(tensor: Any, box: _Box, origin: list[int]) -> Any:
    """Return the given box of a tensor. The tensor's first element is at `origin`."""
    starts = [start - first for start, first in zip(box.start, origin)]
    where = tuple(slice(s, s + n) for s, n in zip(starts, box.shape))
    if not isinstance(tensor, EagerTensor):
        return convert_to_tensor(tensor[where])
    return EagerTensor(np.ascontiguousarray(tensor._value[where]), tensor.dtype)


def sharded(
    callback: ShardingCallback, tensors: Mapping[str, Any], owners: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The content of each data file, for `write_shards`.

    Args:
      callback: the sharding callback.
      tensors: {checkpoint key: array}, or {checkpoint key: {slice: array}}.
      owners: {checkpoint key: the object whose value it is}.
    """
    listed = []
    with building_unrecorded(None):  # the values are known, also those of a graph
        for key, value in tensors.items():
            device = _device_of(owners.get(key))
            for part, array in (value if isinstance(value, dict) else {"": value}).items():
                tensor = convert_to_tensor(array)
                shape = tensor.shape
                listed.append(
                    ShardableTensor(
                        None, tensor, tensor.dtype, device, key, shape, part, key, owners.get(key)
                    )
                )
        return [
            stored({key: _arrays(slices) for key, slices in shard.items()})
            for shard in callback(listed)
        ]


def by_task(tensors: Mapping[str, Any], owners: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tensors of a checkpoint, divided by the tasks of a cluster that hold them; see `sharded` for the arguments."""
    groups: dict[Any, dict[str, Any]] = {}
    for key, value in tensors.items():
        device = _device_of(owners.get(key))
        groups.setdefault((device.job, device.replica, device.task), {})[key] = value
    return [groups[task] for task in sorted(groups)]


def _device_of(owner: Any) -> DeviceSpec:
    """The device of a variable that another task holds; of other objects this process's."""
    resource = getattr(getattr(owner, "handle", None), "_value", None)
    return DeviceSpec.from_string(
        resource.device if isinstance(resource, RemoteResource) else CPU_NAME
    )


def _arrays(slices: dict[Any, Any]) -> Any:
    """The array of a whole tensor, or {slice: array}."""
    whole = slices.get("", slices.get(None))
    return {k: t._value for k, t in slices.items()} if whole is None else whole._value


def stored(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a data file, for `write_shards`, of arrays and of {slice: array} by checkpoint key."""
    return {
        key: _slices(value) if isinstance(value, dict) else value for key, value in tensors.items()
    }


def _slices(slices: dict[str, np.ndarray]) -> list[TensorSlice]:
    pieces = []
    for text, array in slices.items():
        info = SaveSliceInfo.from_spec(text)
        pieces.append(TensorSlice(info.full_shape, info.var_offset, info.var_shape, array))
    return pieces
