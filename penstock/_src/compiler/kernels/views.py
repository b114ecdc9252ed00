"""Operands of a contraction as index maps over arrays in memory.

A view maps an element of the operand to an index on every axis of a source array: an affine form over the
contraction's letters, with bounds outside of which the element is zero, and a divisor (elements whose form is not
divisible are zero: the input of a transposed convolution).  Transposes, slices, reversals, broadcasts, zero padding,
windows and reshapes that split axes are followed; any other node ends the walk and is the source.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field, replace
from typing import Any

from penstock._src.compiler.kernels.index import row_major_strides
from penstock._src.ir.extents import dims
from penstock._src.ir.extents.dims import Dim, is_at_most, is_one, is_repeated
from penstock._src.ir.node import Node
from penstock._src.util.dataclass import dataclass


@dataclass(frozen=True)
class AxisIndex:
    """(const + sum of coefficient * letter) / divisor; zero outside low <= index < high (None: never outside)."""

    const: int = 0
    terms: dict[str, int] = field(default_factory=dict)
    bounds: tuple[int, int] | None = None
    divisor: int = 1

    @property
    def plain(self) -> bool:
        return self.bounds is None and self.divisor == 1

    def moved(self, by: int) -> AxisIndex:
        # An index of the dilated array moves by the divisor for each step of the result.
        bounds = self.bounds and (self.bounds[0] + by, self.bounds[1] + by)
        return replace(self, const=self.const + by * self.divisor, bounds=bounds)

    def times(self, factor: int) -> AxisIndex:
        # Without bounds and divisor: indices are plain here, or get their bounds back.
        return AxisIndex(self.const * factor, {k: c * factor for k, c in self.terms.items()})

    def plus(self, other: AxisIndex) -> AxisIndex:
        terms = dict(self.terms)
        for letter, c in other.terms.items():
            terms[letter] = terms[letter] + c if letter in terms else c
        return AxisIndex(self.const + other.const, terms)

    def reversed(self, extent: int) -> AxisIndex:
        if self.divisor != 1:
            raise Unfollowed
        # The bounds change sides as the axis does.
        bounds = self.bounds and (extent - self.bounds[1], extent - self.bounds[0])
        return replace(self.times(-1).moved(extent - 1), bounds=bounds)

    def within(self, low: int, high: int) -> AxisIndex:
        if self.bounds is not None:
            low, high = dims.maximum(low, self.bounds[0]), dims.minimum(high, self.bounds[1])
        return replace(self, bounds=(low, high))


class Unfollowed(Exception):
    """A movement that has no such index map."""


@dataclass(frozen=True)
class View:
    """`source`'s memory, read at `axes`."""

    source: Node
    axes: tuple[AxisIndex, ...]

    @property
    def strides(self) -> list[int]:
        return row_major_strides(self.source.shape)

    @property
    def plain(self) -> bool:
        return all(axis.plain for axis in self.axes)

    def coefficient(self, letter: str) -> int:
        """The distance in memory between elements whose letter differs by one."""
        total: Any = 0
        for axis, stride in zip(self.axes, self.strides, strict=True):
            if letter in axis.terms:
                total = total + axis.terms[letter] * stride
        return total

    @property
    def base(self) -> int:
        total: Any = 0
        for axis, stride in zip(self.axes, self.strides, strict=True):
            if not (type(axis.const) is int and axis.const == 0):
                total = total + axis.const * stride
        return total


def view_of(
    operand: Node, letters: str, extents: dict[str, int], is_source: Callable[[Node], bool]
) -> View:
    """The view that an operand with these letters is."""
    node = operand
    axes = [AxisIndex(0, {} if is_one(extents[letter]) else {letter: 1}) for letter in letters]
    while not is_source(node) and node.kind in _RULES:
        try:
            axes = _RULES[node.kind](node, axes)
        except Unfollowed:
            break
        node = node.args[0]
    return View(node, tuple(_without_needless_bounds(axis, extents) for axis in axes))


def _without_needless_bounds(axis: AxisIndex, extents: dict[str, int]) -> AxisIndex:
    if axis.bounds is None or axis.divisor != 1:
        return axis
    low: Any = axis.const
    high: Any = axis.const
    for letter, c in axis.terms.items():
        # Of an unknown step the sign may be unknown too.
        if type(c) is Dim:
            return axis
        reach = c * (extents[letter] - 1)
        if c > 0:
            high = high + reach
        else:
            low = low + reach
    inside = (low - axis.bounds[0], axis.bounds[1] - 1 - high)
    if all(type(x) is not Dim and x >= 0 for x in inside):
        return replace(axis, bounds=None)
    return axis


def _transpose(node: Node, axes: list[AxisIndex]) -> list[AxisIndex]:
    moved: list[Any] = [None] * len(axes)
    for axis, source in zip(axes, node.attrs["perm"], strict=True):
        moved[source] = axis
    return moved


