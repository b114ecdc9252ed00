"""Options of sharding the state of training over workers."""

import dataclasses

from penstock._src.distribute.workers.arguments import whole_number
from penstock._src.util.export import export

STAGES = 3


@export("distribute.experimental.ShardingOptions", v1=[])
@dataclasses.dataclass(frozen=True)
class ShardingOptions:
    """Sharding of the state of training over the workers of `MultiWorkerMirroredStrategy` (ZeRO). TensorFlow has no counterpart.

    Args:
      stage: 1 divides the optimizer's variables: each worker updates its part of every weight, then all gather them. 2 adds gradients up in
        parts as well. 3 divides the weights, too: they are gathered where a step uses them. 0 divides nothing.
      smallest: weights of fewer elements, and what belongs to them, stay whole.

    Raises:
      TypeError: an argument is not an integer.
      ValueError: `stage` is not one of 0 to 3, or `smallest` is negative.

    >>> tf.distribute.experimental.ShardingOptions(stage=2).stage
    2
    """

    stage: int = 1
    smallest: int = 1024

    def __post_init__(self) -> None:
        for name in ("stage", "smallest"):
            whole_number("ShardingOptions", name, getattr(self, name), 0)
        if self.stage > STAGES:
            raise ValueError(f"ShardingOptions: stage must be <= {STAGES}. Received: {self.stage}.")
