"""Resize and Upsample: every output row along an axis is a weighted sum of input rows."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.registry import Node, reads

_KIND = dtypes.float64  # dtype of coordinates: float64, as rows at exact halves must not be missed
# The largest parts of a fraction whose product with an extent float64 does not round.
_EXACT = 1 << 10


def _number(value: Any) -> Any:
    return t.constant(value, _KIND)


@reads("Upsample", settings=(1,))
def _upsample(n: Node, x: Any, scales: Any = None) -> Any:
    if scales is None:
        scales = t.constant(n.attr("scales"), dtypes.float32)
    kind = "linear" if n.attr("mode", "nearest") in ("linear", "bilinear") else "nearest"
    rule = Rule(n, kind, "asymmetric", "floor")
    for axis in range(t.rank(x)):
        x = _resized(rule, x, axis, t.element(scales, axis), None)
    return x


class Rule:
    """The rule of a node's interpolation.

    Args:
      n: the node.
      mode: "nearest", "linear" or "cubic".
      transform: from output rows to input rows.
      nearest: how "nearest" rounds.
    """

    def __init__(self, n: Node, mode: str, transform: str, nearest: str) -> None:
        if mode not in ("nearest", "linear", "cubic"):
            raise InvalidArgumentError(f"the mode '{mode}' is unknown.")
        self.mode, self.transform, self.nearest = mode, transform, nearest
        self.cubic = n.attr("cubic_coeff_a", -0.75)
        self.exclude = n.flag("exclude_outside")
        self.antialias = n.flag("antialias") and mode != "nearest"
        self.outside = n.attr("extrapolation_value", 0.0)
        self.roi: Any = None


@reads("Resize", settings=(1, 2, 3))
def _resize(n: Node, x: Any, roi: Any = None, scales: Any = None, sizes: Any = None) -> Any:
    if n.version < 11:  # the inputs are x and the scales
        scales, roi = roi, None
        rule = Rule(n, n.attr("mode", "nearest"), "asymmetric", "floor")
    else:
        transform = n.attr("coordinate_transformation_mode", "half_pixel")
        mode = n.attr("nearest_mode", "round_prefer_floor")
        rule = Rule(n, n.attr("mode", "nearest"), transform, mode)
    axes = t.axes_of(n.attr("axes", list(range(t.rank(x)))), t.rank(x))
    resized = t.turned(x)
    if resized is None:
        return _by_axes(n, rule, x, axes, roi, scales, sizes)
    source, order = resized  # the source of the transpose, and its axes
    axes = [order[axis] for axis in axes]
    return t.transpose(_by_axes(n, rule, source, axes, roi, scales, sizes), order)


def _by_axes(
    n: Node, rule: Rule, x: Any, axes: Sequence[int], roi: Any, scales: Any, sizes: Any
) -> Any:
    """x with other numbers of rows along axes."""
    if rule.transform == "tf_crop_and_resize":
        if roi is None:
            raise InvalidArgumentError("tf_crop_and_resize needs the input roi.")
        roi = t.cast(roi, dtypes.float32)
    if scales is not None and scales.shape.num_elements() == 0:
        scales = None
    if (scales is None) == (sizes is None):
        raise InvalidArgumentError("either scales or sizes must be given.")
    dtype = x.dtype
    if dtype.is_integer or dtype.size < 4:
        x = x if rule.mode == "nearest" else t.cast(x, dtypes.float32)
    wanted = None if sizes is None else _wanted(n, x, axes, t.cast(sizes, dtypes.int64))
    for place, axis in enumerate(axes):
        if roi is not None and rule.transform == "tf_crop_and_resize":
            rule.roi = t.element(roi, place), t.element(roi, len(axes) + place)
        if wanted is not None:
            scale, size = wanted[0][place], wanted[1][place]
        else:
            scale, size = t.element(scales, place), None
        x = _resized(rule, x, axis, scale, size)
    if x.dtype is not dtype and dtype.is_integer:
        x = raw.Round(x)
    return t.cast(x, dtype)


def _wanted(n: Node, x: Any, axes: Sequence[int], sizes: Any) -> tuple[list[Any], list[Any]]:
    """The scale and the size of every axis, by the policy for the aspect ratio."""
    rows = [t.cast(t.extent(x, axis), _KIND) for axis in axes]
    goals = [t.element(sizes, place) for place in range(len(axes))]
    scales = [raw.RealDiv(t.cast(goal, _KIND), row) for goal, row in zip(goals, rows)]
    policy = n.attr("keep_aspect_ratio_policy", "stretch")
    if policy == "stretch":
        return scales, goals
    stacked = raw.Pack(scales, axis=0)
    reduce = raw.Min if policy == "not_larger" else raw.Max
    scale = reduce(stacked, np.int32(0))
    extents = [
        t.cast(raw.Floor(raw.AddV2(raw.Mul(scale, row), _number(0.5))), dtypes.int64)
        for row in rows
    ]
    return [scale] * len(rows), extents


def _resized(rule: Rule, x: Any, axis: int, scale: Any, size: Any) -> Any:
    """x with another number of rows along an axis."""
    known = t.known(scale)
    if known is not None and known == 1.0 and size is None and rule.roi is None:
        return x
    if known is not None and size is None and rule.roi is None:
        size = _scaled_extent(x, axis, float(known))
    scale, rows = t.cast(scale, _KIND), t.cast(t.extent(x, axis), _KIND)
    exact = raw.Mul(rows, scale)  # the number of output rows before rounding
    if rule.roi is not None and size is None:
        span = raw.Sub(rule.roi[1], rule.roi[0])
        exact = raw.Mul(raw.Mul(t.cast(rows, span.dtype), span), t.cast(scale, span.dtype))
        exact = t.cast(exact, _KIND)
    if size is None:
        size = t.cast(raw.Floor(raw.AddV2(exact, _number(1e-9))), dtypes.int64)
    fixed = t.known(size)
    out = t.cast(t.numbers(int(fixed) if fixed is not None else size), _KIND)
    if rule.roi is not None:  # the part is spread over whole rows
        place = _within_part(rule, out, rows, t.cast(size, _KIND))
    else:
        place = _source(rule, out, scale, rows, exact, t.cast(size, _KIND))
    if rule.mode == "nearest":
        y = t.batched_gather(x, _clipped(_nearest(rule, place), rows), axis)
    else:
        y = _weighted(x, axis, *_taps(rule, place, scale, rows))
    if rule.roi is None:
        return y
    last = raw.Sub(rows, _number(1))
    inside = raw.LogicalAnd(raw.GreaterEqual(place, _number(0)), raw.LessEqual(place, last))
    return raw.SelectV2(t.aligned(inside, t.rank(x), axis), y, t.like(rule.outside, y))


def _scaled_extent(x: Any, axis: int, scale: float) -> Any:
    """An extent times a scale, rounded down; None if that depends on how the scale was rounded.

    Integers are sizes that the compiler knows for all calls.
    """
    if not math.isfinite(scale) or scale <= 0:
        return None
    times, by = scale.as_integer_ratio()
    if max(times, by) > _EXACT:
        return None
    extent = x.shape.as_list()[axis]
    if extent is not None:
        return t.int64(extent * times // by)
    many = raw.Mul(t.extent(x, axis), t.int64(times))
    return many if by == 1 else raw.FloorDiv(many, t.int64(by))


def _source(rule: Rule, out: Any, scale: Any, rows: Any, exact: Any, size: Any) -> Any:
    """The position in the input of every output row."""
    one, half = _number(1), _number(0.5)
    by_half = raw.Sub(raw.RealDiv(raw.AddV2(out, half), scale), half)
    if rule.transform == "half_pixel":
        return by_half
    if rule.transform == "pytorch_half_pixel":
        return raw.SelectV2(raw.Equal(size, one), raw.ZerosLike(out), by_half)
    if rule.transform == "half_pixel_symmetric":
        center = raw.Mul(rows, half)
        offset = raw.Mul(center, raw.Sub(one, raw.RealDiv(size, exact)))
        return raw.AddV2(offset, by_half)
    if rule.transform == "asymmetric":
        return raw.RealDiv(out, scale)
    span, steps = raw.Sub(rows, one), raw.Sub(exact, one)
    safe = raw.SelectV2(raw.Equal(steps, _number(0)), one, steps)
    if rule.transform == "align_corners":
        along = raw.Mul(out, raw.RealDiv(span, safe))
        return raw.SelectV2(raw.Equal(exact, one), raw.ZerosLike(out), along)
    raise InvalidArgumentError(f"coordinate_transformation_mode '{rule.transform}' is unknown.")


def _within_part(rule: Rule, out: Any, rows: Any, size: Any) -> Any:
    """The position in the input of every output row, which are spread over a part of it.

    Computed in float32: a bound such as 0.1 is rounded to it, and what is a half row by the bound's decimals is one only if the sums are rounded as well.
    """
    start, end = rule.roi
    one = t.like(1, start)
    span = raw.Sub(t.cast(rows, start.dtype), one)
    steps = raw.Sub(t.cast(size, start.dtype), one)
    safe = raw.SelectV2(raw.Equal(steps, t.like(0, steps)), one, steps)
    along = raw.Mul(raw.Mul(t.cast(out, start.dtype), raw.Sub(end, start)), span)
    along = raw.AddV2(raw.Mul(start, span), raw.RealDiv(along, safe))
    middle = raw.Mul(raw.Mul(t.like(0.5, start), raw.AddV2(start, end)), span)
    is_single = raw.Equal(steps, t.like(0, steps))
    return t.cast(raw.SelectV2(is_single, middle, along), _KIND)


def _nearest(rule: Rule, place: Any) -> Any:
    half = _number(0.5)
    if rule.nearest == "round_prefer_floor":
        return raw.Ceil(raw.Sub(place, half))
    if rule.nearest == "round_prefer_ceil":
        return raw.Floor(raw.AddV2(place, half))
    if rule.nearest in ("floor", "ceil"):
        return (raw.Floor if rule.nearest == "floor" else raw.Ceil)(place)
    raise InvalidArgumentError(f"nearest_mode '{rule.nearest}' is unknown.")


def _clipped(places: Any, rows: Any) -> Any:
    """Clips positions to existing rows."""
    low = raw.Maximum(places, _number(0))
    return t.cast(raw.Minimum(low, raw.Sub(rows, _number(1))), dtypes.int64)


def _taps(rule: Rule, place: Any, scale: Any, rows: Any) -> tuple[Any, Any]:
    """For each output row the input rows it takes [out, taps], and their weights."""
    base = raw.Floor(place)
    shrink = raw.Minimum(scale, _number(1)) if rule.antialias else _number(1)
    reach = raw.Ceil(raw.RealDiv(_number(1 if rule.mode == "linear" else 2), shrink))
    reach = t.cast(reach, dtypes.int64)
    known = t.known(reach)
    if known is not None:
        offsets = t.int64(np.arange(1 - int(known), int(known) + 1))
    else:
        offsets = raw.Range(raw.Sub(t.int64(1), reach), raw.AddV2(reach, t.int64(1)), t.int64(1))
    taken = raw.AddV2(t.expand_dims(base, [1]), t.cast(offsets, _KIND))
    distance = raw.Abs(raw.Mul(raw.Sub(taken, t.expand_dims(place, [1])), shrink))
    if rule.mode == "linear":
        weights = raw.Maximum(raw.Sub(_number(1), distance), _number(0))
    else:
        weights = _cubic(distance, rule.cubic)
    if rule.exclude:
        inside = raw.LogicalAnd(raw.GreaterEqual(taken, _number(0)), raw.Less(taken, rows))
        weights = raw.SelectV2(inside, weights, _number(0))
    if rule.exclude or rule.antialias:
        weights = raw.RealDiv(weights, raw.Sum(weights, np.int32(1), keep_dims=True))
    return _clipped(taken, rows), weights


def _cubic(x: Any, a: float) -> Any:
    """Keys' cubic kernel of distances."""
    square = raw.Mul(x, x)
    cube = raw.Mul(square, x)

    def polynomial(*factors: float) -> Any:
        terms = [raw.Mul(_number(f), v) for f, v in zip(factors, (cube, square, x))]
        return raw.AddV2(raw.AddV2(terms[0], terms[1]), raw.AddV2(terms[2], _number(factors[3])))

    near = polynomial(a + 2, -(a + 3), 0.0, 1.0)
    far = polynomial(a, -5 * a, 8 * a, -4 * a)
    outer = raw.SelectV2(raw.Less(x, _number(2)), far, _number(0))
    return raw.SelectV2(raw.LessEqual(x, _number(1)), near, outer)


def _weighted(x: Any, axis: int, rows: Any, weights: Any) -> Any:
    """Sums of rows [out, taps] of x along an axis, times their weights."""
    taken = t.batched_gather(x, rows, axis)  # the axis has become two
    shape = [1] * t.rank(taken)
    sizes = t.extents(weights)
    shape[axis], shape[axis + 1] = sizes[0], sizes[1]
    factors = t.reshape(t.cast(weights, x.dtype), shape)
    return raw.Sum(raw.Mul(taken, factors), np.int32(axis + 1))
