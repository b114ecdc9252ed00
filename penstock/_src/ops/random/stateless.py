"""Stateless random ops: numbers depend only on a seed, or on a key and counter."""

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import Elements
from penstock._src.core.op import Op
from penstock._src.core.typesets import FLOAT, INDEX
from penstock._src.ir.errors import NotLowerable
from penstock._src.ops.random import distributions, lowered_rejection, lowering
from penstock._src.ops.random.philox import Stream, key_and_counter
from penstock._src.ops.rules import check_elements, dims_of, show

PHILOX, THREEFRY, AUTO = 1, 2, 3


def shape_from(op, shape):
    """The dimensions in a shape input, checked."""
    if shape.ndim != 1:
        raise op.invalid(f"shape must be a vector. Received {show(shape.shape)}")
    if shape.dtype.kind not in "iu":
        raise op.invalid(f"shape must be of integers. Received {shape.dtype.name}")
    for extent in shape.tolist():
        if extent < 0:
            raise op.invalid(f"Dimension {extent} must be >= 0")
    check_elements(op, *shape.tolist())
    return shape.tolist()


def lowered_shape(p, shape):
    """The dimensions in a shape input of a program."""
    dims = dims_of(p, shape, "shape")
    if shape.rank != 1 or any(extent < 0 for extent in dims):
        raise NotLowerable("an invalid shape")
    return dims


def stream_of_seed(op, seed):
    """The stream for a pair of seeds."""
    if seed.shape != (2,):
        raise op.invalid(f"seed must have shape [2], not {show(seed.shape)}")
    return Stream(*key_and_counter(seed))


def stream_of_key(op, key, counter, alg):
    """The stream at a key and counter."""
    if np.ndim(alg):
        raise op.invalid(f"algorithm must be of shape [], not {show(alg.shape)}")
    if int(alg) not in (PHILOX, AUTO):
        raise op.invalid(f"Unsupported algorithm id: {int(alg)}")
    if key.shape != (1,):
        raise op.invalid(
            f"key must have shape [1], not {show(key.shape)}. (Note that batched keys are not "
            "supported yet.)"
        )
    if counter.ndim != 1 or counter.shape[0] < 1:
        raise op.invalid(
            "counter must be a vector with length at least 2; got shape: "
            f"{show(counter.shape)}. (Note that batched counters are not supported yet.)"
        )
    low_high = counter if counter.shape[0] > 1 else np.append(counter, np.uint64(0))
    return Stream.from_key_counter(key, low_high)


def lowered_stream(p, key, counter, alg):
    """Key and counter for a program; the algorithm must be static and Philox."""
    known = p.value(alg)
    if known is None or known.ndim or int(known) not in (PHILOX, AUTO):
        raise NotLowerable("the algorithm is not known to be Philox")
    if key.shape != (1,) or counter.rank != 1 or counter.shape[0] < 2:
        raise NotLowerable("key and counter are not those of one stream")
    return key, counter


class _Distribution(NamedTuple):
    """Drawing of numbers: `draw(stream, count, dtype)` eagerly, `lower(p, key, counter, shape, dtype)` in a program."""

    draw: Callable[..., Any]
    lower: Callable[..., Any]


UNIFORM = _Distribution(distributions.uniform, lowering.uniform)
NORMAL = _Distribution(distributions.normal, lowering.normal)
TRUNCATED_NORMAL = _Distribution(distributions.truncated_normal, lowered_rejection.truncated_normal)
FULL_INTEGERS = _Distribution(distributions.full_integers, lowering.full_integers)


def require_range(op, minval, maxval):
    """Raises InvalidArgumentError unless two scalars bound a range."""
    if np.ndim(minval):
        raise op.invalid(f"minval must be 0-D, got shape {show(minval.shape)}")
    if np.ndim(maxval):
        raise op.invalid(f"maxval must be 0-D, got shape {show(maxval.shape)}")
    if not minval < maxval:
        raise op.invalid(f"Need minval < maxval, got {minval} >= {maxval}")


def check_range(op, p, args):
    """Adds the check of `require_range` for the last two arguments to a program."""
    minval, maxval = args[-2:]
    if minval.rank or maxval.rank:
        raise NotLowerable("a range whose bounds are not scalars")
    p.check(p.lt(minval, maxval), f"{op.op_type}: Need minval < maxval", args)


class _BySeed(Op):
    """Numbers of a distribution from a pair of seeds."""

    signature = "shape: T, seed: Tseed[?] -> output: dtype[*shape]"
    extents = {"seed": "2"}
    elements = Elements(vectorizes_one_by_one=True)

    differentiable = False
    T: INDEX = dtypes.int32
    Tseed: INDEX = dtypes.int64

    def eager(self, shape, seed):
        dims = shape_from(self, shape)
        stream = stream_of_seed(self, seed)
        return self.distribution.draw(stream, prod(dims), self.dtype.np).reshape(dims)

    def lower(self, p, shape, seed):
        dims = lowered_shape(p, shape)
        key, counter = lowering.key_and_counter(p, seed)
        return self.distribution.lower(p, key, counter, dims, self.dtype)


class _ByKey(Op):
    """Numbers of a distribution from a key and a counter."""

    signature = """shape: Tshape, key: uint64[?], counter: uint64[?], alg: int32
        -> output: dtype[*shape]"""
    ranks = {"alg": (0,)}
    extents = {"key": "1"}

    differentiable = False
    Tshape: INDEX = dtypes.int32

    def eager(self, shape, key, counter, alg):
        dims = shape_from(self, shape)
        stream = stream_of_key(self, key, counter, alg)
        return self.distribution.draw(stream, prod(dims), self.dtype.np).reshape(dims)

    def lower(self, p, shape, key, counter, alg):
        dims = lowered_shape(p, shape)
        stream = lowered_stream(p, key, counter, alg)
        return self.distribution.lower(p, *stream, dims, self.dtype)


