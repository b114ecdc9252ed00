"""Gamma, Poisson and binomial samples by rejection, in TensorFlow's order on CPUs."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.native.builtins import HotCounter
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.random.lanes import Lanes
from penstock._src.ops.random.philox import FEWEST, Stream
from penstock._src.ops.special_functions import lgamma

# Outputs that are drawn together: rejection keeps some thirty numbers for each of them.
BLOCK = 1 << 16
# Drawn one uniform number after the other by native code, if it is loaded or pays.
_OUTPUTS = HotCounter(FEWEST)


def _in_blocks(size: int, draw: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """float64[size] of numbers that `draw` gives for the positions of some outputs."""
    out = np.empty(size)
    for first in range(0, size, BLOCK):
        positions = np.arange(first, min(first + BLOCK, size))
        out[first : first + BLOCK] = draw(positions)
    return out


def gamma(stream: Stream, alpha: np.ndarray, samples: int) -> np.ndarray:
    """float64[samples, alphas] of gamma numbers; 0 where alpha is 0, NaN where it is negative.

    Source: Marsaglia & Tsang 2000, "A simple method for generating gamma variables".
    """
    shapes = alpha.reshape(-1).astype(np.float64)
    drawn = _in_blocks(
        alpha.size * samples, lambda at: _gamma(Lanes(stream, at), shapes[at // samples])
    )
    return drawn.reshape(alpha.size, samples).T


def _gamma(lanes: Lanes, shape: np.ndarray) -> np.ndarray:
    out = np.where(shape == 0, 0.0, np.nan)
    one = np.flatnonzero(shape == 1)
    if one.size:
        out[one] = -np.log1p(-lanes.uniform(one))
    # Shapes below 1 are drawn as shape + 1 and multiplied by u^(1 / shape) below (Marsaglia & Tsang 2000, section 6).
    small = shape < 1
    d = shape + np.where(small, 2.0 / 3, -1.0 / 3)
    active = np.flatnonzero((shape > 0) & (shape != 1))
    with np.errstate(all="ignore"):
        c = 1.0 / 3 / np.sqrt(d)
        while active.size:
            x = lanes.normal(active)
            v = 1 + c[active] * x
            possible = v > 0
            tried, x, v = active[possible], x[possible], v[possible]
            v = v * v * v
            u = lanes.uniform(tried)
            accepted = (u < 1 - 0.0331 * (x * x) * (x * x)) | (
                np.log(u) < 0.5 * x * x + d[tried] * (1 - v + np.log(v))
            )
            done = tried[accepted]
            value = d[done] * v[accepted]
            boosted = small[done]
            if boosted.any():
                lower = done[boosted]
                value[boosted] *= np.power(lanes.uniform(lower), 1 / shape[lower])
            out[done] = value
            finished = np.zeros(shape.size, bool)
            finished[done] = True
            active = active[~finished[active]]
    return out


def poisson(stream: Stream, rate: np.ndarray, samples: int, limit: float) -> np.ndarray:
    """[samples, rates] of Poisson numbers as floats; `limit` is the maximum of the result's dtype. Everything is computed
    in double precision; negative rates give zeros, rates far above `limit` give `limit`, and infinite ones infinity.

    Sources: Knuth, TAOCP vol. 2, 3.4.1, for small rates; Hormann 1993, "The transformed rejection method
    for generating Poisson random variables", for others.
    """
    rates = rate.reshape(-1).astype(np.float64)
    drawn = _in_blocks(
        rate.size * samples, lambda at: _poisson(Lanes(stream, at), rates[at // samples], limit)
    )
    return drawn.reshape(rate.size, samples).T


def _poisson(lanes: Lanes, rates: np.ndarray, limit: float) -> np.ndarray:
    kind = np.float64
    out = np.zeros(rates.size, kind)
    broken = ~np.isfinite(rates)
    out[broken] = np.where(rates[broken] == np.inf, np.inf, np.nan)
    # Samples of such rates always exceed the limit: rejection would not terminate.
    endless = ~broken & (rates > limit + 40 * np.sqrt(limit))
    out[endless] = limit
    broken |= endless
    for method, has_method in (
        (_poisson_by_products, rates < 10),
        (_poisson_by_rejection, rates >= 10),
    ):
        active = np.flatnonzero(~broken & has_method)
        if active.size:
            method(lanes, rates, active, out, kind, limit)
    return out


def _poisson_by_products(lanes, rates, active, out, kind, limit) -> None:
    with np.errstate(over="ignore"):
        least = np.exp(-rates)
    if _OUTPUTS.is_hot(active.size) and runs_native_code():
        out[active] = lanes.products(active, least[active])
        return
    product = np.ones(rates.size, kind)
    count = np.zeros(rates.size, kind)
    while active.size:
        product[active] *= lanes.uniform(active)
        done = (product[active] <= least[active]) & (count[active] <= limit)
        out[active[done]] = count[active[done]]
        active = active[~done]
        count[active] += 1


def _poisson_by_rejection(lanes, rates, active, out, kind, limit) -> None:
    log_rate = np.log(np.where(rates > 0, rates, 1))
    b = kind(0.931) + kind(2.53) * np.sqrt(rates, where=rates >= 0, out=np.zeros_like(rates))
    a = kind(-0.059) + kind(0.02483) * b
    inverse_alpha = kind(1.1239) + kind(1.1328) / (b - kind(3.4))
    with np.errstate(all="ignore"):
        while active.size:
            u = lanes.uniform(active) - kind(0.5)
            v = lanes.uniform(active)
            ra, rb, rate = a[active], b[active], rates[active]
            shifted = kind(0.5) - np.abs(u)
            k = np.floor((2 * ra / shifted + rb) * u + rate + kind(0.43))
            fits = k <= limit
            quick = (shifted >= kind(0.07)) & (v <= kind(0.9277) - kind(3.6224) / (rb - 2))
            hopeless = (k < 0) | ((shifted < kind(0.013)) & (v > shifted))
            s = np.log(v * inverse_alpha[active] / (ra / (shifted * shifted) + rb))
            t = -rate + k * log_rate[active] - lgamma((k + 1).astype(np.float64)).astype(kind)
            accepted = fits & (quick | (~hopeless & (s <= t)))
            out[active[accepted]] = k[accepted]
            active = active[~accepted]


STIRLING_TAIL = np.array(
    [
        0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509,
        0.0166446911898211, 0.0138761288230707, 0.0118967099458917, 0.0104112652619720,
        0.00925546218271273, 0.00833056343336287,
    ]
)  # fmt: skip


def _stirling_tail(k: Any) -> np.ndarray:
    """log(k!) minus Stirling's approximation."""
    square = (k + 1) * (k + 1)
    series = (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1)
    return np.where(k <= 9, STIRLING_TAIL[np.clip(k, 0, 9).astype(np.int64)], series)


