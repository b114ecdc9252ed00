"""Blocks whose numbers are looked up in a table by four bits, as blocks of 8-bit numbers: nothing is rounded.

    IQ4_NL   scale * table[q]                a float16 scale for each 32 numbers
    IQ4_XS   (scale * (s - 32)) * table[q]   one for each 256, and six bits s for each 32

A product of the scales has 17 bits, so float32 holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

# Of both formats: the steps are wider far from zero, where weights are rare.
TABLE = np.array(
    [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113], np.int8
)
_LENGTH = 32  # numbers that share a scale
_HALF = 2  # bytes of a float16
_MIDDLE = 32  # of six bits


@dataclass(frozen=True)
class TableBlock:
    """A block in a file.

    Attributes:
      block: its numbers.
      size: its bytes.
      layout: the name of the format in `ir/meaning/packed.py` that it is turned into.
      widened: makes blocks `[n, bytes]` of this layout of the file's.
    """

    block: int
    size: int
    layout: str
    widened: Callable[[np.ndarray], np.ndarray]

    def row_bytes(self, elements: int) -> int:
        """Returns the bytes of a row in the file."""
        return elements // self.block * self.size


def _looked_up(codes: np.ndarray) -> np.ndarray:
    """The numbers of 16 bytes each, as bytes: the low halves, then the high ones."""
    return np.concatenate([TABLE[codes & 15], TABLE[codes >> 4]], -1).view(np.uint8)


def _of_short_blocks(blocks: np.ndarray) -> np.ndarray:
    return np.concatenate([blocks[:, :_HALF], _looked_up(blocks[:, _HALF:])], 1)


def _of_long_blocks(blocks: np.ndarray) -> np.ndarray:
    scale = np.ascontiguousarray(blocks[:, :_HALF]).view("<f2").astype(np.float32)
    high = np.ascontiguousarray(blocks[:, 2:4]).view("<u2")
    low = np.stack([blocks[:, 4:8] & 15, blocks[:, 4:8] >> 4], -1).reshape(-1, 8)
    factors = low | (high >> np.arange(0, 16, 2, dtype=np.uint16) & 3).astype(np.uint8) << 4
    with np.errstate(invalid="ignore"):  # scales that are not finite make such numbers
        scales = scale * (factors.astype(np.float32) - np.float32(_MIDDLE))
    codes = blocks[:, 8:].reshape(-1, 8, _LENGTH // 2)
    both = np.concatenate([scales[..., None].view(np.uint8), _looked_up(codes)], -1)
    return both.reshape(-1, both.shape[-1])


TABLE_BLOCKS: Mapping[str, TableBlock] = {
    "IQ4_NL": TableBlock(32, 18, "Q8_0", _of_short_blocks),
    "IQ4_XS": TableBlock(256, 136, "Q8_0_F32", _of_long_blocks),
}
