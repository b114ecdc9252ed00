"""The description of a convolution, and its phases: dense convolutions that make up an input gradient with strides."""

from dataclasses import replace
from math import gcd
from typing import ClassVar, TypeVar

from penstock._src.compiler.codegen.contraction.extents import Extent
from penstock._src.compiler.codegen.contraction.tile import Types
from penstock._src.util.dataclass import dataclass

from .window import Axis, Image


@dataclass(frozen=True)
class Filter:
    """The layout of weights: strides in elements of tap row, tap column, input channel, output channel, group."""

    element: str
    row: int
    column: int
    channel: int
    output: int
    group: int = 0
    base: int = 0
    second: int | None = None  # for pairs (weights.py): the distance to the second element

    @property
    def steps(self) -> tuple[int, ...]:
        """Its strides."""
        return (self.row, self.column, self.channel, self.output, self.group)


@dataclass(frozen=True)
class Convolution:
    """y[n, p, g, o] = sum over taps t and channels c of (x[n, index(p, t), g, c] - zero) * w[t, g, c, o].

    Outside the image are zeros; `zero` is of int8 images only.
    """

    form: ClassVar = "convolution"  # its name in reports
    operands: ClassVar = ("x", "filter")
    batch: Extent
    h: Axis
    w: Axis
    groups: int
    channels: int  # in a group
    outputs: int  # in a group
    x: Image
    filter: Filter
    y: Image
    types: Types
    sizes: int = 0
    pairs: bool = False  # see weights.py
    fast: bool = False  # True if Winograd's algorithm may compute it (winograd/)
    is_prepacked: bool = False  # True if packed weights are cached between calls
    zero: int = 0

    def width(self, sizes: tuple[int, ...]) -> int:
        """The number of output elements that the columns of a tile cover."""
        return self.outputs * self.groups

    @property
    def has_dense_columns(self) -> bool:
        """True if the outputs of all groups are contiguous: an epilogue takes a tile's column for its offset."""
        return self.groups == 1 or self.y.group == self.outputs


class Depthwise(Convolution):
    """Every channel by its own filter: groups of one channel and one output, which lie densely in all three arrays."""

    form = "depthwise convolution"


@dataclass(frozen=True)
class FilterGradient:
    """dw[t, g, c, o] = sum over n and p of x[n, index(p, t), g, c] * dy[n, p, g, o]."""

    form: ClassVar = "filter gradient"
    operands: ClassVar = ("x", "y")
    batch: Extent
    h: Axis
    w: Axis
    groups: int
    channels: int
    outputs: int
    x: Image
    y: Image
    filter: Filter
    types: Types
    sizes: int = 0
    fast: bool = False  # as in `Convolution`

    def width(self, sizes: tuple[int, ...]) -> int:
        """The number of output elements that the columns of a tile cover."""
        return self.outputs


class DepthwiseFilterGradient(FilterGradient):
    """dw[t, o] = sum over n and p of x[n, index(p, t), o] * dy[n, p, o]; o lies densely in all three arrays."""

    form = "depthwise filter gradient"


_Dense = TypeVar("_Dense", Convolution, FilterGradient)


def with_taps_as_channels(described: _Dense) -> _Dense:
    """The same sums with the taps of a row as channels of one tap, if no pixel lies under two of them; else the description itself.

    The first convolution of a vision transformer has three channels, which fill no register, and 48 in each row of 16 taps.
    """
    w, x, weights, channels = described.w, described.x, described.filter, described.channels
    are_apart = 1 < w.taps <= w.stride and w.dilation == w.base == 1
    is_inside = w.low == 0 and not w.has_border
    # A row of taps is one run of memory in the image and in the filter.
    is_run = (
        x.channel == 1 and x.column == channels and weights.column == channels * weights.channel
    )
    if not (are_apart and is_inside and is_run and described.groups == 1):
        return described
    return replace(
        described,
        w=Axis(w.out, w.out, 1),
        channels=w.taps * channels,
        x=replace(x, column=w.stride * channels),
        filter=replace(weights, column=w.taps * weights.column),
    )


def phases(conv: Convolution):
    """(convolution without base dilation, (first row, first column) of its outputs) for every phase."""
    for a in range(min(conv.h.base, max(1, conv.h.out))):
        for b in range(min(conv.w.base, max(1, conv.w.out))):
            h, h_tap, h_step = _phase(conv.h, a)
            w, w_tap, w_step = _phase(conv.w, b)
            if not h.taps or not w.taps:
                # No tap meets an element in this phase: its outputs are the epilogue of zeros.
                h, w = replace(h, taps=0, low=0), replace(w, taps=0, low=0)
            f = conv.filter
            base = f.base + h_tap * f.row + w_tap * f.column
            turned = replace(f, row=f.row * h_step, column=f.column * w_step, base=base)
            yield replace(conv, h=h, w=w, filter=turned), (a, b)


def _phase(axis: Axis, a: int) -> tuple[Axis, int, int]:
    """The axis of outputs a, a + base, ...: dense; and the first tap and step of the taps that meet elements."""
    if axis.base == 1:
        return axis, 0, 1
    # dilation * t changes by a multiple of base exactly when t changes by a multiple of this.
    step = axis.base // gcd(axis.base, axis.dilation)
    out = -(-(axis.out - a) // axis.base)
    first = next(
        (
            t
            for t in range(min(step, axis.taps))
            if (axis.dilation * t + a - axis.low) % axis.base == 0
        ),
        None,
    )
    if first is None:
        return Axis(axis.size, out, 0), 0, 1
    taps = -(-(axis.taps - first) // step)
    # Exact, as `first` is a tap that meets an element at output a.
    shift = (axis.dilation * first + a - axis.low) // axis.base
    return Axis(axis.size, out, taps, 1, axis.dilation * step // axis.base, -shift), first, step
