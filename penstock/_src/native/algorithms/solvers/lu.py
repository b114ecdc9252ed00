"""Triangular factors of small matrices, by Gaussian elimination with partial pivoting (Golub & Van Loan, "Matrix Computations", 3.4)."""

from collections.abc import Callable
from typing import Any, NamedTuple

from ... import python_calls as py
from ...builtins import compiled
from ...language.function import Fn
from ...language.module import Module
from ...language.types import F32, F64, I64, PTR
from ...language.value import Val

# The type of a number's parts, and how many it has.
TYPES = {"float32": (F32, 1), "float64": (F64, 1), "complex64": (F32, 2), "complex128": (F64, 2)}
Number = tuple[Val, ...]


class Factors(NamedTuple):
    """Builtins.

    factorize (matrices [batch, n, n], order int64 [batch, n], batch, n) -> the number of matrices before the first one that is singular
        or begins with a column that has a NaN
    A matrix becomes both of its factors, and its order, from 0 to n - 1 before, that of its rows.
    """

    factorize: Callable[..., int]


class Numbers:
    """Arrays of real or complex numbers."""

    def __init__(self, f: Fn, dtype: str) -> None:
        self.f = f
        self.ty, self.parts = TYPES[dtype]

    def at(self, array: Val, index: Val) -> Val:
        return self.f.at(array, index * self.parts, self.ty)

    def load(self, array: Val, index: Val) -> Number:
        return tuple(self.f.load(array, index * self.parts + i, self.ty) for i in range(self.parts))

    def store(self, number: Number, array: Val, index: Val) -> None:
        for i, part in enumerate(number):
            self.f.store(part, array, index * self.parts + i)

    def magnitude(self, number: Number) -> Val:
        f = self.f
        sizes = [f.intrinsic("fabs", part) for part in number]
        if len(sizes) == 1:
            return sizes[0]
        is_first = sizes[0] >= sizes[1]
        large, small = f.select(is_first, *sizes), f.select(is_first, *reversed(sizes))
        # Squares of the parts could overflow, or vanish.
        ratio = small / large
        scaled = large * f.intrinsic("sqrt", ratio * ratio + 1.0)
        is_infinite = large.eq(float("inf")) | small.eq(float("inf"))
        # Of zeros the sum, which is NaN if one part is.
        size = f.select(large.eq(0.0), large + small, scaled)
        return f.select(is_infinite, f.const(float("inf"), self.ty), size)

    def difference(self, x: Number, a: Number, b: Number) -> Number:
        """x - a * b."""
        if len(x) == 1:
            return (x[0] - a[0] * b[0],)
        return x[0] - a[0] * b[0] + a[1] * b[1], x[1] - a[0] * b[1] - a[1] * b[0]

    def quotient(self, a: Number, b: Number) -> Number:
        """a / b; of complex numbers by Smith's method, in which no square overflows."""
        f = self.f
        if len(a) == 1:
            return (f.binary("div", a[0], b[0]),)
        is_real = f.intrinsic("fabs", b[0]) >= f.intrinsic("fabs", b[1])
        large, small = f.select(is_real, *b), f.select(is_real, *reversed(b))
        ratio = f.binary("div", small, large)
        divisor = large + small * ratio
        real = f.select(is_real, a[0] + a[1] * ratio, a[0] * ratio + a[1])
        imaginary = f.select(is_real, a[1] - a[0] * ratio, a[1] * ratio - a[0])
        return f.binary("div", real, divisor), f.binary("div", imaginary, divisor)


@compiled(Factors)
def factors(m: Module, dtype: str) -> None:
    """The function for a dtype of TYPES, compiled."""
    arguments: Any = dict(matrices=PTR, order=PTR, batch=I64, n=I64)
    with m.fn("factorize", ret=I64, internal=True, **arguments) as f:
        numbers = Numbers(f, dtype)

        def one(k: Val, _: Val) -> tuple[Val, ...]:
            matrix = numbers.at(f.matrices, k * f.n * f.n)
            order = f.at(f.order, k * f.n, I64)

            def step(j: Val, _: Val) -> tuple[Val, ...]:
                pivot, size = _pivot(numbers, matrix, j)
                is_nan = f.compare("uno", size, size)
                is_bad = size.eq(0.0) | (is_nan & j.eq(0))
                _exchange(numbers, matrix, order, j, pivot)
                f.loop(j + 1, f.n, 1, lambda i: _eliminate(numbers, matrix, i, j))
                return j + 1, is_bad ^ 1

            def goes_on(j: Val, is_good: Val) -> Val:
                return (j < f.n) & is_good

            _, is_good = f.loop_while(goes_on, step, f.i64(0), f.const(1, "i1"))
            return k + f.convert(is_good, I64, signed=False), is_good

        def remains(k: Val, is_good: Val) -> Val:
            return (k < f.batch) & is_good

        done, _ = f.loop_while(remains, one, f.i64(0), f.const(1, "i1"))
        f.give(done)
    py.emit_entry(m, "factorize", "aann")


def _pivot(numbers: Numbers, matrix: Val, j: Val) -> tuple[Val, Val]:
    """The row of column j's largest magnitude from row j on, and the magnitude; a NaN counts in row j alone."""
    f = numbers.f

    def size_at(i: Val) -> Val:
        return numbers.magnitude(numbers.load(matrix, i * f.n + j))

    def compare(i: Val, best: Val, largest: Val) -> tuple[Val, ...]:
        size = size_at(i)
        is_better = size > largest  # false for NaN on either side
        return f.select(is_better, i, best), f.select(is_better, size, largest)

    best, largest = f.loop(j + 1, f.n, 1, compare, j, size_at(j))
    return best, largest


def _exchange(numbers: Numbers, matrix: Val, order: Val, j: Val, pivot: Val) -> None:
    """Exchanges two rows and their numbers."""
    f = numbers.f

    def swap(a: Val, b: Val) -> None:
        x, y = numbers.load(matrix, a), numbers.load(matrix, b)
        numbers.store(y, matrix, a)
        numbers.store(x, matrix, b)

    f.loop(f.i64(0), f.n, 1, lambda c: swap(j * f.n + c, pivot * f.n + c))
    first, second = f.load(order, j, I64), f.load(order, pivot, I64)
    f.store(second, order, j)
    f.store(first, order, pivot)


def _eliminate(numbers: Numbers, matrix: Val, i: Val, j: Val) -> None:
    """Subtracts a multiple of row j from row i, and stores the factor in its place."""
    f = numbers.f
    # A division, not a product with a reciprocal: the factor is at most 1, and rounded once.
    factor = numbers.quotient(numbers.load(matrix, i * f.n + j), numbers.load(matrix, j * f.n + j))
    numbers.store(factor, matrix, i * f.n + j)

    def column(c: Val) -> None:
        entry = numbers.load(matrix, i * f.n + c)
        rest = numbers.difference(entry, factor, numbers.load(matrix, j * f.n + c))
        numbers.store(rest, matrix, i * f.n + c)

    f.loop(j + 1, f.n, 1, column)
