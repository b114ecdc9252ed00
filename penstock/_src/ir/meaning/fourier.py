"""Fourier transforms: the factors of a length, and the roots of unity."""

import numpy as np

LARGEST = 31  # the largest prime factor of a length


def factors(length: int) -> list[int]:
    """The radices of a mixed-radix transform, the largest first.

    Raises:
      ValueError: a prime factor is larger than LARGEST.

    >>> from penstock._src.ir.meaning.fourier import factors
    >>> factors(96)
    [8, 4, 3]
    """
    radices, rest = [], length
    for factor in (8, 4, 2, *range(3, LARGEST + 1, 2)):
        while rest % factor == 0 and not (factor == 8 and rest & -rest == 16):  # 4 x 4, not 8 x 2
            radices.append(factor)
            rest //= factor
    if rest > 1:
        raise ValueError(f"a Fourier transform of {length} elements has a large prime factor")
    return sorted(radices, reverse=True)


def is_short(length: int) -> bool:
    """True if `factors` can factor a length."""
    for factor in (2, *range(3, LARGEST + 1, 2)):
        while length % factor == 0:
            length //= factor
    return length == 1


def roots(length: int, inverse: bool, dtype: np.dtype) -> np.ndarray:
    """The powers of the primitive root of unity (the twiddle factors)."""
    angles = np.arange(length) * (2 * np.pi / length)
    return np.exp(angles * (1j if inverse else -1j)).astype(dtype)
