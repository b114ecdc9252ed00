"""Conditions of a program: what was decided of unknown extents while it was compiled.

A Recording answers the questions that Dims ask (values.py). What follows from the least numbers of the symbols, or from earlier
answers, is no condition; every other answer is the one for the call at hand, and becomes one. So what was compiled is what would be
compiled again for each call that fulfils the conditions: all that the compiler knows of extents, it has asked.

    expression  > 0 or = 0, normalized:  n*P + c with the constant c apart, P's coefficients without common divisor, the first positive
    condition   a range of P, and numbers that it is not
"""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Iterator, Mapping
from dataclasses import field

from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.extents import dims
from penstock._src.ir.extents.values import Expression, Values
from penstock._src.util.dataclass import dataclass

_OF_TWO = ("min", "max", "mod", "floordiv")
MOST_BESIDE = 4  # atoms of an expression that are compared with what they are of
MOST_SOUGHT = 64  # expressions beside which others are looked for, for one question
LEAST = 2  # of symbols: extents of 0 and 1 are ints from the start


@dataclass
class Bounds:
    """What is known of a polynomial: from `low` to `high` (None: without end), and none of `excluded`."""

    low: int | None = None
    high: int | None = None
    excluded: set[int] = field(default_factory=set)

    def holds(self, number: int) -> bool:
        """True if a number is within the bounds."""
        return (
            (self.low is None or number >= self.low)
            and (self.high is None or number <= self.high)
            and number not in self.excluded
        )

    def reaches(self, least: int) -> bool | None:
        """True if all numbers within the ends are at least another one, False if none is, None if some are."""
        if self.low is not None and self.low >= least:
            return True
        return False if self.high is not None and self.high < least else None

    def copy(self) -> Bounds:
        """The same, to be changed apart."""
        return Bounds(self.low, self.high, set(self.excluded))

    def tighten(self, low: int | None, high: int | None) -> None:
        """Adds ends."""
        if low is not None and (self.low is None or low > self.low):
            self.low = low
        if high is not None and (self.high is None or high < self.high):
            self.high = high


