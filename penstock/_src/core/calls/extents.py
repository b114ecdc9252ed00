"""Extents that an op's inputs must have in common, or that are fixed: `Op.extents`.

{"indices": "n, rank", "values": "n", "shape": "rank"}      equal names are equal extents
{"boxes": "n, 4", "image": "..., ?"}                         a number is the extent, "?" any; "..." any axes before or after
"""

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from penstock._src.core.shapes import LARGEST_RANK


def check_rank(rank: int | None, allowed: Sequence[int]) -> None:
    """Raises ValueError if a known rank is not one of those that are allowed."""
    if rank is None or rank in allowed:
        return
    least, most = allowed[0], allowed[-1]
    if most == LARGEST_RANK:
        raise ValueError(f"Shape must be at least rank {least} but is rank {rank}")
    words = "rank" if least == most or rank < least else "at most rank"
    raise ValueError(f"Shape must be {words} {most} but is rank {rank}")


@functools.cache
def _parsed(pattern: str) -> tuple[tuple[str, ...], bool, bool]:
    """Returns the sizes of a pattern, and whether axes may stand before them or after them."""
    sizes = [size.strip() for size in pattern.split(",")]
    before, after = sizes[0] == "...", sizes[-1] == "..."
    return tuple(size for size in sizes if size != "..."), before, after


def check_extents(patterns: Mapping[str, str], shapes: Iterable[tuple[str, Any]]) -> None:
    """Compares static shapes with patterns; what is unknown fits.

    Args:
      patterns: by names of inputs.
      shapes: (name of an input, its static shape), in the order of the inputs.

    Raises:
      ValueError: a rank or an extent does not fit.
    """
    known: dict[str, Any] = {}
    for name, shape in shapes:
        if name not in patterns or shape.rank is None:
            continue
        sizes, before, after = _parsed(patterns[name])
        _check_rank_of_pattern(shape.rank, len(sizes), before or after)
        dims = shape.as_list()
        for size, extent in zip(sizes, dims[len(dims) - len(sizes) :] if before else dims):
            if extent is None or size == "?":
                continue
            if size.isdigit():
                if extent != int(size):
                    raise ValueError(f"Dimension must be {size} but is {extent}")
            elif known.setdefault(size, extent) != extent:
                raise ValueError(f"Dimensions must be equal, but are {known[size]} and {extent}")


def _check_rank_of_pattern(rank: int, wanted: int, more: bool) -> None:
    """Raises ValueError if a rank is not the wanted one, or below it where `more` axes may stand."""
    if rank < wanted or rank > wanted and not more:
        words = "at least rank" if more else "rank"
        raise ValueError(f"Shape must be {words} {wanted} but is rank {rank}")