# Blocks of the stream per output for the method of geometric sums.
RESERVED_BY_GEOMETRIC = 42


def binomial(stream: Stream, counts: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Binomial numbers as float64, one for each of the flat counts and probabilities.

    Sources: Kachitvichyanukul & Schmeiser 1988 for small means; Hormann 1993, "The generation of binomial
    random variates" (BTRS), for others.
    """
    return _in_blocks(
        counts.size,
        lambda at: _binomial(
            stream, at, counts[at].astype(np.float64), probabilities[at].astype(np.float64)
        ),
    )


@np.errstate(invalid="ignore")  # an infinite count with a probability of 0
def _binomial(stream: Stream, outputs: np.ndarray, n: np.ndarray, p: np.ndarray) -> np.ndarray:
    out = np.zeros(n.size)
    bad = ~np.isfinite(n) | np.isnan(p) | (n < 0) | (p < 0) | (p > 1)
    out[bad] = np.nan
    # Both methods want p of at most 1/2, so that larger ones count the failures instead.
    flipped = p > 0.5
    q = np.where(flipped, 1 - p, p)
    usable = ~bad & (n > 0) & (q > 0)
    large = n * q >= 10
    active = np.flatnonzero(usable & ~large)
    if active.size:
        lanes = Lanes(stream, outputs, reserved=RESERVED_BY_GEOMETRIC)
        _binomial_by_geometric(lanes, n, q, active, out)
    active = np.flatnonzero(usable & large)
    if active.size:
        _binomial_by_rejection(Lanes(stream, outputs), n, q, active, out)
    return np.where(flipped & ~bad, n - out, out)


def _binomial_by_geometric(lanes, n, q, active, out) -> None:
    if _OUTPUTS.is_hot(active.size) and runs_native_code():
        out[active] = lanes.successes(active, n[active], np.log1p(-q[active]))
        return
    total = np.zeros(n.size)
    while active.size:
        u = lanes.uniform(active)
        with np.errstate(all="ignore"):
            total[active] += np.ceil(np.log(u) / np.log1p(-q[active]))
        active = active[total[active] <= n[active]]
        out[active] += 1


def _binomial_by_rejection(lanes, n, q, active, out) -> None:
    with np.errstate(all="ignore"):
        deviation = np.sqrt(n * q * (1 - q), where=n >= 0, out=np.ones_like(n))
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * q
    c = n * q + 0.5
    v_r = 0.92 - 4.2 / b
    with np.errstate(all="ignore"):
        ratio = q / (1 - q)
        alpha = (2.83 + 5.1 / b) * deviation
        mode = np.floor((n + 1) * q)
        while active.size:
            u, v = lanes.uniform(active) - 0.5, lanes.uniform(active)
            size, aa, bb = n[active], a[active], b[active]
            shifted = 0.5 - np.abs(u)
            k = np.floor((2 * aa / shifted + bb) * u + c[active])
            quick = (shifted >= 0.07) & (v <= v_r[active])
            inside = (k >= 0) & (k <= size)
            m, r = mode[active], ratio[active]
            left = np.log(v * alpha[active] / (aa / (shifted * shifted) + bb))
            right = (
                (m + 0.5) * np.log((m + 1) / (r * (size - m + 1)))
                + (size + 1) * np.log((size - m + 1) / (size - k + 1))
                + (k + 0.5) * np.log(r * (size - k + 1) / (k + 1))
                + _stirling_tail(m) + _stirling_tail(size - m)
                - _stirling_tail(k) - _stirling_tail(size - k)
            )  # fmt: skip
            accepted = quick | (inside & (left <= right))
            out[active[accepted]] = k[accepted]
            active = active[~accepted]
