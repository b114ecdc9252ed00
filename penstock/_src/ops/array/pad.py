"""Padding with a constant or a mirror image."""

from typing import Literal

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import SLOW, HostKernel, Values
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import UNKNOWN, TensorShape, unknown_shape
from penstock._src.core.typesets import ANY, INDEX
from penstock._src.core.values.arrays import empty_pooled
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.extents import dims
from penstock._src.ops import infer
from penstock._src.ops.array.constant import zero_of
from penstock._src.ops.array.slice import contiguous
from penstock._src.ops.rules import numbers_of, reshape, shape_of, show

Modes = Literal["REFLECT", "SYMMETRIC"]


def padded_shape(input, paddings):
    """Returns the shape of a padded tensor; `paddings` has a row for each dimension."""
    paddings.with_rank(2)
    rank = input.rank if input.rank is not None else paddings[0]
    if rank is None:
        return UNKNOWN
    if paddings[0] not in (None, rank):
        raise ValueError(f"Shape must be rank {paddings[0]} but is rank {rank}")
    if paddings.rank is not None and paddings[1] not in (None, 2):
        raise ValueError(f"Dimension must be 2 but is {paddings[1]}")
    value = paddings.value
    if value is None or input.rank is None:
        return unknown_shape(rank)
    if (np.asarray(value) < 0).any():
        raise ValueError("Paddings must be non-negative")
    return TensorShape(
        [
            infer.add(d, low + high)
            for d, (low, high) in zip(input.as_list(), np.asarray(value).tolist())
        ]
    )


def amounts(op, input, paddings):
    """Returns the padding of each dimension as pairs.

    Raises:
      InvalidArgumentError: the paddings do not fit, or one is negative.
    """
    if paddings.ndim != 2 or paddings.shape[1] != 2:
        raise op.invalid(f"paddings must be a matrix with 2 columns: {show(paddings.shape)}")
    if paddings.shape[0] != input.ndim:
        raise op.invalid(
            "The first dimension of paddings must be the rank of inputs"
            f"{show(paddings.shape)} {show(input.shape)}"
        )
    pairs = [tuple(pair) for pair in paddings.tolist()]
    for low, high in pairs:
        if low < 0 or high < 0:
            raise op.invalid(f"Paddings must be non-negative: {low} {high}")
    return pairs


def lowered_amounts(p, input, paddings):
    """Returns the static padding of each dimension while lowering."""
    value = numbers_of(p, paddings, "the paddings")
    if value.shape != (len(input.shape), 2) or (value < 0).any():
        raise NotLowerable("paddings that do not fit")
    return [(low, high) for low, high in value.tolist()]


def pad_with(input, pairs, fill):
    """Returns the array with `fill` around it."""
    if not any([low or high for low, high in pairs]):
        return input
    shape = [n + low + high for n, (low, high) in zip(input.shape, pairs)]
    out = empty_pooled(tuple(shape), input.dtype)  # np.full takes three times as long for a few
    out[...] = fill
    out[tuple(slice(low, low + n) for n, (low, _) in zip(input.shape, pairs))] = input
    return out


def unpadded(dy, x, paddings):
    """Returns the part of a gradient without the padding."""
    lows = raw.Slice(paddings, np.int32([0, 0]), np.int32([-1, 1]))
    begin = raw.Cast(reshape(lows, [-1]), DstT=dtypes.int32)
    return raw.Slice(dy, begin, shape_of(x))


class Pad(Op):
    """The tensor with zeros around it."""

    signature = "input: T, paddings: Tpaddings -> output: T"
    values = Values(rounds_nothing=True)
    host_kernel = HostKernel(suits_new_sizes=True, opens="own")
    T = ANY
    Tpaddings: INDEX = dtypes.int32
    vectorize = "rows, paddings"

    def shape(self, input, paddings):
        return padded_shape(input, paddings)

    def gradient(self, input, paddings, _output, dy):
        return unpadded(dy, input, paddings), None

    def eager(self, input, paddings):
        return pad_with(input, amounts(self, input, paddings), zero_of(self.T))

    def lower(self, p, input, paddings):
        if self.T.np.hasobject:
            raise NotLowerable(f"elements of type {self.T.name}")
        pairs = lowered_amounts(p, input, paddings)
        return p.pad(input, [low for low, _ in pairs], [high for _, high in pairs], 0)


class PadV2(Op):
    """The tensor with one value around it."""

    signature = "input: T, paddings: Tpaddings, constant_values: T -> output: T"
    values = Values(rounds_nothing=True)
    host_kernel = HostKernel(suits_new_sizes=True, opens="own")
    T = ANY
    Tpaddings: INDEX = dtypes.int32
    vectorize = "rows, paddings, shared"

    def shape(self, input, paddings, constant_values):
        return padded_shape(input, paddings)

    def gradient(self, input, paddings, _constant_values, _output, dy):
        return unpadded(dy, input, paddings), None, None

    def eager(self, input, paddings, constant_values):
        if constant_values.ndim:
            raise self.invalid(
                f"constant_values must be a scalar. Found: {show(constant_values.shape)}"
            )
        return pad_with(input, amounts(self, input, paddings), constant_values[()])

    def lower(self, p, input, paddings, constant_values):
        if self.T.np.hasobject or constant_values.shape:
            raise NotLowerable(f"elements of type {self.T.name}")
        pairs = lowered_amounts(p, input, paddings)
        lows, highs = [low for low, _ in pairs], [high for _, high in pairs]
        return p.pad(input, lows, highs, constant_values)


# -- mirrors ---------------------------------------------------------------------------------------


