"""Contractions as convolutions and their gradients.

Before: contract("nyxijc,ijco->nyxo", windows(pad(x)), w)
After:  Convolution of x: i by j taps at strides, with borders; neither padding nor windows are stored

An operand is an image if each axis of its source array is walked by letters of one of these kinds:

    batch     result and image only                  (filter gradient: summed, in both operands)
    channel   summed, in both operands               (filter gradient: result and image)
    group     in both operands and the result
    spatial   a position (result and image) and a tap (summed, both operands), either may have extent 1
              (filter gradient: the position is summed, the tap is in the result)
"""

from collections.abc import Callable
from dataclasses import field, replace

from penstock._src.compiler.codegen.contraction.images.convolution import (
    Convolution,
    Depthwise,
    DepthwiseFilterGradient,
    Filter,
    FilterGradient,
)
from penstock._src.compiler.codegen.contraction.images.window import Axis, Image
from penstock._src.compiler.codegen.contraction.tile import Types
from penstock._src.compiler.kernels.views import AxisIndex
from penstock._src.compiler.recognize.contractions.problem import Numbering, Problem
from penstock._src.compiler.recognize.contractions.whole_numbers import holds_whole_numbers
from penstock._src.ir.extents.dims import Dim
from penstock._src.native.language.types import FLOATS
from penstock._src.util.dataclass import dataclass
from penstock._src.util.flags import flags

Kinds = dict[
    str, Callable[[str], bool]
]  # for each role, a predicate of the letters that may have it
Step = Callable[[str | None], int]


@dataclass
class _Roles:
    """The letters, and the axes of the image's source, by their roles."""

    batch: str | None = None
    channel: str | None = None
    group: str | None = None
    spatial: list[tuple[int, str | None, str | None]] = field(
        default_factory=list
    )  # (axis, position, tap); axis -1 if there is none


def as_convolution(problem: Problem, numbering: Numbering) -> Convolution | None:
    """left = image, right = filter; forward, or an input gradient (an image with dilated pixels)."""
    _, filter_, out = problem.letters
    kinds = {
        "position": lambda c: c in out and c not in filter_,
        "tap": lambda c: c not in out and c in filter_,
        "channel": lambda c: c not in out and c in filter_,
        "group": lambda c: c in out and c in filter_,
    }
    reading = _Reading.of(problem, kinds)
    if reading is None or any(a.base != 1 and a.stride != 1 for a in reading.axes):
        return None
    if reading.output and problem.output_strides[reading.output] != 1:
        return None
    roles, types, (h, w) = reading.roles, problem.types, reading.axes
    x, y = _image(problem, roles), reading.image(types.output, reading.result_step)
    weights = reading.filter(types.right, reading.right_step, int(problem.right.base))
    batch = numbering(problem.extents[roles.batch]) if roles.batch else 1
    groups, channels, outputs = map(reading.extent, (roles.group, roles.channel, reading.output))
    dense = x.group == y.group == weights.group == 1
    if roles.group and channels == outputs == 1 and dense:
        return Depthwise(batch, h, w, groups, 1, 1, x, weights, y, types, zero=problem.zeros[0])
    fast = _may_be_fast(types) and not holds_whole_numbers(problem.left.source)
    description = Convolution(
        batch, h, w, groups, channels, outputs, x, weights, y, types, fast=fast, zero=problem.zeros[0]
    )  # fmt: skip
    return description if description.has_dense_columns else None


def as_filter_gradient(problem: Problem, numbering: Numbering) -> FilterGradient | None:
    """left = image, right = gradient of the output; the result is a filter."""
    if problem.zeros[0]:
        return None
    _, dy, out = problem.letters
    kinds = {
        "position": lambda c: c not in out and c in dy,
        "tap": lambda c: c in out and c not in dy,
        "channel": lambda c: c in out and c not in dy,
        "group": lambda c: c in out and c in dy,
    }
    reading = _Reading.of(problem, kinds)
    if reading is None or any(a.base != 1 for a in reading.axes):
        return None
    roles, types, (h, w) = reading.roles, problem.types, reading.axes
    output = reading.output
    by_channel = output is None and roles.channel is None and roles.group is not None
    if not by_channel and (output is None or problem.output_strides[output] != 1):
        return None
    if output and reading.right_step(output) != 1:
        return None
    x = _image(problem, roles)
    y = reading.image(types.right, reading.right_step, int(problem.right.base))
    weights = replace(reading.filter(types.output, reading.result_step), output=1)
    batch = numbering(problem.extents[roles.batch]) if roles.batch else 1
    groups, channels, outputs = map(reading.extent, (roles.group, roles.channel, output))
    if by_channel:
        dense = x.group == y.group == weights.group == 1
        if not dense or h.taps * w.taps == 1:
            return None
        return DepthwiseFilterGradient(batch, h, w, 1, 1, groups, x, y, weights, types)
    fast = _may_be_fast(types)
    return FilterGradient(batch, h, w, groups, channels, outputs, x, y, weights, types, fast=fast)


def _may_be_fast(types: Types) -> bool:
    """True if Winograd's algorithm may be used: it multiplies by fractions."""
    return types.total in FLOATS and "winograd" not in flags.disable


