"""Runs a program as users do, beside eager, for all its shapes and those that its guards ask for."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from penstock._src.util import flags
from tests.fuzz.programs import oracles
from tests.fuzz.programs.program import Program, forget_texts
from tests.fuzz.shapes.judging import LEAK, PASSES, growth
from tests.fuzz.shapes.programs.classes import FREE, class_of
from tests.fuzz.shapes.programs.drawing import Extents, shape_of, with_samples
from tests.fuzz.shapes.programs.guards import (
    candidates_of,
    conditions_of,
    most_programs,
    other_sides,
    programs_from_two_up,
)

ROUNDS = 2  # a shape on another side may make a program, which has other conditions
FURTHER = 40  # shapes for which nothing is compared: whether they need programs


@dataclasses.dataclass
class Judged:
    """A program with all samples that it was called with, and what came of it.

    failure   a difference or an error, or None
    finds     sentences on memory and on the number of programs, by kind
    programs  how many were made, of the block that has the most
    from_two  how many of the first block are for extents of at least 2
    """

    program: Program
    extents: list[Extents]
    runs: int = 0
    sides: int = 0
    failure: oracles.Failure | None = None
    finds: dict[str, str] = dataclasses.field(default_factory=dict)
    programs: int = 0
    from_two: int = 0
    conditions: list[str] = dataclasses.field(default_factory=list)


def judge(tf: Any, program: Program, extents: list[Extents]) -> Judged:
    """Runs a program of these extents."""
    judged = Judged(program, list(extents))
    expected = [oracles.expect(tf, program, sample) for sample in range(program.samples)]
    with flags.override(**oracles.USERS):
        env, function = oracles.traced(tf, program)
        _call(tf, judged, expected, env, function, program.order)
        if not function._list_all_concrete_functions():
            return judged  # TensorFlow does not trace it either
        for _ in range(ROUNDS):
            if judged.failure is None:
                _call_other_sides(tf, judged, expected, env, function)
        if judged.failure is None:
            _look_at_memory(tf, judged, expected, function)
            _count_programs(tf, judged, expected, function)
        judged.programs, judged.conditions = most_programs(function), conditions_of(function)
        first = _first(program)
        axes = [axis for axis, n in enumerate(first.known) if n is None]
        judged.from_two = programs_from_two_up(function, _tensor_of_first(program, function), axes)
    forget_texts()
    return judged


def _call(tf: Any, judged: Judged, expected: list, env: Any, function: Any, order: Any) -> None:
    kept = [sample for sample in order if expected[sample] is not None]
    judged.runs += len(kept)
    judged.failure = oracles.calls(tf, judged.program, "users", expected, env, function, kept)


def _first(program: Program) -> Any:
    """The argument whose extents are unknown."""
    return next(p for p in program.parameters if p.name == "v0")


def _tensor_of_first(program: Program, function: Any) -> Any:
    (trace,) = function._list_all_concrete_functions()
    return trace.inputs[[p.name for p in program.arguments].index("v0")]


def _shape(program: Program, extents: Extents) -> Extents:
    first = _first(program)
    axes = [axis for axis, n in enumerate(first.known) if n is None]
    return shape_of(list(first.shapes[0]), axes, extents)


def _ordered(program: Program, shape: Extents) -> Extents:
    first = _first(program)
    return tuple(n for n, known in zip(shape, first.known, strict=True) if known is None)


def _add(judged: Judged, shapes: list[Extents]) -> range:
    """Adds samples of shapes; returns their numbers."""
    before = judged.program.samples
    judged.program = with_samples(judged.program, before, shapes)
    judged.extents += [_ordered(judged.program, shape) for shape in shapes]
    return range(before, judged.program.samples)


def _call_other_sides(tf: Any, judged: Judged, expected: list, env: Any, function: Any) -> None:
    program = judged.program
    first = _first(program)
    candidates = [_shape(program, e) for e in candidates_of(len(judged.extents[0]), program.seed)]
    found = list(
        other_sides(function, _tensor_of_first(program, function), list(first.shapes), candidates)
    )
    added = _add(judged, found)
    for sample in added:
        try:
            expected.append(oracles.expect(tf, judged.program, sample))
        except Exception:
            expected.append(None)  # what eager refuses says nothing about shapes
    judged.sides += sum(expected[sample] is not None for sample in added)
    _call(tf, judged, expected, env, function, added)


def _look_at_memory(tf: Any, judged: Judged, expected: list, function: Any) -> None:
    if judged.program.variables:
        return
    runs = [
        [t.numpy() for t in oracles.arguments(tf, judged.program, sample)]
        for sample, wanted in enumerate(expected)
        if wanted is not None
    ]
    grown = growth(function, runs)
    if grown > LEAK:
        judged.finds["memory"] = f"{grown} bytes in each of {PASSES} passes over all shapes"


def _count_programs(tf: Any, judged: Judged, expected: list, function: Any) -> None:
    """Calls the function with further shapes; more programs than classes of calls are a find."""
    random = np.random.default_rng([judged.program.seed, 19])
    count = len(judged.extents[0])
    top = {1: 300, 2: 40, 3: 12, 4: 6}[count]
    wanted = {tuple(int(n) for n in random.integers(2, top, count)) for _ in range(FURTHER)}
    further = [_shape(judged.program, e) for e in sorted(wanted - set(judged.extents))]
    for sample in _add(judged, further):
        try:
            function(*oracles.arguments(tf, judged.program, sample))
        except Exception:
            continue  # a value that was valid for the shapes that were drawn
    made = most_programs(function)
    if made > FREE:
        samples = range(judged.program.samples)
        classes = {class_of(tf, judged.program, s, judged.extents[s]) for s in samples}
        if made > FREE + len(classes):
            judged.finds["programs"] = f"{made} programs for {len(classes)} classes of calls"
