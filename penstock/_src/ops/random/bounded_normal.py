"""Truncated normal numbers, by a rejection method chosen by the bounds.

Source: Robert 1995, "Simulation of truncated normal variables".
"""

from typing import Any

import numpy as np

from penstock._src.ops.random import distributions
from penstock._src.ops.random.philox import Stream

# If a bound is further out than this, plain normal numbers are accepted often enough.
_WIDE = 1.3
_FEWEST_ITERATIONS, _MOST_ITERATIONS = 256, 1 << 14  # tried at a time, a power of two
_FEWEST_AHEAD, _MOST_AHEAD = 8, 1 << 14  # parameters tried together


def _group(kind: Any) -> int:
    """The numbers of one iteration: those of one block of the stream."""
    return 2 if kind == np.float64 else 4


def _iterations(missing: int, group: int) -> int:
    """The number of iterations to try at once for `missing` numbers."""
    enough = 1 << (missing // group).bit_length()  # if all numbers were accepted
    return min(max(enough, _FEWEST_ITERATIONS), _MOST_ITERATIONS)


def _attempts(stream: Stream, first: int, iterations: int, kind: Any, low: float, high: float):
    """Some iterations of the chosen method: (numbers, whether accepted, blocks per iteration)."""
    group = _group(kind)
    size = iterations * group

    def uniforms(blocks: int) -> np.ndarray:
        start = stream.skipped(first * blocks)
        return distributions.uniform(start, size * blocks, kind).reshape(iterations, blocks, group)

    if (low < -_WIDE and high >= 0) or (high > _WIDE and low <= 0):
        start = stream.skipped(first)
        z = distributions.normal(start, size, kind).reshape(iterations, group)
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
        draws = uniforms(1)[:, 0].reshape(iterations, group // 2, 2)
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
        tried = _iterations(missing, _group(kind))
        z, accepted, blocks = _attempts(stream, iteration, tried, kind, first, last)
        at = np.flatnonzero(accepted)[:missing]
        samples.append(z.ravel()[at] * deviation + mean)
        missing -= at.size
        # Numbers after the last iteration needed are not used, so that the stream ends where TensorFlow's does.
        iteration += tried if missing else int(at[-1]) // z.shape[1] + 1
    numbers = np.concatenate(samples) if samples else np.zeros(0, kind)
    return numbers.astype(kind), stream.skipped(iteration * blocks)


def truncated_each(
    stream: Stream,
    mean: np.ndarray,
    deviation: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    count: int,
) -> tuple[np.ndarray, Stream]:
    """`truncated` for each parameter of vectors, one after the other: [parameters, count], and the stream after them."""
    kind = mean.dtype.type
    out = np.empty((mean.size, count), kind)
    if count > _group(kind):  # no iteration gives as many
        for at, parameters in enumerate(zip(mean, deviation, low, high, strict=True)):
            out[at], stream = truncated(stream, *parameters, count)
        return out, stream
    mirrored = high < mean
    ends = np.where(mirrored, high, low), np.where(mirrored, low, high)
    scale = np.where(mirrored, -deviation, deviation)
    first, last = ((end - mean) / scale for end in ends)
    at, ahead = 0, _FEWEST_AHEAD
    while count and at < mean.size:
        # As if each of the next ones took one iteration: right up to the first that takes more.
        some = slice(at, at + ahead)
        z, accepted, blocks = _one_iteration(stream, first[some], last[some])
        enough = accepted.sum(1) >= count
        done = int(enough.argmin()) if not enough.all() else enough.size
        chosen = np.argsort(~accepted[:done], axis=1, kind="stable")[:, :count]
        kept = np.take_along_axis(z[:done], chosen, 1)
        rows = slice(at, at + done)
        out[rows] = kept * scale[rows, None] + mean[rows, None]
        at, stream = at + done, stream.skipped(int(blocks[:done].sum()))
        if done < enough.size:
            out[at], stream = truncated(stream, mean[at], deviation[at], low[at], high[at], count)
            at += 1
        ahead = min(max(2 * done, _FEWEST_AHEAD), _MOST_AHEAD)
    return out, stream


def _one_iteration(
    stream: Stream, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The first iteration of `_attempts` for each pair of bounds, where that of one begins as the last one's ends:
    (numbers, whether accepted, blocks taken)."""
    kind = low.dtype.type
    group = _group(kind)
    plain = ((low < -_WIDE) & (high >= 0)) | ((high > _WIDE) & (low <= 0))
    with np.errstate(all="ignore"):
        root = np.sqrt(low * low + 4)
        cutoff = 2 * np.exp(kind(0.5) + low * (low - root) / 4) / (low + root)
    flat = ~plain & (high - low < cutoff)
    empty = ~(low < high)  # no number of this dtype lies between
    blocks = np.where(empty, 0, np.where(flat, 2, 1))
    begins, total = np.cumsum(blocks) - blocks, int(blocks.sum())
    z = np.full((low.size, group), np.nan, kind)
    accepted = np.broadcast_to(empty[:, None], z.shape).copy()

    def rows_of(method: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rows = np.flatnonzero(method & ~empty)
        return rows, low[rows, None], high[rows, None]

    rows, least, most = rows_of(plain)
    if rows.size:
        numbers = distributions.normal(stream, total * group, kind).reshape(total, group)
        z[rows] = numbers[begins[rows]]
        accepted[rows] = (z[rows] >= least) & (z[rows] <= most)
    if rows.size == low.size:
        return z, accepted, blocks
    draws = distributions.uniform(stream, total * group, kind).reshape(total, group)
    with np.errstate(all="ignore"):
        rows, least, most = rows_of(flat)
        z[rows] = x = draws[begins[rows]] * (most - least) + least
        plus = np.where(least < 0, kind(0), least * least)
        accepted[rows] = draws[begins[rows] + 1] <= np.exp((plus - x * x) / 2)
        rows, least, most = rows_of(~plain & ~flat)
        alpha = (least + root[rows, None]) / 2
        pairs = draws[begins[rows]].reshape(-1, group // 2, 2)
        z[rows, : group // 2] = y = -np.log(pairs[..., 0]) / alpha + least
        x = np.where(least < alpha, alpha - y, least - alpha)
        accepted[rows, : group // 2] = (pairs[..., 1] <= np.exp(-x * x / 2)) & (y < most)
    return z, accepted, blocks
