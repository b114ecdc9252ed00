"""Schur forms of small complex matrices, and square roots and logarithms of triangles.

Sources: Golub & Van Loan, "Matrix Computations", 7.5 (QR steps with shifts); Higham, "Functions of Matrices", 2008, algorithms 6.3 (the root
of a triangle) and 11.9 in outline (its logarithm by roots and a quadrature).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ... import python_calls as py
from ...builtins import compiled
from ...language.function import Fn
from ...language.module import Module
from ...language.types import F64, I64, PTR
from ...language.value import Val
from .lu import Number, Numbers

EPSILON = 2.0**-52
_MOST_STEPS = 30  # for each eigenvalue; two or three are usual
_OTHER_SHIFT = 10  # steps after which a shift breaks a cycle
_NEAR_ONE = 0.25  # norm of X - 1 from which log X is expanded
_MOST_ROOTS = 60
LEAST_SHARE = 1e-12  # of an eigenvalue in the largest, from which it is not 0 but for rounding
NEAR_CUT = 1e-3  # angle to the negative axis at which the sign of a rounding error may decide


class Schur(NamedTuple):
    """Builtins over complex128 matrices, whose elements are finite and of the order of 1.

    schur (matrices [batch, n, n], bases [batch, n, n], batch, n) -> the number of matrices that converged; matrices become upper
        triangles T, and bases U, from identities, with A = U T U^H
    root (triangles [batch, n, n], results [batch, n, n], batch, n) -> 0; the results are zeros before
    logarithm (triangles [batch, n, n], results [batch, n, n], room [2, n, n], batch, n) -> 0; the same, triangles are overwritten
    apply (matrices [batch, n, n] of any finite elements, room [5, n, n], done int64 [batch], 1 for logarithms or 0 for roots, batch, n)
        -> the number of matrices that became their functions; done is 1 for these, 0 for those left as they are: nearly singular ones and those with an eigenvalue near
        the negative axis, where a rounding error may decide on the sign of a root
    """

    schur: Callable[..., int]
    root: Callable[..., int]
    logarithm: Callable[..., int]
    apply: Callable[..., int]


@compiled(Schur)
def schur(m: Module) -> None:
    """The functions, compiled."""
    _emit_rotate(m)
    _emit_schur(m)
    py.emit_entry(m, "schur", "aann")
    _emit_triangle_root(m)
    _emit_root(m)
    py.emit_entry(m, "root", "aann")
    _emit_solve(m)
    _emit_logarithm(m)
    py.emit_entry(m, "logarithm", "aaann")
    _emit_apply(m)
    py.emit_entry(m, "apply", "aaannn")


class _Matrix:
    """A square complex matrix in memory."""

    def __init__(self, f: Fn, address: Val, n: Val) -> None:
        self.numbers, self.address, self.n = Numbers(f, "complex128"), address, n

    def __getitem__(self, at: tuple[Val, Val]) -> Number:
        return self.numbers.load(self.address, at[0] * self.n + at[1])

    def __setitem__(self, at: tuple[Val, Val], number: Number) -> None:
        self.numbers.store(number, self.address, at[0] * self.n + at[1])


def _matrix(f: Fn, matrices: Val, number: Val) -> _Matrix:
    return _Matrix(f, f.at(matrices, number * f.n * f.n * 2, F64), f.n)


def _times(a: Number, b: Number) -> Number:
    return a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]


def _plus(a: Number, b: Number) -> Number:
    return a[0] + b[0], a[1] + b[1]


def _minus(a: Number, b: Number) -> Number:
    return a[0] - b[0], a[1] - b[1]


def _scaled(a: Number, factor: Val) -> Number:
    return a[0] * factor, a[1] * factor


def _conjugate(a: Number) -> Number:
    return a[0], -a[1]


def _choose(f: Fn, condition: Val, a: Number, b: Number) -> Number:
    return f.select(condition, a[0], b[0]), f.select(condition, a[1], b[1])


def _size(f: Fn, a: Number) -> Val:
    """The sum of the parts' magnitudes."""
    return f.intrinsic("fabs", a[0]) + f.intrinsic("fabs", a[1])


