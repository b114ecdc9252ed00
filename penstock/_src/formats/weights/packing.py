"""Packs numbers into blocks of 32: a scale, a minimum in some types, and integers of 4, 5 or 8 bits (`ir/meaning/packed.py` has the layouts)."""

from __future__ import annotations

import numpy as np

from penstock._src.formats.weights.packing_runs import RUN_PACKERS

_SHIFTS = np.arange(32, dtype=np.uint32)


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


BLOCK = 32  # numbers of a block of all types in this file


def pack_integers(numbers: np.ndarray, scales: np.ndarray) -> tuple[str, np.ndarray] | None:
    """Packs `numbers * scales` without rounding, in the smallest type that holds them.

    Args:
      numbers: integers `[n, 32]`.
      scales: of the blocks, `[n]`, of a float type that float32 holds.

    Returns:
      The name of the type, and blocks `[n, bytes]`; None if a number has more than eight bits.
    """
    low, high = int(numbers.min(initial=0)), int(numbers.max(initial=0))
    if low >= -8 and high < 8:
        name, codes = "Q4_0", [_joined((numbers + 8).astype(np.uint8))]
    elif low >= -16 and high < 16:
        shifted = (numbers + 16).astype(np.uint8)
        name, codes = "Q5_0", [_fifth_bits(shifted), _joined(shifted)]
    elif low >= -128 and high < 128:
        name, codes = "Q8_0", [numbers.astype(np.int8).view(np.uint8)]
    else:
        return None
    wide = scales.astype("<f4").reshape(-1, 1)
    with np.errstate(over="ignore"):
        halves = wide.astype("<f2")
    if np.array_equal(halves.astype(np.float32), wide):
        return name, np.concatenate([halves.view(np.uint8), *codes], 1)
    return f"{name}_F32", np.concatenate([wide.view(np.uint8), *codes], 1)


PACKERS = {
    "Q4_0": pack_q4_0,
    "Q4_1": pack_q4_1,
    "Q5_0": pack_q5_0,
    "Q5_1": pack_q5_1,
    "Q8_0": pack_q8_0,
    **RUN_PACKERS,
}
