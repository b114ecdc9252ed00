"""Loss scaling over replicas: all of them skip a step, or none.

Keras's LossScaleOptimizer judges by a replica's own gradients, before they are added up. Where those of one replica alone are not finite, the
others would wait for it in the sum of the gradients, or would add its infinities to their weights.
"""

from __future__ import annotations

import functools
import types
from typing import Any

from penstock._src.core.registry import raw
from penstock._src.util.lazy import ByName

# Imported by name: Keras loads this on every start.
get_replica_context = ByName("penstock._src.distribute.current", "get_replica_context")
MODULE = "keras.src.optimizers.loss_scale_optimizer"


def wrap_optimizer(module: types.ModuleType) -> None:
    """Has replicas agree in the module of `keras.mixed_precision.LossScaleOptimizer`."""
    kind = module.LossScaleOptimizer  # type: ignore[attr-defined]
    check = kind.check_finite

    @functools.wraps(check)
    def check_finite(self: Any, grads: Any) -> Any:
        finite, replica = check(self, grads), get_replica_context()
        if replica is None or replica.num_replicas_in_sync == 1:
            return finite
        overflowed = raw.Cast(x=raw.LogicalNot(x=finite), DstT="float32")
        return raw.Equal(x=replica.all_reduce("SUM", overflowed), y=0.0)

    kind.check_finite = check_finite
