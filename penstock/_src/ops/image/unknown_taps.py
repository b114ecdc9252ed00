"""Taps of axes with dynamic extents: computed in the program, by the operations of `taps.py` and to its bits.

So one program serves images of all sizes. How many inputs an output can sum is an expression of the extents that is never too small;
taps beyond those that an output has read nothing.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from penstock._src.core import dtypes
from penstock._src.ir.extents import dims
from penstock._src.ops.image.taps import LEAST_TOTAL, bicubic_kernel

SHORT = 8  # most channels that are merged with the axis before them
FLOAT, WIDE, INDEX = dtypes.float32, dtypes.float64, dtypes.int32


class UnknownTaps(NamedTuple):
    """The inputs that each output along an axis sums: as many for each.

    Fields:
      index: nodes of int32 [outputs], one for each tap, which grow with the outputs and with the taps.
      weight: nodes of float32 [outputs].
      outputs: how many outputs there are.
    """

    index: list[Any]
    weight: list[Any]
    outputs: dims.Extent


class LoopedTaps(NamedTuple):
    """Inputs that each output along an axis sums. Their number is data-dependent.

    Fields:
      count: how many there are for an output at most, an int32 scalar.
      at: a tap's index and weight, nodes of int32 and float32 [outputs], by its number; the index -1 reads nothing.
      outputs: how many outputs there are.
    """

    count: Any
    at: Callable[[Any], tuple[Any, Any]]
    outputs: dims.Extent


def is_unknown(*extents: dims.Extent) -> bool:
    """True if the graph does not know one of the extents."""
    return any(dims.is_symbolic(extent) for extent in extents)


def are_equal(p: Any, inputs: Sequence[dims.Extent], outputs: Sequence[dims.Extent]) -> Any:
    """Return True or False if it is known whether all extents are equal, else a node that says so in each call: no condition is added."""
    pairs = [pair for pair in zip(inputs, outputs, strict=True) if not dims.same(*pair)]
    if any(not is_unknown(*pair) for pair in pairs):
        return False
    # As floating-point numbers: a comparison of integers would be answered for this call.
    tests = [p.eq(*[p.scalar(n, WIDE) for n in pair]) for pair in pairs]
    return functools.reduce(p.and_, tests) if tests else True


def rounded(p: Any, x: Any, y: Any) -> Any:
    """A product that is rounded before something is added to it, as TensorFlow's is."""
    return p.cast(p.cast(x, WIDE) * p.cast(y, WIDE), FLOAT)


def _spans(op: Any, inputs: dims.Extent, outputs: dims.Extent) -> tuple[dims.Extent, dims.Extent]:
    """The lengths of an axis, in inputs and in outputs."""
    return (inputs - 1, outputs - 1) if op.align_corners and outputs > 1 else (inputs, outputs)


def _scale(p: Any, op: Any, inputs: dims.Extent, outputs: dims.Extent) -> Any:
    """Return the number of inputs per output."""
    inputs, outputs = _spans(op, inputs, outputs)
    return p.div(p.scalar(inputs, FLOAT), p.scalar(outputs, FLOAT))


def _places(p: Any, op: Any, inputs: dims.Extent, outputs: dims.Extent) -> Any:
    """The position of each output in input coordinates, where the first input is from 0 to 1 if pixels have centers."""
    at = p.iota((outputs,), 0, FLOAT)
    return rounded(p, at + 0.5 if op.half_pixel_centers else at, _scale(p, op, inputs, outputs))


def _positions(p: Any, op: Any, inputs: dims.Extent, outputs: dims.Extent) -> Any:
    at = _places(p, op, inputs, outputs)
    return at - 0.5 if op.half_pixel_centers else at


def _last(p: Any, inputs: dims.Extent) -> Any:
    return p.scalar(inputs - 1, INDEX)


def _within(p: Any, index: Any, inputs: dims.Extent) -> Any:
    return p.minimum(p.maximum(index, 0), _last(p, inputs))


