"""Sharding callbacks and policies: distribute the tensors of a checkpoint over data files."""

import abc
import dataclasses
import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import building_unrecorded
from penstock._src.eager.tensor import CPU_NAME, EagerTensor
from penstock._src.ops.io.bundle import TensorSlice
from penstock._src.saving.object_graph import GRAPH_KEY
from penstock._src.util.device_spec import DeviceSpec
from penstock._src.util.export import export

_PACKAGE = "train.experimental"
# {checkpoint key: {slice: tensor}}; an empty slice means the whole tensor.
Shard = dict[str, dict[Any, Any]]


@export(f"{_PACKAGE}.ShardableTensor")
@dataclasses.dataclass(frozen=True)
class ShardableTensor:
    """A tensor to be assigned to a data file, with its properties."""

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
    seen = set()

    def refuse(what: str, key: str, part: str, *more: str) -> RuntimeError:
        lines = [
            f"callback_description: {description}",
            f"checkpoint_key: {key}",
            f"slice_spec: {part}",
        ]
        found = f"After executing the checkpoint sharding callback, {what}:"
        return RuntimeError("\n  ".join([found, *lines, *more]))

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
                task = DeviceSpec.from_string(tensor.device).task
                if task != DeviceSpec.from_string(model.tensor.device).task:
                    raise refuse("a tensor was found with an altered task", key, part)
                first_task = task if first_task is None else first_task
                if task is not None and task != first_task:
                    what = "tensors with different tasks were found in the same shard"
                    raise refuse(what, key, part)
                seen.add((key, part))
    for key, part in waiting:
        what = "tensors in the object graph were not found in the checkpoint shards"
        raise refuse(what, key, part)


@export(f"{_PACKAGE}.ShardByTaskPolicy")
class ShardByTaskPolicy(ShardingCallback):
    """A data file per task of a cluster: one here."""

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


@dataclasses.dataclass
class _Box:
    """The part of a tensor that is not in a file yet: its offset and size."""

    start: list[int]
    shape: list[int]

    def text(self, full: Sequence[int]) -> str:
        """The slice in the checkpoint format: full shape, then start and length per axis."""
        sizes = " ".join(map(str, full))
        return sizes + " " + ":".join(f"{s},{n}" for s, n in zip(self.start, self.shape))

    def cut(self, axis: int, length: int) -> "_Box":
        """Removes the first `length` positions along an axis and returns them."""
        taken = _Box(list(self.start), list(self.shape))
        taken.shape[axis] = length
        self.start[axis] += length
        self.shape[axis] -= length
        return taken


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
            for one in shardable_tensors:
                self._add(one)
            return [shard for shard in self._shards if shard] + self._alone

        def _next_shard(self) -> None:
            self._shards.append({})
            self._room = self._limit

        def _add(self, one: ShardableTensor) -> None:
            size = _element_size(one)
            full = one.shape.as_list()
            if not full or size == 0:
                self._add_whole(one, size * max(one.shape.num_elements() or 0, 1))
                return
            self._add_box(one, _Box([0] * len(full), list(full)), full, size)

        def _add_box(self, one: ShardableTensor, box: _Box, full: list[int], size: int) -> None:
            while math.prod(box.shape) * size > self._room:
                axis, length = _best_cut(box.shape, size, self._room)
                if length:
                    self._put(one, box.cut(axis, length), full, size)
                elif self._room < self._limit:
                    self._next_shard()
                elif math.prod(box.shape) == 1:
                    self._alone.append(
                        {one.checkpoint_key: {box.text(full): _part(one.tensor, box)}}
                    )
                    return
                else:  # no slice along one axis fits: split single rows along others
                    axis = next(a for a, extent in enumerate(box.shape) if extent > 1)
                    self._add_box(one, box.cut(axis, 1), full, size)
            if math.prod(box.shape):
                self._put(one, box, full, size)

        def _add_whole(self, one: ShardableTensor, size: int) -> None:
            if size > self._limit:
                logging.getLogger("tensorflow").warning(
                    "Tensor %s of %s bytes is larger than a shard may be.", one.name, size
                )
                self._alone.append({one.checkpoint_key: {one.slice_spec: one.tensor}})
                return
            if size > self._room:
                self._next_shard()
            self._shards[-1].setdefault(one.checkpoint_key, {})[one.slice_spec] = one.tensor
            self._room -= size

        def _put(self, one: ShardableTensor, box: _Box, full: list[int], size: int) -> None:
            held = self._shards[-1].setdefault(one.checkpoint_key, {})
            held[box.text(full)] = _part(one.tensor, box)
            self._room -= math.prod(box.shape) * size

    def __init__(self, max_shard_size: int) -> None:
        self.max_shard_size = max_shard_size

    @property
    def description(self) -> str:
        """A description of the policy."""
        return "Split tensors into shards with a max shard size."

    def __call__(self, shardable_tensors: Sequence[ShardableTensor]) -> Sequence[Shard]:
        """Returns the content of each file."""
        return self.MaxShardSizePartitioner().get_shards(self.max_shard_size, shardable_tensors)


def _element_size(one: ShardableTensor) -> int:
    """Bytes of an element; for strings of the longest one. The object graph counts as 0."""
    if one.checkpoint_key == GRAPH_KEY or one.dtype is dtypes.variant:
        return 0
    if one.dtype is dtypes.string:
        tensor = one.tensor
        eager = isinstance(tensor, EagerTensor)
        texts = tensor.numpy() if eager else tensor.graph._default_session().run(tensor)
        return max((len(text) for text in np.ravel(np.asarray(texts, object))), default=0)
    return one.dtype.size


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


def _part(tensor: Any, box: _Box) -> Any:
    where = tuple(slice(s, s + n) for s, n in zip(box.start, box.shape))
    if not isinstance(tensor, EagerTensor):
        return tensor[where]
    return EagerTensor(np.ascontiguousarray(tensor._value[where]), tensor.dtype)


def sharded(
    callback: ShardingCallback, tensors: Mapping[str, np.ndarray], owners: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The content of each data file, for `write_shards`.

    Args:
      callback: the sharding callback.
      tensors: {checkpoint key: array}.
      owners: {checkpoint key: the object whose value it is}.
    """
    device = DeviceSpec.from_string(CPU_NAME)
    listed = []
    for key, array in tensors.items():
        with building_unrecorded(None):  # the values are known, also those of a graph
            tensor = convert_to_tensor(array)
        listed.append(
            ShardableTensor(
                None, tensor, tensor.dtype, device, key, tensor.shape, "", key, owners.get(key)
            )
        )
    return [_content(shard) for shard in callback(listed)]


def _content(shard: Shard) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, slices in shard.items():
        whole = slices.get("", slices.get(None))
        made[key] = _slices(slices.items()) if whole is None else whole._value
    return made


def _slices(slices: Iterable[tuple[str, Any]]) -> list[TensorSlice]:
    found = []
    for text, tensor in slices:
        *sizes, extents = text.split(" ")
        pairs = [tuple(map(int, extent.split(","))) for extent in extents.split(":")]
        starts, lengths = zip(*pairs)
        found.append(TensorSlice([int(n) for n in sizes], starts, lengths, tensor._value))
    return found
