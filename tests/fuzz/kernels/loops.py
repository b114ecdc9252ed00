"""Random loops over states, of which elements, rows and columns are replaced, with inner loops and branches.

A state's next value may be stored over it: what is read of the old one, and when, decides whether that is right.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.core import dtypes
from penstock._src.devices.cpu.device import build_program
from penstock._src.ir import interpreter
from penstock._src.ir.function import Function
from penstock._src.ir.node import Node

DEEPEST = 2  # loops and branches within each other
RTOL, ATOL = 1e-4, 1e-5  # values stay near 1, and few are added


def loop(seed: int) -> Function:
    """The function of a seed: a loop whose first states are the parameters."""
    return _Drawing(seed).function()


def failure_of_loop(seed: int) -> str | None:
    """Run the program of a seed; return what is wrong, None if it computes what the interpreter computes."""
    function, values = loop(seed), np.random.default_rng(seed)
    shapes = [tuple(map(int, p.shape)) for p in function.parameters]
    arrays = [values.uniform(0.5, 1.5, shape).astype(np.float32) for shape in shapes]
    try:
        results = build_program(function)(*arrays)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    expected = interpreter.run(function, arrays)[0]
    for number, (result, wanted) in enumerate(zip(results, expected, strict=True)):
        if not np.allclose(result, wanted, rtol=RTOL, atol=ATOL, equal_nan=True):
            return f"result {number} differs by {np.abs(np.asarray(result) - wanted).max()}"
    return None


class _Drawing:
    """Draws the values of a loop's body, one from those before it."""

    def __init__(self, seed: int) -> None:
        self.random, self.p = random.Random(seed), LoweringContext()
        self.n = self.random.choice([3, 4, 5, 8])
        self.kinds: list[tuple[int, Callable[..., Node]]] = [
            (5, self.element_replaced), (2, self.row_replaced), (1, self.row), (1, self.product),
            (1, self.sums), (1, self.reversed), (1, self.mixed), (1, self.normalized),
            (1, self.added_at), (1, self.chosen), (2, self.inner_loop), (2, self.branches),
        ]  # fmt: skip

    def function(self) -> Function:
        vectors, matrices = self.random.randint(1, 3), self.random.randint(0, 2)
        shapes = [(self.n,)] * vectors + [(self.n, self.n)] * matrices
        first = [self.p.parameter(i, shape, dtypes.float32) for i, shape in enumerate(shapes)]
        results = self.repeated(self.random.randint(1, 4), first, first, depth=0)
        return self.p.function("loop", first, results)

    def repeated(
        self, rounds: int, first: Sequence[Node], outside: Sequence[Node], depth: int
    ) -> list[Node]:
        """States after some rounds of a step."""
        p = self.p

        def body(i: Node, *states: Node) -> list[Node]:
            return [p.add(i, 1), *self.step(i, states, outside, depth)]

        start = p.constant(np.int32(0))
        return p.while_(lambda i, *_: p.lt(i, rounds), body, [start, *first])[1:]

    def step(
        self, i: Node, states: Sequence[Node], outside: Sequence[Node], depth: int
    ) -> list[Node]:
        """The next states: some of the last values of their shapes."""
        values = [*states, *(outside if self.random.random() < 0.5 else ())]
        if not any(v.rank == 1 for v in values):
            values += [v for v in outside if v.rank == 1]
        weights, kinds = zip(*self.kinds, strict=True)
        for _ in range(self.random.randint(1, 3 if depth else 6)):
            (kind,) = self.random.choices(kinds, weights)
            values.append(kind(i, values, depth))
        last = 4 if self.random.random() < 0.7 else len(values)
        alike = [[v for v in values if v.shape == state.shape] for state in states]
        return [self.random.choice(column[-last:]) for column in alike]

    def vector(self, values: Sequence[Node]) -> Node:
        return self.random.choice([v for v in values if v.rank == 1])

    def matrix(self, values: Sequence[Node]) -> Node:
        """A matrix; one of equal rows if there is none."""
        matrices = [v for v in values if v.rank == 2]
        if matrices:
            return self.random.choice(matrices)
        return self.p.broadcast_to(self.vector(values), (self.n, self.n))

    def index(self, i: Node, values: Sequence[Node]) -> Node:
        """The round, a constant, or what an element says."""
        p, kind = self.p, self.random.random()
        if kind < 0.5:
            return i
        if kind < 0.85:
            return p.constant(np.int32(self.random.choice([0, 1, self.n - 1])))
        element = p.dynamic_index(self.vector(values), p.constant(np.int32(0)))
        return p.clip(p.cast(element * 2.0, dtypes.int32), 0, self.n - 1)

    def element_replaced(self, i: Node, values: Sequence[Node], _: int) -> Node:
        element = self.p.dynamic_index(self.vector(values), self.index(i, values)) * 0.5
        return self.p.dynamic_set_index(self.vector(values), self.index(i, values), element)

    def row_replaced(self, i: Node, values: Sequence[Node], depth: int) -> Node:
        line = self.random.choice([self.vector(values), self.row(i, values, depth) * 0.7])
        axis = self.random.choice([0, 1])
        return self.p.dynamic_set_index(self.matrix(values), self.index(i, values), line, axis)

    def row(self, i: Node, values: Sequence[Node], _: int) -> Node:
        axis = self.random.choice([0, 1])
        return self.p.dynamic_index(self.matrix(values), self.index(i, values), axis)

    def product(self, _: Node, values: Sequence[Node], __: int) -> Node:
        return self.p.matmul(self.matrix(values), self.matrix(values)) * 0.3

    def sums(self, _: Node, values: Sequence[Node], __: int) -> Node:
        return self.p.reduce_sum(self.matrix(values), (self.random.choice([0, 1]),)) * 0.3

    def reversed(self, _: Node, values: Sequence[Node], __: int) -> Node:
        return self.p.reverse(self.vector(values), (0,))

    def mixed(self, _: Node, values: Sequence[Node], __: int) -> Node:
        return self.vector(values) * 0.9 + self.vector(values) * 0.1

    def normalized(self, _: Node, values: Sequence[Node], __: int) -> Node:
        largest = self.p.reduce_max(self.vector(values), (0,), keepdims=True)
        return self.vector(values) / (1.0 + self.p.abs(largest))

    def added_at(self, i: Node, values: Sequence[Node], _: int) -> Node:
        p, element = self.p, self.p.dynamic_index(self.vector(values), self.index(i, values))
        place = p.reshape(self.index(i, values), (1, 1))
        return p.scatter(self.vector(values), place, p.reshape(element, (1,)))

    def chosen(self, _: Node, values: Sequence[Node], __: int) -> Node:
        one, other = self.vector(values), self.vector(values)
        return self.p.select(self.p.gt(one, other), one, other * 0.5)

    def inner_loop(self, i: Node, values: Sequence[Node], depth: int) -> Node:
        if depth == DEEPEST:
            return self.mixed(i, values, depth)
        states = [self.random.choice(values) for _ in range(self.random.randint(1, 2))]
        results = self.repeated(self.random.randint(1, 3), states, values, depth + 1)
        return self.random.choice(results)

    def branches(self, i: Node, values: Sequence[Node], depth: int) -> Node:
        if depth == DEEPEST:
            return self.mixed(i, values, depth)
        p = self.p
        operands = [self.random.choice(values) for _ in range(self.random.randint(1, 2))]
        element = p.dynamic_index(self.vector(values), self.index(i, values))

        def branch(*states: Node) -> Any:
            return self.step(i, states, values, depth + 1)

        number = p.cast(p.gt(element, 0.8), dtypes.int32)
        return self.random.choice(p.case(number, [branch, branch], operands))
