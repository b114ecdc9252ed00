"""Streams of random bits: counter-based generators in NumPy. Their rounds work on any values with arithmetic, such as those of kernels.

Source: Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3 (SC 2011).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

LOW = 0xFFFFFFFF
THREEFRY_ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)


def philox_rounds(words: list[Any], k0: Any, k1: Any, high: Callable[[Any], Any]) -> list[Any]:
    """Mixes four 32-bit words, in 64-bit values, with two words of a key; `high` returns the upper half of 64 bits."""
    for _ in range(10):
        a, b = words[0] * 0xD2511F53, words[2] * 0xCD9E8D57
        words = [high(b) ^ words[1] ^ k0, b & LOW, high(a) ^ words[3] ^ k1, a & LOW]
        k0, k1 = (k0 + 0x9E3779B9) & LOW, (k1 + 0xBB67AE85) & LOW
    return words


def threefry_rounds(
    x: Any, y: Any, keys: list[Any], rotated: Callable[[Any, int], Any]
) -> list[Any]:
    """Mixes two 32-bit words with three words of a key; `rotated` rotates bits to the left."""
    for group in range(5):
        for i in range(4):
            x = x + y
            y = rotated(y, THREEFRY_ROTATIONS[(group % 2) * 4 + i]) ^ x
        x = x + keys[(group + 1) % 3]
        y = y + (keys[(group + 2) % 3] + (group + 1))
    return [x, y]


def philox(key: Any, counter: Any, count: int) -> np.ndarray:
    """`count` words of Philox 4x32-10: four words for each 128-bit counter, starting at `counter`."""
    blocks = -(-count // 4)
    key, counter = np.atleast_1d(key), np.atleast_1d(counter)
    first = int(counter[0]) | (int(counter[1]) << 64 if counter.size > 1 else 0)
    low = np.arange(blocks, dtype=np.uint64) + np.uint64(first & (1 << 64) - 1)
    carried = (low < np.uint64(first & (1 << 64) - 1)).astype(np.uint64)
    high = np.uint64(first >> 64) + carried
    words = [low & LOW, low >> 32, high & LOW, high >> 32]
    words = philox_rounds(words, int(key[0]) & LOW, int(key[0]) >> 32, lambda x: x >> 32)
    return np.stack(words, axis=-1).astype(np.uint32).reshape(-1)[:count]


def threefry(key: Any, counter: Any, count: int) -> np.ndarray:
    """`count` words of Threefry 2x32-20: two words for each 64-bit counter, starting at `counter`."""
    key, counter = np.atleast_1d(key), np.atleast_1d(counter)
    keys: list[Any] = [
        np.array([word], np.uint32) for word in (int(key[0]) & LOW, int(key[0]) >> 32)
    ]
    keys.append(keys[0] ^ keys[1] ^ 0x1BD11BDA)
    counters = np.arange(-(-count // 2), dtype=np.uint64) + np.uint64(counter[0])
    x, y = (half.astype(np.uint32) for half in (counters & LOW, counters >> 32))

    def rotated(word: np.ndarray, by: int) -> np.ndarray:
        return (word << by) | (word >> 32 - by)

    mixed = threefry_rounds(x + keys[0], y + keys[1], keys, rotated)
    return np.stack(mixed, axis=-1).reshape(-1)[:count]


STREAMS: dict[str, Callable[[Any, Any, int], np.ndarray]] = {"philox": philox, "threefry": threefry}
