"""Streams of random bits: counter-based generators in NumPy.

Source: Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3 (SC 2011).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)


def philox(key: Any, counter: Any, count: int) -> np.ndarray:
    """`count` words of Philox 4x32-10: four words of each counter, from `counter` (128 bits) upwards."""
    blocks = -(-count // 4)
    key, counter = np.atleast_1d(key), np.atleast_1d(counter)
    first = int(counter[0]) | (int(counter[1]) << 64 if counter.size > 1 else 0)
    low = np.arange(blocks, dtype=np.uint64) + np.uint64(first & (1 << 64) - 1)
    carried = (low < np.uint64(first & (1 << 64) - 1)).astype(np.uint64)
    high = np.uint64(first >> 64) + carried
    words = [low & _LOW, low >> _SHIFT, high & _LOW, high >> _SHIFT]
    k0, k1 = int(key[0]) & 0xFFFFFFFF, int(key[0]) >> 32
    for _ in range(10):
        a = words[0] * np.uint64(0xD2511F53)
        b = words[2] * np.uint64(0xCD9E8D57)
        words = [
            (b >> _SHIFT) ^ words[1] ^ np.uint64(k0),
            b & _LOW,
            (a >> _SHIFT) ^ words[3] ^ np.uint64(k1),
            a & _LOW,
        ]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack(words, axis=-1).astype(np.uint32).reshape(-1)[:count]


THREEFRY_ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)


def threefry(key: Any, counter: Any, count: int) -> np.ndarray:
    """`count` words of Threefry 2x32-20: two words of each 64-bit counter, from `counter` upwards."""
    key, counter = np.atleast_1d(key), np.atleast_1d(counter)
    keys = [np.uint32(int(key[0]) & 0xFFFFFFFF), np.uint32(int(key[0]) >> 32)]
    keys.append(keys[0] ^ keys[1] ^ np.uint32(0x1BD11BDA))
    counters = np.arange(-(-count // 2), dtype=np.uint64) + np.uint64(counter[0])
    x, y = (
        (counters & _LOW).astype(np.uint32) + keys[0],
        (counters >> _SHIFT).astype(np.uint32) + keys[1],
    )
    for group in range(5):
        for i in range(4):
            rotation = THREEFRY_ROTATIONS[(group % 2) * 4 + i]
            x = x + y
            y = (y << np.uint32(rotation)) | (y >> np.uint32(32 - rotation))
            y = y ^ x
        x = x + keys[(group + 1) % 3]
        y = y + keys[(group + 2) % 3] + np.uint32(group + 1)
    return np.stack([x, y], axis=-1).reshape(-1)[:count]


STREAMS: dict[str, Callable[[Any, Any, int], np.ndarray]] = {"philox": philox, "threefry": threefry}
