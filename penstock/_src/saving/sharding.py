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

    @abc.abstractmethod
    def __call__(self, shardable_tensors: Sequence[ShardableTensor]) -> Sequence[Shard]:
        """Returns the content of each data file: [{checkpoint key: {slice: tensor}}]."""


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
            if self._room == 0:
                self._next_shard()

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
        return max((len(text) for text in np.ravel(one.tensor.numpy())), default=0)
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
