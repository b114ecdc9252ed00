"""Dims: unknown extents, as expressions over the symbols of the signature's unknown dimensions.

Python's arithmetic on a `Dim` makes an expression: `2 * batch + 1` is `2*d0 + 1`. If two of them are compared, or one is converted to
a plain number, the answer is that for the current call (values.py), and becomes a condition of the program that is being compiled
(guards.py). Kernels take Dims as run-time arguments, and plain ints as constants of their code.

Expressions are polynomials with integer coefficients over atoms (symbols, floor divisions, remainders, minima, maxima),
in one canonical order: equal polynomials are equal tuples.

    expression  ((monomial, coefficient), ...)   sorted
    monomial    (atom, atom, ...)                sorted, an atom may repeat
    atom        ("symbol", name) | ("floordiv" | "mod" | "min" | "max", expression, expression) | (function, expression, ...)

Functions are those of FUNCTIONS (values.py), of integers.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from penstock._src.ir.extents import values as extent_values
from penstock._src.ir.extents.values import Expression

Atom = tuple
Extent = Any  # an int or a Dim, as are sizes, strides and shape entries that annotations call ints

_NUMBERS = (int, np.integer)
LEAST = 2  # lower bound of the symbols of extents: those of 0 and 1 are ints, as they broadcast and select other code
# Of other symbols: numbers that an input holds, such as `v1`, and the number of rows of a batch, such as `b0` (compiler/blocks/row_independence.py).
_LEAST_OF_KIND = {"v": 0, "b": 1}


def _of_number(function: Callable[..., Any]) -> Any:
    """A method for an operation that expressions lack: it computes with plain numbers, which adds conditions."""
    return lambda self, *others: function(int(self), *map(_plain, others))


def _reflected(function: Callable[..., Any]) -> Any:
    """Such a method for the right operand."""
    return lambda self, other: function(other, int(self))


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, Dim) else value


class Dim:
    """An unknown extent: an expression over symbols."""

    __slots__ = ("expr",)
    is_unknown_extent = True  # read by `TensorShape`, which does not import this module

    def __init__(self, expr: Expression) -> None:
        self.expr = expr

    @staticmethod
    def symbol(name: str) -> Dim:
        """The unknown extent of one symbol; see `least`."""
        return Dim(((((("symbol", name),)), 1),))

    def __add__(self, other: Any) -> Any:
        if not is_extent(other):
            return NotImplemented
        return of(_sum(self.expr, expression(other)))

    __radd__ = __add__

    def __neg__(self) -> Any:
        return of(_scaled(self.expr, -1))

    def __pos__(self) -> Dim:
        return self

    def __sub__(self, other: Any) -> Any:
        if not is_extent(other):
            return NotImplemented
        return of(_sum(self.expr, _scaled(expression(other), -1)))

    def __rsub__(self, other: Any) -> Any:
        if not is_extent(other):
            return NotImplemented
        return of(_sum(expression(other), _scaled(self.expr, -1)))

    def __mul__(self, other: Any) -> Any:
        if type(other) is Dim:
            return of(_product(self.expr, other.expr))
        if is_extent(other):
            return of(_product(self.expr, expression(other)))
        return int(self) * other if isinstance(other, float) else NotImplemented

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> Any:
        return _quotient(self, other) if is_extent(other) else NotImplemented

    def __rfloordiv__(self, other: Any) -> Any:
        return _quotient(other, self) if is_extent(other) else NotImplemented

    def __mod__(self, other: Any) -> Any:
        return _remainder(self, other) if is_extent(other) else NotImplemented

    def __rmod__(self, other: Any) -> Any:
        return _remainder(other, self) if is_extent(other) else NotImplemented

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __eq__(self, other: Any) -> Any:
        if type(other) is Dim and self.expr == other.expr:
            return True
        if not is_extent(other):
            return float(self) == other if isinstance(other, float) else NotImplemented
        difference = self - other
        # The truth of a Dim is a decision: it may add a condition.
        return not difference if isinstance(difference, Dim) else difference == 0

    def __ne__(self, other: Any) -> Any:
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    def __gt__(self, other: Any) -> Any:
        if not is_extent(other):
            return float(self) > other if isinstance(other, float) else NotImplemented
        return _is_positive(self - other)

    def __lt__(self, other: Any) -> Any:
        if not is_extent(other):
            return float(self) < other if isinstance(other, float) else NotImplemented
        return _is_positive(other - self)

    def __ge__(self, other: Any) -> Any:
        # One question, which adds one condition; "greater or equal" would ask two.
        less = self.__lt__(other)
        return less if less is NotImplemented else not less

    def __le__(self, other: Any) -> Any:
        more = self.__gt__(other)
        return more if more is NotImplemented else not more

    # Not hashable: a set or dict would treat it as different from an equal int without a comparison. `key` is for tables of extents.
    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return not extent_values.current().is_zero(self.expr)

    def __int__(self) -> int:
        return extent_values.current().fixed(self.expr)

    __index__ = __int__

    def __float__(self) -> float:
        return float(int(self))

    __truediv__ = _of_number(operator.truediv)
    __rtruediv__ = _reflected(operator.truediv)
    __pow__ = _of_number(operator.pow)
    __rpow__ = _reflected(operator.pow)
    __and__ = _of_number(operator.and_)
    __rand__ = _reflected(operator.and_)
    __or__ = _of_number(operator.or_)
    __ror__ = _reflected(operator.or_)
    __xor__ = _of_number(operator.xor)
    __lshift__ = _of_number(operator.lshift)
    __rlshift__ = _reflected(operator.lshift)
    __rshift__ = _of_number(operator.rshift)
    __abs__ = _of_number(abs)
    __round__ = _of_number(round)
    bit_length = _of_number(int.bit_length)

    def __reduce__(self) -> tuple:
        return Dim, (self.expr,)

    def __repr__(self) -> str:
        return text(self)  # without the number, as texts may be keys

    def __format__(self, spec: str) -> str:
        return format(int(self), spec) if spec else repr(self)


def least(symbol: str) -> int:
    """The least number of a symbol: LEAST for extents, such as `d0`; see `_LEAST_OF_KIND` for others."""
    return _LEAST_OF_KIND.get(symbol[0], LEAST)


def is_extent(value: Any) -> bool:
    """True if a value is an extent: an int or a Dim."""
    return isinstance(value, _NUMBERS) or type(value) is Dim


def _is_positive(difference: Extent) -> bool:
    if type(difference) is Dim:
        return extent_values.current().is_positive(difference.expr)
    return difference > 0


def expression(value: Extent) -> Expression:
    """The expression of a Dim, or the constant polynomial of an int."""
    if isinstance(value, Dim):
        return value.expr
    value = int(value)
    return (((), value),) if value else ()


def is_symbolic(value: Any) -> bool:
    """True if an extent depends on an unknown dimension of the signature."""
    return isinstance(value, Dim)


def key(extent: Extent) -> Any:
    """A hashable key: an int for an int, the expression for a Dim."""
    return extent.expr if type(extent) is Dim else extent


def shape_key(shape: Iterable[Extent]) -> tuple:
    """`key` of every extent."""
    return tuple([d.expr if type(d) is Dim else d for d in shape])


def number(extent: Extent) -> int:
    """The number of an extent in the current call, without a condition: only for uses that are right for all extents, such as messages and estimates."""
    return extent_values.current().number(extent.expr) if type(extent) is Dim else int(extent)


def settled(extent: Extent) -> Extent:
    """An extent in the current plan: its number if the plan is for one call alone, else the expression."""
    if type(extent) is not Dim:
        return int(extent)
    values = extent_values.current()
    return extent if values.is_open else values.number(extent.expr)


def same(a: Extent, b: Extent) -> bool:
    """True if two extents are equal for every size, judged by their expressions; no condition is added."""
    return bool(key(a) == key(b))


def is_repeated(extent: Extent, target: Extent) -> bool:
    """True if a broadcast repeats an axis. An extent whose expression differs from the target's may be 1: this comparison adds a condition."""
    return not same(extent, target) and extent == 1