def _root_of(f: Fn, numbers: Numbers, a: Number) -> Number:
    """The square root with a real part that is not negative."""
    half = (numbers.magnitude(a) + f.intrinsic("fabs", a[0])) * 0.5
    large = f.intrinsic("sqrt", half)
    small = f.select(large.eq(0.0), large, f.intrinsic("fabs", a[1]) / (large * 2.0))
    is_right = a[0] >= 0.0
    real, imaginary = f.select(is_right, large, small), f.select(is_right, small, large)
    return real, f.intrinsic("copysign", imaginary, a[1])


def _emit_rotate(m: Module) -> None:
    """Adds `rotate`: the turn of rows i and i + 1 that makes (a, b) of them (r, 0), and of the columns that keeps the eigenvalues.

    Rows are turned from column `first` on, columns down to row `end`.
    """
    arguments: Any = dict(
        matrix=PTR, basis=PTR, n=I64, i=I64, a0=F64, a1=F64, b0=F64, b1=F64, first=I64, end=I64
    )
    with m.fn("rotate", ret=I64, internal=True, **arguments) as f:
        matrix, basis = _Matrix(f, f.matrix, f.n), _Matrix(f, f.basis, f.n)
        own, other = f.a0 * f.a0 + f.a1 * f.a1, f.b0 * f.b0 + f.b1 * f.b1

        def turn() -> None:
            # A real cosine: a keeps its phase, as r.
            one, zero = f.const(1.0, F64), f.zero(F64)
            size, scale = f.intrinsic("sqrt", own), one / f.intrinsic("sqrt", own + other)
            is_zero = own.eq(0.0)
            divisor = f.select(is_zero, one, size)
            phase = _choose(f, is_zero, (one, zero), (f.a0 / divisor, f.a1 / divisor))
            cosine = size * scale
            sine = _times((f.b0 * scale, f.b1 * scale), _conjugate(phase))
            j = f.i + 1

            def of_rows(k: Val) -> None:
                x, y = matrix[f.i, k], matrix[j, k]
                matrix[f.i, k] = _plus(_scaled(x, cosine), _times(_conjugate(sine), y))
                matrix[j, k] = _minus(_scaled(y, cosine), _times(sine, x))

            def of_columns(turned: _Matrix, k: Val) -> None:
                x, y = turned[k, f.i], turned[k, j]
                turned[k, f.i] = _plus(_scaled(x, cosine), _times(sine, y))
                turned[k, j] = _minus(_scaled(y, cosine), _times(_conjugate(sine), x))

            f.loop(f.first, f.n, 1, of_rows)
            f.loop(f.i64(0), f.end, 1, lambda k: of_columns(matrix, k))
            f.loop(f.i64(0), f.n, 1, lambda k: of_columns(basis, k))

        f.when(other > 0.0, turn)
        f.give(f.i64(0))


def _rotate(f: Fn, own: tuple[_Matrix, _Matrix], i: Val, a: Number, b: Number, first: Val, end: Val) -> None:  # fmt: skip
    matrix, basis = own
    f.call("rotate", matrix.address, basis.address, f.n, i, *a, *b, first, end, ret=I64)


def _emit_schur(m: Module) -> None:
    arguments: Any = dict(matrices=PTR, bases=PTR, batch=I64, n=I64)
    with m.fn("schur", ret=I64, internal=True, **arguments) as f:

        def one(k: Val, good: Val) -> tuple[Val, ...]:
            own = _matrix(f, f.matrices, k), _matrix(f, f.bases, k)
            _to_hessenberg(f, own)
            return (good + f.convert(_iterate(f, own), I64, signed=False),)

        (good,) = f.loop(f.i64(0), f.batch, 1, one, f.i64(0))
        f.give(good)


def _to_hessenberg(f: Fn, own: tuple[_Matrix, _Matrix]) -> None:
    """Makes the elements below the first subdiagonal zeros."""
    matrix = own[0]
    zero = f.zero(F64)

    def column(k: Val) -> None:
        def element(up: Val) -> None:
            i = f.n - 2 - up  # the row above the one whose element goes
            _rotate(f, own, i, matrix[i, k], matrix[i + 1, k], k, f.n)
            matrix[i + 1, k] = zero, zero

        f.loop(f.i64(0), f.n - 2 - k, 1, element)

    f.loop(f.i64(0), f.n - 2, 1, column)


