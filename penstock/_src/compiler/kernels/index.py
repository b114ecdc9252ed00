"""Index expressions: the position of an element as an affine form over the variables of a loop nest.

    index   const + sum of coefficient * atom        coefficients and constants are ints or Dims
    atom    Var                  a loop's variable, 0 <= var < extent
            Quotient, Remainder  of an index by an extent, where they could not be worked out
            Dynamic              a number that is only known when the program runs (an index that was loaded)

Reshapes, slices, transposes, windows and pads of an array all become index arithmetic here; what remains is one
offset into memory. Indices are immutable; `key` identifies them (Dims by expression, so that it is valid for any size).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.ir.extents import dims
from penstock._src.ir.extents.dims import Dim, is_one


def extent_key(extent: dims.Extent) -> Any:
    """A hashable key of an extent in the structure of a kernel: the expression of a Dim, regardless of its number."""
    return extent.expr if type(extent) is Dim else extent


def same_extent(a: dims.Extent, b: dims.Extent) -> bool:
    """True if two extents are equal for every size."""
    return extent_key(a) == extent_key(b)


def never_negative(x: int) -> bool:
    """True if an extent expression is provably at least 0 (symbols are)."""
    return _not_negative(x.expr) if type(x) is Dim else x >= 0


def _not_negative(expression: tuple) -> bool:
    return all(
        coefficient >= 0 and all(_atom_not_negative(atom) for atom in monomial)
        for monomial, coefficient in expression
    )


def _atom_not_negative(atom: tuple) -> bool:
    if atom[0] == "symbol":
        return True
    # A remainder has the sign of its divisor.
    if atom[0] == "mod":
        return _not_negative(atom[2])
    if atom[0] == "max":
        return _not_negative(atom[1]) or _not_negative(atom[2])
    if atom[0] == "table":
        # Whatever the index is: it is clamped to the entries.
        return all(map(_not_negative, atom[2:]))
    # Of a quotient or a minimum both operands have to be.
    return _not_negative(atom[1]) and _not_negative(atom[2])


Range = tuple[int | None, int | None]
"""The least and the largest value, as extents; None where no bound is known."""


class Atom:
    """A term of an index. Atoms are compared by identity; `number` orders them within a kernel."""

    __slots__ = ("number", "vars")
    number: int
    vars: frozenset[Var]

    def range(self) -> Range:
        """Bounds that hold at every point of the loops, with or without a guard."""
        raise NotImplementedError


class Var(Atom):
    """A loop's variable."""

    __slots__ = ("extent",)

    def __init__(self, number: int, extent: int):
        self.number, self.extent = number, extent
        self.vars = frozenset((self,))

    def range(self) -> Range:
        return 0, self.extent - 1

    def __repr__(self):
        return f"v{self.number}<{self.extent}"


class Division(Atom):
    """index // divisor, or index % divisor; rounded down."""

    __slots__ = ("index", "divisor", "quotient")

    def __init__(self, number: int, index: Index, divisor: int, quotient: bool):
        self.number, self.index, self.divisor, self.quotient = number, index, divisor, quotient
        self.vars = index.vars

    def range(self) -> Range:
        if not self.quotient:
            return 0, self.divisor - 1
        low, high = self.index.range()
        return _quotient_low(low, self.divisor), _quotient_high(high, self.divisor)

    def __repr__(self):
        return f"({self.index} {'//' if self.quotient else '%'} {self.divisor})"


def _quotient_low(low: int | None, divisor: int) -> int | None:
    """A lower bound of index // divisor from a lower bound of the index; the divisor is at least 1."""
    if low is None or never_negative(low):
        return None if low is None else 0
    if type(low) is Dim:
        return None
    # The least quotient of a negative number is that by 1.
    return low if type(divisor) is Dim else low // divisor


def _quotient_high(high: int | None, divisor: int) -> int | None:
    """An upper bound of index // divisor from an upper bound of the index."""
    if high is None or type(high) is Dim or type(divisor) is Dim:
        return None
    return high // divisor


