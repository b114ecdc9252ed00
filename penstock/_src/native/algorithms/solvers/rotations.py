"""Plane rotations of several small matrices at once, one matrix in each lane of a register.

Source: Golub & Van Loan, "Matrix Computations", 8.5: Jacobi's method.
"""

from collections.abc import Callable, Sequence

from ...language.function import Fn
from ...language.types import F32, F64, I64, vec
from ...language.value import Val

TYPES = {"float32": F32, "float64": F64}
LANES = {F32: 8, F64: 4}
EPSILON = {F32: 2.0**-23, F64: 2.0**-52}
MOST_SWEEPS = 60  # six to ten are usual, as convergence is quadratic in the end

Pair = tuple[Val, Val]


class Matrices:
    """Square matrices of a group, element by element: [n, n, lanes] of a buffer.

    Args:
      f: the function.
      room: the buffer.
      n: the extent.
      element: the type of an element.
    """

    def __init__(self, f: Fn, room: Val, n: Val, element: str) -> None:
        self._f, self._room, self._n, self.element = f, room, n, element
        self.kind = vec(element, LANES[element])

    def __getitem__(self, at: Sequence[Val]) -> Val:
        return self._f.load(self._room, self._offset(at), self.kind)

    def __setitem__(self, at: Sequence[Val], value: Val) -> None:
        self._f.store(value, self._room, self._offset(at))

    def _offset(self, at: Sequence[Val]) -> Val:
        row, column = at
        return (row * self._n + column) * LANES[self.element]

    def set_to_identity(self) -> None:
        """Makes each matrix the identity."""
        f = self._f

        def set_element(i: Val, j: Val) -> None:
            one = f.select(i.eq(j), f.const(1.0, F64), f.const(0.0, F64))
            self[i, j] = f.splat(f.convert(one, self.element), LANES[self.element])

        each_pair(f, self._n, self._n, set_element)

    def rotate_rows(self, p: Val, q: Val, rotation: Pair) -> None:
        """Rotates rows p and q."""

        def column(k: Val) -> None:
            self[p, k], self[q, k] = rotated(rotation, self[p, k], self[q, k])

        self._f.loop(self._f.i64(0), self._n, 1, column)

    def rotate_columns(self, p: Val, q: Val, rotation: Pair) -> None:
        """Rotates columns p and q."""

        def row(k: Val) -> None:
            self[k, p], self[k, q] = rotated(rotation, self[k, p], self[k, q])

        self._f.loop(self._f.i64(0), self._n, 1, row)

    def exchange_rows(self, p: Val, q: Val, where: Val) -> None:
        """Exchanges rows p and q in some lanes."""
        f = self._f

        def column(k: Val) -> None:
            x, y = self[p, k], self[q, k]
            self[p, k], self[q, k] = f.select(where, y, x), f.select(where, x, y)

        f.loop(f.i64(0), self._n, 1, column)

    def normalize(self) -> Val:
        """Divides each matrix by its largest magnitude, so that no square overflows. Returns these numbers, 1 for a matrix of zeros."""
        largest = self.largest(of_diagonal=True)
        scale = self._f.select(largest.eq(0.0), self._f.const(1.0, self.kind), largest)

        def divide(i: Val, j: Val) -> None:
            self[i, j] = self._f.binary("div", self[i, j], scale)

        each_pair(self._f, self._n, self._n, divide)
        return scale

    def scale_diagonal(self, scale: Val) -> None:
        """Multiplies the diagonals by numbers of the lanes."""

        def multiply(i: Val) -> None:
            self[i, i] = self[i, i] * scale

        self._f.loop(self._f.i64(0), self._n, 1, multiply)

    def largest(self, of_diagonal: bool) -> Val:
        """The largest magnitude of each lane; without `of_diagonal` only of the other elements."""
        f = self._f
        zero = f.zero(self.kind)

        def row(i: Val, found: Val) -> tuple[Val, ...]:
            def element(j: Val, found: Val) -> tuple[Val, ...]:
                size = f.intrinsic("fabs", self[i, j])
                if not of_diagonal:
                    size = f.select(i.eq(j), zero, size)
                return (f.max(size, found),)

            return f.loop(f.i64(0), self._n, 1, element, found)

        (found,) = f.loop(f.i64(0), self._n, 1, row, zero)
        return found


def rotated(rotation: Pair, x: Val, y: Val) -> Pair:
    """A pair after a rotation, given as its cosine and sine."""
    c, s = rotation
    return c * x - s * y, s * x + c * y


def symmetric_rotation(f: Fn, pp: Val, pq: Val, qq: Val) -> tuple[Val, Val, Val]:
    """The cosine, sine and tangent of the rotation that makes a symmetric 2x2 matrix diagonal."""
    # May overflow: the tangent is 0 then, as it is to rounding. Of 0/0 it is set below.
    ratio = f.binary("div", qq - pp, pq + pq)
    root = f.intrinsic("sqrt", ratio * ratio + 1.0)
    # The smaller of the two angles, at most 45 degrees, without which sweeps need not converge.
    size = f.binary("div", f.const(1.0, pp.ty), f.intrinsic("fabs", ratio) + root)
    # Without fast math: the ratio may be infinite, and a zero's sign counts.
    tangent = f.intrinsic("copysign", size, ratio, fast=False)
    tangent = f.select(pq.eq(0.0), f.zero(pp.ty), tangent)
    cosine = f.binary("div", f.const(1.0, pp.ty), f.intrinsic("sqrt", tangent * tangent + 1.0))
    return cosine, tangent * cosine, tangent


def each_pair(f: Fn, rows: Val, columns: Val, body: Callable[[Val, Val], None]) -> None:
    """Calls `body` for each element of a matrix."""
    f.loop(f.i64(0), rows, 1, lambda i: f.loop(f.i64(0), columns, 1, lambda j: body(i, j)) and None)


def each_pair_above(f: Fn, n: Val, body: Callable[[Val, Val], None]) -> None:
    """Calls `body` for each p < q."""
    f.loop(f.i64(0), n - 1, 1, lambda p: f.loop(p + 1, n, 1, lambda q: body(p, q)) and None)


def sweeps(f: Fn, matrices: Matrices, element: str, sweep: Callable[[], None]) -> Val:
    """Sweeps until all matrices, whose largest elements are near 1, are diagonal. Returns an i64: 1 if they are."""

    def is_done() -> Val:
        # All lanes go on until the last is done: rotations by 0 change nothing in the others.
        rest = f.reduce("fmax", matrices.largest(of_diagonal=False))
        # Eigenvalues err by the square of what remains off the diagonal, over their distances.
        return rest <= EPSILON[element]

    def more(done: Val, count: Val) -> Val:
        return (done ^ 1) & (count < MOST_SWEEPS)

    def step(_: Val, count: Val) -> tuple[Val, ...]:
        sweep()
        return is_done(), count + 1

    done, _ = f.loop_while(more, step, is_done(), f.i64(0))
    return f.convert(done, I64, signed=False)
