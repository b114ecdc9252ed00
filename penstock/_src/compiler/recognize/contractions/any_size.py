"""Contractions over images of unknown height or width as convolutions and their gradients."""

from dataclasses import replace
from math import prod

from penstock._src.compiler.codegen.contraction.images.any_size.description import (
    AnySizeAxis,
    AnySizeConvolution,
    AnySizeDepthwise,
    AnySizeDepthwiseGradient,
    AnySizeFilterGradient,
    AnySizeImage,
)
from penstock._src.compiler.codegen.contraction.tile import Types
from penstock._src.compiler.recognize.contractions.images import Reading, Step
from penstock._src.compiler.recognize.contractions.problem import Numbering
from penstock._src.ir.extents.dims import Dim
from penstock._src.native.language.types import FLOATS, SIZE

# Bytes of weights that stay in the cache while the blocks of an image are computed.
MOST_WEIGHTS = 1 << 20


def any_size_convolution(reading: Reading, numbering: Numbering) -> AnySizeConvolution | None:
    """The convolution of images of any size, if there is a kernel for it."""
    problem, roles, types = reading.problem, reading.roles, reading.problem.types
    if problem.zeros[0] or not _is_of_floats(types):
        return None
    groups, channels, outputs = map(reading.extent, (roles.group, roles.channel, reading.output))
    x, y = (
        _open_operand(reading, numbering),
        _open_result(reading, numbering, types.output, reading.result_step),
    )
    right = problem.right.base
    steps = [reading.right_step(c) for c in problem.letters[1]]
    if x is None or y is None or any(type(n) is Dim for n in (right, *steps)):
        return None
    if not _is_light(reading, types):
        return None
    batch = numbering(problem.extents[roles.batch]) if roles.batch else 1
    h, w = _open_axes(reading, numbering)
    weights = reading.filter(types.right, reading.right_step, int(right))
    if roles.group and channels == outputs == 1 and x.group == y.group == weights.group == 1:
        return AnySizeDepthwise(
            batch=batch, h=h, w=w, groups=groups, channels=1, outputs=1, x=x, filter=weights, y=y, types=types
        )  # fmt: skip
    if groups > 1 and y.group != outputs:
        return None  # an epilogue takes a tile's column for its offset
    return AnySizeConvolution(
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
    )


def any_size_gradient(reading: Reading, numbering: Numbering) -> AnySizeFilterGradient | None:
    """The gradient of a filter over images of any size, if there is a kernel for it."""
    problem, roles, types = reading.problem, reading.roles, reading.problem.types
    right = problem.right.base
    if not _is_of_floats(types) or type(right) is Dim or not _is_light(reading, types):
        return None
    x = _open_operand(reading, numbering)
    y = _open_result(reading, numbering, types.right, reading.right_step, int(right))
    if x is None or y is None:
        return None
    weights = replace(reading.filter(types.output, reading.result_step), output=1)
    batch = numbering(problem.extents[roles.batch]) if roles.batch else 1
    groups, channels, outputs = map(reading.extent, (roles.group, roles.channel, reading.output))
    h, w = _open_axes(reading, numbering)
    if reading.output is None:  # every channel has its own filter
        is_dense = x.group == y.group == weights.group == 1
        # One tap: a product over pixels, which has a kernel of its own.
        if not is_dense or h.taps * w.taps == 1:
            return None
        return AnySizeDepthwiseGradient(
            batch=batch, h=h, w=w, groups=1, channels=1, outputs=groups, x=x, y=y, filter=weights, types=types
        )  # fmt: skip
    return AnySizeFilterGradient(
        batch=batch,
        h=h,
        w=w,
        groups=groups,
        channels=channels,
        outputs=outputs,
        x=x,
        y=y,
        filter=weights,
        types=types,
    )


def _is_of_floats(types: Types) -> bool:
    return {types.left, types.right, types.total} <= set(FLOATS)


def _is_light(reading: Reading, types: Types) -> bool:
    """True if all weights stay in the cache while the blocks of an image are computed; otherwise a matrix product is faster."""
    letters = {c for c in reading.problem.letters[1] + reading.problem.letters[2]}
    roles = reading.roles
    of_filter = {roles.channel, roles.group, reading.output, *(t for _, _, t in roles.spatial)}
    elements = prod(reading.extent(c) for c in letters & of_filter)
    return elements * SIZE[types.total] <= MOST_WEIGHTS


def _open_axes(reading: Reading, numbering: Numbering) -> tuple[AnySizeAxis, AnySizeAxis]:
    h, w = (
        AnySizeAxis(
            numbering(p.size),
            numbering(p.out),
            p.taps,
            p.stride,
            p.dilation,
            numbering(p.low),
            p.base,
        )
        for p in reading.paths
    )
    return h, w


def _open_operand(reading: Reading, numbering: Numbering) -> AnySizeImage | None:
    """The left operand, an image of any size; None if its pixels are at unknown distances."""
    view, roles, base = reading.problem.left, reading.roles, reading.base
    row, column = (0 if i < 0 else view.strides[i] for i, _, _ in roles.spatial)
    group, channel = map(reading.left_step, (roles.group, roles.channel))
    if base is None or any(type(x) is Dim for x in (column, group, channel)):
        return None
    batch = reading.left_step(roles.batch)
    return AnySizeImage(
        reading.problem.types.left, numbering(batch), numbering(row), int(column), reading.channel_step, int(group), base
    )  # fmt: skip


def _open_result(
    reading: Reading, numbering: Numbering, element: str, step: Step, base: int = 0
) -> AnySizeImage | None:
    """The array that is walked by positions, an image of any size; None if its pixels are at unknown distances."""
    roles = reading.roles
    row, column = (step(position) for _, position, _ in roles.spatial)
    group = step(roles.group)
    if type(column) is Dim or type(group) is Dim:
        return None
    batch = numbering(step(roles.batch))
    return AnySizeImage(element, batch, numbering(row), int(column), 1, int(group), base)
