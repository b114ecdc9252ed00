"""Divides a model into stages of about equal work, if the program does not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core.specs import TensorSpec
from penstock._src.distribute.workers.pipeline.callables import variables_of
from penstock._src.function.function import function
from penstock._src.v1.summaries.model_profile import ProfileOptionBuilder, profile


def costs(nodes: Sequence[Any], balance: str) -> list[float]:
    """Returns what each call of an operation costs: parameters, or floating point operations for one row.

    Raises:
      ValueError: FLOPs of an operation on tensors of unknown shape are asked for.
    """
    if balance == "parameters":
        return [
            float(sum(math.prod(v.shape) for v in variables_of(node.operation))) for node in nodes
        ]
    return [_flops(node) for node in nodes]


def _flops(node: Any) -> float:
    tensors = node.input_tensors
    for tensor in tensors:
        if None in tensor.shape[1:]:
            raise ValueError(
                f"PipelineStrategy: the layer '{node.operation.name}' takes a tensor of shape {tuple(tensor.shape)}, so its work is unknown. "
                "Give the cuts, or balance='parameters'."
            )
    operation = node.operation

    def called(*values: Any) -> Any:
        args, kwargs = node.arguments.fill_in(dict(zip(map(id, tensors), values)))
        return operation(*args, **kwargs)

    specs = [TensorSpec([1, *tensor.shape[1:]], tensor.dtype) for tensor in tensors]
    graph = function(called, autograph=False).get_concrete_function(*specs).graph
    options = {**ProfileOptionBuilder.float_operation(), "output": "none"}
    counted = float(profile(graph, options=options).total_float_ops)
    return counted + _flops_of_loop(operation, tensors)


def _flops_of_loop(operation: Any, tensors: Sequence[Any]) -> float:
    """The flops of a recurrent layer, whose loop counts once in its graph: products with the cell's kernels at every time step."""
    cell = getattr(operation, "cell", None)
    if cell is None:
        return 0.0
    kernels = sum(math.prod(v.shape) for v in variables_of(cell) if len(v.shape) > 1)
    return 2.0 * kernels * (tensors[0].shape[1] or 1)


def positions(
    cost: Sequence[float], crossing: Sequence[int], allowed: Sequence[int], stages: int
) -> list[int]:
    """Returns after which calls stages end, such that the most expensive stage is as cheap as can be.

    Args:
      cost: of each call.
      crossing: how many tensors go on after each call but the last.
      allowed: positions that may be chosen.
      stages: how many there are.

    Where enough positions with a single tensor going on are there, one of them is chosen.
    """
    narrow = [at for at in allowed if crossing[at] == 1]
    ends = [*(narrow if len(narrow) >= stages - 1 else allowed), len(cost) - 1]
    total = np.cumsum([0.0, *cost])[np.array(ends) + 1]
    best, chosen = total.copy(), [[at] for at in range(len(ends))]
    for stage in range(1, stages):
        # best[i]: the least greatest cost of the stages so far, if the last of them ends at ends[i].
        following, paths = np.full(len(ends), np.inf), list(chosen)
        for at in range(stage, len(ends)):
            greatest = np.maximum(best[:at], total[at] - total[:at])
            before = int(np.argmin(greatest))
            following[at], paths[at] = greatest[before], [*chosen[before], at]
        best, chosen = following, paths
    return [ends[at] for at in chosen[-1][:-1]]
