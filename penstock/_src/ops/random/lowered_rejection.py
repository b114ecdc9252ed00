"""Rejection methods as loops of primitives: the samples of rejection.py and distributions.py, for all outputs at once.

Each iteration tries again for the outputs that have no sample yet."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.ir.extents import dims
from penstock._src.native.algorithms.philox import MULTIPLIERS, ROUNDS, WEYL
from penstock._src.ops.random import lowering
from penstock._src.ops.random.distributions import RESERVED_WORDS
from penstock._src.ops.random.rejection import RESERVED_BY_GEOMETRIC, STIRLING_TAIL

_LOW = 0xFFFFFFFF


def blocks_at(p: Any, key: Any, counter: Any, offsets: Any) -> list[Any]:
    """The four words (as uint64) of the Philox blocks at offsets (uint64, any shape) from a counter."""
    start, above = (p.reshape(p.slice(counter, [i], [i + 1]), ()) for i in (0, 1))
    return block_words(p, p.reshape(key, ()), start, above, offsets)


def block_words(p: Any, key: Any, start: Any, above: Any, offsets: Any) -> list[Any]:
    """`blocks_at` of a key and the two halves of a counter, scalars or of the offsets' shape."""
    low = p.add(offsets, start)
    high = p.add(p.cast(p.lt(low, offsets), dtypes.uint64), above)
    c0, c1 = p.and_(low, _LOW), p.shift_right_logical(low, 32)
    c2, c3 = p.and_(high, _LOW), p.shift_right_logical(high, 32)
    key0, key1 = p.and_(key, _LOW), p.shift_right_logical(key, 32)
    for _ in range(ROUNDS):
        a, b = p.mul(c0, MULTIPLIERS[0]), p.mul(c2, MULTIPLIERS[1])
        c0 = p.xor(p.xor(p.shift_right_logical(b, 32), c1), key0)
        c2 = p.xor(p.xor(p.shift_right_logical(a, 32), c3), key1)
        c1, c3 = p.and_(b, _LOW), p.and_(a, _LOW)
        key0, key1 = p.and_(p.add(key0, WEYL[0]), _LOW), p.and_(p.add(key1, WEYL[1]), _LOW)
    return [c0, c1, c2, c3]


def _uniform64(p: Any, first: Any, second: Any) -> Any:
    """float64 in [0, 1) from two words."""
    high = p.shift_left(p.and_(first, 0xFFFFF), 32)
    return p.sub(p.bitcast(p.or_(p.or_(high, second), 1023 << 52), dtypes.float64), 1.0)


def _uniform32(p: Any, word: Any) -> Any:
    """float32 of [0, 1) from a word."""
    bits = p.or_(p.and_(p.cast(word, dtypes.uint32), 0x7FFFFF), 127 << 23)
    return p.sub(p.bitcast(bits, dtypes.float32), 1.0)


class _Lanes:
    """Each output's position in its part of the stream, and the unused numbers of its last block.

    The numbers of a block are used from last to first, as in `lanes.Lanes`.
    """

    FIELDS = 5

    def __init__(self, p: Any, key: Any, counter: Any, fields: Sequence[Any]) -> None:
        self.p, self.key, self.counter = p, key, counter
        self.cursor, self.uniform_kept, self.has_uniform, self.normal_kept, self.has_normal = fields

    @staticmethod
    def start(p: Any, count: Any, reserved: int = RESERVED_WORDS) -> list[Any]:
        """The initial fields."""
        zeros, no = p.full([count], 0.0, dtypes.float64), p.full([count], False, dtypes.bool_)
        return [p.mul(p.iota([count], 0, dtypes.uint64), reserved), zeros, no, zeros, no]

    @property
    def fields(self) -> list[Any]:
        """The loop-carried values."""
        return [
            self.cursor,
            self.uniform_kept,
            self.has_uniform,
            self.normal_kept,
            self.has_normal,
        ]

    def _block(self, fresh: Any) -> list[Any]:
        words = blocks_at(self.p, self.key, self.counter, self.cursor)
        self.cursor = self.p.add(self.cursor, self.p.cast(fresh, dtypes.uint64))
        return words

    def uniform(self, active: Any) -> Any:
        """The next uniform number of each active lane; undefined for the others."""
        p = self.p
        fresh = p.and_(active, p.not_(self.has_uniform))
        w0, w1, w2, w3 = self._block(fresh)
        value = p.select(self.has_uniform, self.uniform_kept, _uniform64(p, w2, w3))
        self.uniform_kept = p.select(fresh, _uniform64(p, w0, w1), self.uniform_kept)
        # A block has two numbers: each use either takes the kept one or keeps one.
        self.has_uniform = p.xor(self.has_uniform, active)
        return value

    def normal(self, active: Any) -> Any:
        """The next standard normal number of each active lane; undefined for the others."""
        p = self.p
        fresh = p.and_(active, p.not_(self.has_normal))
        w0, w1, w2, w3 = self._block(fresh)
        first, last = lowering.normal_pair(p, _uniform64(p, w0, w1), _uniform64(p, w2, w3))
        value = p.select(self.has_normal, self.normal_kept, last)
        self.normal_kept = p.select(fresh, first, self.normal_kept)
        self.has_normal = p.xor(self.has_normal, active)
        return value


