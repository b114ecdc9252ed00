"""Extents of a kernel, which may be known only at run time."""

from typing import Any, TypeGuard

from penstock._src.compiler.codegen.kernel_code import FIRST_SIZE, Sizes
from penstock._src.ir.extents import dims
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I64
from penstock._src.util.dataclass import dataclass


@dataclass(frozen=True)
class Arg:
    """The index of a run-time size. Where an `Arg` is expected, an int is a size known to the kernel's code."""

    index: int


Extent = int | Arg


def is_static(x: Extent) -> TypeGuard[int]:
    """True if an extent is known at code generation."""
    return not isinstance(x, Arg)


def number(x: Extent, sizes: Sizes) -> int:
    """The number of an extent on the host, for these run-time sizes."""
    return sizes[x.index] if isinstance(x, Arg) else x


def value(f: Fn, x: Extent) -> Any:
    """An extent in the kernel: an int, or a load from the context."""
    return f.load(f.ctx, FIRST_SIZE + x.index, I64) if isinstance(x, Arg) else x


class Host:
    """min and max on the host, for formulas that are also evaluated in kernels (there with an Fn)."""

    min = staticmethod(dims.minimum)
    max = staticmethod(dims.maximum)


HOST = Host()


def ceil_divide(a, b):
    """a / b rounded up; ints or values that are not negative."""
    return (a + (b - 1)) // b


def product(extents) -> Any:
    total: Any = 1
    for extent in extents:
        total = extent * total if not isinstance(extent, int) else total * extent
    return total


def unravel(f: Fn, index, extents: list) -> list:
    """The coordinates of a flat index over row-major extents (ints or values)."""
    coordinates: list = []
    for extent in reversed(extents[1:]):
        # The index is below the product of the extents, so the first coordinate needs no remainder.
        coordinates.insert(0, index % extent)
        index = index // extent
    if extents:
        coordinates.insert(0, index)
    return coordinates
