"""64-bit hashes of byte strings: FarmHash's Fingerprint64, and SipHash.

Sources: Geoff Pike, FarmHash (the `na` variant, whose values never change); Aumasson & Bernstein,
"SipHash: a fast short-input PRF", 2012.
"""

import struct

import numpy as np

from penstock._src.native.readers.fingerprints import fingerprints
from penstock._src.native.systems import runs_native_code

_FEWEST = 8  # strings for which native code pays
MASK = (1 << 64) - 1
K0, K1, K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F
BLOCK = 64  # bytes


def fetch64(s: bytes, at: int) -> int:
    """Eight bytes as a word."""
    return int.from_bytes(s[at : at + 8], "little")


def _fetch32(s: bytes, at: int) -> int:
    return int.from_bytes(s[at : at + 4], "little")


def rotate(value: int, shift: int) -> int:
    """The word rotated right."""
    return ((value >> shift) | (value << (64 - shift))) & MASK if shift else value


def mix(value: int) -> int:
    """The word with its upper bits mixed into the lower ones."""
    return value ^ (value >> 47)


def _combine(u: int, v: int, multiplier: int) -> int:
    a = ((u ^ v) * multiplier) & MASK
    a ^= a >> 47
    b = ((v ^ a) * multiplier) & MASK
    b ^= b >> 47
    return (b * multiplier) & MASK


def short_hash(s: bytes) -> int:
    """The hash of at most 16 bytes."""
    n = len(s)
    if n >= 8:
        multiplier = K2 + n * 2
        a = (fetch64(s, 0) + K2) & MASK
        b = fetch64(s, n - 8)
        c = (rotate(b, 37) * multiplier + a) & MASK
        d = ((rotate(a, 25) + b) * multiplier) & MASK
        return _combine(c, d, multiplier & MASK)
    if n >= 4:
        multiplier = (K2 + n * 2) & MASK
        a = _fetch32(s, 0)
        return _combine((n + (a << 3)) & MASK, _fetch32(s, n - 4), multiplier)
    if n > 0:
        y = (s[0] + (s[n >> 1] << 8)) & 0xFFFFFFFF
        z = (n + (s[n - 1] << 2)) & 0xFFFFFFFF
        return (mix(((y * K2) ^ (z * K0)) & MASK) * K2) & MASK
    return K2


def _17_to_32(s: bytes) -> int:
    n = len(s)
    multiplier = (K2 + n * 2) & MASK
    a = (fetch64(s, 0) * K1) & MASK
    b = fetch64(s, 8)
    c = (fetch64(s, n - 8) * multiplier) & MASK
    d = (fetch64(s, n - 16) * K2) & MASK
    first = (rotate((a + b) & MASK, 43) + rotate(c, 30) + d) & MASK
    second = (a + rotate((b + K2) & MASK, 18) + c) & MASK
    return _combine(first, second, multiplier)


def _33_to_64(s: bytes) -> int:
    n = len(s)
    multiplier = (K2 + n * 2) & MASK
    a = (fetch64(s, 0) * K2) & MASK
    b = fetch64(s, 8)
    c = (fetch64(s, n - 8) * multiplier) & MASK
    d = (fetch64(s, n - 16) * K2) & MASK
    y = (rotate((a + b) & MASK, 43) + rotate(c, 30) + d) & MASK
    z = _combine(y, (a + rotate((b + K2) & MASK, 18) + c) & MASK, multiplier)
    e = (fetch64(s, 16) * multiplier) & MASK
    f = fetch64(s, 24)
    g = ((y + fetch64(s, n - 32)) * multiplier) & MASK
    h = ((z + fetch64(s, n - 24)) * multiplier) & MASK
    first = (rotate((e + f) & MASK, 43) + rotate(g, 30) + h) & MASK
    second = (e + rotate((f + a) & MASK, 18) + g) & MASK
    return _combine(first, second, multiplier)


