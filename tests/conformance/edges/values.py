"""The numbers at which functions are looked at, for each type."""

import ml_dtypes
import numpy as np

FLOATS = ("float32", "float64", "float16", "bfloat16")
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
COMPLEX = ("complex64", "complex128")

_MIDDLE = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.5, 10.0, 20.25, 88.0, 89.0, 104.0, 710.0, 1e4)


def floats(kind):
    """All numbers of a type of floats; a prime number of them."""
    found = ml_dtypes.finfo(kind)
    tiny, least, eps = float(found.tiny), float(found.smallest_subnormal), float(found.eps)
    ends = [0.0, least, tiny - least, tiny, eps, 1 - eps / 2, 1 + eps, float(found.max) / 4]
    both = [x for y in (np.inf, *ends, float(found.max), *_MIDDLE) for x in (y, -y)]
    with np.errstate(all="ignore"):
        line = np.array([np.nan, *both], dtype(kind))
    return line[: 47 if line.size >= 47 else 43]


def few_floats(kind):
    """Some of them, for functions of two numbers."""
    found = ml_dtypes.finfo(kind)
    ends = [np.inf, 0.0, float(found.smallest_subnormal), float(found.max), 0.5, 1.0, 2.0, 2.5]
    return np.array([np.nan, *[x for y in ends for x in (y, -y)], 3.0, 100.0], dtype(kind))


def integers(kind):
    """Ends, ends less one, and small numbers of a type of integers."""
    found = np.iinfo(kind)
    line = [found.min, found.min + 1, found.max, found.max - 1, 0, 1, 2, 3, 7, 10, 31, 64, 100]
    return np.array(line + ([-1, -2, -3, -7, -10] if found.min else [5, 9]), kind)


def complexes(kind):
    """Numbers whose parts are special."""
    large = 1e30 if kind == "complex64" else 1e300
    parts = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, -2.5, large]
    line = np.empty((len(parts), len(parts)), kind)
    line.real, line.imag = np.array(parts)[:, None], np.array(parts)
    return line.reshape(-1)


def line(kind):
    """The numbers of a type."""
    if kind in FLOATS:
        return floats(kind)
    if kind in COMPLEX:
        return complexes(kind)
    return np.array([False, True]) if kind == "bool" else integers(kind)


def pairs(kind, short=False):
    """All pairs of numbers of a type, as two vectors."""
    one = few_floats(kind) if kind in FLOATS else line(kind)
    one = one[:: len(one) // 12] if kind in COMPLEX or short else one
    return np.repeat(one, len(one)), np.tile(one, len(one))


def dtype(kind):
    """NumPy's type of that name."""
    return np.dtype(getattr(ml_dtypes, kind) if kind == "bfloat16" else kind)


def denormal(array):
    """Which numbers are denormal."""
    if array.dtype.kind in "iubc":
        return np.zeros(array.shape, bool)
    size = np.abs(array.astype(np.float64))
    return (size > 0) & (size < float(ml_dtypes.finfo(array.dtype).tiny))
