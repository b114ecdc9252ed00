"""Access: the number of neighbors of an operand that are moved together to shared memory."""

import math
from typing import Any

from penstock._src.compiler.codegen.contraction.extents import Extent, is_static
from penstock._src.compiler.codegen.contraction.products.description import Matrix
from penstock._src.compiler.codegen.contraction.products.gathered import Gathered
from penstock._src.native.language.types import SIZE
from penstock._src.util.dataclass import dataclass

BYTES = 16  # that one thread moves at once, at most


@dataclass(frozen=True)
class Access:
    """`vector` neighbors are adjacent and start at a multiple of `vector` elements: along the depth, or across it.

    All of them exist, or none.
    """

    along_depth: bool
    vector: int


def access_of(
    operand: Matrix | Gathered, k: tuple[Extent, ...], cross: Extent, element: str, may_lie_across: bool
) -> Access:  # fmt: skip
    """The access with the longest vectors; element by element along the depth if there are none."""
    find = _of_gathered if isinstance(operand, Gathered) else _of_matrix
    widths = [
        Access(along_depth, vector)
        for along_depth in ((True, False) if may_lie_across else (True,))
        if (vector := find(operand, k, cross, along_depth, BYTES // SIZE[element])) > 1
    ]
    single = Access(True, 1)
    # Of equally long vectors the first: along the depth, as products read tiles.
    return max([single, *widths], key=lambda a: a.vector)


def _common(numbers: list[Any], most: int) -> int:
    """The greatest power of two up to `most` that divides all of them; 1 if some are only known at run time."""
    return math.gcd(most, *numbers) if all(is_static(n) for n in numbers) else 1


def _of_matrix(
    x: Matrix, k: tuple[Extent, ...], cross: Extent, along_depth: bool, most: int
) -> int:
    if not k:
        return 1
    if along_depth:
        if x.depth[-1] != 1:
            return 1
        # The other strides too: each vector has to begin at a multiple of its size.
        return _common([k[-1], x.cross, *x.depth[:-1], *x.batch, x.base], most)
    if x.cross != 1:
        return 1
    return _common([cross, *x.depth, *x.batch, x.base], most)


def _of_gathered(
    x: Gathered, k: tuple[Extent, ...], cross: Extent, along_depth: bool, most: int
) -> int:
    kind = "depth" if along_depth else "cross"
    run = x.run(kind)
    if run is None or run[1] != 1:
        return 1
    last = kind, len(getattr(x, kind)) - 1
    (moved,) = [a for a in x.axes if any(term[:2] == last for term in a.terms)]
    others = [a.stride for a in x.axes if a is not moved]
    # The constant too: padding must not cut through a vector.
    return _common([run[0], moved.const, *others], most)
