"""Blocking: the numbers by which a product is cut, as a processor's class has them or as a tuner found them.

The cost model (schedule.py) chooses tiles and cuts from these and from the extents. A tuner replaces them for one
product; whatever they are, the result is the same up to rounding.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from penstock._src.native import Target


@dataclass(frozen=True)
class Blocking:
    """How a product is cut into blocks.

    depth         elements of k that a packed block has at most
    wide_depth    the same where few rows meet many columns, and B is read once
    columns       columns of a block of B at most
    wide_columns  the same where B is read once
    tile          (rows, vectors) of the register tile; None: the cost model's
    cut           "columns", "rows" or "blocks"; None: the cost model's
    """

    depth: int = 384
    wide_depth: int = 192
    columns: int = 256
    wide_columns: int = 1024
    tile: tuple[int, int] | None = None
    cut: str | None = None


# By the bytes of a vector register. 64: measured on Zen 5. 32: measured there with AVX2 alone. 16: by the sizes
# of the caches of Cortex-A72 to Neoverse N1, not measured.
_CLASSES = {
    64: Blocking(),
    32: Blocking(depth=256, columns=192),
    16: Blocking(depth=256, columns=128, wide_columns=512),
}


def blocking_of(target: Target, size: int = 4) -> Blocking:
    """The blocking of the target's class, for sums of `size` bytes."""
    found = _CLASSES[target.vector_bytes]
    if size <= 4:
        return found
    # a block of doubles is to leave as much of the L2 free as one of floats (Zen 5: 87 -> 91 % of the peak at 2048)
    return replace(found, depth=found.depth * 2 // 3, columns=found.columns * 3 // 4)
