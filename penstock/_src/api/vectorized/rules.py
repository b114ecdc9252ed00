"""Rules that `Op.vectorize` cannot express: from an operation on one row to operations on all rows."""

from collections.abc import Callable
from typing import Any, NamedTuple

from penstock._src.core.op import Op, entry_of


class Value(NamedTuple):
    """The value of a tensor of the row's graph: one tensor common to all rows, or one with a row for each."""

    tensor: Any
    stacked: bool


# Maps a `Step` to its outputs: stacked tensors, or Values.
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
    """Error of an operation with tensor lists, which cannot be stacked. The whole function then runs row by row."""
