"""Products and convolutions with XLA's dimension numbers, as primitives."""

import string
from collections.abc import Sequence

from penstock._src.ir.build.maker import NodeMaker
from penstock._src.ir.node import Node
from penstock._src.util.dataclass import dataclass


@dataclass(frozen=True)
class ConvolutionLayout:
    """The axes of the operands and the result: (batch, *spatial, features), of the kernel (*spatial, in, out)."""

    input: tuple[int, ...]
    kernel: tuple[int, ...]
    output: tuple[int, ...]


@dataclass(frozen=True)
class ConvolutionWindow:
    """The kernel's strides, padding and dilation for each spatial axis, and the groups."""

    strides: list[int]
    padding: Sequence[tuple[int, int]]
    base_dilations: list[int]
    dilations: list[int]
    reversed_axes: Sequence[int] = ()
    feature_groups: int = 1
    batch_groups: int = 1


Axes = tuple[Sequence[int], Sequence[int]]


def dot_spec(ranks: tuple[int, int], left: Axes, right: Axes) -> str:
    """Returns the einsum of a dot: batch axes first, then the free axes of the left operand, then those of the right.

    Args:
      ranks: of the operands.
      left, right: the batch axes and the contracted axes of each.
    """
    letters = iter(string.ascii_letters)
    names: tuple[list[str], list[str]] = ([""] * ranks[0], [""] * ranks[1])
    for pairs in zip(left, right, strict=True):
        for i, j in zip(*pairs, strict=True):
            names[0][i] = names[1][j] = next(letters)
    for own in names:
        own[:] = [name or next(letters) for name in own]
    result = [names[0][i] for i in left[0]]
    for own, (batch, summed) in zip(names, (left, right), strict=True):
        result += [name for i, name in enumerate(own) if i not in {*batch, *summed}]
    return f"{''.join(names[0])},{''.join(names[1])}->{''.join(result)}"


def convolve(
    p: NodeMaker, layout: ConvolutionLayout, window: ConvolutionWindow, x: Node, kernel: Node
) -> Node:
    """Returns contract(windows(x), kernel), converted to channels-last and back."""
    x, kernel = p.transpose(x, layout.input), p.transpose(kernel, layout.kernel)
    kernel = p.reverse(kernel, window.reversed_axes) if window.reversed_axes else kernel
    channels_last = _channels_last(p, window, x, kernel)
    place = [0] * channels_last.rank
    for i, axis in enumerate(layout.output):
        place[axis] = i
    return p.transpose(channels_last, place)


def _channels_last(p: NodeMaker, window: ConvolutionWindow, x: Node, kernel: Node) -> Node:
    """Groups of channels (or of the batch) become a separate axis on both sides."""
    spatial = x.rank - 2
    outer, inner = "xyzuvw"[:spatial], "ijklmn"[:spatial]
    lead, tail, filters = "b", "c", "co"
    groups, batches = window.feature_groups, window.batch_groups
    if groups > 1:
        x = p.reshape(x, [*x.shape[:-1], groups, x.shape[-1] // groups])
        kernel = p.reshape(kernel, [*kernel.shape[:-1], groups, kernel.shape[-1] // groups])
        tail, filters = "gc", "cgo"
    elif batches > 1:
        x = p.reshape(x, [batches, x.shape[0] // batches, *x.shape[1:]])
        kernel = p.reshape(kernel, [*kernel.shape[:-1], batches, kernel.shape[-1] // batches])
        lead, filters = "gb", "cgo"
    patches = _view(p, x, len(lead), kernel.shape[:spatial], window)
    group = "g" if "g" in filters else ""
    spec = f"{lead}{outer}{tail}{inner},{inner}{filters}->b{outer}{group}o"
    contracted = p.contract(spec, patches, kernel)
    if not group:
        return contracted
    return p.reshape(
        contracted, [*contracted.shape[:-2], contracted.shape[-2] * contracted.shape[-1]]
    )


def _view(
    p: NodeMaker, x: Node, first: int, sizes: Sequence[int], window: ConvolutionWindow
) -> Node:
    """The windows of x along the spatial axes, which begin at axis `first`. Negative padding crops x first."""
    if not sizes:
        return x
    axes = list(range(first, first + len(sizes)))
    dilations = list(window.base_dilations)
    x, padding = cut(p, x, axes, dilations, window.padding)
    return p.windows(
        x,
        axes=axes,
        size=sizes,
        strides=window.strides,
        dilations=window.dilations,
        low=[low for low, _ in padding],
        high=[high for _, high in padding],
        base_dilations=dilations,
    )


def cut(
    p: NodeMaker,
    x: Node,
    axes: Sequence[int],
    dilations: list[int],
    padding: Sequence[tuple[int, int]],
) -> tuple[Node, list[tuple[int, int]]]:
    """x cropped by negative padding, and the remaining non-negative padding; `dilations` of x become 1 if it is cropped."""
    if all(low >= 0 and high >= 0 for low, high in padding):
        return x, list(padding)
    low, high, interior = ([0] * x.rank for _ in range(3))
    for axis, dilation, (before, after) in zip(axes, dilations, padding):
        low[axis], high[axis], interior[axis] = min(before, 0), min(after, 0), dilation - 1
    dilations[:] = [1] * len(dilations)
    rest = [(max(before, 0), max(after, 0)) for before, after in padding]
    return p.pad(x, low, high, 0, interior), rest