class StatelessRandomUniform(_BySeed):
    """Uniform numbers in [0, 1)."""

    ranks = {"seed": (1,)}

    dtype: FLOAT = dtypes.float32
    distribution = UNIFORM


class StatelessRandomNormal(_BySeed):
    """Standard normal numbers."""

    ranks = {"seed": (1,)}

    dtype: FLOAT = dtypes.float32
    distribution = NORMAL


class StatelessTruncatedNormal(_BySeed):
    """Standard normal numbers within two deviations."""

    dtype: FLOAT = dtypes.float32
    distribution = TRUNCATED_NORMAL


class StatelessRandomUniformFullInt(_BySeed):
    """Integers over the whole range of their type."""

    dtype: INDEX | {dtypes.uint32, dtypes.uint64} = dtypes.uint64
    T: INDEX = dtypes.int32
    Tseed: INDEX | {dtypes.uint32, dtypes.uint64} = dtypes.int64
    distribution = FULL_INTEGERS


class StatelessRandomUniformV2(_ByKey):
    """Uniform numbers of [0, 1)."""

    dtype: FLOAT = dtypes.float32
    distribution = UNIFORM


class StatelessRandomNormalV2(_ByKey):
    """Standard normal numbers."""

    dtype: FLOAT = dtypes.float32
    distribution = NORMAL


class StatelessTruncatedNormalV2(_ByKey):
    """Standard normal numbers within two deviations."""

    dtype: FLOAT = dtypes.float32
    distribution = TRUNCATED_NORMAL


class StatelessRandomUniformFullIntV2(_ByKey):
    """Integers over the whole range of their type."""

    dtype: INDEX | {dtypes.uint32, dtypes.uint64} = dtypes.uint64
    distribution = FULL_INTEGERS


class StatelessRandomUniformInt(Op):
    """Integers of [minval, maxval)."""

    signature = "shape: T, seed: Tseed, minval: dtype, maxval: dtype -> output: dtype[*shape]"
    ranks = {"minval": (0,), "maxval": (0,)}
    extents = {"seed": "2"}
    elements = Elements(vectorizes_one_by_one=True)
    dtype = INDEX
    T = INDEX
    Tseed: INDEX = dtypes.int64
    differentiable = False

    def eager(self, shape, seed, minval, maxval):
        dims = shape_from(self, shape)
        require_range(self, minval, maxval)
        stream = stream_of_seed(self, seed)
        drawn = distributions.integers(stream, prod(dims), self.dtype.np, minval, maxval)
        return drawn.reshape(dims)

    def lower(self, p, shape, seed, minval, maxval):
        dims = lowered_shape(p, shape)
        check_range(self, p, [shape, seed, minval, maxval])
        key, counter = lowering.key_and_counter(p, seed)
        return lowering.integers(p, key, counter, dims, self.dtype, minval, maxval)


class StatelessRandomUniformIntV2(Op):
    """Integers in [minval, maxval)."""

    signature = """shape: Tshape, key: uint64, counter: uint64, alg: int32, minval: dtype,
        maxval: dtype -> output: dtype[*shape]"""
    ranks = {"counter": (1,), "alg": (0,), "minval": (0,), "maxval": (0,)}
    extents = {"key": "1"}
    dtype = INDEX | {dtypes.uint32, dtypes.uint64}
    Tshape: INDEX = dtypes.int32
    differentiable = False

    def eager(self, shape, key, counter, alg, minval, maxval):
        dims = shape_from(self, shape)
        require_range(self, minval, maxval)
        stream = stream_of_key(self, key, counter, alg)
        drawn = distributions.integers(stream, prod(dims), self.dtype.np, minval, maxval)
        return drawn.reshape(dims)

    def lower(self, p, shape, key, counter, alg, minval, maxval):
        dims = lowered_shape(p, shape)
        check_range(self, p, [shape, key, counter, alg, minval, maxval])
        key, counter = lowered_stream(p, key, counter, alg)
        return lowering.integers(p, key, counter, dims, self.dtype, minval, maxval)


def _key_and_counter(op, seed):
    stream = stream_of_seed(op, seed)
    high = stream.counter >> 64
    return np.array([stream.key], np.uint64), np.array([0, high], np.uint64)


class StatelessRandomGetKeyCounter(Op):
    """Scrambles a pair of seeds into a key and a counter."""

    signature = "seed: Tseed -> key: uint64[1], counter: uint64[2]"
    extents = {"seed": "2"}
    Tseed: INDEX = dtypes.int64

    def eager(self, seed):
        return _key_and_counter(self, seed)

    def lower(self, p, seed):
        return lowering.key_and_counter(p, seed)


class StatelessRandomGetKeyCounterAlg(Op):
    """Scrambles a pair of seeds into a key and a counter; also returns this device's algorithm."""

    signature = "seed: Tseed -> key: uint64[1], counter: uint64[2], alg: int32[]"
    extents = {"seed": "2"}
    Tseed: INDEX = dtypes.int64

    def eager(self, seed):
        return (*_key_and_counter(self, seed), np.int32(PHILOX))

    def lower(self, p, seed):
        return (*lowering.key_and_counter(p, seed), p.constant(PHILOX, dtypes.int32))


class StatelessRandomGetAlg(Op):
    """The algorithm of this device: Philox."""

    signature = "-> alg: int32[]"
    stateful = True

    def eager(self):
        return np.int32(PHILOX)

    def lower(self, p):
        return p.constant(PHILOX, dtypes.int32)
