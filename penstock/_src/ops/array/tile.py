"""Repetition: tiles and broadcasts."""

import math

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import HostKernel, Values
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import LARGEST_RANK, TensorShape, broadcast_shapes, unknown_shape
from penstock._src.core.typesets import ANY, INDEX
from penstock._src.core.values.arrays import MOST_AXES, empty_pooled
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.extents.dims import is_one
from penstock._src.ops import infer
from penstock._src.ops.rules import (
    check_elements,
    dims_of,
    known_shape,
    reshape,
    show,
    static_value,
    sum_over,
    unbroadcast,
)
from penstock._src.ops.sums import add_up

SMALL = 1 << 16  # elements of an array that is made without asking whether it fits


class Tile(Op):
    """The tensor repeated multiples[i] times along dimension i."""

    ranks = {"multiples": (1,)}
    signature = "input: T, multiples: Tmultiples -> output: T"
    values = Values(rounds_nothing=True)
    T = ANY
    Tmultiples: INDEX = dtypes.int32
    vectorize = "rows, multiples"

    def shape(self, input, multiples):
        times = infer.held(multiples)
        rank = input.rank if input.rank is not None else times.rank
        if times.rank is None:
            return unknown_shape(rank)
        if input.rank is None:
            return [0 if n == 0 else None for n in times.as_list()]
        times.with_rank(input.rank)
        return [infer.times(d, n) for d, n in zip(input.as_list(), times.as_list())]

    def gradient(self, input, multiples, _output, dy):
        sizes, times = known_shape(input), static_value(multiples)
        if sizes is not None and times is not None:
            split = [int(n) for pair in zip(times, sizes) for n in pair]
            return sum_over(reshape(dy, split), list(range(0, len(split), 2))), None
        shape = raw.Shape(input)
        pairs = raw.Pack([raw.Cast(multiples, DstT=dtypes.int32), shape], axis=1)
        split = reshape(pairs, [-1])
        axes = raw.Range(np.int32(0), raw.Size(split), np.int32(2))
        return reshape(sum_over(reshape(dy, split), axes), shape), None

    def eager(self, input, multiples):
        if multiples.ndim != 1:
            raise self.invalid(
                f"Expected multiples to be 1-D, but got shape {show(multiples.shape)}"
            )
        if multiples.size != input.ndim:
            raise self.invalid(
                f"Expected multiples argument to be a vector of length {input.ndim} but got length "
                f"{multiples.size}"
            )
        for i, n in enumerate(multiples.tolist()):
            if n < 0:
                raise self.invalid(f"Expected multiples[{i}] >= 0, but got {n}")
        check_elements(self, *(d * n for d, n in zip(input.shape, multiples.tolist())))
        return _tiled(input, multiples.tolist())

    def lower(self, p, input, multiples):
        times = dims_of(p, multiples, "the multiples")
        if len(times) != len(input.shape) or any(n < 0 for n in times) or self.T.np.hasobject:
            raise NotLowerable("multiples that do not fit")
        return p.tile(input, times)


def _tiled(array, times):
    """Returns an array repeated times[i] times along axis i."""
    if array.dtype.hasobject or 2 * array.ndim > MOST_AXES:
        return np.tile(array, times)
    result = empty_pooled(tuple([d * n for d, n in zip(array.shape, times)]), array.dtype)
    # Axes in pairs: the copies along one, and the array's own.
    pairs = [n for pair in zip(times, array.shape) for n in pair]
    ones = [n for d in array.shape for n in (1, d)]
    result.reshape(pairs)[...] = array.reshape(ones)
    return result


class TileGrad(Op):
    """The gradient of Tile: the sum of its copies."""

    signature = "input: T, multiples: int32 -> output: T"
    T = ANY

    def shape(self, input, multiples):
        times = infer.value_or_none(multiples)
        if times is None or input.rank is None:
            return unknown_shape(input.rank)
        return [None if d is None else d // n for d, n in zip(input.as_list(), times)]

    def eager(self, input, multiples):
        times = multiples.tolist()
        if len(times) != input.ndim or any(n <= 0 or d % n for d, n in zip(input.shape, times)):
            raise self.invalid(f"multiples {times} do not divide shape {show(input.shape)}")
        split = [n for d, t in zip(input.shape, times) for n in (t, d // t)]
        return add_up(input.reshape(split), range(0, len(split), 2))


class BroadcastTo(Op):
    """The tensor broadcast to a shape."""

    signature = "input: T, shape: Tidx -> output: T"
    values = Values(rounds_nothing=True)
    host_kernel = HostKernel(is_view=True)
    T = ANY
    Tidx: INDEX = dtypes.int32

    def output_shape(self, input, shape):
        target = infer.held(shape.with_rank(1))
        if target.rank is None or input.rank is None:
            return target
        if input.rank > target.rank:
            raise ValueError(f"Shape must be at most rank {target.rank} but is rank {input.rank}")
        lead = target.rank - input.rank
        for i, d in enumerate(input.as_list()):
            goal = target[lead + i]
            if None in (d, goal) or is_one(d):
                continue
            if d != goal and d != 1:
                raise ValueError(f"Dimensions must be equal, but are {d} and {goal}")
        broadcast = broadcast_shapes(TensorShape(input), target)
        return [size if size is not None else d for size, d in zip(target.as_list(), broadcast)]

    def gradient(self, input, _shape, _output, dy):
        return unbroadcast(dy, input), None

    def eager(self, input, shape):
        if shape.ndim != 1:
            raise self.invalid(f"shape must be a vector. Received {show(shape.shape)}")
        dims = shape.tolist()
        if input.ndim > len(dims):
            raise self.invalid(
                f"Rank of input ({input.ndim}) must be no greater than rank of output shape "
                f"({len(dims)})."
            )
        for d in dims:
            if d < 0:
                raise self.invalid(f"Dimension {d} must be >= 0")
        try:
            if input.dtype.kind == "O":
                return np.broadcast_to(input, dims).copy()
            # Asked first whether they fit: a large array may not exist. Of small ones that costs twice the rest.
            spread = input if math.prod(dims) <= SMALL else np.broadcast_to(input, dims)
            result = empty_pooled(tuple(dims), input.dtype)
            result[...] = spread
            return result
        except ValueError:
            if len(dims) > LARGEST_RANK:
                raise
            raise self.invalid(self._refusal(input.shape, dims)) from None

    def _refusal(self, shape, dims):
        """Return why a shape does not broadcast: not with the other at all, or to a third."""
        try:
            np.broadcast_shapes(shape, dims)
        except ValueError:
            return f"Incompatible shapes: {show(shape)} vs. {show(dims)}"
        return f"Unable to broadcast tensor of shape {show(shape)} to tensor of shape {show(dims)}"

    def lower(self, p, input, shape):
        dims = dims_of(p, shape, "the shape")
        lead = len(dims) - len(input.shape)
        fits = lead >= 0 and all(
            is_one(d) or d in (dims[lead + i], 1) for i, d in enumerate(input.shape)
        )
        if not fits or self.T.np.hasobject:
            raise NotLowerable("a shape to which the tensor does not broadcast")
        return p.broadcast_to(input, dims)
