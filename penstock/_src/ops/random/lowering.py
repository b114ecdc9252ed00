"""Lowers random distributions to primitives over `random_bits`, with the same streams as the NumPy kernels."""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.ir.errors import NotLowerable
from penstock._src.ops.array.unique import lowered_bisection
from penstock._src.ops.random import libm

# Classes from which each drawn point is searched for by halves, not compared with all of them.
MANY_CLASSES = 64

_UNSIGNED = {2: dtypes.uint16, 4: dtypes.uint32}  # by bytes


def _count(shape: Any) -> int:
    count = 1
    for extent in shape:
        count = count * extent
    return count


def words(p: Any, key: Any, counter: Any, count: int) -> Any:
    """The first `count` 32-bit words of the stream."""
    return p.random_bits(key, counter, count, algorithm="philox")


def uniform(p: Any, key: Any, counter: Any, shape: Any, dtype: DType) -> Any:
    """Numbers of [0, 1)."""
    count = _count(shape)
    if dtype == dtypes.float64:
        return p.reshape(_uniform64(p, words(p, key, counter, count * 2), count), shape)
    bits = words(p, key, counter, count)
    return p.reshape(_from_mantissa(p, bits, dtype), shape)


def _from_mantissa(p: Any, bits: Any, dtype: DType) -> Any:
    exponent, mantissa = dtypes.float_format(dtype.np)
    one = ((1 << exponent - 1) - 1) << mantissa  # the bits of 1.0
    one_to_two = p.cast(p.or_(p.and_(bits, (1 << mantissa) - 1), one), _UNSIGNED[dtype.size])
    return _below_one(p, p.bitcast(one_to_two, dtype) - 1, mantissa)


def _below_one(p: Any, number: Any, mantissa: int) -> Any:
    """The number, annotated with its range [0, 1) and its number of mantissa bits."""
    p.assume(number, 0.0, 1 - 2.0**-mantissa)
    return number


def _uniform64(p: Any, bits: Any, count: int) -> Any:
    pairs = p.reshape(bits, [count, 2])
    high = p.and_(p.slice(pairs, [0, 0], [count, 1]), 0xFFFFF)
    high = p.or_(high, 1023 << 20)
    low = p.slice(pairs, [0, 1], [count, 2])
    number = p.bitcast(p.bitcast(p.concat([low, high], 1), dtypes.uint64), dtypes.float64) - 1
    return _below_one(p, number, 52)


def full_integers(p: Any, key: Any, counter: Any, shape: Any, dtype: DType) -> Any:
    """Integers over the whole range of the type."""
    return p.reshape(_integers(p, key, counter, _count(shape), dtype), shape)


def _integers(p: Any, key: Any, counter: Any, count: int, dtype: DType) -> Any:
    if dtype.size == 4:
        bits = words(p, key, counter, count)
    else:
        pairs = p.reshape(words(p, key, counter, count * 2), [count, 2])
        bits = p.bitcast(pairs, dtypes.uint64)
    return bits if dtype.name.startswith("u") else p.bitcast(bits, dtype)


def integers(p: Any, key: Any, counter: Any, shape: Any, dtype: DType, low: Any, high: Any) -> Any:
    """Integers in [low, high)."""
    unsigned = dtypes.uint32 if dtype.size == 4 else dtypes.uint64
    bits = _integers(p, key, counter, _count(shape), unsigned)
    extent = p.bitcast(high, unsigned) - p.bitcast(low, unsigned)
    return p.reshape(p.bitcast(p.mod(bits, extent) + p.bitcast(low, unsigned), dtype), shape)


def normal(p: Any, key: Any, counter: Any, shape: Any, dtype: DType) -> Any:
    """Standard normal numbers."""
    count = _count(shape)
    if dtype == dtypes.float64:
        pairs = (count + 1) // 2
        u = p.reshape(_uniform64(p, words(p, key, counter, pairs * 4), pairs * 2), [pairs, 2])
    else:
        pairs = (count + 3) // 4 * 2
        u = _from_mantissa(p, words(p, key, counter, pairs * 2), dtypes.float32)
        u = p.reshape(u, [pairs, 2])
    radius, angle = p.slice(u, [0, 0], [pairs, 1]), p.slice(u, [0, 1], [pairs, 2])
    both = p.concat(normal_pair(p, radius, angle), 1)
    flat = p.slice(p.reshape(both, [pairs * 2]), [0], [count])
    return p.reshape(flat if flat.dtype == dtype else p.cast(flat, dtype), shape)


def normal_pair(p: Any, radius: Any, angle: Any) -> tuple[Any, Any]:
    """Two standard normal numbers from two in [0, 1), in their dtype (Box & Muller 1958)."""
    single = radius.dtype == dtypes.float32
    angle = p.cast(p.mul(p.cast(angle, dtypes.float64), 2.0 * np.pi), angle.dtype)
    radius = p.maximum(radius, 1.0e-7)
    radius = p.sqrt(p.mul(_logf(p, radius) if single else p.log(radius), -2.0))
    sine, cosine = _sincosf(p, angle) if single else (p.sin(angle), p.cos(angle))
    return p.mul(sine, radius), p.mul(cosine, radius)