class Dynamic(Atom):
    """The number that a value of the kernel has; `extent` bounds it."""

    __slots__ = ("value", "extent")

    def __init__(self, number: int, value: Any, extent: int | None):
        self.number, self.value, self.extent = number, value, extent
        self.vars = value.vars

    def range(self) -> Range:
        # Without an extent nothing clamps the number: only guards keep it from use.
        return (None, None) if self.extent is None else (0, self.extent - 1)

    def __repr__(self):
        return f"[{self.value}]"


class Index:
    """An affine form over atoms."""

    __slots__ = ("terms", "const", "key", "vars")

    def __init__(self, terms: tuple[tuple[Atom, int], ...], const: int):
        self.terms, self.const = terms, const
        self.key = (tuple([(a.number, extent_key(c)) for a, c in terms]), extent_key(const))
        if not terms:
            self.vars: frozenset[Var] = frozenset()
        elif len(terms) == 1:
            self.vars = terms[0][0].vars
        else:
            self.vars = frozenset().union(*[a.vars for a, _ in terms])

    def __repr__(self):
        parts = [f"{c}*{a}" if not is_one(c) else str(a) for a, c in self.terms]
        if not (type(self.const) is not Dim and self.const == 0) or not parts:
            parts.append(str(self.const))
        return " + ".join(parts)

    def __add__(self, other: Index | int) -> Index:
        if not isinstance(other, Index):
            return self if _zero(other) else Index(self.terms, self.const + other)
        if not other.terms:
            return self + other.const
        if not self.terms:
            return other + self.const
        terms = dict(self.terms)
        for atom, coefficient in other.terms:
            terms[atom] = terms[atom] + coefficient if atom in terms else coefficient
        return _joined(_index(terms, self.const + other.const))

    def __mul__(self, factor: int) -> Index:
        if is_one(factor):
            return self
        if _zero(factor):
            return ZERO
        return Index(tuple([(a, c * factor) for a, c in self.terms]), self.const * factor)

    def __sub__(self, other: Index | int) -> Index:
        return self + (other * -1 if isinstance(other, Index) else -other)

    def coefficient(self, var: Var) -> int:
        """The coefficient of a variable's own term (0 if it has none)."""
        return next((c for a, c in self.terms if a is var), 0)

    def only_affine_in(self, var: Var) -> bool:
        """True if `var` occurs in no quotient, remainder or dynamic part."""
        return all(a is var or var not in a.vars for a, _ in self.terms)

    def range(self) -> Range:
        """Bounds that hold for every size, at every point of the loops."""
        low: Any = self.const
        high: Any = self.const
        for atom, c in self.terms:
            least, most = atom.range()
            if not never_negative(c):
                if not never_negative(-c):
                    # A coefficient of unknown sign could give either end.
                    return None, None
                least, most = most, least
            low = None if low is None or least is None else low + c * least
            high = None if high is None or most is None else high + c * most
        return low, high

    def within(self, low: int, limit: int) -> bool:
        """True if low <= index < limit provably holds for every size and iteration."""
        least, most = self.range()
        if least is None or most is None:
            return False
        return never_negative(least - low) and never_negative(limit - 1 - most)

    def replace(self, change: Callable[[Atom], Index]) -> Index:
        """The index with each atom replaced by an index."""
        total = constant(self.const)
        for atom, c in self.terms:
            total = total + change(atom) * c
        return total


def _zero(x: int) -> bool:
    return type(x) is not Dim and x == 0


def _index(terms: dict[Atom, int], const: int) -> Index:
    kept = [(a, c) for a, c in terms.items() if not _zero(c)]
    kept.sort(key=_number)
    return Index(tuple(kept), const)