def _reverse(node: Node, axes: list[AxisIndex]) -> list[AxisIndex]:
    shape, turned = node.shape, node.attrs["axes"]
    return [a.reversed(shape[i]) if i in turned else a for i, a in enumerate(axes)]


def _slice(node: Node, axes: list[AxisIndex]) -> list[AxisIndex]:
    axes_read = []
    for axis, start, stride in zip(axes, node.attrs["starts"], node.attrs["strides"], strict=True):
        # A strided axis with bounds would need bounds in steps of the stride.
        if stride != 1:
            if not axis.plain:
                raise Unfollowed
            axis = axis.times(stride)
        axes_read.append(axis.moved(start))
    return axes_read


def _broadcast(node: Node, axes: list[AxisIndex]) -> list[AxisIndex]:
    x = node.args[0]
    axes_read = []
    for extent, axis in zip(x.shape, node.attrs["axes"], strict=True):
        repeated = is_repeated(extent, node.shape[axis])
        if repeated and not axes[axis].plain:
            raise Unfollowed
        axes_read.append(AxisIndex() if repeated else axes[axis])
    dropped = set(range(len(axes))) - set(node.attrs["axes"])
    # An axis that the broadcast adds would lose its border of zeros.
    if any(not axes[i].plain for i in dropped):
        raise Unfollowed
    return axes_read


def _pad(node: Node, axes: list[AxisIndex]) -> list[AxisIndex]:
    if not is_zero(node.args[1]) or any(node.attrs["interior"]):
        raise Unfollowed
    axes_read = []
    for axis, low, high, extent in zip(
        axes, node.attrs["low"], node.attrs["high"], node.args[0].shape, strict=True
    ):
        axis = axis.moved(-low)
        cuts = is_at_most(low, 0) and is_at_most(high, 0)
        axes_read.append(axis if cuts else axis.within(0, extent))
    return axes_read


def _windows(node: Node, axes: list[AxisIndex]) -> list[AxisIndex]:
    a = node.attrs
    if not is_zero(node.args[1]):
        raise Unfollowed
    x = node.args[0]
    axes_read = list(axes[: x.rank])
    for i, at in enumerate(a["axes"]):
        position, tap = axes[at], axes[x.rank + i]
        if not position.plain or not tap.plain:
            raise Unfollowed
        low, high, base = a["low"][i], a["high"][i], a["base_dilations"][i]
        index = (
            position.times(a["strides"][i]).plus(tap.times(a["dilations"][i])).plus(AxisIndex(-low))
        )
        if base != 1:
            index = replace(index, divisor=base)
        # Without asking for this call's padding: a program with bounds serves images that need padding and others.
        stays_within = is_at_most(low, 0) and is_at_most(high, 0)
        if base != 1 or not stays_within:
            index = index.within(0, x.shape[at])
        axes_read[at] = index
    return axes_read


def _reshape(node: Node, axes: list[AxisIndex]) -> list[AxisIndex]:
    """Follows axes that were split, and unit axes that came or went."""
    source, result = node.args[0].shape, node.shape
    # Without elements, axes do not correspond.
    if any(type(d) is not Dim and d == 0 for d in (*source, *result)):
        raise Unfollowed
    # A unit axis that vanishes would lose its border of zeros.
    if any(is_one(d) and not a.plain for d, a in zip(result, axes, strict=True)):
        raise Unfollowed
    axes_read: list[AxisIndex] = []
    rest = [(d, a) for d, a in zip(result, axes, strict=True) if not is_one(d)]
    for extent in source:
        if is_one(extent):
            axes_read.append(AxisIndex())
            continue
        taken, covered = [], 1
        while rest and not _same(covered, extent):
            taken.append(rest.pop(0))
            covered = covered * taken[-1][0]
            if dims.is_known_positive(covered - extent):
                raise Unfollowed
        if not _same(covered, extent):
            raise Unfollowed
        # Joined axes count as one index, which cannot have a border for each.
        if len(taken) > 1 and any(not a.plain for _, a in taken):
            raise Unfollowed
        index, stride = taken[-1][1], taken[-1][0]
        for d, a in reversed(taken[:-1]):
            index = index.plus(a.times(stride))
            stride = stride * d
        axes_read.append(index)
    if rest:
        raise Unfollowed
    return axes_read


def _same(a: int, b: int) -> bool:
    return dims.key(a) == dims.key(b)


def is_zero(node: Node) -> bool:
    return node.kind == "constant" and not node.attrs["value"].any()


_RULES = {
    "transpose": _transpose, "reverse": _reverse, "slice": _slice, "broadcast": _broadcast, "pad": _pad,
    "windows": _windows, "reshape": _reshape,
}  # fmt: skip
