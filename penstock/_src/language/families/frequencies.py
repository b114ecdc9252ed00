"""Frequencies of rotary positions, and how models change them for longer texts."""

from __future__ import annotations

import math

import numpy as np

from penstock._src.language.architecture import Rope
from penstock._src.language.families.facts import Facts


def plain(base: float, size: int) -> Rope:
    """Returns the frequencies of a base, for the first `size` numbers of a head."""
    return _rope(_of_base(base, size))


def _of_base(base: float, size: int) -> np.ndarray:
    return base ** -(np.arange(0, size, 2, dtype=np.float64) / size)


def _rope(frequencies: np.ndarray, magnitude: float = 1.0) -> Rope:
    return Rope(tuple(frequencies.tolist()), magnitude)


def divided(base: float, size: int, factors: tuple[float, ...], magnitude: float = 1.0) -> Rope:
    """Returns the frequencies of a base, each divided by its factor."""
    return _rope(_of_base(base, size) / np.float64(factors), magnitude)


def linear(base: float, size: int, factor: float) -> Rope:
    """Returns the frequencies of a base, all divided by a factor."""
    return _rope(_of_base(base, size) / factor)


def llama3(base: float, size: int, scaling: Facts) -> Rope:
    """Returns frequencies in which those of long waves are divided by a factor, with a gradual transition."""
    factor = scaling.number("factor")
    low = scaling.number("low_freq_factor", default=1.0)
    high = scaling.number("high_freq_factor", default=4.0)
    original = scaling.integer("original_max_position_embeddings", default=8192)
    if high <= low:
        scaling.refuse(("high_freq_factor",), f"more than {low}", high)
    frequencies = _of_base(base, size)
    turns = original * frequencies / (2 * math.pi)
    kept = ((turns - low) / (high - low)).clip(0, 1)
    return _rope(frequencies * (kept + (1 - kept) / factor))


def yarn(base: float, size: int, scaling: Facts, original: int, context: int) -> Rope:
    """Returns frequencies; those with few turns within the original length are divided, with a gradual transition.

    Args:
      base: of the frequencies.
      size: numbers of a head that are turned.
      scaling: what the file says.
      original: tokens that the model was first made for.
      context: tokens that it is made for.
    """
    factor = scaling.number("factor", default=context / original)
    ends = [
        size * math.log(original / (turns * 2 * math.pi)) / (2 * math.log(base))
        for turns in (
            scaling.number("beta_fast", default=32.0),
            scaling.number("beta_slow", default=1.0),
        )
    ]
    if scaling.flag("truncate", default=True):
        ends = [math.floor(ends[0]), math.ceil(ends[1])]
    first, last = max(ends[0], 0), min(ends[1], size - 1)
    steps = np.arange(size // 2, dtype=np.float64)
    divided = ((steps - first) / max(last - first, 1e-3)).clip(0, 1)
    frequencies = _of_base(base, size)
    magnitude = scaling.number("attention_factor", default=_yarn_magnitude(scaling, factor))
    return _rope(frequencies * (1 - divided) + frequencies / factor * divided, magnitude)


def _yarn_magnitude(scaling: Facts, factor: float) -> float:
    parts = [scaling.number(name, default=0.0) for name in ("mscale", "mscale_all_dim")]
    if not all(parts):
        return _growth(factor)
    return _growth(factor, parts[0]) / _growth(factor, parts[1])


def _growth(factor: float, share: float = 1.0) -> float:
    return 1.0 if factor <= 1 else 0.1 * share * math.log(factor) + 1.0


def longrope_magnitude(ratio: float, original: int) -> float:
    """Returns what cosines and sines are multiplied by where frequencies have factors of their own.

    Args:
      ratio: of the context to the original one.
      original: tokens that the model was first made for.
    """
    return 1.0 if ratio <= 1 else math.sqrt(1 + math.log(ratio) / math.log(original))