def _until_done(p: Any, body: Any, key: Any, counter: Any, start: list[Any], active: Any) -> Any:
    """Each lane's loop until it is no longer active; returns the float64 samples.

    `body(lanes, active, *state)` returns (still active, *state); the first state value is the samples.
    """
    fields = start[: _Lanes.FIELDS]

    def step(*carried: Any) -> list[Any]:
        lanes = _Lanes(p, key, counter, carried[: _Lanes.FIELDS])
        still, *state = body(lanes, *carried[_Lanes.FIELDS :])
        return [*lanes.fields, still, *state]

    init = [*fields, active, *start[_Lanes.FIELDS :]]
    return p.iterate(lambda *carried: carried[_Lanes.FIELDS], step, init)[_Lanes.FIELDS + 1]


def gamma(p: Any, key: Any, counter: Any, alpha: Any, samples: Any) -> Any:
    """float64[samples, alphas] of gamma numbers for a vector of alphas; 0 where alpha is 0, NaN where it is negative.

    Source: Marsaglia & Tsang 2000, "A simple method for generating gamma variables".
    """
    alphas = alpha.shape[0]
    count = alphas * samples
    wide = p.broadcast_to(p.expand_dims(p.cast(alpha, dtypes.float64), 1), [alphas, samples])
    shape = p.reshape(wide, [count])
    small = p.lt(shape, 1.0)
    # Below 1, a number of shape + 1 is drawn and multiplied by u ** (1 / shape), with u uniform.
    d = p.select(small, p.add(shape, 2.0 / 3), p.add(shape, -1.0 / 3))
    c = p.div(p.full([count], 1.0 / 3, dtypes.float64), p.sqrt(d))
    is_one = p.eq(shape, 1.0)
    lanes = _Lanes(p, key, counter, _Lanes.start(p, count))
    exponential = p.neg(p.log1p(p.neg(lanes.uniform(is_one))))
    out = p.select(p.eq(shape, 0.0), p.full([count], 0.0, dtypes.float64), math.nan)
    out = p.select(is_one, exponential, out)

    def attempt(lanes: _Lanes, active: Any, out: Any) -> list[Any]:
        x = lanes.normal(active)
        v = p.add(p.mul(c, x), 1.0)
        possible = p.and_(active, p.gt(v, 0.0))
        v = p.select(possible, p.mul(p.mul(v, v), v), 1.0)
        u = lanes.uniform(possible)
        square = p.mul(x, x)
        # The paper's squeeze: it accepts most numbers without a logarithm.
        quick = p.lt(u, p.sub(1.0, p.mul(p.mul(square, 0.0331), square)))
        tail = p.mul(d, p.add(p.sub(1.0, v), p.log(v)))
        slow = p.lt(p.log(u), p.add(p.mul(square, 0.5), tail))
        accepted = p.and_(possible, p.or_(quick, slow))
        # Drawn only by lanes that have accepted: it moves their place in the stream.
        raised = p.pow(lanes.uniform(p.and_(accepted, small)), p.reciprocal(shape))
        value = p.mul(d, v)
        value = p.select(small, p.mul(value, raised), value)
        return [p.and_(active, p.not_(accepted)), p.select(accepted, value, out)]

    active = p.and_(p.not_(is_one), p.gt(shape, 0.0))
    numbers = _until_done(p, attempt, key, counter, [*lanes.fields, out], active)
    return p.transpose(p.reshape(numbers, [alphas, samples]), [1, 0])


