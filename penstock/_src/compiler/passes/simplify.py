"""Removes nodes without effect. Algebra needs no pass: rules are applied as nodes are created (ir/rules)."""

from dataclasses import replace

from penstock._src.ir.function import Check, Function


def simplify(function: Function) -> Function:
    """Drops checks that are known to hold.

    Before: check True, "a label is out of range"
    After:  nothing
    """
    return replace(function, checks=tuple([c for c in function.checks if not _holds(c)]))


def _holds(check: Check) -> bool:
    condition = check.condition
    return condition.kind == "constant" and bool(condition.attrs["value"])
