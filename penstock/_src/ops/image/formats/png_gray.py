"""Gray of the colors of a PNG, mixed as libpng does: where the file says how its numbers relate to light, light is mixed.

A number n of a file with the exponent g stands for the light n^(1 / g), which tables give. Those of 16 bits have an entry for
each of the upper bits alone if the file says that others do not count, or the result has 8 bits.

Source: PNG (Portable Network Graphics) Specification, Third Edition, W3C 2025, sections 11.3.2 and 13.13.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

# Weights of red (0.299), green and blue (0.114), in libpng's fractions of 32768.
_WEIGHTS = np.array([9797, 19234, 3737], np.int64)
_ONE = 100000  # of exponents
_NEAR_ONE = 5000  # exponents no further from one change nothing
_OF_SRGB = 45455
_INTENTS = (b"\0", b"\1", b"\2", b"\3")
_EXPONENTS = range(16, 625000001)  # that a file may have
_BITS_FOR_BYTES = 11  # of 16 that count if the result has 8


@dataclass(frozen=True)
class Light:
    """The relation of a file's numbers to light: the exponent (in 100000ths), 0 if it says none, and the bits of 16 that count."""

    exponent: int = 0
    bits: int = 16

    @classmethod
    def of(cls, chunks: Mapping[bytes, bytes]) -> "Light":
        """The facts that a file's chunks, in their order, state before the image data."""
        said = dict(itertools.takewhile(lambda item: item[0] != b"IDAT", chunks.items()))
        exponent = int.from_bytes(said.get(b"gAMA", b"")[:4], "big")
        if said.get(b"sRGB") in _INTENTS:
            exponent = _OF_SRGB
        bits = max(said.get(b"sBIT", b"")[:3], default=0)
        return cls(exponent if exponent in _EXPONENTS else 0, bits if 0 < bits < 16 else 16)


def gray(colors: np.ndarray, light: Light, for_bytes: bool) -> np.ndarray:
    """Return `[height, width, 1]` of gray for colors of 8 or 16 bits.

    Args:
      colors: `[height, width, 3]`.
      light: of the file.
      for_bytes: whether a result of 16 bits will lose the lower 8.
    """
    is_deep = colors.dtype == np.uint16
    darkening, lightening = _inverse(light.exponent), _inverse(_inverse(light.exponent))
    if not (_matters(darkening) or _matters(lightening)):
        half = 1 << 14 if is_deep else 0  # libpng rounds 16-bit colors only
        return ((colors @ _WEIGHTS + half) >> 15).astype(colors.dtype)[..., None]
    if is_deep:
        bits = max(min(light.bits, _BITS_FOR_BYTES if for_bytes else 16), 8)
        to_light, to_numbers = _deep_table(bits, darkening), _deep_table(bits, lightening)
        unmixed = _rounded_table(bits) if for_bytes else _deep_table(bits, _ONE)
        dropped = 16 - bits
    else:
        to_light, to_numbers = _table(darkening), _table(lightening)
        unmixed, dropped = np.arange(256), 0
    mixed = (to_light[colors >> dropped] @ _WEIGHTS + (1 << 14)) >> 15
    is_gray = (colors == colors[..., :1]).all(axis=-1)
    numbers = np.where(is_gray, unmixed[colors[..., 0] >> dropped], to_numbers[mixed >> dropped])
    return numbers.astype(colors.dtype)[..., None]


def _inverse(exponent: int) -> int:
    return int(np.floor(1e10 / exponent + 0.5)) if exponent else _ONE


def _matters(exponent: int) -> bool:
    return abs(exponent - _ONE) > _NEAR_ONE


def _powers(numbers: np.ndarray, most: int, exponent: int, last: float) -> np.ndarray:
    return np.floor(last * np.power(numbers * (1.0 / most), exponent * 1e-5) + 0.5).astype(np.int64)


def _table(exponent: int) -> np.ndarray:
    """The powers of the numbers of 8 bits, as numbers of 8 bits."""
    numbers = np.arange(256)
    return _powers(numbers, 255, exponent, 255.0) if _matters(exponent) else numbers


def _deep_table(bits: int, exponent: int) -> np.ndarray:
    """The powers of the numbers of some bits, as numbers of 16 bits."""
    numbers, most = np.arange(1 << bits), (1 << bits) - 1
    if _matters(exponent):
        return _powers(numbers, most, exponent, 65535.0)
    return numbers if bits == 16 else (numbers * 65535 + (1 << bits - 1)) // most


def _rounded_table(bits: int) -> np.ndarray:
    """The nearest multiples of 257 to the numbers of some bits: they lose their lower byte later."""
    ends = ((np.arange(255) * 257 + 128) * ((1 << bits) - 1) + 32768) // 65535
    return np.searchsorted(ends, np.arange(1 << bits)) * 257
