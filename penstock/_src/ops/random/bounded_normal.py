"""Truncated normal numbers, by a rejection method chosen by the bounds.

Source: Robert 1995, "Simulation of truncated normal variables".
"""

from typing import Any

import numpy as np

from penstock._src.ops.random import distributions
from penstock._src.ops.random.philox import Stream

# If a bound is further out than this, plain normal numbers are accepted often enough.
_WIDE = 1.3
_CHUNK = 256  # iterations tried at a time


def _attempts(stream: Stream, first: int, kind: Any, low: float, high: float):
    """One chunk of iterations of the chosen method: (numbers, whether accepted, blocks per iteration)."""
    group = 2 if kind == np.float64 else 4
    size = _CHUNK * group

    def uniforms(blocks: int) -> np.ndarray:
        start = stream.skipped(first * blocks)
        return distributions.uniform(start, size * blocks, kind).reshape(_CHUNK, blocks, group)

    if (low < -_WIDE and high >= 0) or (high > _WIDE and low <= 0):
        start = stream.skipped(first)
        z = distributions.normal(start, size, kind).reshape(_CHUNK, group)
        return z, (z >= low) & (z <= high), 1
    root = np.sqrt(low * low + 4)
    cutoff = 2 * np.exp(kind(0.5) + low * (low - root) / 4) / (low + root)
    with np.errstate(all="ignore"):
        if high - low < cutoff:
            draws = uniforms(2)
            z = draws[:, 0] * (high - low) + low
            plus = kind(0) if low < 0 else low * low
            return z, draws[:, 1] <= np.exp((plus - z * z) / 2), 2
        alpha = (low + root) / 2
        draws = uniforms(1)[:, 0].reshape(_CHUNK, group // 2, 2)
        z = -np.log(draws[..., 0]) / alpha + low
        x = alpha - z if low < alpha else low - alpha
        return z, (draws[..., 1] <= np.exp(-x * x / 2)) & (z < high), 1


def truncated(
    stream: Stream, mean: Any, deviation: Any, low: Any, high: Any, count: int
) -> tuple[np.ndarray, Stream]:
    """`count` normal numbers in [low, high], and the stream after them."""
    kind = type(mean)
    if high < mean:  # the lower tail, mirrored
        low, high, deviation = high, low, -deviation
    first, last = kind((low - mean) / deviation), kind((high - mean) / deviation)
    if not first < last:  # no number of this dtype lies between
        return np.full(count, np.nan, kind), stream
    samples: list[np.ndarray] = []
    missing, iteration, blocks = count, 0, 1
    while missing > 0:
        z, accepted, blocks = _attempts(stream, iteration, kind, first, last)
        totals = np.cumsum(accepted.sum(1))
        needed = int(np.searchsorted(totals, missing)) + 1
        kept = z[:needed][accepted[:needed]][:missing]
        samples.append(kept * deviation + mean)
        missing -= kept.size
        # Numbers after the last iteration needed are not used, so that the stream ends where TensorFlow's does.
        iteration += min(needed, _CHUNK)
    numbers = np.concatenate(samples) if samples else np.zeros(0, kind)
    return numbers.astype(kind), stream.skipped(iteration * blocks)
