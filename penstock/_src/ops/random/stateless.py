"""Stateless random ops: numbers depend only on a seed, or on a key and counter."""

from math import prod

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.op import Op
from penstock._src.core.typesets import FLOAT, INDEX
from penstock._src.ir.errors import NotLowerable
from penstock._src.ops.random import distributions, lowered_rejection, lowering
from penstock._src.ops.random.philox import Stream, key_and_counter
from penstock._src.ops.rules import dims_of, invalid, show

PHILOX, THREEFRY, AUTO = 1, 2, 3


def shape_from(op, shape):
    """The dimensions in a shape input, checked."""
    if shape.ndim != 1:
        raise invalid(op, f"shape must be a vector. Received {show(shape.shape)}")
    for extent in shape.tolist():
        if extent < 0:
            raise invalid(op, f"Dimension {extent} must be >= 0")
    return shape.tolist()


def lowered_shape(p, shape):
    """The dimensions in a shape input of a program."""
    dims = dims_of(p, shape, "shape")
    if shape.rank != 1 or any(int(extent) < 0 for extent in dims):
        raise NotLowerable("the host refuses such a shape")
    return dims


def stream_of_seed(op, seed):
    """The stream for a pair of seeds."""
    if seed.shape != (2,):
        raise invalid(op, f"seed must have shape [2], not {show(seed.shape)}")
    return Stream(*key_and_counter(seed))


