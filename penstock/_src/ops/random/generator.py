"""The ops of tf.random.Generator. The position in a stream is a variable: int64[counter, counter, key]."""

import secrets
from math import prod

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import Effects
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.op import Op
from penstock._src.core.values import resources
from penstock._src.core.values.resources import as_variable
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.extents.dims import product
from penstock._src.ops.random import distributions, lowered_rejection, lowering
from penstock._src.ops.random.philox import Stream
from penstock._src.ops.random.stateful import RESERVED_BLOCKS
from penstock._src.ops.random.stateless import (
    PHILOX,
    THREEFRY,
    lowered_shape,
    require_range,
    shape_from,
)
from penstock._src.ops.rules import show

_MASK = (1 << 64) - 1
_WORD = (1 << 32) - 1


def advance(op, resource, algorithm, outputs):
    """Returns the stream at a generator's state and advances the state by the space of `outputs` outputs."""
    with resources.UPDATING:  # so that no two threads draw the same numbers
        return _advance(op, as_variable(resource, op.op_type), algorithm, outputs)


def _advance(op, variable, algorithm, outputs):
    state = variable.read()
    if variable.dtype != dtypes.int64:
        raise op.invalid(f"dtype of RNG state variable must be int64, not {variable.dtype.name}")
    if np.ndim(algorithm):
        raise op.invalid(f"algorithm must be of shape [], not {show(algorithm.shape)}")
    if int(algorithm) == THREEFRY:
        raise UnimplementedError("Non-XLA devices don't support the ThreeFry algorithm.")
    if int(algorithm) != PHILOX:
        raise op.invalid(f"Unsupported algorithm id: {int(algorithm)}")
    if state.ndim != 1:
        raise op.invalid(f"RNG state must have one and only one dimension, not {state.ndim}")
    if state.size < 3:
        raise op.invalid(
            "For the Philox algorithm, the size of state must be at least 3; got " + str(state.size)
        )
    low, high, key = (int(s) & _MASK for s in state[:3])
    stream = Stream(key, low | high << 64)
    moved = _moved(stream.counter, outputs * RESERVED_BLOCKS & _MASK)
    words = np.array([moved & _MASK, moved >> 64], np.uint64).view(np.int64)
    variable.value = np.concatenate([words, state[2:]])
    return stream, state


def _moved(counter, blocks):
    """A counter advanced by a uint64 number of blocks, as TensorFlow adds it in words of 32 bits.

    Its carry into the upper half is lost where the number's upper word, all ones, overflows with that of the lower one: so
    a negative number of outputs moves back.
    """
    low_carry = (counter & _WORD) + (blocks & _WORD) > _WORD
    if low_carry and blocks >> 32 == _WORD:
        return counter & ~_MASK | (counter + blocks) & _MASK
    return counter + blocks


def lowered_advance(p, resource, algorithm, outputs):
    """`advance` for programs: returns key and counter."""
    known = p.value(algorithm)
    if known is None or known.ndim or int(known) != PHILOX:
        raise NotLowerable("the algorithm is not known to be Philox")
    state = p.read_variable(resource)
    if state.dtype != dtypes.int64 or state.rank != 1 or state.shape[0] < 3:
        raise NotLowerable("the variable is not the state of a generator")
    words = p.bitcast(state, dtypes.uint64)
    counter, key = p.slice(words, [0], [2]), p.slice(words, [2], [3])
    moved = lowering.skipped(p, counter, p.mul(outputs, RESERVED_BLOCKS))
    rest = p.slice(state, [2], [state.shape[0]])
    p.assign_variable(resource, p.concat([p.bitcast(moved, dtypes.int64), rest], 0))
    return key, counter


def _lowered_draw(p, resource, algorithm, shape, draw):
    """Calls `draw(key, counter, dims)` with a generator's stream."""
    dims = lowered_shape(p, shape)
    outputs = p.scalar(product(dims), dtypes.uint64)
    return draw(*lowered_advance(p, resource, algorithm, outputs), dims)


class _ByGenerator(Op):
    """Numbers of a distribution from a generator's stream."""

    signature = "resource: resource, algorithm: int64, shape: shape_dtype -> output: dtype[*shape]"
    ranks = {"algorithm": (0,)}
    effects = Effects(draws_from_generator=True)

    shape_dtype: DType = dtypes.int64

    def eager(self, resource, algorithm, shape):
        dims = shape_from(self, shape)
        stream, _ = advance(self, resource, algorithm, prod(dims))
        return self.draw(stream, prod(dims), self.dtype.np).reshape(dims)

    def lower(self, p, resource, algorithm, shape):
        def draw(key, counter, dims):
            return self.lowered(p, key, counter, dims, self.dtype)

        return _lowered_draw(p, resource, algorithm, shape, draw)


