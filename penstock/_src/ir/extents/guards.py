"""Conditions of a program: the decisions about unknown extents that were made while it was compiled.

A Recording answers comparisons of Dims (values.py). An answer that follows from the least numbers of the symbols, or from earlier
answers, adds no condition; every other answer is that for the current call, and becomes a condition. So the program is the one that would be
compiled for each call that meets the conditions, as the compiler learns about extents only by comparisons.

    expression  `> 0` or `= 0`, normalized to n*P + c: c is constant, P's coefficients have no common divisor, the first is positive
    condition   a range of P, and numbers that P is not

To find what follows, a Recording computes bounds of expressions by interval arithmetic, in three steps of growing cost:

    atoms        bounds of symbols, `min`, `max`, `//` and `%` from those of their parts
    sums         each atom is replaced by its least number plus an offset that is not negative. Then `a*b - a` with a, b >= 2 is a sum
                 of products with positive coefficients, where bounds of the terms alone would give no lower bound
    neighbors    `_beside`: `min(a, b) - a` is at most `a - a`, as a minimum is at most either argument; terms cancel that intervals of
                 atoms cannot compare
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
MOST_BESIDE = 4  # most atoms of an expression for which `_beside` tries replacements
MOST_SOUGHT = 64  # most expressions for which one question tries replacements


@dataclass
class Bounds:
    """The known bounds of a polynomial: from `low` to `high` (None: unbounded), without the numbers in `excluded`."""

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
        """True if all numbers within the bounds are at least `least`, False if none are, None if only some are."""
        if self.low is not None and self.low >= least:
            return True
        return False if self.high is not None and self.high < least else None

    def copy(self) -> Bounds:
        """A copy that can be changed independently."""
        return Bounds(self.low, self.high, set(self.excluded))

    def tighten(self, low: int | None, high: int | None) -> None:
        """Intersects with another range."""
        if low is not None and (self.low is None or low > self.low):
            self.low = low
        if high is not None and (self.high is None or high < self.high):
            self.high = high


class Recording(Values):
    """The numbers of the call for which a program is compiled, and the conditions under which it is valid for others."""

    is_open = True

    def __init__(
        self, symbols: Mapping[str, int], known: Mapping[Expression, Bounds] | None = None
    ) -> None:
        """`known` are conditions that hold already: `added` omits them."""
        super().__init__(symbols)
        self.conditions = {p: bounds.copy() for p, bounds in (known or {}).items()}
        self._known_before = dict(known or {})
        self._decided: dict[tuple[str, Expression], bool] = {}
        # Caches of bounds, cleared by each new condition:
        self._atom_ends: dict[dims.Atom, tuple[int | None, int | None]] = {}
        self._sum_ends: dict[Expression, tuple[int | None, int | None]] = {}
        self._expression_ends: dict[Expression, tuple[int | None, int | None]] = {}
        self._sought = 0  # expressions for which the current question has tried replacements
        # The kinds of symbols ("d" for extents, "v" for given numbers) of what lowered operations have converted to a number.
        self.fixed_kinds: set[str] = set()
        self._is_lowering, self._left_open = False, frozenset[str]()

    def is_zero(self, difference: Expression) -> bool:
        """True if an expression is 0; adds a condition unless it follows from known ones."""
        key = "zero", difference
        answer = self._decided.get(key)
        if answer is None:
            answer = self._decided[key] = self._decide_zero(difference)
        return answer

    def is_positive(self, difference: Expression) -> bool:
        """True if an expression is greater than 0; adds a condition unless it follows from known ones."""
        key = "positive", difference
        answer = self._decided.get(key)
        if answer is None:
            answer = self._decided[key] = self._decide_positive(difference)
        return answer

    def known_order(self, difference: Expression) -> bool | None:
        """True if an expression is greater than 0 in all calls that meet the conditions, False if it is in none, None otherwise; adds no condition."""
        for low, high in self._ends_by_effort(difference):
            reached = Bounds(low, high).reaches(1)
            if reached is not None:
                return reached
        return None

    def fixed(self, expression: Expression) -> int:
        """The number of an expression; adds the condition that it has this number.

        Raises:
          NotLowerable: an operation is being lowered that must leave extents open.
        """
        number = self.number(expression)
        if not self.is_fixed(expression):
            kinds = {name[0] for name in dims.symbols(dims.of(expression))}
            if kinds & self._left_open:
                raise NotLowerable("needs the number of an extent that has changed often")
            if self._is_lowering:
                self.fixed_kinds |= kinds
            self.is_zero(dims.expression(dims.Dim(expression) - number))
        return number

    @contextlib.contextmanager
    def lowering(self, left_open: frozenset[str]) -> Iterator[None]:
        """A context for lowering operations. One that needs a number of a kind in `left_open` is not lowerable, unless conditions fix it."""
        self._is_lowering, self._left_open = True, left_open
        try:
            yield
        finally:
            self._is_lowering, self._left_open = False, frozenset()

    @property
    def added(self) -> dict[Expression, Bounds]:
        """The conditions that were not known before."""
        before = self._known_before
        return {p: bounds for p, bounds in self.conditions.items() if bounds != before.get(p)}

    def conditions_text(self) -> str:
        """The conditions as text."""
        return text(self.conditions)

    @property
    def fixes_all(self) -> bool:
        """True if the conditions leave only one number for each symbol."""
        return all(self.is_fixed(dims.Dim.symbol(name).expr) for name in self.symbols)

    def is_fixed(self, expression: Expression) -> bool:
        """True if the conditions leave only one number for an expression."""
        return any(
            known.low is not None and known.low == known.high
            for known in self._known_by_effort(normalized(expression)[0])
        )

    def _decide_zero(self, difference: Expression) -> bool:
        polynomial, factor, constant = normalized(difference)
        # n*P + c = 0 has no solution in integers if n does not divide c.
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
        """Bounds of a polynomial from earlier answers and from its parts: first those that are cheap to compute, then the tightest."""
        earlier = self.conditions.get(polynomial)
        for ends in self._ends_by_effort(polynomial):
            known = Bounds() if earlier is None else earlier.copy()
            known.tighten(*ends)
            yield known

    def _ends_by_effort(self, expression: Expression) -> Iterator[tuple[int | None, int | None]]:
        """The bounds from the terms alone, which mostly suffice, then those of `ends`."""
        if expression not in self._expression_ends:
            yield self._ends_of_sum(expression)
        yield self.ends(expression)

    def ends(self, expression: Expression) -> tuple[int | None, int | None]:
        """The least and the largest number that an expression can be; None for an end that is not known."""
        self._sought = 0
        return self._ends(expression)

    def _ends(self, expression: Expression) -> tuple[int | None, int | None]:
        """`ends` for a part of the question.

        After MOST_SOUGHT expressions only the bounds of atoms are used: replacements multiply (by three for each level of divided heights
        and widths), and those that help are among the first.
        """
        ends = self._expression_ends.get(expression)
        if ends is None:
            low, high = self._ends_of_sum(expression)
            # Not cached: another question may have time for tighter bounds.
            if self._sought >= MOST_SOUGHT:
                return low, high
            self._sought += 1
            for other, is_above in self._beside(expression):
                other_low, other_high = self._ends(other)
                if is_above:
                    high = _least_known(high, other_high)
                else:
                    low = _most_known(low, other_low)
            ends = self._expression_ends[expression] = low, high
        return ends

    def _beside(self, expression: Expression) -> list[tuple[Expression, bool]]:
        """Expressions that are never less (True) or never more (False), with one atom replaced: `d0` for `d0 % 5` or `min(d0, d1)`.

        Only those in which terms may cancel: for the others the bounds of atoms are as tight, and there would be
        thousands where rows are products of divided heights and widths.
        """
        replaced: list[tuple[Expression, bool]] = []
        replaceable = [
            (term, i) for term in expression for i, atom in enumerate(term[0]) if atom[0] in _OF_TWO
        ]
        if len(replaceable) > MOST_BESIDE:
            return replaced
        for (monomial, coefficient), i in replaceable:
            others = monomial[:i] + monomial[i + 1 :]
            # Multiplying an inequality keeps its direction only if the other factors are not negative.
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
                    replaced.append((other, is_above == (coefficient > 0)))
        return replaced

    def _bounds_of_atom(self, atom: dims.Atom) -> list[tuple[Expression, bool]]:
        """Expressions that are never less (True) or never more (False) than an atom."""
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
        """The bounds that follow from those of the atoms."""
        ends = self._sum_ends.get(expression)
        if ends is None:
            ends = self._sum_ends[expression] = self._computed_ends_of_sum(expression)
        return ends

    def _computed_ends_of_sum(self, expression: Expression) -> tuple[int | None, int | None]:
        # The expression as a polynomial over offsets: atom = least + offset, or atom = largest - offset. Offsets are at least 0,
        # so terms with positive coefficients are too, and only the others can make the sum small.
        terms: dict[tuple, int] = {}
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
        """A product of atoms, expanded into products of offsets: (least + offset), or (largest - offset), for each atom."""
        products: list[tuple[tuple, int]] = [((), 1)]
        for atom in monomial:
            low, high = self.ends_of_atom(atom)
            end = high if low is None else low
            # An atom without bounds has no offset and may be negative: it stays, marked as "wide".
            how = "above" if low is not None else "wide" if high is None else "below"
            sign = -1 if how == "below" else 1
            with_offset = [((*left, (how, atom)), sign * n) for left, n in products]
            # A least number of 0 adds no term of its own.
            products = (
                with_offset + [(left, n * end) for left, n in products] if end else with_offset
            )
        return products

    def _most(self, monomial: tuple) -> int | None:
        """The largest number that a product of offsets can be; None if one of them is unbounded."""
        most = 1
        for _, atom in monomial:
            low, high = self.ends_of_atom(atom)
            if low is None or high is None:
                return None
            most *= high - low
        return most

    def ends_of_atom(self, atom: dims.Atom) -> tuple[int | None, int | None]:
        """The least and the largest number that an atom can be."""
        ends = self._atom_ends.get(atom)
        if ends is None:
            ends = self._atom_ends[atom] = self._computed_ends(atom)
        return ends

    def _condition(self, polynomial: Expression) -> Bounds:
        """The bounds of a polynomial, for the caller to change; clears the caches."""
        # A new condition may tighten any bound.
        self._atom_ends.clear()
        self._expression_ends.clear()
        self._sum_ends.clear()
        return self.conditions.setdefault(polynomial, Bounds())

    def _computed_ends(self, atom: dims.Atom) -> tuple[int | None, int | None]:
        kind, *parts = atom
        condition = self.conditions.get((((atom,), 1),))
        known = Bounds() if condition is None else Bounds(condition.low, condition.high)
        if kind == "symbol":
            known.tighten(dims.least(parts[0]), None)
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
            # A quotient is closest to 0 for the largest divisor, and farthest for the smallest.
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
    """(P, n, c) for an expression n*P + c, as described above."""
    rest = [(monomial, coefficient) for monomial, coefficient in expression if monomial != ()]
    constant = next((coefficient for monomial, coefficient in expression if monomial == ()), 0)
    factor = math.gcd(*[coefficient for _, coefficient in rest])
    if rest[0][1] < 0:
        factor = -factor
    polynomial = tuple([(monomial, coefficient // factor) for monomial, coefficient in rest])
    return polynomial, factor, constant


def text(conditions: Mapping[Expression, Bounds]) -> str:
    """Conditions as text: `d0 >= 2, d0 - d1 == 0`."""
    return ", ".join(
        f"{dims.text(p)}{test}" for p, bounds in conditions.items() for test in _tests(bounds)
    )


def _tests(bounds: Bounds) -> list[str]:
    if bounds.low is not None and bounds.low == bounds.high:
        return [f" == {bounds.low}"]
    tests = [] if bounds.low is None else [f" >= {bounds.low}"]
    tests += [] if bounds.high is None else [f" <= {bounds.high}"]
    return tests + [f" != {x}" for x in sorted(bounds.excluded) if _within(bounds, x)]


def _within(bounds: Bounds, number: int) -> bool:
    return Bounds(bounds.low, bounds.high).holds(number)
