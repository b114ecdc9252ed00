"""Contractions as convolutions and their gradients.

An operand is an image if each axis of its source array is walked by letters of one of these kinds:

    batch     result and image only                  (filter gradient: summed, in both operands)
    channel   summed, in both operands               (filter gradient: result and image)
    group     in both operands and the result
    spatial   a position (result and image) and a tap (summed, both operands), either may have extent 1
              (filter gradient: the position is summed, the tap is in the result)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from penstock._src.ir.dims import Dim
from penstock._src.util.flags import flags

from .images.convolution import Convolution, Filter
from .images.depthwise import Depthwise, DepthwiseFilterGradient
from .images.filter_gradient import FilterGradient
from .images.window import Axis, Image
from .views import AxisIndex

if TYPE_CHECKING:
    from .match import Numbering, Problem


@dataclass
class _Roles:
    """Which letters and which axes of the image's source play which part."""

    batch: str | None = None
    channel: str | None = None
    group: str | None = None
    spatial: list[tuple[int, str | None, str | None]] = field(
        default_factory=list
    )  # (axis, position, tap)
    at: dict[str, int] = field(default_factory=dict)  # letter -> axis


def as_convolution(problem: Problem, numbering: Numbering) -> Convolution | Depthwise | None:
    """left = image, right = filter; forward, or an input gradient (an image with dilated pixels)."""
    image, filter_, out = problem.letters
    if not problem.right.plain or not _static(problem):
        return None
    kinds = {
        "position": lambda c: c in out and c not in filter_,
        "tap": lambda c: c not in out and c in filter_,
        "channel": lambda c: c not in out and c in filter_,
        "group": lambda c: c in out and c in filter_,
    }
    roles = _roles(problem, kinds)
    if roles is None or not _only_batch_is_symbolic(problem, roles):
        return None
    outputs = [c for c in out if c not in image]
    known = {roles.batch, roles.channel, roles.group, *outputs}
    known |= {c for _, p, t in roles.spatial for c in (p, t)}
    if len(outputs) > 1 or not set(image + filter_ + out) <= known:
        return None
    output = outputs[0] if outputs else None
    axes, turned = _axes(problem, roles)
    if any(a.base != 1 and a.stride != 1 for a in axes):
        return None
    strides = problem.output_strides
    out_step = lambda c: int(strides.get(c, 0)) if c else 0
    extent = lambda c: 1 if c is None else int(problem.extents[c])
    step = lambda c: int(problem.right.coefficient(c)) if c else 0
    taps = [step(t) for _, _, t in roles.spatial]
    base = int(problem.right.base) + sum(
        step * (axis.taps - 1) for step, axis, t in zip(taps, axes, turned) if t
    )
    taps = [-s if t else s for s, t in zip(taps, turned)]
    while len(axes) < 2:
        axes, taps = [Axis(1, 1, 1), *axes], [0, *taps]
        roles.spatial.insert(0, (-1, None, None))
    out_steps = [out_step(p) for _, p, _ in roles.spatial]
    if len(axes) > 2 or (output and strides[output] != 1):
        return None
    x = _image(problem, roles)
    y = Image(
        problem.types.output,
        out_step(roles.batch),
        out_steps[0],
        out_steps[1],
        1,
        out_step(roles.group),
    )
    batch = numbering(problem.extents[roles.batch]) if roles.batch else 1
    weights = Filter(
        problem.types.right, taps[0], taps[1], step(roles.channel), step(output), step(roles.group), base
    )  # fmt: skip
    groups, channels, count = extent(roles.group), extent(roles.channel), extent(output)
    if (
        roles.group
        and channels == 1
        and count == 1
        and x.group == 1
        and y.group == 1
        and weights.group == 1
    ):
        return Depthwise(batch, axes[0], axes[1], groups, x, weights, y, problem.types)
    return Convolution(
        batch, axes[0], axes[1], groups, channels, count, x, weights, y, problem.types,
        fast="winograd" not in flags.disable,
    )  # fmt: skip


def as_filter_gradient(
    problem: Problem, numbering: Numbering
) -> FilterGradient | DepthwiseFilterGradient | None:
    """left = image, right = gradient of the output; the result is a filter."""
    image, dy, out = problem.letters
    if not problem.right.plain or not _static(problem):
        return None
    kinds = {
        "position": lambda c: c not in out and c in dy,
        "tap": lambda c: c in out and c not in dy,
        "channel": lambda c: c in out and c not in dy,
        "group": lambda c: c in out and c in dy,
    }
    roles = _roles(problem, kinds)
    if roles is None or not _only_batch_is_symbolic(problem, roles):
        return None
    outputs = [c for c in out if c not in image]
    known = {roles.batch, roles.channel, roles.group, *outputs} | {
        c for _, p, t in roles.spatial for c in (p, t)
    }
    if len(outputs) > 1 or not set(image + dy + out) <= known:
        return None
    output = outputs[0] if outputs else None
    by_channel = output is None and roles.channel is None and roles.group is not None
    if not by_channel and (output is None or problem.output_strides[output] != 1):
        return None
    axes, turned = _axes(problem, roles)
    if any(a.base != 1 for a in axes):
        return None
    step = lambda c: int(problem.right.coefficient(c)) if c else 0
    strides = problem.output_strides
    out_step = lambda c: int(strides.get(c, 0)) if c else 0
    taps = [out_step(t) for _, _, t in roles.spatial]
    base = sum(s * (axis.taps - 1) for s, axis, t in zip(taps, axes, turned) if t)
    taps = [-s if t else s for s, t in zip(taps, turned)]
    positions = [step(p) for _, p, _ in roles.spatial]
    while len(axes) < 2:
        axes, taps, positions = [Axis(1, 1, 1), *axes], [0, *taps], [0, *positions]
        roles.spatial.insert(0, (-1, None, None))
    if len(axes) > 2 or (output and step(output) != 1):
        return None
    extent = lambda c: 1 if c is None else int(problem.extents[c])
    y = Image(
        problem.types.right,
        step(roles.batch),
        positions[0],
        positions[1],
        1,
        step(roles.group),
        int(problem.right.base),
    )
    out_filter = Filter(
        problem.types.output,
        taps[0],
        taps[1],
        out_step(roles.channel),
        1,
        out_step(roles.group),
        base,
    )
    batch = numbering(problem.extents[roles.batch]) if roles.batch else 1
    x = _image(problem, roles)
    if by_channel:
        dense = x.group == y.group == out_filter.group == 1
        if not dense or axes[0].taps * axes[1].taps == 1:
            return None
        channels, types = extent(roles.group), problem.types
        return DepthwiseFilterGradient(batch, axes[0], axes[1], channels, x, y, out_filter, types)
    counts = extent(roles.group), extent(roles.channel), extent(output)
    return FilterGradient(
        batch,
        axes[0],
        axes[1],
        counts[0],
        counts[1],
        counts[2],
        x,
        y,
        out_filter,
        problem.types,
        fast="winograd" not in flags.disable,
    )


