"""`tensorflow.python.checkpoint.sharding.sharding_util`: what a callback may do with the tensors of a checkpoint."""

from collections.abc import Sequence
from typing import Any

from penstock._src.saving.sharding import Shard, validate_shards

__all__ = ["Shard", "TensorSliceDict", "validate_shards"]

TensorSliceDict = dict[str, Any]
ShardList = Sequence[Shard]
