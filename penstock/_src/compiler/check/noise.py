"""Random perturbations for everything that compiled code may round differently: the docs' page on accuracy, in numbers."""

from functools import cache
from typing import Any

import ml_dtypes
import numpy as np

# Largest errors in units in the last place, of generated code and NumPy together.
ULPS = {
    "exp": 2.0, "expm1": 3.0, "log": 2.0, "log1p": 3.0, "tanh": 4.0, "sigmoid": 4.0, "sin": 3.0, "cos": 3.0, "tan": 3.0,
    "erf": 3.0, "erfc": 5.0, "sinh": 4.0, "cosh": 4.0, "asinh": 5.0, "acosh": 5.0, "atanh": 5.0, "asin": 5.0, "acos": 5.0,
    "atan": 3.0, "cbrt": 3.0, "rsqrt": 2.0, "lgamma": 5.0, "pow": 5.0, "atan2": 5.0,
}  # fmt: skip
OTHERS = 4.0  # for complex numbers, relative to their absolute values
COMMON = 0.25  # the part of an error that all elements of a node have in common: functions are off to one side


class Noise:
    """Random roundings, the same again for the same seed, `loud` times as large as they are."""

    def __init__(self, seed: int, loud: float = 1.0) -> None:
        self.draw, self.loud = np.random.Generator(np.random.SFC64(seed)), loud

    def factors(self, shape: tuple[int, ...], amount: float) -> np.ndarray:
        """Numbers in [1 - amount, 1 + amount]."""
        amount *= self.loud
        spread = self.draw.random(shape, np.float32).astype(np.float64)
        spread *= 2 * amount * (1 - COMMON)
        spread += 1 - amount * (1 - COMMON) + amount * COMMON * self.draw.choice((-1, 1))
        return np.asarray(spread)

    def scaled(self, x: np.ndarray, amount: float) -> np.ndarray:
        """x in double precision, each element off by up to `amount` of itself."""
        if x.dtype.kind != "c":
            return x.astype(np.float64) * self.factors(x.shape, amount)
        turned = x.astype(np.complex128)
        return turned + np.abs(turned) * (self.complex(x.shape, amount))

    def complex(self, shape: tuple[int, ...], amount: float) -> np.ndarray:
        """Complex numbers whose parts are in [-amount, amount]."""
        return (self.factors(shape, amount) - 1) + 1j * (self.factors(shape, amount) - 1)

    def louder(self, rounded: Any, exact: Any) -> Any:
        """A result whose rounding error is increased to that of the other members."""
        if self.loud == 1:
            return rounded
        return np.where(rounded == exact, rounded, exact + self.loud * (rounded - exact))

    def coins(self, shape: tuple[int, ...]) -> np.ndarray:
        """True or False."""
        return np.asarray(self.draw.random(shape, np.float32) < 0.5)


def is_floating(dtype: np.dtype) -> bool:
    """True if numbers of a type are rounded: floats, narrow ones included, and complex numbers."""
    return dtype.kind in "fc" or (dtype.kind == "V" and "int" not in dtype.name)


def is_narrow(dtype: np.dtype) -> bool:
    """True if numbers of the type are computed in float32 and rounded afterwards."""
    return is_floating(dtype) and dtype.itemsize <= 2


def wide(dtype: np.dtype) -> Any:
    """The type of double precision for a type that rounds."""
    return np.complex128 if dtype.kind == "c" else np.float64


def spacing(dtype: np.dtype) -> float:
    """The distance from 1 to the next number of the type."""
    return _limits(dtype)[0]


def smallest(dtype: np.dtype) -> float:
    """The smallest positive number of the type that programs compute with: the least normal one, but in float16 the least denormal one."""
    return _limits(dtype)[1]


@cache
def _limits(dtype: np.dtype) -> tuple[float, float]:
    limits = ml_dtypes.finfo(f"f{dtype.itemsize // 2}" if dtype.kind == "c" else dtype)
    keeps_denormals = dtype.kind == "f" and dtype.itemsize == 2
    return float(limits.eps), float(limits.smallest_subnormal if keeps_denormals else limits.tiny)
