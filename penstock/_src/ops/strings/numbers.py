"""Numbers written as strings, as TensorFlow reads them."""

import fractions
import math
import re
from typing import Any

import numpy as np

_SPACES = b" \t\n\r\x0b\x0c"
_INTEGER = re.compile(rb"[-+]?[0-9]+")
_DECIMAL = re.compile(rb"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[-+]?[0-9]+)?", re.IGNORECASE)
_HEXADECIMAL = re.compile(
    rb"[-+]?0x([0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)(p[-+]?[0-9]+)?", re.IGNORECASE
)
_NOT_FINITE = re.compile(rb"([-+]?)(inf(?:inity)?|nan(?:\([0-9a-z_]*\))?)", re.IGNORECASE)
# The double in the middle of the largest float32 and 2 ** 128.
_FIRST_INFINITE = 2.0**128 - 2.0**103


def to_integer(text: bytes, kind: Any) -> Any:
    """The integer of a NumPy dtype that a string holds, with white space around it; None if it holds none."""
    text = text.strip(_SPACES)
    if not _INTEGER.fullmatch(text):
        return None
    limits = np.iinfo(kind)
    # int() refuses thousands of digits.
    value = int(text) if len(text) < 4000 else limits.max + 1
    return np.dtype(kind).type(value) if limits.min <= value <= limits.max else None


def to_float(text: bytes, kind: Any) -> Any:
    """The float of a NumPy dtype that is nearest to the number in a string; None if there is no number."""
    text = text.strip(_SPACES)
    make = np.dtype(kind).type
    special = _NOT_FINITE.fullmatch(text)
    if special:
        value = math.inf if special[2][:1] in b"iI" else math.nan
        return make(-value if special[1] == b"-" else value)
    with np.errstate(over="ignore"):
        if _HEXADECIMAL.fullmatch(text):
            return make(float.fromhex(text.decode()))
        if not _DECIMAL.fullmatch(text):
            return None
        double = float(text)
        return _nearest_float32(text, double) if make is np.float32 else make(double)


def _nearest_float32(text: bytes, double: float) -> np.float32:
    """Rounds once: the double may lie in the middle of two floats where the number does not."""
    near = np.float32(double)
    if np.isinf(near) and abs(double) == _FIRST_INFINITE:
        is_less = abs(fractions.Fraction(text.decode())) < int(_FIRST_INFINITE)
        return np.float32(math.copysign(np.finfo(np.float32).max, double)) if is_less else near
    if not np.isfinite(near):
        return near
    other = np.nextafter(near, np.float32(math.copysign(math.inf, double - float(near))))
    if float(near) == double or float(near) + float(other) != 2 * double:
        return near
    exact, middle = fractions.Fraction(text.decode()), fractions.Fraction(double)
    if exact == middle:
        return near
    return max(near, other) if exact > middle else min(near, other)


def needs_care(doubles: np.ndarray) -> np.ndarray:
    """True where correctly rounded doubles may not be rounded to float32 again: middles of two floats, and values that are tiny or too large."""
    size = np.abs(doubles)
    middles = (doubles.view(np.int64) & 0x1FFFFFFF) == 0x10000000
    tiny = (size < np.finfo(np.float32).tiny) & (size > 0)
    return middles | tiny
