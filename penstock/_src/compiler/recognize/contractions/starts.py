"""The starts of a contraction's operands in memory, which are passed to the kernel as addresses.

Before: contract(slice(x, [7, 0]), w)    reads x from element 448 on
After:  one kernel for all such slices; the launch passes the address of that element

The description keeps the part of a start that is less than the unit of the operand's steps: vectors, pairs of
neighbors and bulk copies depend on it.
"""

import math
from dataclasses import replace
from typing import Any

from penstock._src.compiler.codegen.contraction.description import Description
from penstock._src.compiler.codegen.contraction.extents import is_static
from penstock._src.compiler.codegen.contraction.products.gathered import Gathered

MOST = 16  # elements that anything moves together


def without_starts(description: Description) -> tuple[Description, tuple[int, int]]:
    """Returns a description for operands at any start, and where the left and the right one begin, in elements."""
    starts = []
    for name in description.operands:
        operand = getattr(description, name)
        start = _start(operand)
        starts.append(start)
        if start:
            moved = replace(operand, base=operand.base - start)
            description = replace(description, **{name: moved})
    left, right = starts
    return description, (left, right)


def _start(operand: Any) -> int:
    """The part of an operand's start that is a multiple of its unit; 0 if it is read backwards, where the start follows from its shape."""
    if isinstance(operand, Gathered) or not is_static(operand.base):
        return 0
    steps = [step for step in operand.steps if not is_static(step) or step != 1]
    # With steps that are known only at run time nothing relies on alignment.
    if not all(map(is_static, steps)):
        return int(operand.base)
    if min(steps, default=0) < 0:
        return 0
    unit = math.gcd(MOST, *steps)
    return int(operand.base) // unit * unit
