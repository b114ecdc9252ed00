"""Blocks of 32 numbers: a scale in float16, a minimum in some types, and an integer of 4, 5 or 8 bits for each number.

Of 4 bits, byte `j` holds the number `j` in its lower half and the number `j + 16` in its upper one. The fifth bits are those of an integer of 32 bits.
"""

from __future__ import annotations

import numpy as np

_SHIFTS = np.arange(32, dtype=np.uint32)


def _half(blocks: np.ndarray, at: int) -> np.ndarray:
    """The float16 number at a byte of each block, as float32 `[blocks, 1]`."""
    return np.ascontiguousarray(blocks[:, at : at + 2]).view(np.float16).astype(np.float32)


def _nibbles(codes: np.ndarray) -> np.ndarray:
    """Integers of 4 bits, `[blocks, 32]`, of bytes `[blocks, 16]`."""
    return np.concatenate([codes & 15, codes >> 4], 1)


def _fives(blocks: np.ndarray, at: int) -> np.ndarray:
    """Integers of 5 bits, whose upper bits begin at a byte of each block."""
    high = np.ascontiguousarray(blocks[:, at : at + 4]).view("<u4")
    high = ((high >> _SHIFTS) & 1).astype(np.uint8)
    return _nibbles(blocks[:, at + 4 :]) | (high << 4)


def unpack_q4_0(blocks: np.ndarray) -> np.ndarray:
    """Returns `scale * (code - 8)`."""
    return _half(blocks, 0) * (_nibbles(blocks[:, 2:]).astype(np.int8) - np.int8(8))


def unpack_q4_1(blocks: np.ndarray) -> np.ndarray:
    """Returns `scale * code + minimum`."""
    return _half(blocks, 0) * _nibbles(blocks[:, 4:]) + _half(blocks, 2)


def unpack_q5_0(blocks: np.ndarray) -> np.ndarray:
    """Returns `scale * (code - 16)`."""
    return _half(blocks, 0) * (_fives(blocks, 2).astype(np.int8) - np.int8(16))


def unpack_q5_1(blocks: np.ndarray) -> np.ndarray:
    """Returns `scale * code + minimum`."""
    return _half(blocks, 0) * _fives(blocks, 4) + _half(blocks, 2)


def unpack_q8_0(blocks: np.ndarray) -> np.ndarray:
    """Returns `scale * code`."""
    return _half(blocks, 0) * np.ascontiguousarray(blocks[:, 2:]).view(np.int8)


def _inverse(scale: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.where(scale == 0, np.float32(0), np.float32(1) / scale)


def _largest(values: np.ndarray) -> np.ndarray:
    """The number farthest from zero of each block, with its sign; of equal ones the first."""
    at = np.abs(values).argmax(1)
    return np.take_along_axis(values, at[:, None], 1)


def _bytes(halves: np.ndarray) -> np.ndarray:
    return halves.astype("<f2").view(np.uint8)


def _joined(codes: np.ndarray) -> np.ndarray:
    return (codes[:, :16] & 15) | ((codes[:, 16:] & 15) << 4)


def _fifth_bits(codes: np.ndarray) -> np.ndarray:
    bits = ((codes >> 4).astype(np.uint32) & 1) << _SHIFTS
    return bits.sum(1, dtype=np.uint32)[:, None].astype("<u4").view(np.uint8)


def _around_zero(values: np.ndarray, half: int) -> tuple[np.ndarray, np.ndarray]:
    """Scales that the farthest number becomes `-half` by, and codes from 0 to `2 * half - 1`."""
    scale = _largest(values) / np.float32(-half)
    codes = np.trunc(values.astype(np.float64) * _inverse(scale) + (half + 0.5))
    return scale, codes.clip(0, 2 * half - 1).astype(np.uint8)


def _from_minimum(values: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scales and minima by which the least number becomes 0 and the greatest `most`, and codes."""
    low = values.min(1, keepdims=True)
    scale = (values.max(1, keepdims=True) - low) / np.float32(most)
    codes = np.trunc((values - low) * _inverse(scale) + np.float32(0.5))
    return scale, low, codes.clip(0, most).astype(np.uint8)


def pack_q4_0(values: np.ndarray) -> np.ndarray:
    """Returns blocks of 18 bytes."""
    scale, codes = _around_zero(values, 8)
    return np.concatenate([_bytes(scale), _joined(codes)], 1)


def pack_q4_1(values: np.ndarray) -> np.ndarray:
    """Returns blocks of 20 bytes."""
    scale, low, codes = _from_minimum(values, 15)
    return np.concatenate([_bytes(scale), _bytes(low), _joined(codes)], 1)


def pack_q5_0(values: np.ndarray) -> np.ndarray:
    """Returns blocks of 22 bytes."""
    scale, codes = _around_zero(values, 16)
    return np.concatenate([_bytes(scale), _fifth_bits(codes), _joined(codes)], 1)


def pack_q5_1(values: np.ndarray) -> np.ndarray:
    """Returns blocks of 24 bytes."""
    scale, low, codes = _from_minimum(values, 31)
    return np.concatenate([_bytes(scale), _bytes(low), _fifth_bits(codes), _joined(codes)], 1)


def pack_q8_0(values: np.ndarray) -> np.ndarray:
    """Returns blocks of 34 bytes."""
    scale = np.abs(values).max(1, keepdims=True) / np.float32(127)
    scaled = values * _inverse(scale)
    # Halves are rounded away from zero.
    whole = np.sign(scaled) * np.floor(np.abs(scaled) + np.float32(0.5))
    return np.concatenate([_bytes(scale), whole.astype(np.int8).view(np.uint8)], 1)
