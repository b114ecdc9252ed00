"""Fourier transforms on cards, as products with small matrices of roots of unity, with twiddle factors between them.

A transform of length n = a b is computed as b transforms of length a, a multiplication, and a transforms of length b
(Cooley & Tukey 1965), recursively until the lengths are small. Real and imaginary parts are separate arrays.
"""

import math
from typing import Any

import numpy as np

from penstock._src.core.calls.placement import CPU
from penstock._src.ir.errors import NotLowerable

SHORT = 64  # lengths up to this are a single product
LONGEST_PRIME = 1024  # the program contains a matrix with this many rows

Parts = tuple[Any, Any]  # the real and imaginary parts, [rows, length]


def suits(p: Any) -> bool:
    """Whether a program is of a card, whose products are fast."""
    return p.device is not None and p.device != CPU


def transform(p: Any, x: Any, axis: int, inverse: bool) -> Any:
    """The complex transform along an axis; the inverse one is divided by the length."""
    moved = p.swap_axes(x, axis, x.rank - 1)
    real, imaginary = _along_last(p, p.real(moved), p.imag(moved), inverse)
    return p.swap_axes(p.complex(real, imaginary), axis, x.rank - 1)


def half_spectrum(p: Any, x: Any, length: int) -> Any:
    """The first half of the spectrum of a real signal along the last axis."""
    real, imaginary = _along_last(p, x, p.full(x.shape, 0, x.dtype), False)
    last, count = x.rank - 1, length // 2 + 1
    return p.complex(p.slice_axis(real, last, 0, count), p.slice_axis(imaginary, last, 0, count))


def real_signal(p: Any, x: Any, length: int) -> Any:
    """The real signal of a given length whose spectrum begins with `x`, along the last axis."""
    last, count = x.rank - 1, length // 2 + 1
    real, imaginary = p.real(x), p.imag(x)
    mirrored = length - count  # number of frequencies that are conjugates of given ones
    if mirrored:
        real, imaginary = (
            p.concat([part, p.reverse(p.slice_axis(other, last, 1, 1 + mirrored), last)], last)
            for part, other in ((real, real), (imaginary, -imaginary))
        )
    return _along_last(p, real, imaginary, True)[0]


def _along_last(p: Any, real: Any, imaginary: Any, inverse: bool) -> Parts:
    shape, length = real.shape, int(real.shape[-1])
    rows = math.prod(shape[:-1])
    sign = 1 if inverse else -1
    flat = (p.reshape(part, (rows, length)) for part in (real, imaginary))
    parts = [p.reshape(part, shape) for part in _transform(p, *flat, sign)]
    if inverse:
        parts = [part * (1.0 / length) for part in parts]
    return parts[0], parts[1]


def _transform(p: Any, real: Any, imaginary: Any, sign: int) -> Parts:
    """The unscaled transform of each row."""
    rows, length = real.shape
    first = _factor(length)
    if first == 1:
        return _product(p, real, imaginary, sign)
    second = length // first

    def inner_rows(part: Any) -> Any:
        """[rows * second, first]: every second-th element."""
        split = p.transpose(p.reshape(part, (rows, first, second)), (0, 2, 1))
        return p.reshape(split, (rows * second, first))

    real, imaginary = _product(p, inner_rows(real), inner_rows(imaginary), sign)
    real, imaginary = (p.reshape(x, (rows, second, first)) for x in (real, imaginary))
    angles = _angles(second, first, length, sign)
    cos, sin = (p.constant(f(angles).astype(real.dtype.np)) for f in (np.cos, np.sin))
    turned = real * cos - imaginary * sin, real * sin + imaginary * cos
    outer = [p.reshape(p.transpose(x, (0, 2, 1)), (rows * first, second)) for x in turned]
    found = _transform(p, outer[0], outer[1], sign)
    parts = [p.transpose(p.reshape(x, (rows, first, second)), (0, 2, 1)) for x in found]
    return p.reshape(parts[0], (rows, length)), p.reshape(parts[1], (rows, length))


def _factor(length: int) -> int:
    """The largest factor of a length up to its square root; 1 for lengths that are a single product.

    Raises:
      NotLowerable: the length is a large prime.
    """
    if length <= SHORT:
        return 1
    found = next(n for n in range(math.isqrt(length), 0, -1) if length % n == 0)
    if found == 1 and length > LONGEST_PRIME:
        raise NotLowerable(f"a Fourier transform of length {length}, a large prime")
    return found


def _product(p: Any, real: Any, imaginary: Any, sign: int) -> Parts:
    """Each row times the matrix of roots of unity, both parts at once."""
    rows, length = real.shape
    angles = _angles(length, length, length, sign)
    cos, sin = np.cos(angles), np.sin(angles)
    matrix = np.block([[cos, sin], [-sin, cos]]).astype(real.dtype.np)
    both = p.contract(
        "ri,ik->rk", p.concat([real, imaginary], 1), p.constant(matrix), is_exact=True
    )
    return p.slice_axis(both, 1, 0, length), p.slice_axis(both, 1, length, 2 * length)


def _angles(rows: int, columns: int, length: int, sign: int) -> np.ndarray:
    """2 pi i k / length, with i k reduced modulo length first for accuracy."""
    turns = np.outer(np.arange(rows), np.arange(columns)) % length
    return sign * 2 * np.pi / length * turns