def nearest_indices(p: Any, op: Any, inputs: dims.Extent, outputs: dims.Extent) -> Any:
    """The input that each output copies."""
    at = _places(p, op, inputs, outputs)
    # C's roundf: halves away from zero
    return _within(p, p.cast(p.floor(at + 0.5 if op.align_corners else at), INDEX), inputs)


def nearest_taps(p: Any, op: Any, inputs: dims.Extent, outputs: dims.Extent) -> UnknownTaps:
    """The copied input of each output."""
    one = p.full((outputs,), 1, FLOAT)
    return UnknownTaps([nearest_indices(p, op, inputs, outputs)], [one], outputs)


def bilinear_parts(
    p: Any, op: Any, inputs: dims.Extent, outputs: dims.Extent
) -> tuple[Any, Any, Any]:
    """For each output its two neighboring inputs, and the interpolation weight."""
    at = _positions(p, op, inputs, outputs)
    floor = p.floor(at)
    first, second = (p.cast(end, INDEX) for end in (floor, p.ceil(at)))
    return p.maximum(first, 0), p.minimum(second, _last(p, inputs)), at - floor


def bilinear_taps(p: Any, op: Any, inputs: dims.Extent, outputs: dims.Extent) -> UnknownTaps:
    """The two neighbors of each output."""
    lower, upper, part = bilinear_parts(p, op, inputs, outputs)
    return UnknownTaps([lower, upper], [1 - part, part], outputs)


def bicubic_taps(p: Any, op: Any, inputs: dims.Extent, outputs: dims.Extent) -> UnknownTaps:
    """The four neighbors of each output."""
    near, far = (p.constant(table) for table in bicubic_kernel(op))
    at = _positions(p, op, inputs, outputs)
    floor = p.floor(at)
    step = p.cast(p.round((at - floor) * 1024.0), INDEX)
    back = 1024 - step
    weight = [p.gather(t, n) for t, n in ((far, step), (near, step), (near, back), (far, back))]
    index = [p.cast(floor, INDEX) + n for n in range(-1, 3)]
    bounded = [_within(p, each, inputs) for each in index]
    if op.half_pixel_centers:
        nothing = p.constant(0, FLOAT)
        weight = [
            p.select(p.eq(i, b), w, nothing) for i, b, w in zip(index, bounded, weight, strict=True)
        ]
        total = weight[0] + weight[1] + weight[2] + weight[3]
        factor = normalizer(p, total)
        weight = [rounded(p, each, factor) for each in weight]
    return UnknownTaps(bounded, weight, outputs)


def normalizer(p: Any, total: Any) -> Any:
    """Return the factor that makes the sum of weights, `total`, 1."""
    one = p.constant(1, FLOAT)
    return p.div(one, p.select(p.ge(p.abs(total), LEAST_TOTAL), total, one))


def area_taps(
    p: Any, op: Any, inputs: dims.Extent, outputs: dims.Extent
) -> UnknownTaps | LoopedTaps:
    """The inputs that each output covers, by the covered part."""
    if inputs == 1:
        return UnknownTaps([p.full((outputs,), 0, INDEX)], [p.full((outputs,), 1, FLOAT)], outputs)
    scale, row = _scale(p, op, inputs, outputs), p.iota((outputs,), 0, FLOAT)
    begin, end = row * scale, (row + 1.0) * scale
    first, last = p.floor(begin), p.ceil(end) - 1.0

    def at(number: Any) -> tuple[Any, Any]:
        index = first + p.cast(number, FLOAT)
        covered = p.minimum(index + 1.0, end) - p.maximum(index, begin)
        is_read, place = p.le(index, last), p.minimum(p.cast(index, INDEX), _last(p, inputs))
        return _read(p, is_read, place), p.select(is_read, covered / scale, p.constant(0, FLOAT))

    return LoopedTaps(_longest(p, p.cast(last - first, INDEX) + 1), at, outputs)