def _joined(index: Index) -> Index:
    """An index in which parts that a division separated are one again: x // d * d + x % d is x."""
    divisions = [(a, c) for a, c in index.terms if type(a) is Division]
    # A reshape splits an offset that a later one joins: it would be divided in vain.
    if len(divisions) > 1:
        for rest, c in divisions:
            for whole, by in divisions if not rest.quotient else ():
                if _are_parts(whole, rest) and same_extent(by, c * rest.divisor):
                    others = {a: k for a, k in index.terms if a is not whole and a is not rest}
                    return _index(others, index.const) + rest.index * c
    return index


def _are_parts(whole: Division, rest: Division) -> bool:
    return (
        whole.quotient
        and whole.index.key == rest.index.key
        and same_extent(whole.divisor, rest.divisor)
    )


def _number(term: tuple[Atom, int]) -> int:
    return term[0].number


def constant(x: int) -> Index:
    """The index that is always x."""
    return Index((), x) if not _zero(x) else ZERO


ZERO = Index((), 0)


def of_atom(atom: Atom) -> Index:
    """The index that is an atom's value."""
    return Index(((atom, 1),), 0)


class IndexScope:
    """The atoms of one kernel: equal quotients are one atom, numbers are given in order of creation."""

    def __init__(self) -> None:
        self.atoms: dict[Any, Atom] = {}
        self.count = 0

    def var(self, extent: dims.Extent) -> Var:
        """A new loop variable."""
        self.count += 1
        return Var(self.count, extent)

    def dynamic(self, value: Any, extent: int | None = None) -> Index:
        """The index that a value of the kernel is."""
        key = ("dynamic", value.number)
        if key not in self.atoms:
            self.count += 1
            self.atoms[key] = Dynamic(self.count, value, extent)
        return of_atom(self.atoms[key])

    def quotient(self, index: Index, divisor: int) -> Index:
        """index // divisor."""
        if is_one(divisor):
            return index
        whole, rest = self._split(index, divisor)
        if rest is ZERO or rest.within(0, divisor):
            # The rest contributes no whole divisor, for any size.
            return whole
        lifts = _lifts(rest, divisor)
        quotient = self._division(rest + lifts * divisor, divisor, True)
        # Adding whole divisors before the division and taking them off after it keeps the value.
        return whole + of_atom(quotient) - lifts

    def remainder(self, index: Index, divisor: int) -> Index:
        """index % divisor."""
        if is_one(divisor):
            return ZERO
        _, rest = self._split(index, divisor)
        if rest is ZERO or rest.within(0, divisor):
            return rest
        return of_atom(self._division(rest + _lifts(rest, divisor) * divisor, divisor, False))

    def _division(self, index: Index, divisor: int, quotient: bool) -> Atom:
        key = ("quotient" if quotient else "remainder", index.key, extent_key(divisor))
        if key not in self.atoms:
            self.count += 1
            self.atoms[key] = Division(self.count, index, divisor, quotient)
        return self.atoms[key]

    @staticmethod
    def _split(index: Index, divisor: int) -> tuple[Index, Index]:
        """(q, r) with index = q * divisor + r, q of the terms that the divisor divides for every size."""
        whole: dict[Atom, int] = {}
        rest: dict[Atom, int] = {}
        if _zero(divisor):
            return ZERO, ZERO
        for atom, c in index.terms:
            if _divides(divisor, c):
                whole[atom] = c // divisor
            else:
                rest[atom] = c
        whole_const, rest_const = _split_constant(index.const, divisor)
        return _index(whole, whole_const), _index(rest, rest_const)


def _split_constant(const: int, divisor: int) -> tuple[int, int]:
    """(q, r) with const = q * divisor + r, r without the symbolic part of const if the divisor divides that for every size."""
    number = dims.constant_term(const)
    symbolic = const - number
    if not _divides(divisor, symbolic):
        return 0, const
    whole: Any = symbolic // divisor
    if type(divisor) is not Dim:
        return whole + number // divisor, number % divisor
    return whole, number


