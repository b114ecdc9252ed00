"""Contractions as convolutions and their gradients.

Before: contract("nyxijc,ijco->nyxo", windows(pad(x)), w)
After:  Convolution of x: i by j taps at strides, with borders; neither padding nor windows are stored
"""

from dataclasses import replace

from penstock._src.compiler.codegen.contraction.images.any_size.description import (
    AnySizeConvolution,
    AnySizeFilterGradient,
)
from penstock._src.compiler.codegen.contraction.images.convolution import (
    Convolution,
    Depthwise,
    DepthwiseFilterGradient,
    FilterGradient,
)
from penstock._src.compiler.codegen.contraction.images.window import Axis, Image
from penstock._src.compiler.codegen.contraction.tile import Types
from penstock._src.compiler.recognize.contractions.any_size import (
    any_size_convolution,
    any_size_gradient,
)
from penstock._src.compiler.recognize.contractions.images import Reading, Step
from penstock._src.compiler.recognize.contractions.problem import Numbering, Problem
from penstock._src.compiler.recognize.contractions.whole_numbers import holds_whole_numbers
from penstock._src.native.language.types import FLOATS
from penstock._src.util.flags import flags


def as_convolution(
    problem: Problem, numbering: Numbering
) -> Convolution | AnySizeConvolution | None:
    """left = image, right = filter; forward, or an input gradient (an image with dilated pixels)."""
    _, filter_, out = problem.letters
    kinds = {
        "position": lambda c: c in out and c not in filter_,
        "tap": lambda c: c not in out and c in filter_,
        "channel": lambda c: c not in out and c in filter_,
        "group": lambda c: c in out and c in filter_,
    }
    reading = Reading.of(problem, kinds)
    # Stride and dilated pixels together have no kernel: the one walks over results, the other over inputs.
    if reading is None or any(p.base != 1 and p.stride != 1 for p in reading.paths):
        return None
    if reading.output and problem.output_strides[reading.output] != 1:
        return None
    if reading.is_open:
        return any_size_convolution(reading, numbering)
    roles, types, (h, w) = reading.roles, problem.types, _axes(reading)
    x, y = _image(reading), _walked(reading, types.output, reading.result_step)
    weights = reading.filter(types.right, reading.right_step, int(problem.right.base))
    batch = numbering(problem.extents[roles.batch]) if roles.batch else 1
    groups, channels, outputs = map(reading.extent, (roles.group, roles.channel, reading.output))
    dense = x.group == y.group == weights.group == 1
    # Each channel has its own filter, and channels lie side by side: lanes of one vector.
    if roles.group and channels == outputs == 1 and dense:
        return Depthwise(
            batch=batch, h=h, w=w, groups=groups, channels=1, outputs=1, x=x, filter=weights, y=y, types=types,
            zero=problem.zeros[0],
        )  # fmt: skip
    # Winograd's fractions would round sums of whole numbers, which are exact otherwise.
    fast = _may_be_fast(types) and not holds_whole_numbers(problem.left.source)
    description = Convolution(
        batch=batch,
        h=h,
        w=w,
        groups=groups,
        channels=channels,
        outputs=outputs,
        x=x,
        filter=weights,
        y=y,
        types=types,
        fast=fast,
        zero=problem.zeros[0],
    )
    return description if description.has_dense_columns else None


def as_filter_gradient(
    problem: Problem, numbering: Numbering
) -> FilterGradient | AnySizeFilterGradient | None:
    """left = image, right = gradient of the output; the result is a filter."""
    if problem.zeros[0]:
        # Padding would count as the zero point, which the sum over pixels does not leave out.
        return None
    reading = _filter_gradient_reading(problem)
    if reading is None or any(p.base != 1 for p in reading.paths):
        return None
    output = reading.output
    roles = reading.roles
    by_channel = output is None and roles.channel is None and roles.group is not None
    if not by_channel and (output is None or problem.output_strides[output] != 1):
        return None
    if output and reading.right_step(output) != 1:
        return None
    if reading.is_open:
        return any_size_gradient(reading, numbering)
    roles, types, (h, w) = reading.roles, problem.types, _axes(reading)
    if not h.out * w.out:
        return None  # kernels of filter gradients begin with the product of a position
    x = _image(reading)
    y = _walked(reading, types.right, reading.right_step, int(problem.right.base))
    weights = replace(reading.filter(types.output, reading.result_step), output=1)
    batch = numbering(problem.extents[roles.batch]) if roles.batch else 1
    groups, channels, outputs = map(reading.extent, (roles.group, roles.channel, output))
    if by_channel:
        dense = x.group == y.group == weights.group == 1
        if not dense or h.taps * w.taps == 1:
            return None
        return DepthwiseFilterGradient(
            batch=batch, h=h, w=w, groups=1, channels=1, outputs=groups, x=x, y=y, filter=weights, types=types
        )  # fmt: skip
    return FilterGradient(
        batch=batch, h=h, w=w, groups=groups, channels=channels, outputs=outputs, x=x, y=y, filter=weights, types=types,
        fast=_may_be_fast(types),
    )  # fmt: skip


def _filter_gradient_reading(problem: Problem) -> Reading | None:
    """Reads the letters of a filter gradient: those that dy alone has are positions, those of the image alone taps or channels."""
    _, dy, out = problem.letters
    kinds = {
        "position": lambda c: c not in out and c in dy,
        "tap": lambda c: c in out and c not in dy,
        "channel": lambda c: c in out and c not in dy,
        "group": lambda c: c in out and c in dy,
    }
    return Reading.of(problem, kinds)


def _may_be_fast(types: Types) -> bool:
    """True if Winograd's algorithm may be used: it multiplies by fractions."""
    return types.total in FLOATS and "winograd" not in flags.disable


def _axes(reading: Reading) -> list[Axis]:
    """The spatial axes of an image of a known size."""
    return [Axis(*map(int, path.fields)) for path in reading.paths]


def _image(reading: Reading) -> Image:
    """The left operand, an image of a known size."""
    view, roles, base = reading.problem.left, reading.roles, reading.base
    row, column = (0 if i < 0 else int(view.strides[i]) for i, _, _ in roles.spatial)
    batch, group = int(reading.left_step(roles.batch)), int(reading.left_step(roles.group))
    assert base is not None
    element = reading.problem.types.left
    return Image(element, batch, row, column, reading.channel_step, group, base)


def _walked(reading: Reading, element: str, step: Step, base: int = 0) -> Image:
    """The array that is walked by positions in steps of `step`."""
    roles = reading.roles
    row, column = (int(step(position)) for _, position, _ in roles.spatial)
    return Image(element, int(step(roles.batch)), row, column, 1, int(step(roles.group)), base)


__all__ = ["as_convolution", "as_filter_gradient"]