def stream_of_key(op, key, counter, alg):
    """The stream at a key and counter."""
    if np.ndim(alg):
        raise invalid(op, f"algorithm must be of shape [], not {show(alg.shape)}")
    if int(alg) not in (PHILOX, AUTO):
        raise invalid(op, f"Unsupported algorithm id: {int(alg)}")
    if key.shape != (1,):
        raise invalid(
            op,
            f"key must have shape [1], not {show(key.shape)}. (Note that batched keys are not "
            "supported yet.)",
        )
    if counter.ndim != 1 or counter.shape[0] < 1:
        raise invalid(
            op,
            "counter must be a vector with length at least 2; got shape: "
            f"{show(counter.shape)}. (Note that batched counters are not supported yet.)",
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


class _Uniform:
    """How uniform numbers are drawn."""

    @staticmethod
    def draw(op, stream, count):
        """Eager."""
        return distributions.uniform(stream, count, op.dtype.np)

    @staticmethod
    def lower(op, p, key, counter, shape):
        """In a program."""
        return lowering.uniform(p, key, counter, shape, op.dtype)


class _Normal:
    """How standard normal numbers are drawn."""

    @staticmethod
    def draw(op, stream, count):
        """Eager."""
        return distributions.normal(stream, count, op.dtype.np)

    @staticmethod
    def lower(op, p, key, counter, shape):
        """In a program."""
        return lowering.normal(p, key, counter, shape, op.dtype)


class _TruncatedNormal:
    """How truncated normal numbers are drawn."""

    @staticmethod
    def draw(op, stream, count):
        """Eager."""
        return distributions.truncated_normal(stream, count, op.dtype.np)

    @staticmethod
    def lower(op, p, key, counter, shape):
        """In a program."""
        return lowered_rejection.truncated_normal(p, key, counter, shape, op.dtype)


class _FullInt:
    """How integers over the whole range are drawn."""

    @staticmethod
    def draw(op, stream, count):
        """Eager."""
        return distributions.full_integers(stream, count, op.dtype.np)

    @staticmethod
    def lower(op, p, key, counter, shape):
        """In a program."""
        return lowering.full_integers(p, key, counter, shape, op.dtype)


def require_range(op, minval, maxval):
    """Raises InvalidArgumentError unless two scalars bound a range."""
    if np.ndim(minval):
        raise invalid(op, f"minval must be 0-D, got shape {show(minval.shape)}")
    if np.ndim(maxval):
        raise invalid(op, f"maxval must be 0-D, got shape {show(maxval.shape)}")
    if not minval < maxval:
        raise invalid(op, f"Need minval < maxval, got {minval} >= {maxval}")


def check_range(op, p, args):
    """Adds the check of `require_range` for the last two arguments to a program."""
    minval, maxval = args[-2:]
    if minval.rank or maxval.rank:
        raise NotLowerable("a range of several numbers")
    p.check_as_host(p.lt(minval, maxval), f"{op.op_type}: Need minval < maxval", args)


class _BySeed(Op):
    """Numbers of a distribution from a pair of seeds."""

    signature = "shape: T, seed: Tseed -> output: dtype"

    differentiable = False
    T: DType = dtypes.int32
    T_types = INDEX
    Tseed: DType = dtypes.int64

    def shape(self, shape, seed):
        seed.with_rank(1)
        return shape.as_shape()

    def eager(self, shape, seed):
        dims = shape_from(self, shape)
        return self.distribution.draw(self, stream_of_seed(self, seed), prod(dims)).reshape(dims)

    def lower(self, p, shape, seed):
        dims = lowered_shape(p, shape)
        return self.distribution.lower(self, p, *lowering.key_and_counter(p, seed), dims)


class _ByKey(Op):
    """Numbers of a distribution from a key and a counter."""

    signature = "shape: Tshape, key: uint64, counter: uint64, alg: int32 -> output: dtype"

    differentiable = False
    Tshape: DType = dtypes.int32
    Tshape_types = INDEX

    def shape(self, shape, key, counter, alg):
        key.with_rank(1)
        counter.with_rank(1)
        return shape.as_shape()

    def eager(self, shape, key, counter, alg):
        dims = shape_from(self, shape)
        stream = stream_of_key(self, key, counter, alg)
        return self.distribution.draw(self, stream, prod(dims)).reshape(dims)

    def lower(self, p, shape, key, counter, alg):
        dims = lowered_shape(p, shape)
        return self.distribution.lower(self, p, *lowered_stream(p, key, counter, alg), dims)


class StatelessRandomUniform(_BySeed):
    """Uniform numbers in [0, 1)."""

    dtype: DType = dtypes.float32
    dtype_types = FLOAT
    Tseed_types = INDEX
    distribution = _Uniform


class StatelessRandomNormal(_BySeed):
    """Standard normal numbers."""

    dtype: DType = dtypes.float32
    dtype_types = FLOAT
    Tseed_types = INDEX
    distribution = _Normal


class StatelessTruncatedNormal(_BySeed):
    """Standard normal numbers within two deviations."""

    dtype: DType = dtypes.float32
    dtype_types = FLOAT
    Tseed_types = INDEX
    distribution = _TruncatedNormal


class StatelessRandomUniformFullInt(_BySeed):
    """Integers over the whole range of their type."""

    dtype: DType = dtypes.uint64
    dtype_types = INDEX | {dtypes.uint32, dtypes.uint64}
    Tseed_types = INDEX | {dtypes.uint32, dtypes.uint64}
    distribution = _FullInt


class StatelessRandomUniformV2(_ByKey):
    """Uniform numbers of [0, 1)."""

    dtype: DType = dtypes.float32
    dtype_types = FLOAT
    distribution = _Uniform


class StatelessRandomNormalV2(_ByKey):
    """Standard normal numbers."""

    dtype: DType = dtypes.float32
    dtype_types = FLOAT
    distribution = _Normal


class StatelessTruncatedNormalV2(_ByKey):
    """Standard normal numbers within two deviations."""

    dtype: DType = dtypes.float32
    dtype_types = FLOAT
    distribution = _TruncatedNormal


class StatelessRandomUniformFullIntV2(_ByKey):
    """Integers over the whole range of their type."""

    dtype: DType = dtypes.uint64
    dtype_types = INDEX | {dtypes.uint32, dtypes.uint64}
    distribution = _FullInt


class StatelessRandomUniformInt(Op):
    """Integers of [minval, maxval)."""

    signature = "shape: T, seed: Tseed, minval: dtype, maxval: dtype -> output: dtype[*shape]"
    dtype = INDEX
    T = INDEX
    Tseed: DType = dtypes.int64
    Tseed_types = INDEX
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

    signature = (
        "shape: Tshape, key: uint64, counter: uint64, alg: int32, minval: dtype, maxval: dtype "
        "-> output: dtype[*shape]"
    )
    dtype = INDEX | {dtypes.uint32, dtypes.uint64}
    Tshape: DType = dtypes.int32
    Tshape_types = INDEX
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
    Tseed: DType = dtypes.int64
    Tseed_types = INDEX

    def eager(self, seed):
        return _key_and_counter(self, seed)

    def lower(self, p, seed):
        return lowering.key_and_counter(p, seed)


class StatelessRandomGetKeyCounterAlg(Op):
    """Scrambles a pair of seeds into a key and a counter; also returns this device's algorithm."""

    signature = "seed: Tseed -> key: uint64[1], counter: uint64[2], alg: int32[]"
    Tseed: DType = dtypes.int64
    Tseed_types = INDEX

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
