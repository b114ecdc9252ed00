"""Groups of neighboring numbers rounded to int8 times a scale of their own, in registers (ir/meaning/packed.py)."""

from functools import reduce

import numpy as np

from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import F32, vec
from penstock._src.native.language.value import Val


def load_group(f: Fn, source: Val, size: int) -> tuple[list[Val], Val]:
    """The whole numbers of the group at an address, as vectors of floats, and its scale."""
    lanes = min(f.target.lanes(F32), size)
    group = [f.load(source, i, vec(F32, lanes)) for i in range(0, size, lanes)]
    sizes = [f.intrinsic("fabs", x) for x in group]
    largest = f.reduce("fmaximum", reduce(lambda a, b: f.intrinsic("maximum", a, b), sizes))
    # A group of zeros is divided by 1: its numbers are 0, not NaN.
    divisor = f.splat(f.select(largest.eq(0.0), f.const(1.0, F32), largest), lanes)
    numbers = [f.intrinsic("rint", x / divisor * 127.0) for x in group]
    # largest - largest is 0, or NaN for an infinity: a group with one has no finite scale.
    scale = largest * float(np.float32(1 / 127)) + (largest - largest)
    return numbers, scale
