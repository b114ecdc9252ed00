"""`tensorflow.python.training.moving_averages`: averages of values that count by weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock._src.api.math.arithmetic import divide, truediv
from penstock._src.bridge.internals.ops import assign_moving_average
from penstock._src.core.tensor import Tensor
from penstock._src.v1.variables.initializers import Zeros
from penstock._src.v1.variables.scopes import get_variable, variable_scope


def weighted_moving_average(
    value: Tensor,
    decay: Any,
    weight: Tensor,
    truediv: bool = True,
    collections: Sequence[Any] | None = None,
    name: str | None = None,
) -> Any:
    """Returns the moving average of `value * weight`, divided by that of `weight`.

    Args:
      value, weight: tensors.
      decay: how much of the averages is kept at each step.
      truediv: whether integers are divided as floats.
      collections: those of the two variables; global variables by default.
      name: of the variables' scope.
    """
    collection_names = ["variables"] if collections is None else list(collections)
    with variable_scope(name, "WeightedMovingAvg", [value, weight, decay]) as scope:
        averages = []
        for part, label in ((value * weight, "value_x_weight"), (weight, "weight")):
            variable = get_variable(
                label,
                shape=part.shape,
                dtype=part.dtype,
                initializer=Zeros(),
                trainable=False,
                collections=collection_names,
            )
            averages.append(assign_moving_average(variable, part, decay, zero_debias=False))
        return (_truediv if truediv else divide)(*averages, name=scope.name)


_truediv = truediv
