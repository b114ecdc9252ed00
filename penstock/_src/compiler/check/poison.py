"""Poison for memory that has not been written: every element is a NaN or a large number that no program computes."""

import numpy as np

# 0xFFF5 over and over is a NaN in every floating type from 16 bits on, by a payload that arithmetic keeps.
PATTERN = np.array([0xF5, 0xFF], np.uint8)


def poison(memory: np.ndarray) -> None:
    """Fills a contiguous array, of any type, with the pattern."""
    raw = memory.reshape(-1).view(np.uint8)
    raw[0::2] = PATTERN[0]
    raw[1::2] = PATTERN[1]


def poisoned(array: np.ndarray) -> np.ndarray:
    """A mask of the elements that still have the pattern, or a NaN that comes from it."""
    size = array.dtype.itemsize
    raw = np.ascontiguousarray(array).reshape(-1, 1).view(np.uint8).reshape(-1, size)
    pattern = np.resize(PATTERN, size)
    if size == 1:
        return np.isin(raw[:, 0], PATTERN).reshape(array.shape)
    return (raw == pattern).all(1).reshape(array.shape)
