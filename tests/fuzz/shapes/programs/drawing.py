"""Draws a program and its shapes: 0, 1, primes, equal extents, extents that are multiples or one off, and 2**16 + 1 beside small ones."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.fuzz.programs.drawing import Drawing, Limits, Scope, first_scope, program_of
from tests.fuzz.programs.program import Program, Step, all_steps
from tests.fuzz.shapes.sizes import LARGE, PRIMES

Extents = tuple[int, ...]
SHAPES = 20
MOST = 1500  # the product of the extents of a shape without a large one
PARTNERS = (1, 2, 3)  # the extents beside a large one, of which all but one are 1
LIMITS = Limits(800_000, 2000, 3000.0, 100.0)
HOMES = ["float32"] * 8 + ["float64"] * 3 + ["int32", "int64", "bfloat16", "complex64"]
WEIGHTS = {"extents": 8.0, "movement": 2.0, "reductions": 2.0, "contractions": 2.0, "indexing": 2.0, "special": 1.5}  # fmt: skip
# Loops over rows and lists take a time for each row, and their steps in eager mode, too.
WITHOUT_LARGE = ("control", "statements", "pipelines", "state", "gradients")
ZERO_EACH = 4  # of so many programs one has no empty shapes: few steps take them all


class ShapeDrawing(Drawing):
    """What all scopes of a program share, whose samples are twenty shapes."""

    def __init__(self, tf: Any, seed: int) -> None:
        super().__init__(tf, seed)
        self.random = np.random.default_rng([seed, 11])
        self.limits, self.known, self.named_numbers = LIMITS, "batch", 0.8
        self.count = 1 + seed % 4
        self.has_large = seed // 4 % 4 != 3
        self.extents = extents_of(
            self.random, self.count, self.has_large, bool(seed // 16 % ZERO_EACH)
        )
        self.samples = len(self.extents)
        self.weights = dict(WEIGHTS)
        focus = self.random.choice(["contractions", "reductions", "special", "indexing", "control"])
        self.weights[str(focus)] = 4.0 * self.weights.get(str(focus), 1.0)
        if self.has_large:
            self.weights |= dict.fromkeys(WITHOUT_LARGE, 0.0)
        self.home = str(self.random.choice(HOMES))


def extents_of(random: Any, count: int, has_large: bool, has_empty: bool) -> list[Extents]:
    """The extents of each shape, in the order of samples."""
    prime = int(random.choice(PRIMES[1:]))
    found: list[Extents] = [(1,) * count, (within([prime] * count)), (2,) * count]
    for position in range(count if has_empty else 0):
        found.append(with_at([int(n) for n in random.integers(1, 6, count)], position, 0))
    for _ in range(2):
        found.append(with_at([int(n) for n in random.integers(2, 6, count)], int(random.integers(count)), 1))  # fmt: skip
    if has_large:
        partners = [1] * count
        partners[int(random.integers(count))] = int(random.choice(PARTNERS))
        found.append(with_at(partners, int(random.integers(count)), LARGE))
    while len(found) < SHAPES:
        kind, top = int(random.integers(4)), 20 if count < 4 else 9
        if kind == 0:
            made = [int(n) for n in random.choice(PRIMES, count)]
        elif kind == 1:  # whole vectors and blocks, and one beside them
            base = [int(random.choice([4, 8, 16, 32, 64])) + int(random.integers(-1, 2))]
            made = [*base, *(int(n) for n in random.integers(1, 6, count - 1))]
            made = [made[i] for i in random.permutation(count)]
        elif kind == 2:  # equal by accident, or the products of others
            made = [int(n) for n in random.integers(2, top, count)]
            made[-1] = made[0] if random.random() < 0.5 else made[0] * made[count // 2]
        else:
            made = [int(n) for n in random.integers(0 if has_empty else 1, top, count)]
        found.append(within(made))
    return [found[i] for i in random.permutation(len(found))]


def with_at(extents: list[int], position: int, extent: int) -> Extents:
    """Extents with one in the place of another."""
    return tuple(extent if i == position else n for i, n in enumerate(extents))


def within(extents: list[int]) -> Extents:
    """Extents, the largest of which are made smaller until their product is small."""
    made = list(extents)
    while math.prod(made) > MOST:
        largest = made.index(max(made))
        made[largest] = made[largest] // 2
    return tuple(made)


def draw(tf: Any, seed: int) -> tuple[Program, list[Extents]] | None:
    """The program of a seed and the unknown extents of its samples; None where nothing came of it."""
    drawing = ShapeDrawing(tf, seed)
    scope = first_scope(drawing)
    scope.values.append(argument(scope))
    wanted = scope.int(3, 15)
    drawing.budget = 2 * wanted
    scope.grow(wanted)
    program = program_of(scope)
    if program is None or not any(p.name == "v0" for p in program.parameters):
        return None
    return program, list(drawing.extents)


def argument(scope: Scope) -> Any:
    """The argument, each of whose unknown axes has an extent of its own."""
    drawing = scope.drawing
    rank = max(drawing.count, scope.choose([1, 2, 2, 3, 3, 4]))
    axes = [int(a) for a in scope.random.permutation(rank)[: drawing.count]]
    sizes = [scope.int(1, 5) for _ in range(rank)]
    drawing.axes = axes
    shapes = [shape_of(sizes, axes, extents) for extents in drawing.extents]
    known = [None if axis in axes else n for axis, n in enumerate(sizes)]
    return scope.parameter(shapes, known=tuple(known))


def shape_of(sizes: list[int], axes: list[int], extents: Extents) -> Extents:
    """A shape with extents at axes."""
    made = list(sizes)
    for axis, n in zip(axes, extents, strict=True):
        made[axis] = n
    return tuple(made)


def with_samples(program: Program, count: int, shapes: list[Extents]) -> Program:
    """The program with further samples: shapes of its first argument, the others being as they were first."""
    parameters = []
    for p in program.parameters:
        more = shapes if p.name == "v0" else [p.shapes[0]] * len(shapes)
        parameters.append(p.__class__(p.name, p.dtype, (*p.shapes[:count], *more), p.known, p.seed))
    return program.with_(parameters=tuple(parameters), samples=count + len(shapes))


def steps_of(program: Program) -> list[Step]:
    """All steps of a program, those in blocks among them."""
    return list(all_steps(program.steps))
