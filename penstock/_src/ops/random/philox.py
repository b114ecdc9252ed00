"""Philox 4x32-10, vectorized: the generator under every random op.

Source: Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
A stream is a 64-bit key and a 128-bit counter; block `i` of the stream is four 32-bit words made from
counter + i.
"""

from __future__ import annotations

import numpy as np

from penstock._src.native.algorithms.philox import MULTIPLIERS, ROUNDS, WEYL, philox
from penstock._src.native.builtins import HotCounter
from penstock._src.native.systems import runs_native_code

_MULTIPLIER_A, _MULTIPLIER_B = map(np.uint64, MULTIPLIERS)
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_MASK64 = (1 << 64) - 1
_MASK128 = (1 << 128) - 1
FEWEST = 64  # blocks for which native code pays, in one call or in all calls so far
_BLOCKS = HotCounter(FEWEST)
_CHUNK = 1 << 15  # blocks computed at a time, so that temporaries fit into the L2 cache


class Stream:
    """A position in a Philox stream: Python integers `key` (64 bits) and `counter` (128 bits)."""

    __slots__ = ("counter", "key")

    def __init__(self, key: int, counter: int) -> None:
        self.key = int(key) & _MASK64
        self.counter = int(counter) & _MASK128

    @classmethod
    def from_seeds(cls, seed: int, seed2: int) -> Stream:
        """The stream of a stateful op: `seed` is the key, `seed2` the upper half of the counter."""
        return cls(seed, (int(seed2) & _MASK64) << 64)

    @classmethod
    def from_key_counter(cls, key, counter) -> Stream:
        """The stream of a stateless op: `key` is uint64[1], `counter` uint64[2], lower half first."""
        low, high = int(counter[0]), int(counter[1])
        return cls(int(key[0]), low | high << 64)

    @property
    def position(self) -> np.ndarray:
        """The key and the halves of the counter, the lower one first: uint64[3]."""
        return np.array([self.key, self.counter & _MASK64, self.counter >> 64], np.uint64)

    @property
    def signed_words(self) -> list[int]:
        """The bits of `position` as signed numbers, for native code."""
        return [_signed(w) for w in (self.key, self.counter & _MASK64, self.counter >> 64)]

    def skipped(self, blocks: int) -> Stream:
        """The stream `blocks` further on."""
        return Stream(self.key, self.counter + int(blocks))

    def blocks(self, count: int) -> np.ndarray:
        """The next `count` blocks: uint32[count, 4]."""
        return blocks_at(self, np.arange(count, dtype=np.uint64))

    def words(self, count: int) -> np.ndarray:
        """The next `count` 32-bit words, in order."""
        return self.blocks((count + 3) // 4).reshape(-1)[:count]


def _signed(word: int) -> int:
    return word - (1 << 64) if word >> 63 else word


def blocks_at(stream: Stream, offsets: np.ndarray) -> np.ndarray:
    """Blocks of `stream` at the given block offsets: uint32[n, 4]."""
    out = np.empty((offsets.size, 4), np.uint32)
    if _BLOCKS.is_hot(offsets.size) and runs_native_code():
        offsets = np.ascontiguousarray(offsets, np.uint64)
        philox().blocks(*stream.signed_words, offsets, offsets.size, out)
        return out
    for begin in range(0, offsets.size, _CHUNK):
        part = offsets[begin : begin + _CHUNK]
        _rounds(stream, part, out[begin : begin + _CHUNK])
    return out


def _rounds(stream: Stream, offsets: np.ndarray, out: np.ndarray) -> None:
    low = offsets + np.uint64(stream.counter & _MASK64)
    # The counter has 128 bits: an offset that wraps its lower half carries into the upper half.
    carry = low < offsets
    high = np.uint64(stream.counter >> 64) + carry.astype(np.uint64)
    c0, c1 = low & _LOW, low >> _HALF
    c2, c3 = high & _LOW, high >> _HALF
    key0, key1 = stream.key & 0xFFFFFFFF, stream.key >> 32
    for _ in range(ROUNDS):
        a = c0 * _MULTIPLIER_A
        b = c2 * _MULTIPLIER_B
        c0 = (b >> _HALF) ^ c1 ^ np.uint64(key0)
        c2 = (a >> _HALF) ^ c3 ^ np.uint64(key1)
        c1 = b & _LOW
        c3 = a & _LOW
        key0 = (key0 + WEYL[0]) & 0xFFFFFFFF
        key1 = (key1 + WEYL[1]) & 0xFFFFFFFF
    out[:, 0], out[:, 1], out[:, 2], out[:, 3] = c0, c1, c2, c3


def key_and_counter(seed: np.ndarray) -> tuple[int, int]:
    """Key and 128-bit counter for the pair of seeds of a stateless op.

    The seeds are scrambled by one Philox block under a fixed key, so they need not be random themselves.
    """
    first, second = (int(s) & _MASK64 for s in seed)
    mixed = Stream(0x02461E293EC8F720, first | second << 64).blocks(1)[0]
    m0, m1, m2, m3 = (int(m) for m in mixed)
    return m0 | m1 << 32, (m2 | m3 << 32) << 64
