"""CRC-32C (Castagnoli), the checksum of record files, event files and checkpoints.

Native code with the CPU's CRC instruction is loaded after some amount of data (`use_native`). Before that, and on other CPUs,
the library `google-crc32c` is used if it is installed, else NumPy: a long input is cut into lanes of equal length, all lanes
advance together, and their checksums are combined pairwise. CRC is linear: the checksum of `a + b` is that of `a` advanced
through `len(b)` zero bytes, xor that of `b`.
"""

import functools
import struct
from collections.abc import Callable

import numpy as np

try:
    import google_crc32c  # type: ignore[import-not-found,import-untyped]
except ImportError:
    google_crc32c = None

_POLYNOMIAL = 0x82F63B78  # bit-reversed
_MASK_DELTA = 0xA282EAD8
_SHORT = 4096  # below this many bytes the plain loop is faster than lanes
_LANE = 64  # minimum bytes of a lane
_WORTH_LOADING = 1 << 16  # total bytes after which native code is loaded

_LARGE = 1 << 16  # bytes from which other threads run meanwhile

Extend = Callable[[bytes, int], int]


class _Native:
    """The native function, and the function that loads it."""

    load: Callable[[], Extend | None] | None = None
    extend: Extend | None = None
    at: Callable[[int, int, int], int] | None = None
    summed = 0


def use_native(load: Callable[[], Extend | None]) -> None:
    """Sets the loader of the native function (bytes, previous checksum) -> checksum; it may return None."""
    _Native.load = load


def use_native_at(extend: Callable[[int, int, int], int]) -> None:
    """Sets the native function (address, bytes, previous checksum) -> checksum, which does not hold the interpreter's lock."""
    _Native.at = extend


def expect(count: int) -> None:
    """Announces bytes that will be summed soon, in small parts: native code is loaded for the first, if it is worth it for all."""
    _Native.summed += count


def joined(first: int, second: int, length: int) -> int:
    """The checksum of two pieces, from those of each; `length` is the second's in bytes."""
    return int(_push(np.array([first], np.uint32), length)[0]) ^ second


def crc32c(data: bytes | bytearray | memoryview, start: int = 0) -> int:
    """The checksum of `data`; `start` is the checksum of the preceding bytes."""
    if _Native.at is not None and len(data) >= _LARGE:
        view = np.frombuffer(data, np.uint8)
        return _Native.at(view.ctypes.data, view.size, start)
    if _Native.extend is not None:
        return _Native.extend(data if type(data) is bytes else bytes(data), start)
    _Native.summed += len(data)
    if _Native.load is not None and _Native.summed >= _WORTH_LOADING:
        _Native.extend, _Native.load = _Native.load(), None
        return crc32c(data, start)
    if google_crc32c is not None:
        return google_crc32c.extend(start, bytes(data))
    view = np.frombuffer(data, np.uint8)
    if view.size < _SHORT:
        return _short(view.tobytes(), start)
    lanes = 1 << min(13, (view.size // _LANE).bit_length() - 1)
    length = view.size // lanes // 4 * 4
    head = view[: lanes * length]
    sums = _lanes(head.reshape(lanes, length))
    while sums.size > 1:
        sums = _push(sums[0::2], length) ^ sums[1::2]
        length *= 2
    crc = int(sums[0])
    if start:
        crc ^= int(_push(np.array([start], np.uint32), head.size)[0])
    return crc32c(view[head.size :].tobytes(), crc)


def masked(data: bytes | bytearray | memoryview) -> int:
    """The checksum of `data`, rotated and shifted as the file formats store it."""
    return mask(crc32c(data))


def mask(crc: int) -> int:
    """The masked form in which files store a checksum: CRCs of data that contains CRCs are weak."""
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF


def packed(data: bytes | bytearray | memoryview) -> bytes:
    """`masked(data)` as four little-endian bytes."""
    return struct.pack("<I", masked(data))


def _short(data: bytes, start: int) -> int:
    table, crc = _byte_table(), start ^ 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def _lanes(rows: np.ndarray) -> np.ndarray:
    """The checksum of every row; the length of a row is a multiple of four."""
    words = np.ascontiguousarray(rows.view("<u4").T)
    t0, t1, t2, t3 = _word_tables()
    crc = np.full(rows.shape[0], 0xFFFFFFFF, np.uint32)
    for column in words:
        crc ^= column
        crc = t3[crc & 0xFF] ^ t2[crc >> 8 & 0xFF] ^ t1[crc >> 16 & 0xFF] ^ t0[crc >> 24]
    return crc ^ np.uint32(0xFFFFFFFF)


def _push(sums: np.ndarray, zeros: int) -> np.ndarray:
    """Advances each checksum through `zeros` zero bytes (without pre- and post-inversion)."""
    bit = 0
    while zeros >> bit:
        if zeros >> bit & 1:
            t0, t1, t2, t3 = _shift_tables(bit)
            sums = t0[sums & 0xFF] ^ t1[sums >> 8 & 0xFF] ^ t2[sums >> 16 & 0xFF] ^ t3[sums >> 24]
        bit += 1
    return sums


@functools.cache
def _byte_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return table


@functools.cache
def _word_tables() -> np.ndarray:
    """Row k: the effect of a byte followed by k zero bytes."""
    rows = [np.array(_byte_table(), np.uint32)]
    for _ in range(3):
        rows.append(rows[0][rows[-1] & 0xFF] ^ rows[-1] >> 8)
    return np.stack(rows)


@functools.cache
def _shift_tables(log2: int) -> np.ndarray:
    """Row k: the effect of 2**log2 zero bytes on byte k of a checksum."""
    register = np.arange(256, dtype=np.uint32) << np.arange(0, 32, 8, dtype=np.uint32)[:, None]
    if log2 == 0:
        return np.array(_byte_table(), np.uint32)[register & 0xFF] ^ register >> 8
    t0, t1, t2, t3 = _shift_tables(log2 - 1)
    half = _shift_tables(log2 - 1)
    return t0[half & 0xFF] ^ t1[half >> 8 & 0xFF] ^ t2[half >> 16 & 0xFF] ^ t3[half >> 24]