def weak(s: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    """32 bytes mixed into two words."""
    w, x, y, z = (fetch64(s, at + 8 * i) for i in range(4))
    a = (a + w) & MASK
    b = rotate((b + a + z) & MASK, 21)
    c = a
    a = (a + x + y) & MASK
    b = (b + rotate(a, 44)) & MASK
    return (a + z) & MASK, (b + c) & MASK


def take_in(
    s: bytes, at: int, x: int, y: int, z: int, v: tuple[int, int], w: tuple[int, int]
) -> tuple[int, int, int, tuple[int, int], tuple[int, int]]:
    """The state of seven words after a block of bytes, for CityHash64 and CityHash128."""
    x = (rotate((x + y + v[0] + fetch64(s, at + 8)) & MASK, 37) * K1) & MASK
    y = (rotate((y + v[1] + fetch64(s, at + 48)) & MASK, 42) * K1) & MASK
    x ^= w[1]
    y = (y + v[0] + fetch64(s, at + 40)) & MASK
    z = (rotate((z + w[0]) & MASK, 33) * K1) & MASK
    v = weak(s, at, (v[1] * K1) & MASK, (x + w[0]) & MASK)
    w = weak(s, at + 32, (z + w[1]) & MASK, (y + fetch64(s, at + 16)) & MASK)
    return z, y, x, v, w


def fingerprint64(s: bytes) -> int:
    """FarmHash's Fingerprint64 of a byte string."""
    n = len(s)
    if n <= 16:
        return short_hash(s)
    if n <= 32:
        return _17_to_32(s)
    if n <= 64:
        return _33_to_64(s)
    seed = 81
    x, y = seed, (seed * K1 + 113) & MASK
    z = (mix((y * K2 + 113) & MASK) * K2) & MASK
    v, w = (0, 0), (0, 0)
    x = (x * K2 + fetch64(s, 0)) & MASK
    end = ((n - 1) // 64) * 64
    last = end + ((n - 1) & 63) - 63
    at = 0
    while True:
        x, y, z, v, w = take_in(s, at, x, y, z, v, w)
        at += BLOCK
        if at == end:
            break
    multiplier = (K1 + ((z & 0xFF) << 1)) & MASK
    at = last
    w = ((w[0] + ((n - 1) & 63)) & MASK, w[1])
    v = ((v[0] + w[0]) & MASK, v[1])
    w = ((w[0] + v[0]) & MASK, w[1])
    x = (rotate((x + y + v[0] + fetch64(s, at + 8)) & MASK, 37) * multiplier) & MASK
    y = (rotate((y + v[1] + fetch64(s, at + 48)) & MASK, 42) * multiplier) & MASK
    x ^= (w[1] * 9) & MASK
    y = (y + v[0] * 9 + fetch64(s, at + 40)) & MASK
    z = (rotate((z + w[0]) & MASK, 33) * multiplier) & MASK
    v = weak(s, at, (v[1] * multiplier) & MASK, (x + w[0]) & MASK)
    w = weak(s, at + 32, (z + w[1]) & MASK, (y + fetch64(s, at + 16)) & MASK)
    z, x = x, z
    first = (_combine(v[0], w[0], multiplier) + mix(y) * K0 + z) & MASK
    return _combine(first, (_combine(v[1], w[1], multiplier) + x) & MASK, multiplier)


def fingerprints64(strings: np.ndarray) -> np.ndarray:
    """The fingerprints of a vector of byte strings, as uint64."""
    count = len(strings)
    if count < _FEWEST or not runs_native_code():
        return np.array([fingerprint64(s) for s in strings], np.uint64)
    hashes = np.empty(count, np.uint64)
    fingerprints().hashes(np.ascontiguousarray(strings), count, hashes)
    return hashes


def fingerprint_buckets(strings: np.ndarray, buckets: int) -> np.ndarray:
    """The fingerprints of a vector of byte strings modulo a number of buckets, as int64."""
    count = len(strings)
    if count < _FEWEST or not runs_native_code():
        return np.array([fingerprint64(s) % buckets for s in strings], np.int64)
    found = np.empty(count, np.int64)
    fingerprints().buckets(np.ascontiguousarray(strings), count, buckets, found)
    return found


def siphash(key: tuple[int, int], s: bytes) -> int:
    """SipHash-2-4 of a byte string under a key of two 64-bit numbers."""
    k0, k1 = (k & MASK for k in key)
    v = [
        k0 ^ 0x736F6D6570736575,
        k1 ^ 0x646F72616E646F6D,
        k0 ^ 0x6C7967656E657261,
        k1 ^ 0x7465646279746573,
    ]
    whole = len(s) // 8 * 8
    words = list(struct.unpack(f"<{whole // 8}Q", s[:whole]))
    words.append(int.from_bytes(s[whole:], "little") | (len(s) & 0xFF) << 56)
    for word in words:
        v[3] ^= word
        _sip_rounds(v, 2)
        v[0] ^= word
    v[2] ^= 0xFF
    _sip_rounds(v, 4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def _left(value: int, shift: int) -> int:
    return ((value << shift) | (value >> (64 - shift))) & MASK


def _sip_rounds(v: list[int], count: int) -> None:
    for _ in range(count):
        v[0] = (v[0] + v[1]) & MASK
        v[1] = _left(v[1], 13) ^ v[0]
        v[0] = _left(v[0], 32)
        v[2] = (v[2] + v[3]) & MASK
        v[3] = _left(v[3], 16) ^ v[2]
        v[0] = (v[0] + v[3]) & MASK
        v[3] = _left(v[3], 21) ^ v[0]
        v[2] = (v[2] + v[1]) & MASK
        v[1] = _left(v[1], 17) ^ v[2]
        v[2] = _left(v[2], 32)


def hash64(s: bytes, seed: int = 0xDECAFCAFFE) -> int:
    """MurmurHash64A with the seed that TensorFlow uses (Austin Appleby, MurmurHash2)."""
    multiplier = 0xC6A4A7935BD1E995
    h = (seed ^ (len(s) * multiplier)) & MASK
    whole = len(s) // 8 * 8
    for (word,) in struct.iter_unpack("<Q", s[:whole]):
        k = (word * multiplier) & MASK
        k ^= k >> 47
        h = ((h ^ ((k * multiplier) & MASK)) * multiplier) & MASK
    rest = s[whole:]
    if rest:
        h = ((h ^ int.from_bytes(rest, "little")) * multiplier) & MASK
    h ^= h >> 47
    h = (h * multiplier) & MASK
    return h ^ (h >> 47)
