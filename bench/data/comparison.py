"""Compares the first elements that both sides have stored."""

import pickle

import numpy as np

ROUNDING = 1e-5  # relative to values of about 1, in float32


def stored(folder, name, side):
    """The elements that a side has stored."""
    with open(folder / f"{name}.{side}.pickle", "rb") as stream:
        return pickle.load(stream)


def same_bits(one, other):
    """Whether two arrays have the same type, shape and bits."""
    one, other = np.asarray(one), np.asarray(other)
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    return (
        one.tolist() == other.tolist() if one.dtype == object else one.tobytes() == other.tobytes()
    )


def close(one, other):
    """Whether two arrays are equal within rounding."""
    one, other = np.asarray(one), np.asarray(other)
    if one.dtype != other.dtype or one.shape != other.shape or one.dtype.kind != "f":
        return same_bits(one, other)
    return np.allclose(one, other, ROUNDING, ROUNDING)


def verdict(folder, name, unordered=False):
    """'equal', 'close' or 'differ'; '-' for what has no elements."""
    ours, theirs = (stored(folder, name, side) for side in ("penstock", "tensorflow"))
    if not ours and not theirs:
        return "-"
    if unordered:
        ours, theirs = (sorted(elements, key=repr) for elements in (ours, theirs))
    if len(ours) != len(theirs) or any(len(a) != len(b) for a, b in zip(ours, theirs)):
        return "differ"
    pairs = [pair for a, b in zip(ours, theirs) for pair in zip(a, b)]
    if all(same_bits(*pair) for pair in pairs):
        return "equal"
    return "close" if all(close(*pair) for pair in pairs) else "differ"
