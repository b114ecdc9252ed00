"""Sizing programs: compute the numbers of a plan with unknown extents for the extents of a call (native/algorithms/sizing.py runs them).

A program is a list of rows (operation, a, b, c), each of which writes the register of its own index; operands are earlier registers. Equal rows
are one. The code is straight-line: conditions of the plan are rows that set a flag.
"""

import itertools
from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.plan.buffers import Buffer, Place, room
from penstock._src.ir.extents import dims
from penstock._src.ir.extents.guards import Bounds, Conditions
from penstock._src.ir.extents.values import FUNCTIONS, Expression, Values
from penstock._src.native.algorithms import sizing

ROUNDS = "rounds_of_a_task"  # the function that shares out a nest's iterations
FUNCTIONS[ROUNDS] = sizing.rounds_of_a_task
SMALLEST, LARGEST = -(1 << 63), (1 << 63) - 1  # numbers in registers
OPERATIONS = {
    "floordiv": sizing.QUOTIENT,
    "mod": sizing.REMAINDER,
    "min": sizing.MINIMUM,
    "max": sizing.MAXIMUM,
}


class SizingProgram:
    """A sizing program under construction: asking for the register of an extent adds the rows that compute it.

    symbols  indices of the unknown extents by name, in the order in which calls pass them
    offsets  registers of the offsets of arena buffers
    rows     the program so far
    """

    def __init__(self, symbols: Sequence[str]) -> None:
        self.symbols = {name: i for i, name in enumerate(symbols)}
        self.offsets: dict[Buffer, int] = {}
        self.rows: list[tuple[int, int, int, int]] = []
        self._known: dict[tuple[int, int, int, int], int] = {}
        self._expressions: dict[Expression, int] = {}

    def finished(self, facts: Sequence[int] = ()) -> sizing.Calculation:
        """The program so far, ready to run; `facts` are the registers that it returns."""
        return sizing.Calculation(self.rows, len(self.symbols), facts)

    def register(self, extent: Any) -> int:
        """The register of an extent."""
        if not dims.is_symbolic(extent):
            return self._row(sizing.CONSTANT, int(extent))
        expression = extent.expr
        register = self._expressions.get(expression)
        if register is None:
            register = self._expressions[expression] = self._sum(expression)
        return register

    def total(self, registers: Sequence[int]) -> int:
        """The register of a sum."""
        zero = self._row(sizing.CONSTANT, 0)
        return self._joined(sizing.ADD, [r for r in registers if r != zero], 0)

    def arrange(self, places: Sequence[Place]) -> int:
        """Adds the offsets of arena buffers; returns the register of the arena's bytes."""
        ends: list[int] = []
        for place in places:
            start = self._joined(sizing.MAXIMUM, [ends[i] for i in place.above], 0)
            self.offsets[place.buffer] = start
            ends.append(self.total([start, self.register(room(place.buffer))]))
        return self._joined(sizing.MAXIMUM, ends, 0)

    def require(self, conditions: Conditions) -> None:
        """Adds rows that test conditions; a run returns a flag if one fails."""
        for polynomial, bounds in conditions.items():
            self._bound(self.register(dims.of(polynomial)), bounds)

    def _bound(self, register: int, bounds: Bounds) -> None:
        low = SMALLEST if bounds.low is None else bounds.low
        high = LARGEST if bounds.high is None else bounds.high
        # An impossible test makes the program refuse every call, as the condition does.
        if low > LARGEST or high < SMALLEST:  # no 64-bit number is within the bounds
            low, high = LARGEST, SMALLEST
        self._row(sizing.WITHIN, register, max(low, SMALLEST), min(high, LARGEST))
        for number in sorted(bounds.excluded):
            if SMALLEST <= number <= LARGEST:
                self._row(sizing.EXCEPT, register, number)

    def _joined(self, operation: int, registers: Sequence[int], neutral: int) -> int:
        if not registers:
            return self._row(sizing.CONSTANT, neutral)
        result = registers[0]
        for register in registers[1:]:
            result = self._row(operation, result, register)
        return result

    def _sum(self, expression: Expression) -> int:
        terms = []
        for monomial, coefficient in expression:
            factors = [self._atom(atom) for atom in monomial]
            if coefficient != 1 or not factors:
                factors.append(self._row(sizing.CONSTANT, coefficient))
            terms.append(self._joined(sizing.MULTIPLY, factors, 1))
        return self.total(terms)

    def _atom(self, atom: dims.Atom) -> int:
        kind, *parts = atom
        if kind == "symbol":
            return self._row(sizing.SYMBOL, self.symbols[parts[0]])
        registers = [self.register(dims.of(part)) for part in parts]
        if kind in OPERATIONS:
            first, second = registers
            return self._row(OPERATIONS[kind], first, second)
        if kind == "table":
            return self._entry(registers[0], registers[1:])
        assert kind == ROUNDS, kind
        total, work, _ = registers
        return self._row(sizing.ROUNDS, total, work, int(dims.of(parts[2])))

    def _entry(self, index: int, entries: Sequence[int]) -> int:
        """The register of entries[index], with the index clamped to the table.

        Without branches: entries[0] + sum over i of (entries[i + 1] - entries[i]) * [index > i].
        """
        one, zero = self._row(sizing.CONSTANT, 1), self._row(sizing.CONSTANT, 0)
        minus_one = self._row(sizing.CONSTANT, -1)
        terms = [entries[0]]
        for i, (before, entry) in enumerate(itertools.pairwise(entries)):
            # [index > i] is index - i clamped to 0 and 1.
            reached = self.total([index, self._row(sizing.CONSTANT, -i)])
            reached = self._joined(sizing.MINIMUM, [reached, one], 0)
            reached = self._joined(sizing.MAXIMUM, [reached, zero], 0)
            change = self.total([entry, self._joined(sizing.MULTIPLY, [before, minus_one], 1)])
            terms.append(self._joined(sizing.MULTIPLY, [reached, change], 1))
        return self.total(terms)

    def _row(self, operation: int, a: int, b: int = 0, c: int = 0) -> int:
        row = operation, a, b, c
        register = self._known.get(row)
        if register is None:
            register = self._known[row] = len(self.rows)
            self.rows.append(row)
        return register


class Admission:
    """A native test of whether conditions hold for the extents of a call."""

    def __init__(self, symbols: Sequence[str], conditions: Conditions) -> None:
        """`symbols` are the names of the unknown extents, in the order in which calls pass them."""
        program = SizingProgram(symbols)
        program.require(conditions)
        self._calculation = program.finished()

    def admits(self, extents: Values) -> bool:
        """True if the conditions hold for extents; False if a number does not fit into 64 bits."""
        try:
            return self._calculation.facts(extents.packed) == ()
        except OverflowError:
            return False
