"""Contractions as sums over an image: the roles of their letters, and the two spatial axes.

An operand is an image if each axis of its source array is walked by letters of one of these kinds:

    batch     result and image only                  (filter gradient: summed, in both operands)
    channel   summed, in both operands               (filter gradient: result and image)
    group     in both operands and the result
    spatial   a position (result and image) and a tap (summed, both operands), either may have extent 1
              (filter gradient: the position is summed, the tap is in the result)
"""

from collections.abc import Callable
from dataclasses import field
from typing import Any

from penstock._src.compiler.codegen.contraction.images.convolution import Filter
from penstock._src.compiler.kernels.views import AxisIndex
from penstock._src.compiler.recognize.contractions.problem import Problem
from penstock._src.ir.extents import dims
from penstock._src.ir.extents.dims import Dim, Extent
from penstock._src.util.dataclass import dataclass

# For each role, a predicate of the letters that may have it.
Kinds = dict[str, Callable[[str], bool]]
Step = Callable[[str | None], Any]


@dataclass
class Roles:
    """The letters, and the axes of the image's source, by their roles."""

    batch: str | None = None
    channel: str | None = None
    group: str | None = None
    # (axis, position, tap); axis -1 if there is none.
    spatial: list[tuple[int, str | None, str | None]] = field(default_factory=list)


@dataclass(frozen=True)
class Path:
    """A spatial axis as `Axis` describes it; its size, its number of positions and its border may be unknown."""

    size: Extent = 1
    out: Extent = 1
    taps: int = 1
    stride: int = 1
    dilation: int = 1
    low: Extent = 0
    base: int = 1

    @property
    def is_open(self) -> bool:
        return any(type(x) is Dim for x in (self.size, self.out, self.low))

    @property
    def fields(self) -> tuple[Any, ...]:
        return self.size, self.out, self.taps, self.stride, self.dilation, self.low, self.base


@dataclass
class Reading:
    """A contraction read as one over an image: two spatial axes, and the roles of the letters.

    `turned` is True for each axis whose taps are reversed, so that they are counted from the last.
    """

    problem: Problem
    roles: Roles
    output: str | None
    paths: list[Path]
    turned: list[bool]

    @classmethod
    def of(cls, problem: Problem, kinds: Kinds) -> "Reading | None":
        """The reading by which letters are of these kinds, if there is one."""
        if not problem.right.plain or not _has_known_steps(problem):
            return None
        roles = _roles(problem, kinds)
        if roles is None or not _only_pixels_are_unknown(problem, roles):
            return None
        image, _, out = problem.letters
        outputs = [c for c in out if c not in image]
        known = {roles.batch, roles.channel, roles.group, *outputs}
        known |= {c for _, p, t in roles.spatial for c in (p, t)}
        if len(outputs) > 1 or not set("".join(problem.letters)) <= known:
            return None
        reading = cls(problem, roles, outputs[0] if outputs else None, *_paths(problem, roles))
        return reading if reading.is_open or _is_static(problem) else None

    @property
    def is_open(self) -> bool:
        """True if the image's height or width is known only at run time."""
        return any(path.is_open for path in self.paths)

    def extent(self, letter: str | None) -> int:
        return 1 if letter is None else int(self.problem.extents[letter])

    def left_step(self, letter: str | None) -> Any:
        """The distance between elements of the left operand along a letter."""
        return self.problem.left.coefficient(letter) if letter else 0

    def right_step(self, letter: str | None) -> Any:
        """The distance between elements of the right operand along a letter."""
        return self.problem.right.coefficient(letter) if letter else 0

    def result_step(self, letter: str | None) -> Any:
        """The distance between elements of the result along a letter."""
        return self.problem.output_strides.get(letter, 0) if letter else 0

    def filter(self, element: str, step: Step, base: int = 0) -> Filter:
        """The array that is walked by taps in steps of `step`."""
        roles = self.roles
        steps = [int(step(tap)) for _, _, tap in roles.spatial]
        # Reversed taps begin at the last one, and walk backwards.
        base += sum(s * (path.taps - 1) for s, path, t in zip(steps, self.paths, self.turned) if t)
        row, column = (-s if t else s for s, t in zip(steps, self.turned))
        channel, output, group = (
            int(step(letter)) for letter in (roles.channel, self.output, roles.group)
        )
        return Filter(element, row, column, channel, output, group, base)

    @property
    def channel_step(self) -> int:
        """The distance between the image's channels."""
        return int(self.left_step(self.roles.channel)) if self.roles.channel else 1

    @property
    def base(self) -> int | None:
        """The offset of the image's first pixel; None if it is unknown.

        The constant of a spatial axis is its low border; only other axes move the start.
        """
        view = self.problem.left
        spatial = {i for i, _, _ in self.roles.spatial}
        base: Any = 0
        for i, (axis, stride) in enumerate(zip(view.axes, view.strides)):
            # Padding of a batch or channel axis moves the first element read.
            if i not in spatial and not dims.same(axis.const, 0):
                base = base + axis.const * stride
        return None if type(base) is Dim else int(base)