@dataclass
class _Reading:
    """A contraction read as one over an image: two spatial axes, and the roles of the letters.

    `turned` is True for each axis whose taps are reversed, so that they are counted from the last.
    """

    problem: Problem
    roles: _Roles
    output: str | None
    axes: list[Axis]
    turned: list[bool]

    @classmethod
    def of(cls, problem: Problem, kinds: Kinds) -> "_Reading | None":
        """The reading by which letters are of these kinds, if there is one."""
        if not problem.right.plain or not _static(problem):
            return None
        roles = _roles(problem, kinds)
        if roles is None or not _only_batch_is_symbolic(problem, roles):
            return None
        image, _, out = problem.letters
        outputs = [c for c in out if c not in image]
        known = {roles.batch, roles.channel, roles.group, *outputs}
        known |= {c for _, p, t in roles.spatial for c in (p, t)}
        if len(outputs) > 1 or not set("".join(problem.letters)) <= known:
            return None
        return cls(problem, roles, outputs[0] if outputs else None, *_axes(problem, roles))

    def extent(self, letter: str | None) -> int:
        return 1 if letter is None else int(self.problem.extents[letter])

    def right_step(self, letter: str | None) -> int:
        """The distance between elements of the right operand along a letter."""
        return int(self.problem.right.coefficient(letter)) if letter else 0

    def result_step(self, letter: str | None) -> int:
        """The distance between elements of the result along a letter."""
        return int(self.problem.output_strides.get(letter, 0)) if letter else 0

    def image(self, element: str, step: Step, base: int = 0) -> Image:
        """The array that is walked by positions in steps of `step`."""
        roles = self.roles
        row, column = (step(position) for _, position, _ in roles.spatial)
        return Image(element, step(roles.batch), row, column, 1, step(roles.group), base)

    def filter(self, element: str, step: Step, base: int = 0) -> Filter:
        """The array that is walked by taps in steps of `step`."""
        roles = self.roles
        steps = [step(tap) for _, _, tap in roles.spatial]
        base += sum(s * (axis.taps - 1) for s, axis, t in zip(steps, self.axes, self.turned) if t)
        row, column = (-s if t else s for s, t in zip(steps, self.turned))
        channel, output, group = map(step, (roles.channel, self.output, roles.group))
        return Filter(element, row, column, channel, output, group, base)


def _only_batch_is_symbolic(problem: Problem, roles: _Roles) -> bool:
    letters = {c for s in problem.letters for c in s}
    return all(c == roles.batch for c in letters if type(problem.extents[c]) is Dim)


def _static(problem: Problem) -> bool:
    """True if all extents but the outermost are numbers."""
    if any(type(s) is Dim for s in problem.right.strides):
        return False
    view = problem.left
    if any(type(d) is Dim for d in (*view.strides, view.base, problem.right.base)):
        return False
    numbers = [
        c for axis in view.axes for c in (axis.const, *axis.terms.values(), *(axis.bounds or ()))
    ]
    return not any(type(x) is Dim for x in (*numbers, *problem.output_strides.values()))


def _roles(problem: Problem, kinds: Kinds) -> _Roles | None:
    roles = _Roles()
    single: list[tuple[int, str]] = []
    for i, axis in enumerate(problem.left.axes):
        letters = list(axis.terms)
        if axis.bounds is not None and axis.bounds != (0, problem.left.source.shape[i]):
            return None
        if not letters and axis.plain:
            continue
        if (both := _group_and_channel(problem, axis, kinds)) is not None:
            if roles.group or roles.channel:
                return None
            roles.group, roles.channel = both
            continue
        simple = axis.plain and len(letters) == 1 and axis.terms[letters[0]] == 1
        if simple and not kinds["position"](letters[0]) and kinds["group"](letters[0]):
            if roles.group:
                return None
            roles.group = letters[0]
        elif simple:
            single.append((i, letters[0]))
        else:
            spatial = _spatial(axis, kinds)
            if spatial is None:
                return None
            roles.spatial.append((i, *spatial))
    for i, letter in reversed(
        single
    ):  # of the remaining letters, the last may be a channel, or a tap over a whole axis
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
    roles.spatial[:0] = [(-1, None, None)] * (2 - len(roles.spatial))
    return roles


def _group_and_channel(problem: Problem, axis: AxisIndex, kinds: Kinds) -> tuple[str, str] | None:
    """The letters of a channel axis that is divided into groups; None for other axes."""
    if not axis.plain or len(axis.terms) != 2:
        return None
    channel, group = sorted(axis.terms, key=lambda c: axis.terms[c])
    is_cut = axis.terms[channel] == 1 and axis.terms[group] == problem.extents[channel]
    return (
        (group, channel) if is_cut and kinds["group"](group) and kinds["channel"](channel) else None
    )


def _spatial(axis: AxisIndex, kinds: Kinds) -> tuple[str | None, str | None] | None:
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
    """The spatial axes, and for each True if its taps had to be reversed."""
    axes, turned = [], []
    for i, position, tap in roles.spatial:
        if i < 0:
            axes.append(Axis(1, 1, 1))
            turned.append(False)
            continue
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
    row, column = (0 if i < 0 else int(view.strides[i]) for i, _, _ in roles.spatial)

    def step(letter: str | None) -> int:
        return int(view.coefficient(letter)) if letter else 0

    channel = step(roles.channel) if roles.channel else 1
    # the constant of a spatial axis is its low border; only other axes move the start
    spatial = {i for i, _, _ in roles.spatial}
    base = sum(
        int(a.const) * int(s)
        for i, (a, s) in enumerate(zip(view.axes, view.strides))
        if i not in spatial
    )
    group = step(roles.group)
    return Image(problem.types.left, step(roles.batch), row, column, channel, group, base)


__all__ = ["as_convolution", "as_filter_gradient"]
