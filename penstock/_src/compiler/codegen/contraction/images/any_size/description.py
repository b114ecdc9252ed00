"""The descriptions of convolutions of images of any size."""

from math import gcd
from typing import ClassVar

from penstock._src.compiler.codegen.contraction.extents import Extent
from penstock._src.compiler.codegen.contraction.images.convolution import Filter
from penstock._src.compiler.codegen.contraction.images.window import AxisIndices, PixelLayout
from penstock._src.compiler.codegen.contraction.tile import Types
from penstock._src.util.dataclass import dataclass


@dataclass(frozen=True)
class AnySizeAxis(AxisIndices):
    """An axis of any extents; one with a base above 1 has stride 1.

    Its positions fall into `base` phases: position base * q + phase. The taps that meet elements at a phase are `tap_step` apart, and
    so are their elements by `spread`.
    """

    @property
    def tap_step(self) -> int:
        """The distance between two taps that meet elements at one position."""
        return self.base // gcd(self.base, self.dilation)

    @property
    def most_taps(self) -> int:
        """The most taps that meet elements at one position."""
        return -(-self.taps // self.tap_step)

    @property
    def spread(self) -> int:
        """The distance between the elements that two such taps meet."""
        return self.dilation * self.tap_step // self.base

    def reach(self, positions: int) -> int:
        """The number of input indices under this number of neighboring positions of a phase."""
        return (positions - 1) * self.stride + (self.most_taps - 1) * self.spread + 1


@dataclass(frozen=True)
class AnySizeImage(PixelLayout):
    """The layout of images of any size."""


@dataclass(frozen=True)
class AnySizeConvolution:
    """y[n, p, g, o] = sum over taps t and channels c of x[n, index(p, t), g, c] * w[t, g, c, o]; zeros are outside the image."""

    form: ClassVar = "convolution of any size"  # its name in reports
    operands: ClassVar = ("x", "filter")
    batch: Extent
    h: AnySizeAxis
    w: AnySizeAxis
    groups: int
    channels: int  # in a group
    outputs: int  # in a group
    x: AnySizeImage
    filter: Filter
    y: AnySizeImage
    types: Types
    sizes: int = 0
    is_prepacked: bool = False  # True if packed weights are cached between calls

    def width(self, sizes: tuple[int, ...]) -> int:
        """The number of output elements that the columns of a tile cover."""
        return self.outputs * self.groups


@dataclass(frozen=True)
class AnySizeFilterGradient:
    """dw[t, g, c, o] = sum over n and p of x[n, index(p, t), g, c] * dy[n, p, g, o]."""

    form: ClassVar = "filter gradient of any size"
    operands: ClassVar = ("x", "y")
    batch: Extent
    h: AnySizeAxis
    w: AnySizeAxis
    groups: int
    channels: int
    outputs: int
    x: AnySizeImage
    y: AnySizeImage
    filter: Filter
    types: Types
    sizes: int = 0

    def width(self, sizes: tuple[int, ...]) -> int:
        """The number of output elements that the columns of a tile cover."""
        return self.outputs


class AnySizeDepthwise(AnySizeConvolution):
    """Every channel by its own filter: groups of one channel and one output, which lie densely in all three arrays."""

    form = "depthwise convolution of any size"


class AnySizeDepthwiseGradient(AnySizeFilterGradient):
    """dw[t, o] = sum over n and p of x[n, index(p, t), o] * dy[n, p, o]; o lies densely in all three arrays."""

    form = "depthwise filter gradient of any size"
