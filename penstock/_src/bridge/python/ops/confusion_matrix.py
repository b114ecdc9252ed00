"""`tensorflow.python.ops.confusion_matrix`: labels and predictions of fitting ranks."""

from __future__ import annotations

from typing import Any

from penstock._src.api.control.conditionals import cond
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import scope_in_graph
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor


def remove_squeezable_dimensions(
    labels: Any, predictions: Any, expected_rank_diff: int = 0, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """Returns labels and predictions without a last axis of length 1 that one has and the other lacks.

    Args:
      labels, predictions: tensors.
      expected_rank_diff: how many axes predictions have more than labels.
      name: of the operations.
    """
    with scope_in_graph(name, "remove_squeezable_dimensions"):
        predictions, labels = convert_to_tensor(predictions), convert_to_tensor(labels)
        mine, theirs = predictions.shape.rank, labels.shape.rank
        if mine is not None and theirs is not None:
            more: Any = mine - theirs
        else:
            more = raw.Rank(input=predictions) - raw.Rank(input=labels)
        return (
            _squeezed_if(labels, more, expected_rank_diff - 1),
            _squeezed_if(predictions, more, expected_rank_diff + 1),
        )


def _squeezed_if(x: Tensor, more: Any, wanted: int) -> Tensor:
    """Returns `x` without its last axis if ranks differ by `wanted`."""
    if x.shape.rank is not None and (not x.shape.rank or x.shape[-1] not in (None, 1)):
        return x

    def squeezed() -> Tensor:
        return raw.Squeeze(input=x, axis=[-1])

    if isinstance(more, int):
        return squeezed() if more == wanted else x
    return cond(raw.Equal(x=more, y=wanted), squeezed, lambda: x)
