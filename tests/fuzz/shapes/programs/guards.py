"""The programs that were made of a function, and shapes on both sides of each of their conditions."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from penstock._src.compiler.blocks.block import Block, BlockStep
from tests.fuzz.shapes.programs.drawing import Extents
from tests.fuzz.shapes.sizes import LARGE

MOST_EACH = 24  # shapes on other sides that a program is called with
# How far extents are looked for, by how many there are; one alone may be large.
REACH = {1: 400, 2: 36, 3: 11, 4: 6}


def blocks_of(function: Any) -> list[Block]:
    """The blocks of a traced function and those that wait in it, the outermost first."""
    (trace,) = function._list_all_concrete_functions()
    pending = list(trace.graph_function.executable.blocks())
    seen: list[Block] = []
    while pending:
        block = pending.pop(0)
        if block not in seen:
            seen.append(block)
            steps = [step for made in block.forms() for step in made.steps]
            pending += [step.block for step in steps if isinstance(step, BlockStep)]
    return seen


def conditions_of(function: Any) -> list[str]:
    """The conditions of all programs, block by block, in words."""
    return [p.conditions or "none" for block in blocks_of(function) for p in block.programs]


def most_programs(function: Any) -> int:
    """How many programs the block has that has the most."""
    return max([len(block.programs) for block in blocks_of(function)], default=0)


def programs_from_two_up(function: Any, first: Any, axes: list[int]) -> int:
    """How many programs of the first block are for unknown extents of the first argument that are all at least 2."""
    block, count = blocks_of(function)[0], 0
    for program in block.programs:
        of_first = {
            read[2]: what
            for read, what in program.specialized.form.entries
            if read[0] == "extent" and block.section.inputs[read[1]]._id == first._id
        }
        count += all(type(of_first.get(axis, "")) is str for axis in axes)
    return count


def other_sides(
    function: Any, first: Any, shapes: list[Extents], candidates: list[Extents]
) -> Iterator[Extents]:
    """Shapes of the first argument on a side of a condition on which none of the `shapes` is.

    Args:
      function: whose programs are looked at, of the first block: the symbols of others are told by data.
      first: the tensor of the trace that is the first argument.
      shapes: that it was called with.
      candidates: shapes to choose from.
    """
    chosen: list[Extents] = []
    block, looked_at = blocks_of(function)[0], [*shapes, *candidates]
    for program in list(block.programs):
        form = program.specialized.form
        if any(read[0] not in ("rank", "extent") for read, _ in form.entries):
            continue
        extents = [(shape, form.extents(inputs_of(block, first, shape))) for shape in looked_at]
        for polynomial, bounds in program.recording.conditions.items():
            numbers: dict[int, Extents] = {}
            for shape, values in extents:
                if values is not None:
                    numbers.setdefault(values.number(polynomial), shape)
            for wanted in ends_of(bounds):
                found = numbers.get(wanted)
                if found is not None and found not in shapes and found not in chosen:
                    chosen.append(found)
                    yield found
                    if len(chosen) >= MOST_EACH:
                        return


def ends_of(bounds: Any) -> list[int]:
    """Numbers at each end of a condition, on both sides."""
    found = [] if bounds.low is None else [bounds.low, bounds.low - 1]
    found += [] if bounds.high is None else [bounds.high, bounds.high + 1]
    return found + [n for e in sorted(bounds.excluded) for n in (e, e - 1, e + 1)]


class _Shaped:
    """What stands for an input whose shape alone is asked."""

    def __init__(self, shape: Extents) -> None:
        self.shape = shape


def inputs_of(block: Block, first: Any, shape: Extents) -> list[_Shaped]:
    """What stands for a block's inputs where the first argument has a shape."""
    made = []
    for tensor in block.section.inputs:
        known = tensor.shape.as_list() if tensor.shape.rank is not None else []
        own = shape if tensor._id == first._id else tuple(n or 0 for n in known)
        made.append(_Shaped(own))
    return made


def candidates_of(count: int, seed: int) -> list[Extents]:
    """Extents to look among, small ones first."""
    reach = REACH[count]
    found = list(itertools.product(range(reach), repeat=count))
    found.sort(key=lambda extents: (sum(extents), extents))
    random = np.random.default_rng([seed, 17])
    for n in (LARGE, LARGE - 2, 1023, 257, 129):
        near = [1] * count
        near[int(random.integers(count))] = n
        found.append(tuple(near))
    return found