def _only_pixels_are_unknown(problem: Problem, roles: Roles) -> bool:
    """True if all unknown extents are of the batch and of positions."""
    unknown = {c for s in problem.letters for c in s if type(problem.extents[c]) is Dim}
    return unknown <= {roles.batch, *(position for _, position, _ in roles.spatial)}


def _is_static(problem: Problem) -> bool:
    """True if all numbers of the operands and the result but the outermost extent are known."""
    left, right = problem.left, problem.right
    numbers: list[Any] = [*left.strides, left.base, *right.strides, right.base]
    numbers += problem.output_strides.values()
    for axis in left.axes:
        numbers += (axis.const, *axis.terms.values(), *(axis.bounds or ()))
    return not any(type(x) is Dim for x in numbers)


def _has_known_steps(problem: Problem) -> bool:
    """True if the steps of letters along the image's axes are numbers."""
    steps = [x for axis in problem.left.axes for x in (axis.divisor, *axis.terms.values())]
    return not any(type(x) is Dim for x in steps)


def _roles(problem: Problem, kinds: Kinds) -> Roles | None:
    roles = Roles()
    single: list[tuple[int, str]] = []
    for i, axis in enumerate(problem.left.axes):
        letters = list(axis.terms)
        # Kernels know one border, that of the array: a part of it would be read beyond its bounds.
        if axis.bounds is not None and not _covers(axis.bounds, problem.left.source.shape[i]):
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
    # Of the remaining letters, the last may be a channel, or a tap over a whole axis.
    for i, letter in reversed(single):
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
    # A sum over one spatial axis is one over images of height 1.
    roles.spatial[:0] = [(-1, None, None)] * (2 - len(roles.spatial))
    return roles


def _group_and_channel(problem: Problem, axis: AxisIndex, kinds: Kinds) -> tuple[str, str] | None:
    """The letters of a channel axis that is divided into groups; None for other axes."""
    if not axis.plain or len(axis.terms) != 2:
        return None
    # The smaller step is that of the channels: groups are runs of channels.
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
    # An image is walked forwards; reversed taps alone are turned.
    if position is not None and axis.terms[position] < 0:
        return None
    return position, tap


def _covers(bounds: tuple[Extent, Extent], size: Extent) -> bool:
    """True if the bounds are those of an axis of this size."""
    return dims.same(bounds[0], 0) and dims.same(bounds[1], size)


def _paths(problem: Problem, roles: Roles) -> tuple[list[Path], list[bool]]:
    """The spatial axes, and for each True if its taps had to be reversed."""
    paths, turned = [], []
    for i, position, tap in roles.spatial:
        if i < 0:
            paths.append(Path())
            turned.append(False)
            continue
        index = problem.left.axes[i]
        const: Any = index.const
        step = int(index.terms[tap]) if tap else 1
        taps = int(problem.extents[tap]) if tap else 1
        turned.append(step < 0)
        if step < 0:
            # Counted from the last tap, the step is positive, and the border moves with it.
            const, step = const + step * (taps - 1), -step
        out = problem.extents[position] if position else 1
        stride = int(index.terms[position]) if position else 1
        size = problem.left.source.shape[i]
        paths.append(Path(size, out, taps, stride, step, -const, index.divisor))
    return paths, turned