def _iterate(f: Fn, own: tuple[_Matrix, _Matrix]) -> Val:
    """Makes a Hessenberg matrix a triangle; true if it did."""
    matrix, _ = own
    zero = f.zero(F64)

    def is_coupled(low: Val) -> Val:
        (coupled,) = f.when(
            low > 0,
            lambda: (
                _size(f, matrix[low, low - 1])
                > (_size(f, matrix[low, low]) + _size(f, matrix[low - 1, low - 1])) * EPSILON,
            ),
            lambda: (f.const(0, "i1"),),
        )
        return coupled

    def attempt(high: Val, steps: Val) -> tuple[Val, ...]:
        (low,) = f.loop_while(is_coupled, lambda low: (low - 1,), high)

        def cut() -> None:
            matrix[low, low - 1] = zero, zero

        f.when(low > 0, cut)

        def step() -> tuple[Val, ...]:
            _step(f, own, low, high, steps)
            return high, steps + 1

        return f.when(low.eq(high), lambda: (high - 1, f.i64(0)), step)

    def goes_on(high: Val, steps: Val) -> Val:
        return (high > 0) & (steps < _MOST_STEPS)

    high, _ = f.loop_while(goes_on, attempt, f.n - 1, f.i64(0))
    return high <= 0


def _step(f: Fn, own: tuple[_Matrix, _Matrix], low: Val, high: Val, steps: Val) -> None:
    """One step with the eigenvalue of the last two rows that is nearer to the last element as shift."""
    matrix, _ = own
    numbers = matrix.numbers
    a, b = matrix[high - 1, high - 1], matrix[high - 1, high]
    c, d = matrix[high, high - 1], matrix[high, high]
    half = (a[0] - d[0]) * 0.5, (a[1] - d[1]) * 0.5
    product = _times(b, c)
    root = _root_of(f, numbers, _plus(_times(half, half), product))
    more, less = _plus(half, root), _minus(half, root)
    divisor = _choose(f, _size(f, more) >= _size(f, less), more, less)
    change = numbers.quotient(product, divisor)
    shift = _choose(f, _size(f, divisor) > 0.0, _minus(d, change), d)
    is_other = (steps % _OTHER_SHIFT).eq(_OTHER_SHIFT - 1)
    shift = _choose(f, is_other, (d[0] + _size(f, c), d[1]), shift)

    def end(i: Val) -> Val:
        return f.min(i + 3, high + 1)

    _rotate(f, own, low, _minus(matrix[low, low], shift), matrix[low + 1, low], low, end(low))

    def chase(i: Val) -> None:
        _rotate(f, own, i, matrix[i, i - 1], matrix[i + 1, i - 1], i - 1, end(i))
        matrix[i + 1, i - 1] = f.zero(F64), f.zero(F64)

    f.loop(low + 1, high, 1, chase)


def _emit_triangle_root(m: Module) -> None:
    arguments: Any = dict(triangle=PTR, result=PTR, n=I64)
    with m.fn("triangle_root", ret=I64, internal=True, **arguments) as f:
        triangle, result = _Matrix(f, f.triangle, f.n), _Matrix(f, f.result, f.n)
        numbers = triangle.numbers

        def column(j: Val) -> None:
            result[j, j] = _root_of(f, numbers, triangle[j, j])

            def element(down: Val) -> None:
                i = j - 1 - down

                def subtract(k: Val, re: Val, im: Val) -> tuple[Val, ...]:
                    return numbers.difference((re, im), result[i, k], result[k, j])

                rest = f.loop(i + 1, j, 1, subtract, *triangle[i, j])
                result[i, j] = numbers.quotient(rest, _plus(result[i, i], result[j, j]))

            f.loop(f.i64(0), j, 1, element)

        f.loop(f.i64(0), f.n, 1, column)
        f.give(f.i64(0))


def _emit_root(m: Module) -> None:
    arguments: Any = dict(triangles=PTR, results=PTR, batch=I64, n=I64)
    with m.fn("root", ret=I64, internal=True, **arguments) as f:

        def one(k: Val) -> None:
            addresses = (_matrix(f, x, k).address for x in (f.triangles, f.results))
            f.call("triangle_root", *addresses, f.n, ret=I64)

        f.loop(f.i64(0), f.batch, 1, one)
        f.give(f.i64(0))


