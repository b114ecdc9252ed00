"""Drops what has no effect."""

from __future__ import annotations

from dataclasses import replace

from penstock._src.ir.function import Function


def prune(function: Function) -> Function:
    """Drops checks that are known to hold and updates that leave a variable as it is.

    Before: check True; update v = read(v)
    After:  nothing
    """
    checks = tuple(
        c
        for c in function.checks
        if not (c.condition.kind == "constant" and bool(c.condition.attrs["value"]))
    )
    updates = tuple(
        (h, v) for h, v in function.updates if not (v.kind == "read" and v.args[0] is h)
    )
    return replace(function, checks=checks, updates=updates)