def poisson(p: Any, key: Any, counter: Any, rates: Any, samples: Any, limit: float) -> Any:
    """float64[samples, rates] of Poisson numbers for a vector of rates; see `rejection.poisson`."""
    count = rates.shape[0]
    wide = p.broadcast_to(p.expand_dims(p.cast(rates, dtypes.float64), 1), [count, samples])
    rate = p.reshape(wide, [count * samples])
    cursor = p.mul(p.iota([count * samples], 0, dtypes.uint64), RESERVED_WORDS)

    def draw(rate: Any, cursor: Any, key: Any, start: Any, above: Any) -> Any:
        stream = _Stream(p, key, start, above)
        finite = p.is_finite(rate)
        # Samples of such rates always exceed the limit: rejection would not terminate.
        endless = p.and_(finite, p.gt(rate, limit + 40 * math.sqrt(limit)))
        usable = p.and_(finite, p.not_(endless))
        small = p.and_(usable, p.lt(rate, 10.0))
        large = p.and_(usable, p.ge(rate, 10.0))
        bound = p.select(endless, p.full(rate.shape, limit, rate.dtype), 0.0)
        out = p.select(finite, bound, p.select(p.eq(rate, math.inf), rate, math.nan))
        args = [rate, cursor, out]
        out = p.where_any(small, lambda *of: _by_products(p, stream, small, limit, *of), args, out)
        args = [rate, cursor, out]
        return p.where_any(large, lambda *of: _by_ratios(p, stream, large, limit, *of), args, out)

    words = [p.reshape(key, ())] + [p.reshape(p.slice(counter, [i], [i + 1]), ()) for i in (0, 1)]
    (numbers,) = p.by_element(draw, [rate, cursor, *words])
    return p.transpose(p.reshape(numbers, [count, samples]), [1, 0])


class _Stream:
    """Blocks of a Philox stream, as two uniform numbers each."""

    def __init__(self, p: Any, key: Any, start: Any, above: Any) -> None:
        self.p, self.key, self.start, self.above = p, key, start, above

    def uniforms(self, cursor: Any) -> tuple[Any, Any]:
        """The numbers of a block in the order of their use, the last first."""
        w0, w1, w2, w3 = block_words(self.p, self.key, self.start, self.above, cursor)
        return _uniform64(self.p, w2, w3), _uniform64(self.p, w0, w1)


def _by_products(
    p: Any, stream: _Stream, active: Any, limit: float, rate: Any, cursor: Any, out: Any
) -> Any:
    """The number of uniform numbers multiplied until the product is at most e^-rate, without the last (Knuth)."""
    least, one = p.exp(p.neg(rate)), p.full(rate.shape, 1.0, rate.dtype)

    def step(open_: Any, cursor: Any, product: Any, count: Any) -> list[Any]:
        for uniform in stream.uniforms(cursor):
            following = p.select(open_, product * uniform, product)
            done = p.and_(p.le(following, least), p.le(count, limit))
            open_, product = p.and_(open_, p.not_(done)), following
            count = p.select(open_, count + 1.0, count)
        return [open_, p.add(cursor, 1), product, count]

    start = [active, cursor, one, p.full(rate.shape, 0.0, rate.dtype)]
    *_, count = p.iterate(lambda open_, *_: open_, step, start)
    return p.select(active, count, out)