def _logf(p: Any, x: Any) -> Any:
    """`libm.logf` as primitives."""
    bits = p.bitcast(x, dtypes.uint32)
    shifted = p.sub(bits, int(libm.LOG_OFFSET))
    interval = p.cast(p.and_(p.shift_right_logical(shifted, 19), 15), dtypes.int32)
    exponent = p.shift_right(p.bitcast(shifted, dtypes.int32), 23)
    mantissa = p.bitcast(p.sub(bits, p.and_(shifted, 0xFF800000)), dtypes.float32)
    inverse, base = (p.gather(p.constant(table), interval, 0) for table in (libm.INVERSE, libm.LOG))
    r = p.sub(p.mul(p.cast(mantissa, dtypes.float64), inverse), 1.0)
    base = p.add(base, p.mul(p.cast(exponent, dtypes.float64), libm.LN2))
    a0, a1, a2 = libm.LOG_POLYNOMIAL
    square = p.mul(r, r)
    y = p.add(p.mul(square, a0), p.add(p.mul(r, a1), a2))
    return p.cast(p.add(p.mul(y, square), p.add(base, r)), dtypes.float32)


def _sincosf(p: Any, x: Any) -> tuple[Any, Any]:
    """`libm.sincosf` as primitives."""
    y = p.cast(x, dtypes.float64)
    turns = p.floor(p.add(p.mul(y, libm.TWO_OVER_PI), 0.5))
    r = p.sub(y, p.mul(turns, libm.HALF_PI))
    quadrant = p.cast(turns, dtypes.int32)
    square = p.mul(r, r)
    sine = p.cast(p.add(r, p.mul(p.mul(r, square), _series(p, square, libm.SINE))), dtypes.float32)
    cosine = p.cast(_series(p, square, libm.COSINE), dtypes.float32)
    odd = p.ne(p.and_(quadrant, 1), 0)

    def signed(value: Any, quadrant: Any) -> Any:
        return p.select(p.ne(p.and_(quadrant, 2), 0), p.neg(value), value)

    return (
        signed(p.select(odd, cosine, sine), quadrant),
        signed(p.select(odd, sine, cosine), p.add(quadrant, 1)),
    )


def _series(p: Any, x: Any, coefficients: Any) -> Any:
    """The polynomial with these coefficients, the constant one first."""
    *lower, last = coefficients
    result = p.full(x.shape, last, dtypes.float64)
    for each in reversed(lower):
        result = p.add(p.mul(result, x), each)
    return result


def categorical(p: Any, key: Any, counter: Any, logits: Any, samples: int, dtype: DType) -> Any:
    """Classes `[rows, samples]` at which the cumulative weights exp(logits) exceed uniform numbers."""
    rows = logits.shape[0]
    x = p.cast(logits, dtypes.float64)
    finite = p.is_finite(x)
    top = p.reduce_max(p.select(finite, x, -np.inf), [1], keepdims=True)
    top = p.select(p.is_finite(top), top, 0.0)
    weights = p.select(finite, p.exp(p.select(finite, x, 0.0) - top), 0.0)
    cumulated = p.cumulative(weights, "sum", 1)
    # The last element, since the sums are non-decreasing.
    total = p.reduce_max(cumulated, [1], keepdims=True)
    points = uniform(p, key, counter, [rows, samples], dtypes.float64) * total
    if logits.shape[1] >= MANY_CLASSES:
        return p.cast(lowered_bisection(p, cumulated, points, "right"), dtype)
    passed = p.le(p.expand_dims(cumulated, 1), p.expand_dims(points, 2))
    return p.reduce_sum(p.cast(passed, dtype), [2])


def key_and_counter(p: Any, seed: Any) -> tuple[Any, Any]:
    """uint64[1] and uint64[2] from the pair of seeds of a stateless op."""
    if seed.shape != (2,):
        raise NotLowerable("the seed is not a pair")
    if seed.dtype not in (dtypes.int32, dtypes.int64):
        raise NotLowerable(f"a seed of type {seed.dtype.name}")
    key = p.constant(np.array([0x02461E293EC8F720], np.uint64), dtypes.uint64)
    counter = p.bitcast(p.cast(seed, dtypes.int64), dtypes.uint64)
    mixed = p.bitcast(p.reshape(p.random_bits(key, counter, 4), [2, 2]), dtypes.uint64)
    zero = p.constant(np.zeros(1, np.uint64), dtypes.uint64)
    return p.slice(mixed, [0], [1]), p.concat([zero, p.slice(mixed, [1], [2])], 0)


def skipped(p: Any, counter: Any, blocks: Any) -> Any:
    """A uint64[2] counter advanced by a uint64 number of blocks, with TensorFlow's carry (`_moved` in generator.py)."""
    low, high = p.slice(counter, [0], [1]), p.slice(counter, [1], [2])
    blocks = p.reshape(blocks, [1])
    moved = low + blocks
    word = (1 << 32) - 1
    low_carries = p.lt(p.and_(moved, word), p.and_(low, word))
    is_lost = p.and_(low_carries, p.eq(p.shift_right_logical(blocks, 32), word))
    carry = p.cast(p.and_(p.lt(moved, low), p.not_(is_lost)), dtypes.uint64)
    return p.concat([moved, high + carry], 0)
