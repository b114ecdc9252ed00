"""`tensorflow.python.ops.nn_impl`: the logits of sampled classes, and sums of rows."""

from __future__ import annotations

from typing import Any

from penstock._src.api.nn.sampling import sampled_logits
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import scope_in_graph
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor


def _compute_sampled_logits(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    subtract_log_q: bool = True,
    remove_accidental_hits: bool = False,
    partition_strategy: str = "mod",
    name: str | None = None,
    seed: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Returns the logits of true and sampled classes, and their labels: `[batch, num_true + num_sampled]`."""
    with scope_in_graph(name, "compute_sampled_logits"):
        return sampled_logits(
            weights,
            biases,
            labels,
            inputs,
            num_sampled,
            num_classes,
            num_true,
            sampled_values,
            subtract_log_q,
            remove_accidental_hits,
            seed,
            partition_strategy,
        )


def _sum_rows(x: Any) -> Tensor:
    """Returns the sum of each row of a matrix."""
    return raw.Sum(input=convert_to_tensor(x), axis=[1])