def _by_ratios(
    p: Any, stream: _Stream, active: Any, limit: float, rate: Any, cursor: Any, out: Any
) -> Any:
    """Transformed rejection (Hormann 1993): a block for each attempt."""
    log_rate = p.log(p.select(active, rate, 10.0))
    b = p.sqrt(p.select(active, rate, 10.0)) * 2.53 + 0.931
    a = b * 0.02483 - 0.059
    inverse_alpha = 1.1328 / (b - 3.4) + 1.1239

    def step(open_: Any, cursor: Any, out: Any) -> list[Any]:
        first, v = stream.uniforms(cursor)
        u = first - 0.5
        shifted = 0.5 - p.abs(u)
        k = p.floor((a * 2.0 / shifted + b) * u + rate + 0.43)
        quick = p.and_(p.ge(shifted, 0.07), p.le(v, 0.9277 - 3.6224 / (b - 2.0)))
        # Rejected without the logarithm of the density, as by the quick test.
        hopeless = p.or_(p.lt(k, 0.0), p.and_(p.lt(shifted, 0.013), p.gt(v, shifted)))

        def is_below(v: Any, k: Any, shifted: Any) -> Any:
            ratio = p.log(v * inverse_alpha / (a / (shifted * shifted) + b))
            return p.le(ratio, k * log_rate - rate - p.lgamma(k + 1.0))

        slow = p.and_(open_, p.not_(p.or_(quick, hopeless)))
        slow = p.where_any(slow, is_below, [v, p.maximum(k, 0.0), shifted], slow)
        accepted = p.and_(p.and_(open_, p.le(k, limit)), p.or_(quick, slow))
        return [
            p.and_(open_, p.not_(accepted)),
            p.add(cursor, 1),
            p.select(accepted, k, out),
        ]

    *_, out = p.iterate(lambda open_, *_: open_, step, [active, cursor, out])
    return out


