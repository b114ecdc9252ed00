"""Operations that call functions: a call is taken apart into what it calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock._src.api.vectorized.rules import Value
from penstock._src.api.vectorized.step import Step

CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})


def of_function(step: Step, nested: Callable[..., Any]) -> list[Value]:
    """Returns the outputs of a call for all rows.

    Args:
      step: the call.
      nested: makes a Vectorizer of a graph and what stands for its inputs.
    """
    function = step.op.f
    given = {t._id: value for t, value in zip(function.inputs, step.values, strict=True)}
    return nested(function.graph, given).outputs(function.outputs, function.graph.control_outputs)