def transposed(p: Any, taps: UnknownTaps | LoopedTaps, inputs: dims.Extent) -> LoopedTaps:
    """For each of the inputs, the outputs that read it."""
    assert isinstance(taps, UnknownTaps)  # there is no gradient of areas
    # Indices grow with the outputs: the readers of an input follow one another.
    first, count = readers(p, taps.index[0], taps.index[-1], inputs, taps.outputs)
    own = p.iota((inputs,), 0, INDEX)

    def at(number: Any) -> tuple[Any, Any]:
        output = first + number
        weight, reads = p.full((inputs,), 0, FLOAT), p.full((inputs,), False, dtypes.bool_)
        for index, part in zip(taps.index, taps.weight, strict=True):
            here = p.eq(p.gather(index, output), own)
            reads = p.or_(reads, here)
            weight = weight + p.select(here, p.gather(part, output), p.constant(0, FLOAT))
        is_output = p.lt(output, p.scalar(taps.outputs, INDEX))
        return _read(p, p.and_(reads, is_output), output), weight

    return LoopedTaps(count, at, inputs)


def readers(
    p: Any, low: Any, high: Any, inputs: dims.Extent, outputs: dims.Extent
) -> tuple[Any, Any]:
    """The first output that reads each input, and how many there are at most: outputs read from `low` to `high`, which grow."""
    own = p.iota((inputs, outputs), 0, INDEX)
    low, high = (p.broadcast_to(p.expand_dims(end, 0), own.shape) for end in (low, high))
    first, end = (p.reduce_sum(p.cast(x, INDEX), 1) for x in (p.lt(high, own), p.le(low, own)))
    return first, _longest(p, end - first)


def _read(p: Any, is_read: Any, index: Any) -> Any:
    return p.select(is_read, index, p.constant(-1, INDEX))


def _longest(p: Any, counts: Any) -> Any:
    return p.reduce_max(counts, 0)


def along(p: Any, x: Any, axis: int, taps: UnknownTaps | LoopedTaps) -> Any:
    """Images resampled along an axis."""
    if isinstance(taps, LoopedTaps):
        return _in_loop(p, x, axis, taps)
    behind = [1] * (x.rank - axis - 1)
    total, *rest = (
        p.gather(x, index, axis) * p.reshape(p.cast(weight, x.dtype), (*weight.shape, *behind))
        for index, weight in zip(taps.index, taps.weight, strict=True)
    )
    for each in rest:
        total = total + each
    return total


def _in_loop(p: Any, x: Any, axis: int, taps: LoopedTaps) -> Any:
    """The sum over taps, one after the other."""
    if axis == x.rank - 2 and x.shape[-1] < SHORT:  # long rows are many times as fast
        before, channels = x.shape[:axis], x.shape[-1]
        flat = p.reshape(x, (*before, x.shape[axis] * channels))
        summed = _in_loop(p, flat, axis, _of_channels(p, taps, channels))
        return p.reshape(summed, (*before, taps.outputs, channels))
    behind = [1] * (x.rank - axis - 1)

    def step(number: Any, total: Any) -> tuple[Any, Any]:
        index, weight = (p.reshape(each, (taps.outputs, *behind)) for each in taps.at(number))
        read = p.gather(x, p.reshape(index, (taps.outputs,)), axis) * p.cast(weight, x.dtype)
        return number + 1, total + p.select(p.ge(index, 0), read, p.constant(0, x.dtype))

    shape = (*x.shape[:axis], taps.outputs, *x.shape[axis + 1 :])
    init = [p.constant(0, INDEX), p.full(shape, 0, x.dtype)]
    return p.while_(lambda number, _: p.lt(number, taps.count), step, init)[1]


def _of_channels(p: Any, taps: LoopedTaps, channels: int) -> LoopedTaps:
    """The taps of the axis that pixels and their channels are together."""
    table, count = (taps.outputs, channels), taps.outputs * channels

    def at(number: Any) -> tuple[Any, Any]:
        index, weight = (p.broadcast_to(p.expand_dims(each, 1), table) for each in taps.at(number))
        index = _read(p, p.ge(index, 0), index * channels + p.iota(table, 1, INDEX))
        return p.reshape(index, (count,)), p.reshape(weight, (count,))

    return LoopedTaps(taps.count, at, count)
