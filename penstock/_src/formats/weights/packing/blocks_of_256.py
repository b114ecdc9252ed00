"""Blocks of 256 numbers: parts of 16 or 32 have scales and minima of 4 to 8 bits, for which the block has scales in float16."""

from __future__ import annotations

import numpy as np


def _half(blocks: np.ndarray, at: int) -> np.ndarray:
    """The float16 number at a byte of each block, as float32 `[blocks, 1]`."""
    return np.ascontiguousarray(blocks[:, at : at + 2]).view(np.float16).astype(np.float32)


def _scales(packed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eight scales and eight minima of 6 bits, in 12 bytes: the first four of both have a byte each, whose upper two bits belong to the last four."""
    first, second, last = packed[:, 0:4], packed[:, 4:8], packed[:, 8:12]
    scales = np.concatenate([first & 63, (last & 15) | ((first >> 6) << 4)], 1)
    minima = np.concatenate([second & 63, (last >> 4) | ((second >> 6) << 4)], 1)
    return scales, minima


def _halves(codes: np.ndarray) -> np.ndarray:
    """Integers of 4 bits `[blocks, 8, 32]`, of bytes `[blocks, 128]`: 32 bytes hold 32 numbers in their lower halves, and the next 32 in their upper ones."""
    groups = codes.reshape(len(codes), 4, 1, 32)
    return np.concatenate([groups & 15, groups >> 4], 2).reshape(len(codes), 8, 32)


def _scaled(blocks: np.ndarray, codes: np.ndarray) -> np.ndarray:
    scales, minima = _scales(blocks[:, 4:16])
    scale = (_half(blocks, 0) * scales)[..., None]
    minimum = (_half(blocks, 2) * minima)[..., None]
    return (scale * codes - minimum).reshape(len(blocks), 256)


def unpack_q4_k(blocks: np.ndarray) -> np.ndarray:
    """Returns `scale * code - minimum` of codes of 4 bits, for each 32."""
    return _scaled(blocks, _halves(blocks[:, 16:]))


def unpack_q5_k(blocks: np.ndarray) -> np.ndarray:
    """Returns `scale * code - minimum` of codes of 5 bits, for each 32: byte `j` of 32 holds the fifth bits of the numbers `j`, `j + 32`, ..."""
    high = (blocks[:, None, 16:48] >> np.arange(8, dtype=np.uint8)[:, None]) & 1
    return _scaled(blocks, _halves(blocks[:, 48:]) | (high << 4))


def unpack_q6_k(blocks: np.ndarray) -> np.ndarray:
    """Returns `scale * (code - 32)` of codes of 6 bits, for each 16; of 128 numbers, 64 bytes hold the lower four bits, and 32 the upper two."""
    count = len(blocks)
    low = blocks[:, :128].reshape(count, 2, 1, 64)
    low = np.concatenate([low & 15, low >> 4], 2).reshape(count, 2, 4, 32)
    high = blocks[:, 128:192].reshape(count, 2, 1, 32)
    high = (high >> np.arange(0, 8, 2, dtype=np.uint8)[:, None]) & 3
    codes = (low | (high << 4)).astype(np.int8) - np.int8(32)
    scales = np.ascontiguousarray(blocks[:, 192:208]).view(np.int8)
    scale = _half(blocks, 208) * scales
    return (scale[..., None] * codes.reshape(count, 16, 16)).reshape(count, 256)