def _emit_solve(m: Module) -> None:
    """Adds `add_solution`: adds weight * (1 + node X)^-1 X to the result, for a triangle X; `room` gets the solution."""
    arguments: Any = dict(x=PTR, room=PTR, result=PTR, n=I64, node=F64, weight=F64)
    with m.fn("add_solution", ret=I64, internal=True, **arguments) as f:
        x, room, result = (_Matrix(f, at, f.n) for at in (f.x, f.room, f.result))
        numbers = x.numbers

        def column(j: Val) -> None:
            def element(up: Val) -> None:
                i = j - up

                def subtract(k: Val, re: Val, im: Val) -> tuple[Val, ...]:
                    return numbers.difference((re, im), _scaled(x[i, k], f.node), room[k, j])

                rest = f.loop(i + 1, j + 1, 1, subtract, *x[i, j])
                own = x[i, i]
                solution = numbers.quotient(rest, (own[0] * f.node + 1.0, own[1] * f.node))
                room[i, j] = solution
                result[i, j] = _plus(result[i, j], _scaled(solution, f.weight))

            f.loop(f.i64(0), j + 1, 1, element)

        f.loop(f.i64(0), f.n, 1, column)
        f.give(f.i64(0))


def _emit_logarithm(m: Module) -> None:
    arguments: Any = dict(triangles=PTR, results=PTR, room=PTR, batch=I64, n=I64)
    with m.fn("logarithm", ret=I64, internal=True, **arguments) as f:
        size = f.n * f.n * 2

        def one(k: Val) -> None:
            x, result = _matrix(f, f.triangles, k), _matrix(f, f.results, k)
            other = f.at(f.room, size, F64)

            def take_root(roots: Val, scale: Val) -> tuple[Val, ...]:
                f.call("triangle_root", x.address, f.room, f.n, ret=I64)

                def copy(i: Val) -> None:
                    f.store(f.load(f.room, i, F64), x.address, i)

                f.loop(f.i64(0), size, 1, copy)
                return roots + 1, scale * 2.0

            def is_far(roots: Val, _scale: Val) -> Val:
                return (_distance_from_one(f, x) > _NEAR_ONE) & (roots < _MOST_ROOTS)

            _, scale = f.loop_while(is_far, take_root, f.i64(0), f.const(1.0, F64))

            def subtract_one(i: Val) -> None:
                number = x[i, i]
                x[i, i] = number[0] - 1.0, number[1]

            f.loop(f.i64(0), f.n, 1, subtract_one)
            nodes, weights = np.polynomial.legendre.leggauss(12)
            for node, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
                share = scale * float(weight)
                f.call(
                    "add_solution", x.address, other, result.address, f.n, f.const(float(node), F64), share, ret=I64
                )  # fmt: skip

        f.loop(f.i64(0), f.batch, 1, one)
        f.give(f.i64(0))


def _distance_from_one(f: Any, x: _Matrix) -> Val:
    """The largest sum of a column of X - 1."""

    def column(j: Val, most: Val) -> tuple[Val, ...]:
        def element(i: Val, total: Val) -> tuple[Val, ...]:
            one = f.select(i.eq(j), f.const(1.0, F64), f.const(0.0, F64))
            number = x[i, j]
            return (total + _size(f, (number[0] - one, number[1])),)

        (total,) = f.loop(f.i64(0), j + 1, 1, element, f.zero(F64))
        return (f.max(most, total),)

    (most,) = f.loop(f.i64(0), f.n, 1, column, f.zero(F64))
    return most


def _emit_apply(m: Module) -> None:
    arguments: Any = dict(matrices=PTR, room=PTR, done=PTR, is_logarithm=I64, batch=I64, n=I64)
    with m.fn("apply", ret=I64, internal=True, **arguments) as f:

        def one(k: Val, count: Val) -> tuple[Val, ...]:
            own = _matrix(f, f.matrices, k)
            scale = _scale(f, own)
            (done,) = f.when(scale > 0.0, lambda: (_apply_to(f, own, scale),), lambda: (f.i64(0),))
            f.store(done, f.done, k)
            return (count + done,)

        f.give(f.loop(f.i64(0), f.batch, 1, one, f.i64(0))[0])


def _each(f: Fn, n: Val, use: Callable[[Val, Val], Any]) -> None:
    f.loop(f.i64(0), n, 1, lambda i: f.loop(f.i64(0), n, 1, lambda j: use(i, j)))


