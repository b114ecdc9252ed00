"""How many programs the values of a program explain: calls that differ in none of these need no program of their own.

- whether the extents of each value are 0, 1 or more, and which unknown extents are equal or larger than others
- the numbers that decide what is done: axes, strides, branches; of other numbers computed from extents whether they are 0, 1, more or less

A class for each of these is more than a compiler needs. What is made beyond them is made for values that should be arguments.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from tests.fuzz.programs import oracles
from tests.fuzz.programs.program import NAME, Program, load, render
from tests.fuzz.shapes.programs.drawing import Extents, steps_of

FREE = 4  # programs that need no explanation, beside those for classes of calls
# What a number decides by its value: which kernels there are, or which steps.
DECIDING = re.compile(
    r"::|axis|perm|tf\.(transpose|reverse|concat|expand_dims|reduce_\w+|cumsum|argmax|switch_case|cond|while_loop|range|tile|one_hot"
    r"|image|signal|linalg|roll|repeat|pad|space_to_batch)|growing|% \d+\)"
)


def class_of(tf: Any, program: Program, sample: int, extents: Extents) -> Any:
    """What a sample shares with others that one program may serve; None where eager refuses it."""
    names = tuple(dict.fromkeys(name for step in program.steps for name in step.targets))
    whole = program.with_(results=names)
    deciding = {
        name
        for step in steps_of(program)
        if DECIDING.search(step.text)
        for name in NAME.findall(step.text)
    }
    with oracles.eagerly(tf):
        env = oracles.namespace(tf, whole, sample)
        load(render(whole), env)
        try:
            values = env["program"](*oracles.arguments(tf, whole, sample))
        except Exception:
            return None
    found: list[Any] = [order(extents)]
    for name, value in zip(names, values, strict=True):
        array = np.asarray(value.numpy())
        found.append(tuple(min(n, 2) for n in array.shape))
        if not array.ndim and array.dtype.kind in "iub":
            number = int(array)
            found.append(number if name in deciding else max(-1, min(number, 2)))
    return tuple(found)


def order(extents: Extents) -> tuple[int, ...]:
    """How each two extents compare, and which are 0, 1 or more."""
    ranks = sorted({*extents, 0, 1})
    return tuple(ranks.index(n) for n in extents)