class StatefulUniform(_ByGenerator):
    """Uniform numbers in [0, 1)."""

    dtype: DType = dtypes.float32
    draw = staticmethod(distributions.uniform)
    lowered = staticmethod(lowering.uniform)


class StatefulStandardNormalV2(_ByGenerator):
    """Standard normal numbers."""

    dtype: DType = dtypes.float32
    draw = staticmethod(distributions.normal)
    lowered = staticmethod(lowering.normal)


class StatefulTruncatedNormal(_ByGenerator):
    """Standard normal numbers within two deviations."""

    dtype: DType = dtypes.float32
    draw = staticmethod(distributions.truncated_normal)
    lowered = staticmethod(lowered_rejection.truncated_normal)


class StatefulUniformFullInt(_ByGenerator):
    """Integers over the whole range of their type."""

    dtype: DType = dtypes.uint64
    draw = staticmethod(distributions.full_integers)
    lowered = staticmethod(lowering.full_integers)


class StatefulUniformInt(Op):
    """Integers of [minval, maxval)."""

    signature = """resource: resource, algorithm: int64, shape: shape_dtype, minval: dtype,
        maxval: dtype -> output: dtype[*shape]"""
    ranks = {"algorithm": (0,), "minval": (0,), "maxval": (0,)}
    effects = Effects(draws_from_generator=True)
    dtype: DType = dtypes.int64
    shape_dtype: DType = dtypes.int64

    def eager(self, resource, algorithm, shape, minval, maxval):
        dims = shape_from(self, shape)
        require_range(self, minval, maxval)
        stream, _ = advance(self, resource, algorithm, prod(dims))
        drawn = distributions.integers(stream, prod(dims), self.dtype.np, minval, maxval)
        return drawn.reshape(dims)

    def lower(self, p, resource, algorithm, shape, minval, maxval):
        if minval.rank or maxval.rank:
            raise NotLowerable("a range whose bounds are not scalars")
        p.check(p.lt(minval, maxval), "StatefulUniformInt: Need minval < maxval")

        def draw(key, counter, dims):
            return lowering.integers(p, key, counter, dims, self.dtype, minval, maxval)

        return _lowered_draw(p, resource, algorithm, shape, draw)


class RngReadAndSkip(Op):
    """The state of a generator, which is advanced as if `delta` numbers had been drawn."""

    signature = "resource: resource, alg: int32, delta: uint64 -> value: int64[3]"
    ranks = {"alg": (0,), "delta": (0,)}
    effects = Effects(draws_from_generator=True)

    def eager(self, resource, alg, delta):
        if np.ndim(delta):
            raise self.invalid(f"delta must be of shape [], not {show(delta.shape)}")
        _, state = advance(self, resource, alg, int(delta))
        return state[:3]

    def lower(self, p, resource, alg, delta):
        if delta.rank:
            raise NotLowerable("delta is not a scalar")
        state = p.read_variable(resource)
        lowered_advance(p, resource, alg, p.cast(delta, dtypes.uint64))
        return p.slice(state, [0], [3])


class RngSkip(Op):
    """Advances a generator's state as if `delta` numbers had been drawn."""

    signature = "resource: resource, algorithm: int64, delta: int64 ->"
    ranks = {"algorithm": (0,), "delta": (0,)}
    effects = Effects(draws_from_generator=True)

    def eager(self, resource, algorithm, delta):
        if np.ndim(delta):
            raise self.invalid(f"delta must be of shape [], not {show(delta.shape)}")
        advance(self, resource, algorithm, int(delta))

    def lower(self, p, resource, algorithm, delta):
        if delta.rank:
            raise NotLowerable("delta is not a scalar")
        lowered_advance(p, resource, algorithm, p.bitcast(delta, dtypes.uint64))
        return ()


class NonDeterministicInts(Op):
    """Integers from the system's entropy."""

    signature = "shape: shape_dtype -> output: dtype[*shape]"
    dtype: DType = dtypes.int64
    shape_dtype: DType = dtypes.int64
    stateful = True

    def eager(self, shape):
        dims = shape_from(self, shape)
        kind = self.dtype.np
        drawn = secrets.token_bytes(prod(dims) * kind.itemsize)
        return np.frombuffer(drawn, kind).reshape(dims).copy()
