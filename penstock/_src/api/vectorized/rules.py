"""The rules that `Op.vectorize` cannot say: from an operation on one row to operations on all rows."""

from collections.abc import Callable
from typing import Any, NamedTuple

from penstock._src.core.op import Op, entry_of


class Value(NamedTuple):
    """What stands for a tensor of the row's graph: one tensor for all rows, or with a row for each of them."""

    tensor: Any
    stacked: bool


# From a `Step` to what its outputs are: tensors (stacked), or Values.
Rule = Callable[[Any], Any]

RULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Registers a function as the rule of op classes, and of those derived from them."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return register


def rule_of(cls: type[Op]) -> Rule | None:
    """Returns the rule of the op class, or of the nearest class that it is derived from."""
    return entry_of(cls, RULES)


class NotVectorizable(Exception):
    """A rule does not cover these inputs; the operation then runs row by row."""


class NoRows(Exception):
    """An operation gives or takes lists, of which no rows can be stacked; the whole function then runs row by row."""
