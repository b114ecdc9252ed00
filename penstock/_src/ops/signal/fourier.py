"""Lowers Fourier transforms to the primitive `fft`.

A long line, or one of few, is seen as a matrix, whose columns and then rows are transformed, with twiddle factors in between (Bailey 1990, "FFTs in
external or hierarchical memory"): vectors of neighboring lines are transformed together. A large prime is a cyclic convolution
of one number less (Rader 1968) or, if that has large prime factors itself, of twice as many (Bluestein 1970). A real line of even length is half as many complex numbers.
"""

import math
from typing import Any

import numpy as np

from penstock._src.ir.extents.dims import is_large
from penstock._src.ir.meaning.fourier import is_short

LONGEST = 1 << 16  # elements of a line, more of which would take much scratch memory
LONG = 4096  # elements of a line from which it takes many lines to fill vectors and threads
FEW, MANY = 16, 64  # lines: fewer do not fill vectors, or threads either
SPLIT = 64  # elements of a line from which it pays to split it where lines are few


def transform(p: Any, x: Any, axis: int, inverse: bool) -> Any:
    """The complex transform along an axis; the inverse one is divided by the length."""
    length = int(x.shape[axis])
    if length == 1:
        return x
    if not is_short(length):
        prime = _primes(length)[-1]
        if not is_short(prime - 1) or not is_short(length // prime):
            return _convolved(p, x, axis, inverse)
        if prime == length:
            return _permuted(p, x, axis, inverse)
        return _split(p, x, axis, inverse, length // prime)
    lines, least = x.size // length, MANY if length > LONG else FEW
    if length > LONGEST or (length >= SPLIT and not is_large(lines, least)):
        first = next(n for n in range(math.isqrt(length), 0, -1) if length % n == 0)
        if first > 1:
            return _split(p, x, axis, inverse, first)
    return p.fourier_transform(x, axis, inverse)


def _split(p: Any, x: Any, axis: int, inverse: bool, first: int) -> Any:
    """The transform of lines that are matrices of `first` rows."""
    shape, length = x.shape, int(x.shape[axis])
    second = length // first
    outer, inner = shape[:axis], shape[axis + 1 :]
    matrix = p.reshape(x, (*outer, first, second, *inner))
    turned = transform(p, matrix, axis, inverse) * _twiddles(
        p, first, second, inverse, len(inner), x.dtype
    )
    transformed = transform(p, turned, axis + 1, inverse)
    return p.reshape(p.swap_axes(transformed, axis, axis + 1), shape)


def _twiddles(p: Any, first: int, second: int, inverse: bool, inner: int, dtype: Any) -> Any:
    angles = _angles(np.outer(np.arange(first), np.arange(second)), first * second, inverse)
    return p.constant(_turns(angles, dtype).reshape(first, second, *[1] * inner))


def _angles(numbers: np.ndarray, length: int, inverse: bool) -> np.ndarray:
    """2 pi / length times whole numbers, which are reduced modulo the length first for accuracy."""
    return (1 if inverse else -1) * 2 * np.pi / length * (numbers % length)


def _turns(angles: np.ndarray, dtype: Any) -> np.ndarray:
    return np.exp(1j * angles).astype(dtype.np)


def _primes(number: int) -> list[int]:
    """The prime factors of a number in ascending order."""
    primes, prime = [], 2
    while prime * prime <= number:
        while number % prime == 0:
            primes.append(prime)
            number //= prime
        prime += 1
    return primes + [number] * (number > 1)


def _generator(prime: int) -> int:
    """The least number whose powers modulo a prime are all numbers but 0."""
    orders = {(prime - 1) // n for n in _primes(prime - 1)}
    return next(g for g in range(2, prime) if all(pow(g, n, prime) != 1 for n in orders))


def _permuted(p: Any, x: Any, axis: int, inverse: bool) -> Any:
    """The transform of a prime length n (Rader 1968): with elements in the order of the powers of a generator, it is a cyclic convolution of n - 1."""
    length = int(x.shape[axis])
    generator = _generator(length)
    powers = np.array([pow(generator, k, length) for k in range(length - 1)])
    backwards = powers[-np.arange(length - 1)]  # the powers of the inverse
    # Known while compiling, and in double precision: it is rounded once.
    scale = 1 / length if inverse else 1
    spectrum = np.fft.fft(np.exp(1j * _angles(backwards, length, inverse))) * scale
    along = [1] * (x.rank - 1 - axis)
    first = p.slice_axis(x, axis, 0, 1) * scale
    turned = transform(p, p.gather(x, p.constant(powers), axis), axis, False)
    product = turned * p.constant(spectrum.astype(x.dtype.np).reshape(-1, *along))
    convolved = transform(p, product, axis, True) + first
    total = first + p.slice_axis(turned, axis, 0, 1) * scale  # of all elements
    numbers = np.empty(length - 1, np.int64)
    numbers[backwards - 1] = np.arange(length - 1)
    return p.concat([total, p.gather(convolved, p.constant(numbers), axis)], axis)


def _convolved(p: Any, x: Any, axis: int, inverse: bool) -> Any:
    """The transform of any length n: k j is (k^2 + j^2 - (k - j)^2) / 2, so it is a convolution with a chirp."""
    moved = p.swap_axes(x, axis, x.rank - 1)
    length = int(moved.shape[-1])
    size = next(n for n in range(2 * length - 1, 4 * length) if _is_fast(n))
    squares = np.arange(length, dtype=np.int64) ** 2
    chirp = np.exp(1j * _angles(squares, 2 * length, inverse))
    filter_ = np.zeros(size, np.complex128)
    filter_[:length] = chirp.conj()
    # The chirp is symmetric: negative distances wrap around to the end.
    filter_[size - length + 1 :] = chirp[1:][::-1].conj()
    # Known while compiling, and in double precision: it is rounded once.
    spectrum = np.fft.fft(filter_)
    kind, last = x.dtype.np, moved.rank - 1
    padded = p.pad(
        moved * p.constant(chirp.astype(kind)), [0] * moved.rank, [0] * last + [size - length]
    )
    product = transform(p, padded, last, False) * p.constant(spectrum.astype(kind))
    convolved = p.slice_axis(transform(p, product, last, True), last, 0, length)
    scale = 1 / length if inverse else 1
    return p.swap_axes(convolved * p.constant((chirp * scale).astype(kind)), axis, x.rank - 1)


def _is_fast(length: int) -> bool:
    """True if a length has only the prime factors 2 and 3, and many factors of 2."""
    return length % 16 == 0 and is_short(length) and length // (length & -length) in (1, 3, 9)


def half_spectrum(p: Any, x: Any, length: int) -> Any:
    """The first half of the spectrum of a real signal along the last axis, which is cut to a length."""
    last = x.rank - 1
    x = p.slice_axis(x, last, 0, length)
    if length % 2 or length == 2:
        whole = transform(p, p.complex(x, p.full(x.shape, 0, x.dtype)), last, False)
        return p.slice_axis(whole, last, 0, length // 2 + 1)
    half = length // 2
    packed = transform(
        p, p.complex(*(p.slice_axis(x, last, k, length, 2) for k in (0, 1))), last, False
    )
    ends = p.slice_axis(packed, last, 0, 1)
    real, imaginary = p.real(ends), p.imag(ends)
    zero = p.full(real.shape, 0, x.dtype)
    # At both ends the spectrum of real numbers is real.
    begin, end = p.complex(real + imaginary, zero), p.complex(real - imaginary, zero)
    if half == 1:
        return p.concat([begin, end], last)
    middle = p.slice_axis(packed, last, 1, half)
    # Spectra of real numbers are symmetric: this separates those of even and odd elements.
    mirrored = p.conj(p.reverse(middle, last))
    turns = -0.5j * np.exp(1j * _angles(np.arange(1, half), length, False))
    odd = (middle - mirrored) * p.constant(turns.astype(packed.dtype.np))
    return p.concat([begin, (middle + mirrored) * 0.5 + odd, end], last)


def real_signal(p: Any, x: Any, length: int) -> Any:
    """Return the real signal of a given length with a spectrum that begins with `x`, along the last axis."""
    last, count = x.rank - 1, length // 2 + 1
    x = p.slice_axis(x, last, 0, count)
    if length % 2 or length == 2:
        if length > count:
            x = p.concat(
                [x, p.conj(p.reverse(p.slice_axis(x, last, 1, 1 + length - count), last))], last
            )
        return p.real(transform(p, x, last, True))
    half = length // 2
    begin, end = (p.real(p.slice_axis(x, last, k, k + 1)) for k in (0, half))
    first = p.complex((begin + end) * 0.5, (begin - end) * 0.5)
    middle = p.slice_axis(x, last, 1, half)
    mirrored = p.conj(p.reverse(middle, last))
    turns = 0.5j * np.exp(1j * _angles(np.arange(1, half), length, True))
    odd = (middle - mirrored) * p.constant(turns.astype(x.dtype.np))
    packed = p.concat([first, (middle + mirrored) * 0.5 + odd], last)
    signal = transform(p, packed, last, True)
    return p.reshape(p.stack([p.real(signal), p.imag(signal)], last + 1), (*x.shape[:last], length))