def truncated_normal(p: Any, key: Any, counter: Any, shape: Any, dtype: DType) -> Any:
    """Standard normal numbers; those of magnitude 2 or more are redrawn."""
    double = dtype == dtypes.float64
    working = dtypes.float64 if double else dtypes.float32
    group = 2 if double else 4
    count = dims.product(shape)
    groups = dims.ceil_divide(count, group)
    first = p.mul(p.iota([groups], 0, dtypes.uint64), group * RESERVED_WORDS // 4)

    def tried(cursor: Any) -> list[Any]:
        """Two blocks' numbers for each group: two vectors of a block in double precision, four in single."""
        numbers: list[Any] = []
        for block in range(2):
            words = blocks_at(p, key, counter, p.add(p.add(first, cursor), block))
            if double:
                numbers += lowering.normal_pair(
                    p, _uniform64(p, *words[:2]), _uniform64(p, *words[2:])
                )
            else:
                uniform = [_uniform32(p, word) for word in words]
                numbers += [
                    *lowering.normal_pair(p, *uniform[:2]),
                    *lowering.normal_pair(p, *uniform[2:]),
                ]
        return numbers

    def step(cursor: Any, filled: Any, *places: Any) -> list[Any]:
        places_now = list(places)
        for z in tried(cursor):
            accepted = p.lt(p.abs(z), 2.0)
            for at in range(group):
                here = p.and_(accepted, p.eq(filled, at))
                places_now[at] = p.select(here, z, places_now[at])
            filled = p.add(filled, p.cast(accepted, dtypes.int32))
        # All groups go on together: those that are full ignore further numbers.
        return [p.add(cursor, 2), filled, *places_now]

    empty = p.full([groups], 0.0, working)
    init = [p.constant(0, dtypes.uint64), p.full([groups], 0, dtypes.int32), *[empty] * group]
    final = p.while_(
        lambda cursor, filled, *places: p.reduce_any(p.lt(filled, group), [0]), step, init
    )
    numbers = p.concat([p.expand_dims(place, 1) for place in final[2:]], 1)
    flat = p.slice(p.reshape(numbers, [groups * group]), [0], [count])
    return p.reshape(p.cast(flat, dtype), shape)


def binomial(p: Any, key: Any, counter: Any, counts: Any, probabilities: Any) -> Any:
    """Binomial numbers as float64, one for each of the flat counts and probabilities (sources: rejection.py)."""
    n, probability = (p.cast(x, dtypes.float64) for x in (counts, probabilities))
    bad = p.or_(p.not_(p.is_finite(n)), p.is_nan(probability))
    bad = p.or_(bad, p.or_(p.lt(n, 0.0), p.lt(probability, 0.0)))
    bad = p.or_(bad, p.gt(probability, 1.0))
    # Both algorithms are for at most one half: failures are counted instead of successes.
    flipped = p.gt(probability, 0.5)
    q = p.select(flipped, p.sub(1.0, probability), probability)
    usable = p.and_(p.not_(bad), p.and_(p.gt(n, 0.0), p.gt(q, 0.0)))
    large = p.ge(p.mul(n, q), 10.0)
    out = p.select(bad, p.full(n.shape, float("nan"), dtypes.float64), 0.0)
    out = _by_geometric(p, key, counter, n, q, p.and_(usable, p.not_(large)), out)
    out = _by_transformed(p, key, counter, n, q, p.and_(usable, large), out)
    return p.select(p.and_(flipped, p.not_(bad)), p.sub(n, out), out)


def _by_geometric(p: Any, key: Any, counter: Any, n: Any, q: Any, active: Any, out: Any) -> Any:
    slope = p.log1p(p.neg(q))

    def attempt(lanes: _Lanes, active: Any, out: Any, total: Any) -> list[Any]:
        # Trials until the next success, at once: their number is geometric.
        tries = p.ceil(p.div(p.log(lanes.uniform(active)), slope))
        total = p.select(active, p.add(total, tries), total)
        active = p.and_(active, p.le(total, n))
        return [active, p.add(out, p.cast(active, dtypes.float64)), total]

    start = _Lanes.start(p, n.shape[0], RESERVED_BY_GEOMETRIC)
    zeros = p.full(n.shape, 0.0, dtypes.float64)
    return _until_done(p, attempt, key, counter, [*start, out, zeros], active)


def _by_transformed(p: Any, key: Any, counter: Any, n: Any, q: Any, active: Any, out: Any) -> Any:
    deviation = p.sqrt(p.mul(p.mul(n, q), p.sub(1.0, q)))
    b = p.add(p.mul(deviation, 2.53), 1.15)
    a = p.add(p.add(p.mul(b, 0.0248), -0.0873), p.mul(q, 0.01))
    c = p.add(p.mul(n, q), 0.5)
    v_r = p.sub(0.92, p.mul(p.reciprocal(b), 4.2))
    ratio = p.div(q, p.sub(1.0, q))
    alpha = p.mul(p.add(p.mul(p.reciprocal(b), 5.1), 2.83), deviation)
    mode = p.floor(p.mul(p.add(n, 1.0), q))

    def attempt(lanes: _Lanes, active: Any, out: Any) -> list[Any]:
        u, v = p.sub(lanes.uniform(active), 0.5), lanes.uniform(active)
        shifted = p.sub(0.5, p.abs(u))
        k = p.floor(p.add(p.mul(p.add(p.div(p.mul(a, 2.0), shifted), b), u), c))
        quick = p.and_(p.ge(shifted, 0.07), p.le(v, v_r))
        inside = p.and_(p.ge(k, 0.0), p.le(k, n))
        # As in the paper, v is scaled by the hat before it is compared with the density.
        left = p.div(p.mul(v, alpha), p.add(p.div(a, p.mul(shifted, shifted)), b))
        accepted = p.or_(
            quick, p.and_(inside, p.le(p.log(left), _log_of_odds(p, n, mode, k, ratio)))
        )
        accepted = p.and_(accepted, active)
        return [p.and_(active, p.not_(accepted)), p.select(accepted, k, out)]

    start = _Lanes.start(p, n.shape[0])
    return _until_done(p, attempt, key, counter, [*start, out], active)


def _log_of_odds(p: Any, n: Any, mode: Any, k: Any, ratio: Any) -> Any:
    """The logarithm of the probability of k over that of the mode."""
    m1, k1 = p.add(mode, 1.0), p.add(k, 1.0)
    above_m, above_k = p.add(p.sub(n, mode), 1.0), p.add(p.sub(n, k), 1.0)
    terms = [
        p.mul(p.add(mode, 0.5), p.log(p.div(m1, p.mul(ratio, above_m)))),
        p.mul(p.add(n, 1.0), p.log(p.div(above_m, above_k))),
        p.mul(p.add(k, 0.5), p.log(p.div(p.mul(ratio, above_k), k1))),
        _stirling_tail(p, mode),
        _stirling_tail(p, p.sub(n, mode)),
        p.neg(_stirling_tail(p, k)),
        p.neg(_stirling_tail(p, p.sub(n, k))),
    ]
    return functools.reduce(p.add, terms)


def _stirling_tail(p: Any, k: Any) -> Any:
    """log(k!) minus Stirling's approximation."""
    k1 = p.add(k, 1.0)
    square = p.reciprocal(p.mul(k1, k1))
    series = p.sub(1.0 / 360, p.mul(square, 1.0 / 1260))
    series = p.div(p.sub(1.0 / 12, p.mul(series, square)), k1)
    for number, known in reversed(list(enumerate(STIRLING_TAIL))):
        series = p.select(p.le(k, float(number)), float(known), series)
    return series