def apply(function: str, *arguments: Extent) -> Extent:
    """Applies a function of FUNCTIONS: a number if all arguments are numbers, else an expression."""
    if not any(type(x) is Dim for x in arguments):
        return extent_values.FUNCTIONS[function](*arguments)
    return Dim(((((function, *map(expression, arguments)),), 1),))


def shown(extent: Extent) -> str:
    """An extent as text for reports: `2*d0=64`, with its number if there is a current call."""
    values = extent_values.current_or_none()
    if type(extent) is not Dim or values is None or not symbols(extent) <= values.symbols.keys():
        return str(extent)
    return f"{extent}={values.number(extent.expr)}"


def minimum(a: Extent, b: Extent) -> Extent:
    """The smaller extent, as an expression where one is symbolic."""
    return _choice("min", a, b)


def maximum(a: Extent, b: Extent) -> Extent:
    """The larger extent, as an expression where one is symbolic."""
    return _choice("max", a, b)


def ceil_divide(a: Any, b: Any) -> Any:
    """a / b, rounded up."""
    return -(-a // b)


def is_one(extent: Extent) -> bool:
    """True if an extent is 1 for every size."""
    return type(extent) is not Dim and extent == 1


def is_known_one(extent: Extent) -> bool:
    """True if an extent is 1 for every call that meets the conditions so far; none is added."""
    if type(extent) is not Dim:
        return bool(extent == 1)
    return is_known_positive(extent) and is_at_most(extent, 1)


def is_known_positive(extent: Extent) -> bool:
    """True if an extent is above 0 for every call that meets the conditions so far; none is added."""
    if type(extent) is not Dim:
        return bool(extent > 0)
    return extent_values.current().known_order(extent.expr) is True


def is_at_most(extent: Extent, most: Extent) -> bool:
    """True if an extent is at most another one for every call that meets the conditions so far; none is added."""
    return is_known_positive(most - extent + 1)


def is_large(extent: Extent, least: int) -> bool:
    """True if an extent is at least a limit. Unknown extents count as large, so that one program serves all."""
    return type(extent) is Dim or extent >= least


def product(extents: Iterable[Extent]) -> Extent:
    """The product of extents; 1 for no extents."""
    number: Any = 1
    unknown: Any = None
    for extent in extents:
        # Numbers are multiplied by themselves first, so that there is one product of polynomials for each Dim.
        if type(extent) is not Dim:
            number = number * extent
        else:
            unknown = extent if unknown is None else unknown * extent
    if unknown is None:
        return number
    return unknown if type(number) is int and number == 1 else unknown * number


def constant_term(extent: Extent) -> int:
    """The constant term of an extent: 1 for `2*d0 + 1`."""
    if type(extent) is not Dim:
        return extent  # type: ignore[return-value]
    return next((coefficient for monomial, coefficient in extent.expr if monomial == ()), 0)


def merge(a: Extent, b: Extent) -> Extent:
    """One of two equal extents: a Dim rather than an int, so that kernels do not contain the number."""
    return b if isinstance(b, Dim) and not isinstance(a, Dim) else a


def symbols(value: Extent) -> set[str]:
    """The names of the symbols on which an extent depends."""
    names: set[str] = set()
    _collect(expression(value), names)
    return names


def evaluate(value: Extent | Expression, known: Mapping[str, int]) -> int:
    """The extent when the symbols have the values `known`."""
    terms = value if isinstance(value, tuple) else expression(value)
    return extent_values.evaluate(terms, known)


def substitute(value: Extent, known: Mapping[str, Extent]) -> Extent:
    """The extent with symbols replaced by the extents `known`; Dims among them stay Dims, as do other symbols."""
    if not isinstance(value, Dim) or known.keys().isdisjoint(symbols(value)):
        return value
    return _substituted(value.expr, known)


def text(value: Extent | Expression) -> str:
    """An extent as a formula: `2*d0 + 1`."""
    return _text(value if isinstance(value, tuple) else expression(value))


@functools.lru_cache(8192)
def _text(terms: Expression) -> str:
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
    parts = list(map(text, atom[1:]))
    if atom[0] not in ("floordiv", "mod"):
        return f"{atom[0]}({', '.join(parts)})"
    return f"(({parts[0]}) {'//' if atom[0] == 'floordiv' else '%'} ({parts[1]}))"


def of(expr: Expression) -> Extent:
    """The extent of an expression: an int if it is constant."""
    if not expr:
        return 0
    if len(expr) == 1 and expr[0][0] == ():
        return expr[0][1]
    return Dim(expr)


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
            monomial = left + right
            if left and right:
                monomial = tuple(sorted(monomial, key=_order))
            terms[monomial] = terms.get(monomial, 0) + m * n
    return _ordered(terms)


def _ordered(terms: dict[tuple, int]) -> Expression:
    # Zeros are left out and terms have one order, so that equal polynomials are equal tuples.
    return tuple(sorted([t for t in terms.items() if t[1]], key=_order))


# The canonical order of atoms, terms and expressions is that of their texts.
_order = functools.lru_cache(8192)(repr)


def _quotient(a: Extent, b: Extent) -> Extent:
    if isinstance(b, Dim):
        divided = _divided(expression(a), b.expr)
        if divided is not None:
            return of(divided)
        return Dim(_atomic("floordiv", a, b))
    b = int(b)
    # (c*k*x + r) // c = k*x + r // c: terms whose coefficient is a multiple of the divisor are divided exactly.
    whole = tuple([(m, n // b) for m, n in expression(a) if n % b == 0])
    rest = tuple([(m, n) for m, n in expression(a) if n % b])
    if not rest:
        return of(whole)
    if len(rest) == 1 and rest[0][0] == ():
        return of(_sum(whole, expression(rest[0][1] // b)))
    return of(_sum(whole, ((((("floordiv", rest, expression(b)),)), 1),)))


def _divided(a: Expression, b: Expression) -> Expression | None:
    """a / b if b is known to divide it, else None."""
    if len(b) == 1:
        return _divide_by_monomial(a, b)
    values = extent_values.current_or_none()
    if len(a) != len(b) or values is None or values.known_order(b) is not True:
        return None
    # (k*x + k*y) / (x + y) = k, which holds unless the divisor is 0.
    factors = (_divide_by_monomial((term,), b[:1]) for term in a)
    return next((k for k in factors if k is not None and _product(k, b) == a), None)


def _divide_by_monomial(a: Expression, b: Expression) -> Expression | None:
    """a / b if the monomial b divides every term of a, else None."""
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
    # Without the divisor's factors the terms may have another order.
    return tuple(sorted(terms, key=_order))


def _remainder(a: Extent, b: Extent) -> Extent:
    if isinstance(b, Dim):
        if _divided(expression(a), b.expr) is not None:
            return 0
        return Dim(_atomic("mod", a, b))
    b = int(b)
    rest = _reduced(expression(a), b)
    if not rest or (len(rest) == 1 and rest[0][0] == ()):
        return rest[0][1] if rest else 0
    return Dim(((((("mod", rest, expression(b)),)), 1),))


def _reduced(a: Expression, b: int) -> Expression:
    """A simpler expression with the same remainder modulo b: coefficients modulo b, and x for `x % (k*b)`."""
    terms: dict[tuple, int] = {}
    for monomial, coefficient in a:
        parts: Expression = ((monomial, coefficient),)
        if len(monomial) == 1 and monomial[0][0] == "mod":
            _, inner, by = monomial[0]
            if len(by) == 1 and by[0][0] == () and by[0][1] > 0 and by[0][1] % b == 0:
                parts = _product(inner, (((), coefficient),))
        for term, count in parts:
            terms[term] = (terms.get(term, 0) + count) % b
    return _ordered(terms)


def _atomic(function: str, a: Extent, b: Extent) -> Expression:
    return ((((function, expression(a), expression(b)),), 1),)


def _choice(function: str, a: Extent, b: Extent) -> Extent:
    if not (isinstance(a, Dim) and is_extent(b)) and not (isinstance(b, Dim) and is_extent(a)):
        return extent_values.FUNCTIONS[function](a, b)  # numbers; one may be a float
    difference = a - b
    if isinstance(difference, Dim):
        values = extent_values.current_or_none()
        order = None if values is None else values.known_order(difference.expr)
        # a >= b is enough: if they are equal, either will do.
        if values is not None and order is None:
            order = values.known_order(expression(difference + 1)) or None
    else:
        order = difference > 0
    if order is not None:  # the choice is the same for every value
        return b if order == (function == "min") else a
    # In one order, so that min(a, b) and min(b, a) are one expression.
    first, second = sorted((expression(a), expression(b)), key=_order)
    return Dim(((((function, first, second),), 1),))


def _collect(expr: Expression, names: set[str]) -> None:
    for monomial, _ in expr:
        for atom in monomial:
            if atom[0] == "symbol":
                names.add(atom[1])
            else:
                for part in atom[1:]:
                    _collect(part, names)


def _substituted(expr: Expression, known: Mapping[str, int]) -> Extent:
    functions = {"floordiv": _quotient, "mod": _remainder, "min": minimum, "max": maximum}
    total: Any = 0
    for monomial, coefficient in expr:
        term: Any = coefficient
        for atom in monomial:
            if atom[0] == "symbol":
                term = term * known.get(atom[1], Dim(((((atom,)), 1),)))
            else:
                parts = [_substituted(part, known) for part in atom[1:]]
                known_here = functions.get(atom[0])
                term = term * (known_here(*parts) if known_here else apply(atom[0], *parts))
        total = total + term
    return total


def slice_indices(taken: slice, extent: Extent) -> tuple[Any, Any, Any]:
    """Python's `slice.indices` for an extent that may be unknown."""
    step: Any = 1 if taken.step is None else taken.step
    least: Any = 0 if step > 0 else -1
    most: Any = extent if step > 0 else extent - 1
    start = _clamped(taken.start, extent, least, most, least if step > 0 else most)
    stop = _clamped(taken.stop, extent, least, most, most if step > 0 else least)
    return start, stop, step


def _clamped(bound: Any, extent: Extent, least: Extent, most: Extent, without: Extent) -> Extent:
    """A bound of a slice as an index from `least` to `most`; `without` if the bound is None."""
    if bound is None:
        return without
    if bound < 0:
        bound = bound + extent
        return least if bound < least else bound
    return most if bound > most else bound


def range_length(first: Extent, last: Extent, step: Extent) -> Extent:
    """The length of a range whose numbers may be unknown."""
    reached = last - first if step > 0 else first - last
    if is_one(step) and is_known_positive(reached + 1):
        return reached  # it may be 0
    return ceil_divide(reached, step if step > 0 else -step) if reached > 0 else 0
