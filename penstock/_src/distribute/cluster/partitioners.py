"""tf.distribute.experimental.partitioners: how variables are sharded."""

import math
from typing import Any

from penstock._src.core import dtypes
from penstock._src.util.export import export

_NAMESPACE = "distribute.experimental.partitioners"


def _positive(value: int | None, message: str) -> None:
    if value is not None and value < 1:
        raise ValueError(f"{message} {value}")


def _bytes(dtype: Any, bytes_per_string: int) -> int:
    dtype = dtypes.as_dtype(dtype)
    return bytes_per_string if dtype == dtypes.string else dtype.size


@export(f"{_NAMESPACE}.Partitioner", v1=[])
class Partitioner:
    """A function from the shape and dtype of a variable to the number of shards along each axis."""

    def __call__(self, shape: Any, dtype: Any, axis: int = 0) -> list[int]:
        raise NotImplementedError

    @staticmethod
    def _cut(shape: Any, axis: int, shards: int) -> list[int]:
        counts = [1] * len(shape)
        counts[axis] = shards
        return counts


@export(f"{_NAMESPACE}.FixedShardsPartitioner", v1=[])
class FixedShardsPartitioner(Partitioner):
    """Makes `num_shards` shards, or one for each row if there are fewer rows.

    Args:
      num_shards: an int.
    """

    def __init__(self, num_shards: int) -> None:
        self._num_shards = num_shards

    def __call__(self, shape: Any, dtype: Any, axis: int = 0) -> list[int]:
        return self._cut(shape, axis, min(self._num_shards, shape[axis]))


@export(f"{_NAMESPACE}.MinSizePartitioner", v1=[])
class MinSizePartitioner(Partitioner):
    """Divides variables into as many parts as keep a least size.

    Args:
      min_shard_bytes: the least size of a part in bytes.
      max_shards: the greatest number of parts.
      bytes_per_string: how many bytes a string counts.

    >>> partitioner = tf.distribute.experimental.partitioners.MinSizePartitioner(256, max_shards=4)
    >>> partitioner(tf.TensorShape([1024]), tf.float32)
    [4]
    """

    def __init__(
        self, min_shard_bytes: int = 256 << 10, max_shards: int = 1, bytes_per_string: int = 16
    ) -> None:
        _positive(min_shard_bytes, "Argument `min_shard_bytes` must be positive. Received:")
        _positive(max_shards, "Argument `max_shards` must be positive. Received:")
        _positive(bytes_per_string, "Argument `bytes_per_string` must be positive. Received:")
        self._min_shard_bytes, self._max_shards = min_shard_bytes, max_shards
        self._bytes_per_string = bytes_per_string

    def __call__(self, shape: Any, dtype: Any, axis: int = 0) -> list[int]:
        total = math.prod(shape) * _bytes(dtype, self._bytes_per_string)
        shards = max(1, math.ceil(total / self._min_shard_bytes))
        return self._cut(shape, axis, max(1, min(shards, self._max_shards, shape[axis])))


@export(f"{_NAMESPACE}.MaxSizePartitioner", v1=[])
class MaxSizePartitioner(Partitioner):
    """Makes as few shards of at most `max_shard_bytes` as possible, up to `max_shards`.

    Args:
      max_shard_bytes: the largest size of a shard.
      max_shards: the largest number of shards; None for any.
      bytes_per_string: what a string counts as.
    """

    def __init__(
        self, max_shard_bytes: int, max_shards: int | None = None, bytes_per_string: int = 16
    ) -> None:
        _positive(max_shard_bytes, "Argument `max_shard_bytes` must be positive. Received")
        _positive(max_shards, "Argument `max_shards` must be positive. Received")
        _positive(bytes_per_string, "Argument `bytes_per_string` must be positive. Received:")
        self._max_shard_bytes, self._max_shards = max_shard_bytes, max_shards
        self._bytes_per_string = bytes_per_string

    def __call__(self, shape: Any, dtype: Any, axis: int = 0) -> list[int]:
        row = math.prod(shape) // max(1, shape[axis]) * _bytes(dtype, self._bytes_per_string)
        rows = max(1, self._max_shard_bytes // max(1, row))
        shards = math.ceil(shape[axis] / rows)
        if self._max_shards is not None:
            shards = min(shards, self._max_shards)
        return self._cut(shape, axis, max(1, min(shards, shape[axis])))
