"""The table of rules: from an operation on one row to operations on all rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from penstock._src.api.vectorized.step import Step


class Value(NamedTuple):
    """What stands for a tensor of the row's graph: one tensor for all rows, or with a row for each of them."""

    tensor: Any
    stacked: bool


# From a step to what its outputs are: tensors (stacked), or Values.
Rule = Callable[["Step"], Any]

RULES: dict[str, Rule] = {}


def rule(names: str) -> Callable[[Rule], Rule]:
    """Registers a function as the rule of these ops."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names.split(), function))
        return function

    return register


class NotVectorizable(Exception):
    """A rule does not cover these inputs; the operation then runs row by row."""


class NoRows(Exception):
    """An operation gives or takes lists, of which no rows can be stacked; the whole function then runs row by row."""