class Recording(Values):
    """The numbers of a call for which something is compiled, and the conditions under which that is right."""

    is_open = True

    def __init__(
        self, symbols: Mapping[str, int], known: Mapping[Expression, Bounds] | None = None
    ) -> None:
        """`known`: conditions that hold anyway, of which `added` does not tell."""
        super().__init__(symbols)
        self.conditions = {p: bounds.copy() for p, bounds in (known or {}).items()}
        self._known_before = dict(known or {})
        self._decided: dict[tuple[str, Expression], bool] = {}
        # What was found until the next condition:
        self._atom_ends: dict[dims.Atom, tuple[int | None, int | None]] = {}
        self._sum_ends: dict[Expression, tuple[int | None, int | None]] = {}
        self._expression_ends: dict[Expression, tuple[int | None, int | None]] = {}
        self._sought = 0  # expressions beside which was looked, for the question at hand
        self.has_fixed = False  # an operation that was lowered took an extent for its number
        self._is_lowering = self._leaves_open = False

    def is_zero(self, difference: Expression) -> bool:
        """Decides whether an expression is 0."""
        key = "zero", difference
        found = self._decided.get(key)
        if found is None:
            found = self._decided[key] = self._decide_zero(difference)
        return found

    def is_positive(self, difference: Expression) -> bool:
        """Decides whether an expression is greater than 0."""
        key = "positive", difference
        found = self._decided.get(key)
        if found is None:
            found = self._decided[key] = self._decide_positive(difference)
        return found

    def known_order(self, difference: Expression) -> bool | None:
        """True if an expression is greater than 0, False if it is at most 0, for all calls that meet the conditions; None if that differs."""
        for low, high in self._ends_by_effort(difference):
            reached = Bounds(low, high).reaches(1)
            if reached is not None:
                return reached
        return None

    def fixed(self, expression: Expression) -> int:
        """What an expression is: from now on it is nothing else."""
        number = self.number(expression)
        if not self.is_fixed(expression):
            if self._leaves_open:
                raise NotLowerable("needs the number of an extent that has changed often")
            self.has_fixed |= self._is_lowering
            self.is_zero(dims.expression(dims.Dim(expression) - number))
        return number

    @contextlib.contextmanager
    def lowering(self, leaves_open: bool) -> Iterator[None]:
        """Operations are lowered within. `leaves_open`: one that asks for the number of an extent is not lowerable, unless conditions fix it."""
        self._is_lowering, self._leaves_open = True, leaves_open
        try:
            yield
        finally:
            self._is_lowering = self._leaves_open = False

    @property
    def added(self) -> dict[Expression, Bounds]:
        """The conditions that do not hold anyway."""
        before = self._known_before
        return {p: bounds for p, bounds in self.conditions.items() if bounds != before.get(p)}

    def conditions_text(self) -> str:
        """The conditions in words."""
        return text(self.conditions)

    @property
    def fixes_all(self) -> bool:
        """True if the conditions leave one number to each symbol."""
        return all(self.is_fixed(dims.Dim.symbol(name).expr) for name in self.symbols)

    def is_fixed(self, expression: Expression) -> bool:
        """True if the conditions leave one number to an expression."""
        return any(
            known.low is not None and known.low == known.high
            for known in self._known_by_effort(normalized(expression)[0])
        )

    def _decide_zero(self, difference: Expression) -> bool:
        polynomial, factor, constant = normalized(difference)
        if constant % factor:
            return False
        wanted = -constant // factor
        for known in self._known_by_effort(polynomial):
            if not known.holds(wanted):
                return False
            if known.low == known.high == wanted:
                return True
        is_zero = self.number(polynomial) == wanted
        condition = self._condition(polynomial)
        if is_zero:
            condition.tighten(wanted, wanted)
        else:
            condition.excluded.add(wanted)
        return is_zero

    def _decide_positive(self, difference: Expression) -> bool:
        polynomial, factor, constant = normalized(difference)
        if factor > 0:  # factor*P + constant > 0  <=>  P >= least
            least = -constant // factor + 1
        else:  # P < least
            least = -(-constant // -factor)
        for known in self._known_by_effort(polynomial):
            reached = known.reaches(least)
            if reached is not None:
                return reached == (factor > 0)
        reached = self.number(polynomial) >= least
        self._condition(polynomial).tighten(*((least, None) if reached else (None, least - 1)))
        return reached == (factor > 0)

    def _known_by_effort(self, polynomial: Expression) -> Iterator[Bounds]:
        """What follows of a polynomial from earlier answers, and from its parts: the little that is soon found, then all."""
        earlier = self.conditions.get(polynomial)
        for ends in self._ends_by_effort(polynomial):
            known = Bounds() if earlier is None else earlier.copy()
            known.tighten(*ends)
            yield known

    def _ends_by_effort(self, expression: Expression) -> Iterator[tuple[int | None, int | None]]:
        """What `ends` gives, after what mostly suffices: what the terms say by themselves."""
        if expression not in self._expression_ends:
            yield self._ends_of_sum(expression)
        yield self.ends(expression)

    def ends(self, expression: Expression) -> tuple[int | None, int | None]:
        """The least and the largest number that an expression can be, where its parts tell."""
        self._sought = 0
        return self._ends(expression)

    def _ends(self, expression: Expression) -> tuple[int | None, int | None]:
        """`ends`, of a part of what a question is about.

        After MOST_SOUGHT expressions the ends of atoms have to do: levels of divided heights and widths combine,
        so each would bring three times as many, and what helps is found among the first.
        """
        found = self._expression_ends.get(expression)
        if found is None:
            low, high = self._ends_of_sum(expression)
            if self._sought >= MOST_SOUGHT:
                return low, high
            self._sought += 1
            for other, is_above in self._beside(expression):
                other_low, other_high = self._ends(other)
                if is_above:
                    high = _least_known(high, other_high)
                else:
                    low = _most_known(low, other_low)
            found = self._expression_ends[expression] = low, high
        return found

    def _beside(self, expression: Expression) -> list[tuple[Expression, bool]]:
        """Expressions that are never less (True) or never more than one: `d0 % 5` is no more than `d0`, `min(d0, d1)` than either.

        Only those in which something cancels: the rest is as well known by the ends of atoms, and there would be
        thousands where rows are products of divided heights and widths.
        """
        found: list[tuple[Expression, bool]] = []
        placed = [
            (term, i) for term in expression for i, atom in enumerate(term[0]) if atom[0] in _OF_TWO
        ]
        if len(placed) > MOST_BESIDE:
            return found
        for (monomial, coefficient), i in placed:
            others = monomial[:i] + monomial[i + 1 :]
            if any((self.ends_of_atom(atom)[0] or -1) < 0 for atom in others):
                continue
            rest = tuple([term for term in expression if term[0] != monomial])
            if others and any(_has(monomial[i], term[0]) for term in rest):
                continue
            factor: dims.Extent = dims.of(((others, coefficient),))
            for bound, is_above in self._bounds_of_atom(monomial[i]):
                moved = dims.expression(factor * dims.of(bound))
                if _may_cancel(moved, rest):
                    other = dims.expression(dims.of(rest) + dims.of(moved))
                    found.append((other, is_above == (coefficient > 0)))
        return found

    def _bounds_of_atom(self, atom: dims.Atom) -> list[tuple[Expression, bool]]:
        """Expressions that are never less (True) or never more than an atom."""
        kind, a, b = atom
        if kind in ("min", "max"):
            return [(a, kind == "min"), (b, kind == "min")]
        (a_low, a_high), (b_low, _) = self._ends(a), self._ends(b)
        if b_low is None or b_low <= 0:
            return []
        if a_low is not None and a_low >= 0:
            return [(a, True)]
        if kind == "floordiv" and a_high is not None and a_high <= 0:
            return [(a, False)]
        return []

    def _ends_of_sum(self, expression: Expression) -> tuple[int | None, int | None]:
        """The ends as the ends of atoms tell them."""
        found = self._sum_ends.get(expression)
        if found is None:
            found = self._sum_ends[expression] = self._found_ends_of_sum(expression)
        return found

    def _found_ends_of_sum(self, expression: Expression) -> tuple[int | None, int | None]:
        terms: dict[
            tuple, int
        ] = {}  # over what atoms are above their least numbers, or below their largest: not negative
        for monomial, coefficient in expression:
            for left, factor in self._shifted(monomial):
                terms[left] = terms.get(left, 0) + coefficient * factor
        constant = terms.pop((), 0)
        low: int | None = constant
        high: int | None = constant
        for monomial, coefficient in terms.items():
            if not coefficient:
                continue
            if any(how == "wide" for how, _ in monomial):
                return None, None
            most = self._most(monomial)
            if most is None:
                if coefficient > 0:
                    high = None
                else:
                    low = None
            elif coefficient > 0:
                high = None if high is None else high + coefficient * most
            else:
                low = None if low is None else low + coefficient * most
        return low, high

    def _shifted(self, monomial: tuple) -> list[tuple[tuple, int]]:
        """A product of atoms as a sum of products of what atoms are above their least numbers, or else below their largest."""
        found: list[tuple[tuple, int]] = [((), 1)]
        for atom in monomial:
            low, high = self.ends_of_atom(atom)
            end = high if low is None else low
            # One without ends may be negative: it is left as it is, marked.
            how = "above" if low is not None else "wide" if high is None else "below"
            sign = -1 if how == "below" else 1
            step = [((*left, (how, atom)), sign * n) for left, n in found]  # in the atoms' order
            found = step + [(left, n * end) for left, n in found] if end else step
        return found

    def _most(self, monomial: tuple) -> int | None:
        """The largest number that a product of shifted atoms can be, if all are known not to be negative."""
        most = 1
        for _, atom in monomial:
            low, high = self.ends_of_atom(atom)
            if low is None or high is None:
                return None
            most *= high - low
        return most

    def ends_of_atom(self, atom: dims.Atom) -> tuple[int | None, int | None]:
        """The least and the largest number that an atom can be."""
        found = self._atom_ends.get(atom)
        if found is None:
            found = self._atom_ends[atom] = self._found_ends(atom)
        return found

    def _condition(self, polynomial: Expression) -> Bounds:
        """The bounds of a polynomial, to which a condition is about to be added."""
        self._atom_ends.clear()
        self._expression_ends.clear()
        self._sum_ends.clear()
        return self.conditions.setdefault(polynomial, Bounds())

    def _found_ends(self, atom: dims.Atom) -> tuple[int | None, int | None]:
        kind, *parts = atom
        asked = self.conditions.get((((atom,), 1),))
        known = Bounds() if asked is None else Bounds(asked.low, asked.high)
        if kind == "symbol":
            known.tighten(LEAST, None)
            return known.low, known.high
        if kind == "table":
            entries = [int(dims.of(entry)) for entry in parts[1:]]
            known.tighten(min(entries), max(entries))
        if kind not in _OF_TWO:
            return known.low, known.high
        (a_low, a_high), (b_low, b_high) = map(self._ends, parts)
        if kind == "min":
            known.tighten(_least(a_low, b_low), _least_known(a_high, b_high))
        elif kind == "max":
            known.tighten(_most_known(a_low, b_low), _most(a_high, b_high))
        elif kind == "mod" and b_low is not None and b_low > 0:
            known.tighten(0, None if b_high is None else b_high - 1)
            if a_low is not None and a_low >= 0:
                known.tighten(None, a_high)
        elif kind == "floordiv" and b_low is not None and b_low > 0:
            if a_low is not None:
                least = 0 if b_high is None else a_low // b_high
                known.tighten(a_low // b_low if a_low < 0 else least, None)
            if a_high is not None:
                most = -1 if b_high is None else a_high // b_high
                known.tighten(None, a_high // b_low if a_high >= 0 else most)
        return known.low, known.high


def _may_cancel(a: Expression, b: Expression) -> bool:
    """True if terms of two expressions have symbols in common and opposite signs."""
    return any(
        m * n < 0 and not _symbols(left).isdisjoint(_symbols(right))
        for left, m in a
        for right, n in b
    )


@functools.lru_cache(8192)
def _symbols(monomial: tuple) -> frozenset[str]:
    """The names of the symbols in a product of atoms."""
    return frozenset(dims.symbols(dims.of(((monomial, 1),))))


def _has(atom: dims.Atom, monomial: tuple) -> bool:
    """True if an atom is a factor of a product, or a part of one."""
    return any(
        factor == atom
        or (
            factor[0] in _OF_TWO
            and any(_has(atom, inner) for part in factor[1:] for inner, _ in part)
        )
        for factor in monomial
    )


def _least(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else min(a, b)


def _most(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else max(a, b)


def _least_known(a: int | None, b: int | None) -> int | None:
    return min([x for x in (a, b) if x is not None], default=None)


def _most_known(a: int | None, b: int | None) -> int | None:
    return max([x for x in (a, b) if x is not None], default=None)


Conditions = Mapping[Expression, Bounds]


def normalized(expression: Expression) -> tuple[Expression, int, int]:
    """(P, n, c) of an expression that is n*P + c, see above."""
    rest = [(monomial, coefficient) for monomial, coefficient in expression if monomial != ()]
    constant = next((coefficient for monomial, coefficient in expression if monomial == ()), 0)
    factor = math.gcd(*[coefficient for _, coefficient in rest])
    if rest[0][1] < 0:
        factor = -factor
    polynomial = tuple([(monomial, coefficient // factor) for monomial, coefficient in rest])
    return polynomial, factor, constant


def text(conditions: Mapping[Expression, Bounds]) -> str:
    """Conditions in words: `d0 >= 2, d0 - d1 == 0`."""
    return ", ".join(
        f"{dims.text(p)}{test}" for p, bounds in conditions.items() for test in _tests(bounds)
    )


def _tests(bounds: Bounds) -> list[str]:
    if bounds.low is not None and bounds.low == bounds.high:
        return [f" == {bounds.low}"]
    found = [] if bounds.low is None else [f" >= {bounds.low}"]
    found += [] if bounds.high is None else [f" <= {bounds.high}"]
    return found + [f" != {x}" for x in sorted(bounds.excluded) if _within(bounds, x)]


def _within(bounds: Bounds, number: int) -> bool:
    return Bounds(bounds.low, bounds.high).holds(number)