def _only_batch_is_symbolic(problem: Problem, roles: _Roles) -> bool:
    letters = {c for s in problem.letters for c in s}
    return all(c == roles.batch for c in letters if type(problem.extents[c]) is Dim)


def _static(problem: Problem) -> bool:
    """Whether everything but an outermost extent is a number."""
    if any(type(s) is Dim for s in problem.right.strides):
        return False
    view = problem.left
    if any(type(d) is Dim for d in (*view.strides, view.base, problem.right.base)):
        return False
    numbers = [
        c for axis in view.axes for c in (axis.const, *axis.terms.values(), *(axis.bounds or ()))
    ]
    return not any(type(x) is Dim for x in (*numbers, *problem.output_strides.values()))


def _roles(problem: Problem, kinds) -> _Roles | None:
    roles = _Roles()
    single: list[tuple[int, str]] = []
    for i, axis in enumerate(problem.left.axes):
        letters = list(axis.terms)
        roles.at.update({c: i for c in letters})
        if axis.bounds is not None and axis.bounds != (0, problem.left.source.shape[i]):
            return None
        if not letters and axis.plain:
            continue
        simple = (
            axis.plain and len(letters) == 1 and axis.const == 0 and axis.terms[letters[0]] == 1
        )
        if simple and not kinds["position"](letters[0]) and kinds["group"](letters[0]):
            if roles.group:
                return None
            roles.group = letters[0]
        elif simple:
            single.append((i, letters[0]))
        else:
            found = _spatial(axis, kinds)
            if found is None:
                return None
            roles.spatial.append((i, *found))
    for i, letter in reversed(
        single
    ):  # what is left: the last may be a channel, and taps over all of an axis
        if kinds["channel"](letter) and not kinds["position"](letter):
            if roles.channel is None:
                roles.channel = letter
            else:
                roles.spatial.append((i, None, letter))
    for i, letter in single:  # the first is the batch; others are spatial axes without taps
        if kinds["position"](letter):
            if roles.batch is None:
                roles.batch = letter
            else:
                roles.spatial.append((i, letter, None))
        elif not kinds["channel"](letter):
            return None
    roles.spatial.sort(key=lambda s: s[0])
    if not roles.spatial or len(roles.spatial) > 2:
        return None
    return roles


def _spatial(axis: AxisIndex, kinds) -> tuple[str | None, str | None] | None:
    letters = list(axis.terms)
    if len(letters) > 2:
        return None
    position = next((c for c in letters if kinds["position"](c)), None)
    tap = next((c for c in letters if c != position and kinds["tap"](c)), None)
    if {position, tap} - {None} != set(letters):
        return None
    if position is not None and axis.terms[position] < 0:
        return None
    return position, tap


def _axes(problem: Problem, roles: _Roles) -> tuple[list[Axis], list[bool]]:
    """The spatial axes, and whether their taps had to be turned round."""
    axes, turned = [], []
    for i, position, tap in roles.spatial:
        index = problem.left.axes[i]
        const, size = int(index.const), int(problem.left.source.shape[i])
        step = int(index.terms[tap]) if tap else 1
        taps = int(problem.extents[tap]) if tap else 1
        if step < 0:
            const, step = const + step * (taps - 1), -step
            turned.append(True)
        else:
            turned.append(False)
        out = int(problem.extents[position]) if position else 1
        stride = int(index.terms[position]) if position else 1
        axes.append(Axis(size, out, taps, stride, step, -const, index.divisor))
    return axes, turned


def _image(problem: Problem, roles: _Roles) -> Image:
    view = problem.left
    steps = [0 if i < 0 else int(view.strides[i]) for i, _, _ in roles.spatial]
    steps = [0] * (2 - len(steps)) + steps
    step = lambda letter: int(view.strides[roles.at[letter]]) if letter else 0
    channel = step(roles.channel) if roles.channel else 1
    # the constant of a spatial axis is its low border; only other axes move the start
    spatial = {i for i, _, _ in roles.spatial}
    base = sum(
        int(a.const) * int(s)
        for i, (a, s) in enumerate(zip(view.axes, view.strides))
        if i not in spatial
    )
    return Image(
        problem.types.left, step(roles.batch), steps[0], steps[1], channel, step(roles.group), base
    )


__all__ = ["as_convolution", "as_filter_gradient"]