class MirrorPad(Op):
    """The tensor with its mirror image around it; SYMMETRIC repeats the edge, REFLECT does not."""

    signature = "input: T, paddings: Tpaddings -> output: T"
    values = Values(rounds_nothing=True)
    T = ANY
    Tpaddings: INDEX = dtypes.int32
    mode: Modes
    vectorize = "rows, paddings"

    @property
    def offset(self):
        """The distance of the mirror image from the edge."""
        return 0 if self.mode == "SYMMETRIC" else 1

    def shape(self, input, paddings):
        return padded_shape(input, paddings)

    def gradient(self, _input, paddings, _output, dy):
        return raw.MirrorPadGrad(dy, paddings, mode=self.mode), None

    def eager(self, input, paddings):
        pairs = amounts(self, input, paddings)
        for n, (low, high) in zip(input.shape, pairs):
            if self.offset and not (low < n and high < n):
                raise self.invalid(
                    f"paddings must be less than the dimension size: {low}, {high} not less than {n}"
                )
            if low > n or high > n:
                raise self.invalid(
                    f"paddings must be no greater than the dimension size: {low}, {high} "
                    f"greater than {n}"
                )
        for axis, (low, high) in enumerate(pairs):
            input = input.take(mirrored(input.shape[axis], low, high, self.offset), axis)
        return input

    def lower(self, p, input, paddings):
        if self.T.np.hasobject:
            raise NotLowerable(f"elements of type {self.T.name}")
        for axis, (low, high) in enumerate(lowered_amounts(p, input, paddings)):
            n, offset = input.shape[axis], self.offset
            if low > n - offset or high > n - offset:
                raise NotLowerable("a padding wider than the dimension")
            parts = [input]
            if not dims.same(low, 0):  # only part of the array can be empty
                head = p.slice_axis(input, axis, offset, offset + low)
                parts.insert(0, p.reverse(head, [axis]))
            if not dims.same(high, 0):
                tail = p.slice_axis(input, axis, n - offset - high, n - offset)
                parts.append(p.reverse(tail, [axis]))
            input = p.concat(parts, axis) if len(parts) > 1 else input
        return input


def mirrored(n, low, high, offset):
    """Returns the indices of a line of n elements with its mirror image around it."""
    before = np.arange(low + offset - 1, offset - 1, -1)
    after = np.arange(n - 1 - offset, n - 1 - offset - high, -1)
    return np.concatenate([before, np.arange(n), after]).astype(np.int64)


class MirrorPadGrad(Op):
    """The gradient of MirrorPad: each element's image added to it."""

    host_kernel = HostKernel(compiles_from=SLOW)
    signature = "input: T, paddings: Tpaddings -> output: T"
    ranks = {"paddings": (2,)}
    T = ANY
    Tpaddings: INDEX = dtypes.int32
    mode: Modes

    def shape(self, input, paddings):
        value = paddings.value
        input = input.with_rank(None if paddings.rank != 2 else paddings[0])
        if value is None or input.rank is None:
            return unknown_shape(input.rank)
        pairs = np.asarray(value).tolist()
        return [infer.add(d, -low - high) for d, (low, high) in zip(input.as_list(), pairs)]

    def gradient(self, _input, paddings, _output, dy):
        return raw.MirrorPad(dy, paddings, mode=self.mode), None

    def eager(self, input, paddings):
        pairs, offset = amounts(self, input, paddings), 0 if self.mode == "SYMMETRIC" else 1
        for axis, (low, high) in enumerate(pairs):
            n = input.shape[axis] - low - high
            if n < 0 or low + offset > n or high + offset > n:
                raise self.invalid(f"a padding wider than the dimension: {low}, {high} of {n}")
            line = np.moveaxis(input, axis, 0)
            total = np.array(line[low : low + n])
            total[offset : offset + low] += line[:low][::-1]
            total[n - offset - high : n - offset] += line[low + n :][::-1]
            input = np.moveaxis(total, 0, axis)
        return contiguous(input)

    def lower(self, p, input, paddings):
        offset = 0 if self.mode == "SYMMETRIC" else 1
        for axis, (low, high) in enumerate(lowered_amounts(p, input, paddings)):
            n = input.shape[axis] - low - high
            if low > n - offset or high > n - offset or not self.T.is_numeric:
                raise NotLowerable("a padding wider than the dimension")
            apart = isinstance(n, int) and offset + low <= n - offset - high
            add = _images_in_parts if apart else _images_padded
            input = add(p, input, axis, (low, high, n, offset))
        return input


def _images_in_parts(p, input, axis, sizes):
    """Adds the images of two borders that do not overlap: what has no image is copied."""
    low, high, n, offset = sizes
    parts = []
    at = 0  # where the next part begins, counted from the first element within the borders
    for width, start, place in ((low, 0, offset), (high, low + n, n - offset - high)):
        if width:
            image = p.reverse(p.slice_axis(input, axis, start, start + width), [axis])
            inner = p.slice_axis(input, axis, low + place, low + place + width)
            before = [p.slice_axis(input, axis, low + at, low + place)] if at < place else []
            parts += [*before, p.add(inner, image)]
            at = place + width
    if at < n or not parts:  # or nothing at all
        parts.append(p.slice_axis(input, axis, low + at, low + n))
    return p.concat(parts, axis) if len(parts) > 1 else parts[0]


def _images_padded(p, input, axis, sizes):
    """Adds the images of two borders, which may overlap, with zeros around them."""
    low, high, n, offset = sizes
    rank = len(input.shape)
    total = p.slice_axis(input, axis, low, low + n)
    for width, start, place in ((low, 0, offset), (high, low + n, n - offset - high)):
        if not dims.same(width, 0):
            image = p.reverse(p.slice_axis(input, axis, start, start + width), [axis])
            lows, highs = [0] * rank, [0] * rank
            lows[axis], highs[axis] = place, n - place - width
            total = p.add(total, p.pad(image, lows, highs, 0))
    return total
