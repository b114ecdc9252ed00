"""How the state of training is divided among workers."""

import dataclasses

from penstock._src.util.arguments import whole_number
from penstock._src.util.export import export

STAGES = 3


@export("distribute.experimental.ShardingOptions", v1=[])
@dataclasses.dataclass(frozen=True)
class ShardingOptions:
    """How `MultiWorkerMirroredStrategy` divides the state of training among its workers (ZeRO); TensorFlow has nothing like it.

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