def _lifts(index: Index, divisor: int) -> int:
    """The number of divisors to add so that an index that may be negative (as in a reversed pad) never is: code then uses
    unsigned division."""
    low, _ = index.range()
    if low is None or type(low) is Dim or low >= 0:
        return 0
    # At least -low / divisor; a divisor of unknown size is at least 1.
    return -low if type(divisor) is Dim else -(low // divisor)


def _divides(divisor: int, x: int) -> bool:
    remainder = x % divisor
    return (
        type(remainder) is not Dim
        and remainder == 0
        and (type(x) is Dim or type(divisor) is not Dim or x == 0)
    )


def row_major_strides(shape: Sequence[int]) -> list[int]:
    """Elements between neighbors along each axis of a contiguous array."""
    strides: list[Any] = [1] * len(shape)
    for axis in range(len(shape) - 2, -1, -1):
        strides[axis] = strides[axis + 1] * shape[axis + 1]
    return strides


def linear(coordinates: Sequence[Index], shape: Sequence[int]) -> Index:
    """The row-major number of an element."""
    total = ZERO
    for coordinate, stride in zip(coordinates, row_major_strides(shape)):
        total = total + coordinate * stride
    return total


class Position:
    """An element of an array, by coordinates or by row-major number; each is computed from the other at first use."""

    __slots__ = ("shape", "scope", "_coordinates", "_linear", "_key")

    def __init__(
        self,
        scope: IndexScope,
        shape: Sequence[int],
        coordinates: Sequence[Index] | None = None,
        number: Index | None = None,
    ):
        self.scope, self.shape = scope, tuple(shape)
        # At least one of the two is set; the other is None until it is read.
        self._coordinates: Any = None if coordinates is None else tuple(coordinates)
        self._linear: Any = number
        self._key: Any = None

    @property
    def linear(self) -> Index:
        if self._linear is None:
            self._linear = linear(self._coordinates, self.shape)
        return self._linear

    @property
    def coordinates(self) -> tuple[Index, ...]:
        if self._coordinates is None:
            indices: list[Index] = []
            rest = self._linear
            for axis in range(len(self.shape) - 1, 0, -1):
                extent = self.shape[axis]
                indices.append(ZERO if is_one(extent) else self.scope.remainder(rest, extent))
                rest = self.scope.quotient(rest, extent)
            if self.shape:
                indices.append(rest if not is_one(self.shape[0]) else ZERO)
            self._coordinates = tuple(reversed(indices))
        return self._coordinates

    @property
    def key(self) -> Any:
        if self._key is None:
            if self._coordinates is not None:
                self._key = tuple([c.key for c in self._coordinates])
            else:
                self._key = ("linear", self._linear.key)
        return self._key

    @property
    def vars(self) -> frozenset[Var]:
        if self._coordinates is not None:
            return (
                frozenset().union(*[c.vars for c in self._coordinates])
                if self._coordinates
                else frozenset()
            )
        return self._linear.vars

    def at(self, shape: Sequence[int], coordinates: Sequence[Index]) -> Position:
        """A position in another array, by coordinates."""
        return Position(self.scope, shape, coordinates)

    def reshaped(self, shape: Sequence[int]) -> Position:
        """The position of the same element in the array viewed with another shape."""
        coordinates = (
            _regrouped(self._coordinates, self.shape, shape)
            if self._coordinates is not None
            else None
        )
        if coordinates is not None:
            # The row-major number stays, so that it is not written in another way.
            return Position(self.scope, shape, coordinates, self._linear)
        return Position(self.scope, shape, None, self.linear)


def _regrouped(coordinates, before, after) -> list[Index] | None:
    """Coordinates after a reshape that only adds or removes axes of extent 1, else None."""
    kept = [(c, e) for c, e in zip(coordinates, before) if not is_one(e)]
    wanted = [e for e in after if not is_one(e)]
    if len(kept) != len(wanted) or not all(same_extent(e, w) for (_, e), w in zip(kept, wanted)):
        return None
    left = iter(kept)
    return [ZERO if is_one(e) else next(left)[0] for e in after]
