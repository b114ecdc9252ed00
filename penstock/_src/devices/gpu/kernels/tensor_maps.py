"""Tensor maps describe an operand to the bulk copies of a kernel. The driver creates them when addresses and sizes are known.

A map describes an array of up to five dimensions, innermost first, and a box of it. A copy (asynchronous.py) names the box's first element
and loads the whole box into shared memory, with zeros outside the array. Lines of a box have 128 bytes there, whose 16-byte chunks are
swizzled: chunk c of line i is stored at the position of chunk c ^ (i % 8).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.codegen.contraction.extents import Extent, number
from penstock._src.compiler.codegen.kernel_code import FIRST_SIZE
from penstock._src.native.language.types import SIZE
from penstock._src.util.dataclass import dataclass

WORDS = 16  # 64-bit words of a map
LINE = 128  # bytes of a box's line
ALIGNED = 16  # bytes: of an array's address, and of its strides
MOST_LINES = 256  # limit of lines of a box
MOST_RANK = 5
MOST_EXTENT = 1 << 32


@dataclass(frozen=True)
class TensorMap:
    """The description of a tensor map.

    word       of the launch's context: the operand's address
    base       bytes from there to the array
    element    LLVM's name of its type
    extents    of the array, innermost first
    strides    bytes from line to line, plane to plane, ...: of each dimension but the innermost
    box        extents of a box
    """

    word: int
    base: int
    element: str
    extents: tuple[Extent, ...]
    strides: tuple[int, ...]
    box: tuple[int, ...]

    @property
    def bytes(self) -> int:
        """Bytes of a box."""
        return int(np.prod(self.box)) * SIZE[self.element]

    def of_launch(self, context: Sequence[int]) -> tuple[int, tuple[int, ...]]:
        """(address, extents) for the words of a launch's context. A dimension without elements, which no step reads, has one."""
        sizes: Any = context[FIRST_SIZE:]
        extents = tuple([max(1, int(number(x, sizes))) for x in self.extents])
        return int(context[self.word]) + self.base, extents
