"""Extents that remember where they came from.

A `Dim` is an int (the extent met when a program was specialized) with an expression over the symbols of the signature's
unknown dimensions. Python arithmetic keeps both; so `2 * batch + 1` of a batch of 32 is 65 and still knows that it is
`2*d0 + 1`. Kernels take Dims as run-time arguments, and plain ints as constants of their code.

Expressions are polynomials with integer coefficients over atoms (symbols, floor divisions, remainders, minima, maxima),
kept in one canonical order: equal polynomials are equal tuples.

    expression  ((monomial, coefficient), ...)   sorted
    monomial    (atom, atom, ...)                sorted, an atom may repeat
    atom        ("symbol", name) | ("floordiv" | "mod" | "min" | "max", expression, expression)
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Union

Atom = tuple
Expression = tuple
Extent = Union[int, "Dim"]

_FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    # An extent may be 0 now: what is divided by it is of an array without elements, and any number will do.
    "floordiv": lambda a, b: a // b if b else 0,
    "mod": lambda a, b: a % b if b else 0,
    "min": min,
    "max": max,
}


class Dim(int):
    """An int with the expression it was computed by. Compares and hashes as the int."""

    expr: Expression

    def __new__(cls, value: int, expr: Expression) -> Dim:
        self = int.__new__(cls, value)
        self.expr = expr
        return self

    @staticmethod
    def symbol(name: str, value: int) -> Dim:
        """A new unknown extent that is `value` in this specialization."""
        return Dim(value, ((((("symbol", name),)), 1),))

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, int):
            return NotImplemented
        return _make(int(self) + int(other), _sum(self.expr, expression(other)))

    __radd__ = __add__

    def __neg__(self) -> Any:
        return _make(-int(self), _scaled(self.expr, -1))

    def __pos__(self) -> Dim:
        return self

    def __sub__(self, other: Any) -> Any:
        if not isinstance(other, int):
            return NotImplemented
        return _make(int(self) - int(other), _sum(self.expr, _scaled(expression(other), -1)))

    def __rsub__(self, other: Any) -> Any:
        if not isinstance(other, int):
            return NotImplemented
        return _make(int(other) - int(self), _sum(expression(other), _scaled(self.expr, -1)))

    def __mul__(self, other: Any) -> Any:
        if not isinstance(other, int):
            return NotImplemented
        return _make(int(self) * int(other), _product(self.expr, expression(other)))

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> Any:
        return _quotient(self, other) if isinstance(other, int) else NotImplemented

    def __rfloordiv__(self, other: Any) -> Any:
        return _quotient(other, self) if isinstance(other, int) else NotImplemented

    def __mod__(self, other: Any) -> Any:
        return _remainder(self, other) if isinstance(other, int) else NotImplemented

    def __rmod__(self, other: Any) -> Any:
        return _remainder(other, self) if isinstance(other, int) else NotImplemented

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __reduce__(self) -> tuple:
        return Dim, (int(self), self.expr)

    def __repr__(self) -> str:
        return f"{text(self)}={int(self)}"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(int(self), spec) if spec else repr(self)


def expression(value: int) -> Expression:
    """The expression of a Dim, or the constant polynomial of an int."""
    if isinstance(value, Dim):
        return value.expr
    value = int(value)
    return (((), value),) if value else ()


def is_symbolic(value: Any) -> bool:
    """Whether an extent depends on an unknown dimension of the signature."""
    return isinstance(value, Dim)


def key(extent: int) -> Any:
    """What tells extents apart: ints by value, Dims by expression and value."""
    return (extent.expr, int(extent)) if isinstance(extent, Dim) else extent


def shape_key(shape: Iterable[int]) -> tuple:
    """`key` of every extent."""
    return tuple([(d.expr, int(d)) if type(d) is Dim else d for d in shape])


def minimum(a: int, b: int) -> Extent:
    """The smaller extent, as an expression where one is symbolic."""
    return _choice("min", a, b)


def maximum(a: int, b: int) -> Extent:
    """The larger extent, as an expression where one is symbolic."""
    return _choice("max", a, b)


def ceil_divide(a: int, b: int) -> Extent:
    """a / b, rounded up."""
    return -(-a // b)


def is_one(extent: int) -> bool:
    """Whether an extent is 1 for every size."""
    return type(extent) is not Dim and extent == 1


def product(extents: Iterable[int]) -> Extent:
    """The product of extents; 1 of none."""
    result: Any = 1
    for extent in extents:
        result = result * extent
    return result


def constant_term(extent: int) -> int:
    """The number in the polynomial that an extent is: 1 of `2*d0 + 1`."""
    if type(extent) is not Dim:
        return extent
    return next((coefficient for monomial, coefficient in extent.expr if monomial == ()), 0)


def merge(a: int, b: int) -> Extent:
    """Of two extents known to be equal, the one that says more to code generation: the Dim."""
    return b if isinstance(b, Dim) and not isinstance(a, Dim) else a


def symbols(value: int) -> set[str]:
    """The names of the symbols that an extent depends on."""
    found: set[str] = set()
    _collect(expression(value), found)
    return found


def evaluate(value: int | Expression, known: Mapping[str, int]) -> int:
    """The extent when the symbols have the values `known`."""
    total = 0
    for monomial, coefficient in expression(value) if isinstance(value, int) else value:
        for atom in monomial:
            if atom[0] == "symbol":
                coefficient *= known[atom[1]]
            else:
                coefficient *= _FUNCTIONS[atom[0]](
                    evaluate(atom[1], known), evaluate(atom[2], known)
                )
        total += coefficient
    return total


def substitute(value: int, known: Mapping[str, int]) -> Extent:
    """The extent with symbols replaced by the extents `known`; Dims among them stay Dims."""
    return _substituted(value.expr, known) if isinstance(value, Dim) else value


def text(value: int | Expression) -> str:
    """An extent as a formula: `2*d0 + 1`."""
    terms = expression(value) if isinstance(value, int) else value
    if not terms:
        return "0"
    parts = []
    for monomial, coefficient in sorted(terms, key=lambda term: (-len(term[0]), repr(term[0]))):
        factors = [_atom_text(atom) for atom in monomial]
        if coefficient != 1 or not factors:
            factors.insert(0, str(coefficient))
        parts.append("*".join(factors))
    return " + ".join(parts).replace("+ -", "- ")


def _atom_text(atom: Atom) -> str:
    if atom[0] == "symbol":
        return atom[1]
    a, b = text(atom[1]), text(atom[2])
    if atom[0] in ("min", "max"):
        return f"{atom[0]}({a}, {b})"
    return f"(({a}) {'//' if atom[0] == 'floordiv' else '%'} ({b}))"


def _make(value: int, expr: Expression) -> Extent:
    if not expr:
        return 0
    if len(expr) == 1 and expr[0][0] == ():
        return expr[0][1]
    return Dim(value, expr)


@functools.lru_cache(8192)
def _sum(a: Expression, b: Expression) -> Expression:
    terms = dict(a)
    for monomial, coefficient in b:
        terms[monomial] = terms.get(monomial, 0) + coefficient
    return _ordered(terms)


def _scaled(a: Expression, factor: int) -> Expression:
    return tuple([(monomial, coefficient * factor) for monomial, coefficient in a])


@functools.lru_cache(8192)
def _product(a: Expression, b: Expression) -> Expression:
    terms: dict[tuple, int] = {}
    for left, m in a:
        for right, n in b:
            monomial = tuple(sorted(left + right, key=repr))
            terms[monomial] = terms.get(monomial, 0) + m * n
    return _ordered(terms)


def _ordered(terms: dict[tuple, int]) -> Expression:
    return tuple(sorted([t for t in terms.items() if t[1]], key=repr))


def _quotient(a: int, b: int) -> Extent:
    if isinstance(b, Dim):
        value = _FUNCTIONS["floordiv"](int(a), int(b))
        divided = _divide_by_monomial(expression(a), b.expr) if b else None
        if divided is not None:
            return _make(value, divided)
        return Dim(value, _atomic("floordiv", a, b))
    value = int(a) // int(b)
    # (c*k*x + r) // c = k*x + r // c, term by term where the divisor divides the coefficient
    whole = tuple([(m, n // b) for m, n in expression(a) if n % b == 0])
    rest = tuple([(m, n) for m, n in expression(a) if n % b])
    if not rest:
        return _make(value, whole)
    if len(rest) == 1 and rest[0][0] == ():
        return _make(value, _sum(whole, expression(rest[0][1] // b)))
    return _make(value, _sum(whole, ((((("floordiv", rest, expression(b)),)), 1),)))


def _divide_by_monomial(a: Expression, b: Expression) -> Expression | None:
    """a / b where b is one monomial that divides every term of a, else None."""
    if len(b) != 1:
        return None
    (divisor, scale), terms = b[0], []
    for monomial, coefficient in a:
        left = list(monomial)
        for atom in divisor:
            if atom not in left:
                return None
            left.remove(atom)
        if coefficient % scale:
            return None
        terms.append((tuple(left), coefficient // scale))
    return tuple(sorted(terms, key=repr))


def _remainder(a: int, b: int) -> Extent:
    if isinstance(b, Dim):
        value = _FUNCTIONS["mod"](int(a), int(b))
        if _divide_by_monomial(expression(a), b.expr) is not None:
            return value
        return Dim(value, _atomic("mod", a, b))
    value = int(a) % int(b)
    rest = tuple([(m, n % b) for m, n in expression(a) if n % b])
    if not rest or (len(rest) == 1 and rest[0][0] == ()):
        return value
    return Dim(value, ((((("mod", rest, expression(b)),)), 1),))


def _atomic(function: str, a: int, b: int) -> Expression:
    return ((((function, expression(a), expression(b)),), 1),)


def _choice(function: str, a: int, b: int) -> Extent:
    value = _FUNCTIONS[function](int(a), int(b))
    if not isinstance(a, Dim) and not isinstance(b, Dim):
        return value
    difference = a - b
    if not isinstance(
        difference, Dim
    ):  # they differ by a constant: the choice is the same for every value
        return a if (difference <= 0) == (function == "min") else b
    first, second = sorted((expression(a), expression(b)), key=repr)
    return Dim(value, (((((function, first, second),)), 1),))


def _collect(expr: Expression, found: set[str]) -> None:
    for monomial, _ in expr:
        for atom in monomial:
            if atom[0] == "symbol":
                found.add(atom[1])
            else:
                _collect(atom[1], found)
                _collect(atom[2], found)


def _substituted(expr: Expression, known: Mapping[str, int]) -> Extent:
    functions = {**_FUNCTIONS, "min": minimum, "max": maximum}
    total: Any = 0
    for monomial, coefficient in expr:
        term: Any = coefficient
        for atom in monomial:
            if atom[0] == "symbol":
                term = term * known[atom[1]]
            else:
                term = term * functions[atom[0]](
                    _substituted(atom[1], known), _substituted(atom[2], known)
                )
        total = total + term
    return total
