"""Eigenvalues and eigenvectors of symmetric matrices: to tridiagonal form by reflections, then by QR steps with Wilkinson's shift.

Source: Golub & Van Loan, "Matrix Computations", 8.3. All is computed in double precision. Rows of work matrices are whole vectors: what is
past the end is zero.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from ... import python_calls as py
from ...builtins import compiled
from ...language.function import Fn
from ...language.module import Module
from ...language.types import F32, F64, I64, PTR, vec
from ...language.value import Val

TYPES = {"float32": F32, "float64": F64}
LANES = 16  # of a vector; extents of rows are multiples
EPSILON = 2.0**-52
TINY = 1e-140  # of numbers up to 1; its square is not subnormal
MOST_STEPS = 30  # for an eigenvalue, on average; two suffice nearly always


class Symmetric(NamedTuple):
    """Builtins.

    solve (matrices [batch, n, n], values [batch, n], vectors [batch, n, n], batch, n, n rounded up to whole vectors, 1 for vectors or 0,
        room float64 [2 n + 4, rounded n], order int64 [n]) -> the number of matrices before the first that is not finite, or whose steps
        did not end. Only the lower triangles are read. Values ascend.
    """

    solve: Callable[..., int]


class _Work:
    """The work memory of one matrix, of rows of `stride` numbers."""

    def __init__(self, f: Fn, element: str) -> None:
        self.f, self.element = f, element  # that of the arguments
        self.ty, self.wide = F64, vec(F64, LANES)
        self.matrix = f.room
        self.vectors = _row(f, f.room, f.n)
        rows = [_row(f, f.room, f.n * 2 + i) for i in range(4)]
        self.diagonal, self.beside, self.factors, self.product = rows

    def row(self, i: Val, of: Val | None = None) -> Val:
        """Row i of the matrix, or of the vectors."""
        return _row(self.f, self.matrix if of is None else of, i)

    def load(self, array: Val, at: Val) -> Val:
        return self.f.load(array, at, self.ty)

    def store(self, x: Val, array: Val, at: Val) -> None:
        self.f.store(x, array, at)

    def blocks(self, first: Val, body: Callable[..., Any], *carry: Val) -> tuple[Val, ...]:
        """A loop over the blocks of a row from the one with element `first`."""
        begin = first // LANES * LANES
        return self.f.loop(begin, self.f.stride, LANES, body, *carry)

    def block(self, array: Val, at: Val) -> Val:
        return self.f.load(array, at, self.wide)

    def dot(self, x: Val, y: Val, first: Val) -> Val:
        """The product of two rows from the block of element `first`."""
        f = self.f

        def add(at: Val, total: Val) -> tuple[Val, ...]:
            return (f.fma(self.block(x, at), self.block(y, at), total),)

        (total,) = self.blocks(first, add, f.zero(self.wide))
        return f.reduce("fadd", total)

    def add_scaled(self, into: Val, factor: Val, x: Val, first: Val) -> None:
        """Adds a multiple of a row to another one, from the block of element `first`."""
        f = self.f
        factors = f.splat(factor, LANES)

        def add(at: Val) -> None:
            f.store(f.fma(factors, self.block(x, at), self.block(into, at)), into, at)

        self.blocks(first, add)

    def clear(self, array: Val) -> None:
        self.blocks(self.f.i64(0), lambda at: self.f.store(self.f.zero(self.wide), array, at))


def _row(f: Fn, rows: Val, i: Val) -> Val:
    return f.at(rows, i * f.stride, F64)


@compiled(Symmetric)
def symmetric(m: Module, dtype: str) -> None:
    """The function for a dtype of TYPES, compiled."""
    arguments: Any = dict(matrices=PTR, values=PTR, vectors=PTR, batch=I64, n=I64, stride=I64)
    arguments |= dict(wants_vectors=I64, room=PTR, order=PTR)
    with m.fn("solve", ret=I64, internal=True, **arguments) as f:
        own = _Work(f, TYPES[dtype])

        def one(k: Val, _: Val) -> tuple[Val, ...]:
            scale, is_finite = _read(own, f.at(f.matrices, k * f.n * f.n, own.element))
            f.loop(f.i64(0), f.n, 1, lambda i: _reflect(own, i))
            f.when(f.wants_vectors.ne(0), lambda: _accumulate(own))
            is_done = _iterate(own) & is_finite
            _sort(own)
            _write(own, k, scale)
            return k + f.convert(is_done, I64, signed=False), is_done

        done, _ = f.loop_while(
            lambda k, is_done: (k < f.batch) & is_done, one, f.i64(0), f.const(1, "i1")
        )
        f.give(done)
    py.emit_entry(m, "solve", "aaannnnaa")


def _each(f: Fn, low: Val | int, high: Val, body: Callable[[Val], None]) -> None:
    f.loop(f.i64(low), high, 1, body)


def _read(own: _Work, source: Val) -> tuple[Val, Val]:
    """Fills the work matrix with both triangles, scaled to numbers of at most 1 whose squares do not overflow.

    Returns the scale, and true if all numbers are finite.
    """
    f = own.f

    def number(i: Val, j: Val) -> Val:
        return f.convert(f.load(source, i * f.n + j, own.element), F64)

    def larger(i: Val, largest: Val, is_finite: Val) -> tuple[Val, ...]:
        def column(j: Val, largest: Val, is_finite: Val) -> tuple[Val, ...]:
            size = f.intrinsic("fabs", number(i, j))
            return f.select(size > largest, size, largest), is_finite & (size < float("inf"))

        return f.loop(f.i64(0), i + 1, 1, column, largest, is_finite)

    start = f.zero(own.ty), f.const(1, "i1")
    largest, is_finite = f.loop(f.i64(0), f.n, 1, larger, *start)
    scale = f.select(largest > 0.0, largest, f.const(1.0, own.ty))
    _each(f, 0, f.n, lambda i: own.clear(own.row(i)))

    def fill(i: Val) -> None:
        def column(j: Val) -> None:
            x = f.binary("div", number(i, j), scale)
            own.store(x, own.row(i), j)
            own.store(x, own.row(j), i)

        _each(f, 0, i + 1, column)

    _each(f, 0, f.n, fill)
    return scale, is_finite


def _reflect(own: _Work, k: Val) -> None:
    """Brings column k to tridiagonal form. Its row becomes the vector of the reflection, whose factor is kept."""
    f, row = own.f, own.row(k)
    own.store(own.load(row, k), own.diagonal, k)
    _each(f, k // LANES * LANES, k + 1, lambda j: own.store(f.zero(own.ty), row, j))

    def last() -> None:
        own.store(f.zero(own.ty), own.beside, k)
        own.store(f.zero(own.ty), own.factors, k)

    def reflect() -> None:
        alpha = own.load(row, k + 1)
        own.store(f.zero(own.ty), row, k + 1)
        rest = own.dot(row, row, k)
        norm = f.intrinsic("sqrt", rest + alpha * alpha)
        beta = f.select(alpha > 0.0, -norm, norm)
        # A column of smaller numbers is as good as zero, and its norm would not be exact.
        is_needed = rest > TINY * TINY
        divisor = f.select(is_needed, alpha - beta, f.const(1.0, own.ty))
        inverse = f.splat(f.binary("div", f.const(1.0, own.ty), divisor), LANES)
        own.blocks(k, lambda at: f.store(own.block(row, at) * inverse, row, at))
        own.store(f.const(1.0, own.ty), row, k + 1)
        factor = f.select(
            is_needed, f.binary("div", beta - alpha, f.select(is_needed, beta, 1.0)), f.zero(own.ty)
        )
        own.store(f.select(is_needed, beta, alpha), own.beside, k)
        own.store(factor, own.factors, k)
        f.when(is_needed, lambda: _update(own, k, row, factor))

    f.when(k + 1 < f.n, reflect, last)


def _update(own: _Work, k: Val, row: Val, factor: Val) -> None:
    """Applies a reflection from both sides to the rows and columns after k."""
    f, product = own.f, own.product
    own.clear(product)
    _each(f, k + 1, f.n, lambda i: own.store(own.dot(own.row(i), row, k) * factor, product, i))
    half = own.dot(product, row, k) * factor * -0.5
    own.add_scaled(product, half, row, k)

    def change(i: Val) -> None:
        target = own.row(i)
        by_product = f.splat(-own.load(row, i), LANES)
        by_row = f.splat(-own.load(product, i), LANES)

        def add(at: Val) -> None:
            x = f.fma(by_product, own.block(product, at), own.block(target, at))
            f.store(f.fma(by_row, own.block(row, at), x), target, at)

        own.blocks(k, add)

    _each(f, k + 1, f.n, change)


def _accumulate(own: _Work) -> None:
    """Fills the rows of the vectors with the transposed product of all reflections."""
    f = own.f

    def unit(i: Val) -> None:
        row = own.row(i, own.vectors)
        own.clear(row)
        own.store(f.const(1.0, own.ty), row, i)

    _each(f, 0, f.n, unit)

    def apply(step: Val) -> None:
        k = f.n - 1 - step
        reflection, factor = own.row(k), own.load(own.factors, k)

        def change(i: Val) -> None:
            row = own.row(i, own.vectors)
            own.add_scaled(row, -(own.dot(row, reflection, k) * factor), reflection, k)

        f.when(factor.ne(0.0), lambda: _each(f, k + 1, f.n, change))

    _each(f, 0, f.n, apply)


def _iterate(own: _Work) -> Val:
    """QR steps until all numbers beside the diagonal are 0; false if there are too many."""
    f = own.f
    zero = f.zero(own.ty)

    def is_coupled(i: Val) -> Val:
        return own.load(own.beside, i).ne(0.0)

    def drop(i: Val) -> None:
        near = f.intrinsic("fabs", own.load(own.diagonal, i))
        near = near + f.intrinsic("fabs", own.load(own.diagonal, i + 1))
        x = own.load(own.beside, i)
        is_small = f.intrinsic("fabs", x) <= near * EPSILON + TINY
        own.store(f.select(is_small, zero, x), own.beside, i)

    def while_not(end: Val, condition: Callable[[Val], Val]) -> Val:
        """`end`, or the first number before it that is 0 or fulfils a condition."""

        def goes_on(i: Val) -> Val:
            (more,) = f.when(i > 0, lambda: (condition(i - 1) ^ 1,), lambda: (f.const(0, "i1"),))
            return more

        (end,) = f.loop_while(goes_on, lambda i: (i - 1,), end)
        return end

    def step(end: Val, start: Val, steps: Val) -> tuple[Val, ...]:
        _each(f, start, end, drop)
        end = while_not(end, is_coupled)

        def go() -> tuple[Val, ...]:
            start = while_not(end - 1, lambda i: is_coupled(i) ^ 1)
            _qr_step(own, start, end)
            return (start,)

        (start,) = f.when(end > 0, go, lambda: (f.i64(0),))
        return end, start, steps + 1

    end, _, _ = f.loop_while(
        lambda end, _, steps: (end > 0) & (steps < f.n * MOST_STEPS),
        step,
        f.n - 1,
        f.i64(0),
        f.i64(0),
    )
    return end <= 0


def _shift(own: _Work, end: Val) -> Val:
    """The eigenvalue of the last two rows and columns that is nearer to the last number."""
    f = own.f
    last, x = own.load(own.diagonal, end), own.load(own.beside, end - 1)
    half = (own.load(own.diagonal, end - 1) - last) * 0.5
    # Both are at most 2, and a square that vanishes leaves the other one.
    size = f.intrinsic("sqrt", half * half + x * x)
    divisor = half + f.select(half < 0.0, -size, size)
    is_zero = divisor.eq(0.0)
    return last - f.binary("div", x * x, f.select(is_zero, 1.0, divisor))


def _qr_step(own: _Work, start: Val, end: Val) -> None:
    """A QR step of the rows and columns from `start` to `end`: rotations chase what is beside the band to its end."""
    f, d, e = own.f, own.diagonal, own.beside

    def turn(k: Val, x: Val, z: Val) -> tuple[Val, ...]:
        c, s, r = _rotation(own, x, z)
        above, beside, below = own.load(d, k), own.load(e, k), own.load(d, k + 1)
        f.when(k > start, lambda: own.store(r, e, k - 1))
        first = c * above - s * beside
        second = c * beside - s * below
        third, fourth = s * above + c * beside, s * beside + c * below
        own.store(c * first - s * second, d, k)
        own.store(s * third + c * fourth, d, k + 1)
        beside = c * third - s * fourth
        own.store(beside, e, k)

        def chase() -> tuple[Val, ...]:
            following = own.load(e, k + 1)
            own.store(c * following, e, k + 1)
            return (-s * following,)

        (z,) = f.when(k + 1 < end, chase, lambda: (f.zero(own.ty),))
        f.when(f.wants_vectors.ne(0), lambda: _rotate(own, k, c, s))
        return k + 1, beside, z

    x = own.load(d, start) - _shift(own, end)
    f.loop_while(
        lambda k, _, z: (k < end) & (f.intrinsic("fabs", z) > TINY),
        turn,
        start,
        x,
        own.load(e, start),
    )


def _rotation(own: _Work, x: Val, z: Val) -> tuple[Val, Val, Val]:
    """(c, s, r): c x - s z = r and s x + c z = 0; z is not tiny."""
    f = own.f
    square = x * x + z * z
    # The root and the division do not wait for each other.
    r = f.intrinsic("sqrt", square)
    inverse = r * f.binary("div", f.const(1.0, own.ty), square)
    return x * inverse, -(z * inverse), r


def _rotate(own: _Work, k: Val, c: Val, s: Val) -> None:
    """Rotates rows k and k + 1 of the vectors."""
    f = own.f
    upper, lower = own.row(k, own.vectors), own.row(k + 1, own.vectors)
    c, s = f.splat(c, LANES), f.splat(s, LANES)

    def both(at: Val) -> None:
        x, y = own.block(upper, at), own.block(lower, at)
        f.store(c * x - s * y, upper, at)
        f.store(s * x + c * y, lower, at)

    own.blocks(f.i64(0), both)


def _sort(own: _Work) -> None:
    """Orders the eigenvalues, with the numbers of their rows."""
    f, d = own.f, own.diagonal
    _each(f, 0, f.n, lambda i: f.store(i, f.order, i))

    def place(i: Val) -> None:
        def smaller(j: Val, least: Val, at: Val) -> tuple[Val, ...]:
            x = own.load(d, j)
            is_less = x < least
            return f.select(is_less, x, least), f.select(is_less, j, at)

        first = own.load(d, i)
        least, at = f.loop(i + 1, f.n, 1, smaller, first, i)
        own.store(first, d, at)
        own.store(least, d, i)
        one, other = f.load(f.order, i, I64), f.load(f.order, at, I64)
        f.store(other, f.order, i)
        f.store(one, f.order, at)

    _each(f, 0, f.n, place)


def _write(own: _Work, number: Val, scale: Val) -> None:
    """Writes the values, and the vectors as columns."""
    f = own.f
    values = f.at(f.values, number * f.n, own.element)

    def value(i: Val) -> None:
        x = own.load(own.diagonal, i) * scale
        f.store(f.convert(x, own.element), values, i)

    def column(i: Val) -> None:
        row = own.row(f.load(f.order, i, I64), own.vectors)
        into = f.at(f.vectors, number * f.n * f.n + i, own.element)
        _each(f, 0, f.n, lambda j: f.store(f.convert(own.load(row, j), own.element), into, j * f.n))

    _each(f, 0, f.n, value)
    f.when(f.wants_vectors.ne(0), lambda: _each(f, 0, f.n, column))
