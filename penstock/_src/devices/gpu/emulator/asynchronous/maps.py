"""Tensor maps of the emulated driver: the fields that kernels read, and the checks that a driver makes."""

from collections.abc import Sequence
from typing import Any

from penstock._src.devices.gpu.kernels.tensor_maps import (
    ALIGNED,
    LINE,
    MOST_EXTENT,
    MOST_LINES,
    MOST_RANK,
)
from penstock._src.util.dataclass import dataclass

MOST_STRIDE = 1 << 40
MARK = 0x70656E73746F636B  # in a map that was written


@dataclass(frozen=True)
class BoxMap:
    """A tensor map: as kernels/tensor_maps.py describes one, at an address, with the bytes of an element."""

    address: int
    size: int
    extents: tuple[int, ...]
    strides: tuple[int, ...]
    box: tuple[int, ...]

    @property
    def lines(self) -> int:
        """Lines of a box."""
        total = 1
        for n in self.box[1:]:
            total *= n
        return total

    @property
    def is_valid(self) -> bool:
        """True if a driver accepts it, with lines swizzled by 128 bytes."""
        rank = len(self.extents)
        return (
            1 <= rank <= MOST_RANK
            and self.address % ALIGNED == 0
            and all(1 <= n < MOST_EXTENT for n in self.extents)
            and all(s % ALIGNED == 0 and 0 < s < MOST_STRIDE for s in self.strides)
            and all(1 <= n <= MOST_LINES for n in self.box)
            and self.box[0] * self.size <= LINE
        )

    def write(self, words: Any) -> None:
        """Puts it into the sixteen words of a map."""
        numbers = [MARK, self.address, self.size, len(self.extents)]
        narrow = [a | b << 32 for a, b in zip(self.extents, self.box, strict=True)]
        numbers += [*narrow, *[0] * (MOST_RANK - len(narrow)), *self.strides]
        for i, x in enumerate(numbers):
            words[i] = x

    @classmethod
    def read(cls, words: Sequence[int]) -> "BoxMap":
        """The map that was written there."""
        mark, address, size, rank, *rest = words
        if mark != MARK:
            raise ValueError("There is no tensor map.")
        both = rest[:rank]
        strides = tuple(rest[MOST_RANK : MOST_RANK + rank - 1])
        low = (1 << 32) - 1
        return cls(
            address, size, tuple(x & low for x in both), strides, tuple(x >> 32 for x in both)
        )
