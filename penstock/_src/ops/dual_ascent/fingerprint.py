"""SdcaFprint and its 128-bit hash: FarmHash's Fingerprint128 (Geoff Pike, CityHash128)."""

import struct

import numpy as np

from penstock._src.core.op import Op
from penstock._src.ops.strings.fingerprint import (
    BLOCK,
    K0,
    K1,
    MASK,
    fetch64,
    mix,
    rotate,
    short_hash,
    take_in,
    weak,
)

_PAIR_MULTIPLIER = 0x9DDFEA08EB382D69
_TWO_BLOCKS = 2 * BLOCK


def _pair(u: int, v: int) -> int:
    """Hashes two words to one."""
    a = ((u ^ v) * _PAIR_MULTIPLIER) & MASK
    a ^= a >> 47
    b = ((v ^ a) * _PAIR_MULTIPLIER) & MASK
    b ^= b >> 47
    return (b * _PAIR_MULTIPLIER) & MASK


def _short(s: bytes, a: int, b: int) -> tuple[int, int]:
    """Hash fewer than 128 bytes by Murmur's scheme."""
    n = len(s)
    if n <= 16:
        a = (mix((a * K1) & MASK) * K1) & MASK
        c = (b * K1 + short_hash(s)) & MASK
        d = mix((a + (fetch64(s, 0) if n >= 8 else c)) & MASK)
    else:
        c = _pair((fetch64(s, n - 8) + K1) & MASK, a)
        d = _pair((b + n) & MASK, (c + fetch64(s, n - 16)) & MASK)
        a = (a + d) & MASK
        for at in range(0, n - 16, 16):
            a = ((a ^ (mix((fetch64(s, at) * K1) & MASK) * K1) & MASK) * K1) & MASK
            b ^= a
            c = ((c ^ (mix((fetch64(s, at + 8) * K1) & MASK) * K1) & MASK) * K1) & MASK
            d ^= c
    a, b = _pair(a, c), _pair(d, b)
    return a ^ b, _pair(b, a)


def _seeded(s: bytes, low: int, high: int) -> tuple[int, int]:
    """The hash of `s` from two seed words."""
    n = len(s)
    if n < _TWO_BLOCKS:
        return _short(s, low, high)
    x, y, z = low, high, (n * K1) & MASK
    first = (rotate(y ^ K1, 49) * K1 + fetch64(s, 0)) & MASK
    v = first, (rotate(first, 42) * K1 + fetch64(s, 8)) & MASK
    w = (
        (rotate((y + z) & MASK, 35) * K1 + x) & MASK,
        (rotate((x + fetch64(s, 88)) & MASK, 53) * K1) & MASK,
    )
    at = 0
    while n - at >= _TWO_BLOCKS:
        for _ in range(2):
            x, y, z, v, w = take_in(s, at, x, y, z, v, w)
            at += BLOCK
    return _tail(s, at, x, y, z, v, w)


def _tail(
    s: bytes, at: int, x: int, y: int, z: int, v: tuple[int, int], w: tuple[int, int]
) -> tuple[int, int]:
    """Hashes the bytes after the last whole block, from the end in pieces of 32 bytes."""
    x = (x + rotate((v[0] + z) & MASK, 49) * K0) & MASK
    y = (y * K0 + rotate(w[1], 37)) & MASK
    z = (z * K0 + rotate(w[0], 27)) & MASK
    w = (w[0] * 9) & MASK, w[1]
    v = (v[0] * K0) & MASK, v[1]
    end, done = len(s), 0
    while done < end - at:
        done += 32
        y = (rotate((x + y) & MASK, 42) * K0 + v[1]) & MASK
        w = (w[0] + fetch64(s, end - done + 16)) & MASK, w[1]
        x = (x * K0 + w[0]) & MASK
        z = (z + w[1] + fetch64(s, end - done)) & MASK
        w = w[0], (w[1] + v[0]) & MASK
        v = weak(s, end - done, (v[0] + z) & MASK, v[1])
        v = (v[0] * K0) & MASK, v[1]
    x = _pair(x, v[0])
    y = _pair((y + z) & MASK, w[0])
    return (
        (_pair((x + v[1]) & MASK, w[1]) + y) & MASK,
        _pair((x + w[1]) & MASK, (y + v[1]) & MASK),
    )


def fingerprint128(s: bytes) -> tuple[int, int]:
    """FarmHash's Fingerprint128: its low and its high word."""
    if len(s) >= 16:
        return _seeded(s[16:], fetch64(s, 0), (fetch64(s, 8) + K0) & MASK)
    return _seeded(s, K0, K1)


class SdcaFprint(Op):
    """The 128-bit fingerprints of strings, as two int64 each: shape [n, 2]."""

    signature = "input: string[?] -> output: int64[input[0], 2]"
    differentiable = False

    def eager(self, input):
        if input.ndim != 1:
            extents = ",".join(map(str, input.shape))
            raise self.invalid(f"Input must be a vector, got shape [{extents}]")
        words = [struct.pack("<QQ", *fingerprint128(text)) for text in input]
        return np.frombuffer(b"".join(words), np.int64).reshape(-1, 2).copy()