def _scale(f: Fn, x: _Matrix) -> Val:
    """The largest magnitude, 0 if one is not finite."""
    number, size = x.numbers, f.n * f.n

    def measure(i: Val, most: Val, sound: Val) -> tuple[Val, Val]:
        magnitude = number.magnitude(number.load(x.address, i))
        # Neither NaN nor infinity times 0 is 0.
        return f.max(magnitude, most), sound + magnitude * 0.0

    most, sound = f.loop(f.i64(0), size, 1, measure, f.zero(F64), f.zero(F64))
    return f.select(sound.eq(0.0), most, f.zero(F64))


def _apply_to(f: Fn, own: _Matrix, scale: Val) -> Val:
    """Replaces a matrix by its function; 1 if that was possible."""
    triangle, base, result = (_matrix(f, f.room, f.i64(i)) for i in range(3))
    one, none = f.const(1.0, F64), f.zero(F64)

    def begin(i: Val, j: Val) -> None:
        number = own[i, j]
        triangle[i, j] = f.binary("div", number[0], scale), f.binary("div", number[1], scale)
        base[i, j] = f.select(i.eq(j), one, none), none
        result[i, j] = none, none

    _each(f, f.n, begin)
    matrix = f.call("schur", triangle.address, base.address, f.i64(1), f.n, ret=I64)
    is_good = matrix.ne(0) & _has_clear_values(f, triangle)

    def apply() -> tuple[Val]:
        f.when(f.is_logarithm.eq(0), take_root, take_logarithm)
        _change_basis(f, own, base, result, triangle)
        return (f.i64(1),)

    def take_root() -> None:
        f.call("root", triangle.address, result.address, f.i64(1), f.n, ret=I64)
        factor = f.intrinsic("sqrt", scale)
        _each(f, f.n, lambda i, j: result.__setitem__((i, j), _scaled(result[i, j], factor)))

    def take_logarithm() -> None:
        more = _matrix(f, f.room, f.i64(3))

        # The logarithms of the eigenvalues are exact; the triangle is overwritten, and the matrix is of no more use.
        def keep(i: Val) -> None:
            own[i, i] = _logarithm_of(f, triangle, triangle[i, i], scale)

        f.loop(f.i64(0), f.n, 1, keep)
        f.call("logarithm", triangle.address, result.address, more.address, f.i64(1), f.n, ret=I64)
        f.loop(f.i64(0), f.n, 1, lambda i: result.__setitem__((i, i), own[i, i]))

    (done,) = f.when(is_good, apply, lambda: (f.i64(0),))
    return done


def _logarithm_of(f: Fn, x: _Matrix, value: Number, scale: Val) -> Number:
    real = f.call("log", x.numbers.magnitude(value), ret=F64) + f.call("log", scale, ret=F64)
    return real, f.call("atan2", value[1], value[0], ret=F64)


def _has_clear_values(f: Fn, triangle: _Matrix) -> Val:
    """True if no eigenvalue is nearly 0 beside the largest, or near the negative axis."""

    def size(i: Val) -> Val:
        return triangle.numbers.magnitude(triangle[i, i])

    (largest,) = f.loop(f.i64(0), f.n, 1, lambda i, most: (f.max(size(i), most),), f.zero(F64))

    def compare(i: Val, good: Val) -> tuple[Val]:
        real, imaginary = triangle[i, i]
        is_off_cut = (real > 0.0) | (f.intrinsic("fabs", imaginary) > size(i) * NEAR_CUT)
        return (good & is_off_cut & (size(i) > largest * LEAST_SHARE),)

    (good,) = f.loop(f.i64(0), f.n, 1, compare, f.const(1, "i1"))
    return good


def _change_basis(f: Fn, own: _Matrix, base: _Matrix, x: _Matrix, room: _Matrix) -> None:
    """U X U^H, for a triangle X."""

    def inner(i: Val, j: Val) -> None:
        def add(k: Val, re: Val, im: Val) -> tuple[Val, ...]:
            return _plus((re, im), _times(base[i, k], x[k, j]))

        room[i, j] = f.loop(f.i64(0), j + 1, 1, add, f.zero(F64), f.zero(F64))

    def outer(i: Val, j: Val) -> None:
        def add(k: Val, re: Val, im: Val) -> tuple[Val, ...]:
            return _plus((re, im), _times(room[i, k], _conjugate(base[j, k])))

        own[i, j] = f.loop(f.i64(0), f.n, 1, add, f.zero(F64), f.zero(F64))

    _each(f, f.n, inner)
    _each(f, f.n, outer)
