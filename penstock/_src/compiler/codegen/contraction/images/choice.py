"""Chooses the schedule of a convolution.

Each dense convolution gets its own choice: the register tile, the block of images, the number of tasks that share its panels,
the division of the sum along its taps, and the packing of weights. Families (dots.py, few_outputs.py) override choices
through their problem.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from penstock._src.compiler.codegen.contraction.extents import is_static
from penstock._src.compiler.codegen.contraction.pack import room
from penstock._src.compiler.codegen.contraction.tile import pick
from penstock._src.compiler.codegen.processors import Processor, processor_of
from penstock._src.native import Target
from penstock._src.native.language.types import SIZE
from penstock._src.util.dataclass import dataclass

from .any_size.description import AnySizeConvolution
from .convolution import Convolution, phases
from .schedule import ConvolutionSchedule, PartSchedule
from .weights import in_pairs
from .window import ImageWindow
from .window_choice import TYPICAL_BATCH, WindowLimits, choose_window, divisors

LIGHT_WEIGHTS = 256 << 10  # bytes that every block of rows may read again
FEW_WEIGHTS = 32 << 10  # bytes that are read where they are, in any panels
TASK_WORK = 1e6  # flops of the smallest block of rows


@dataclass(frozen=True)
class PartProblem:
    """The input of the choice: one dense convolution, its target, and the number of threads for which tasks are made."""

    label: ClassVar = "conv"
    cuts_taps: ClassVar = True  # True if a sum may be divided along its rows of taps, or omit some

    conv: Convolution
    target: Target
    cut_for: int

    @property
    def lanes(self) -> int:
        return self.conv.types.lanes(self.target)

    @property
    def size(self) -> int:
        """Bytes of a sum."""
        return SIZE[self.conv.types.total]

    @property
    def processor(self) -> Processor:
        return processor_of(self.target)

    @property
    def vectors(self) -> int:
        """Vectors of all outputs of a group."""
        return -(-self.conv.outputs // self.lanes)

    @property
    def depth(self) -> int:
        """The number of terms in the sum of an output."""
        return self.conv.h.taps * self.conv.w.taps * self.conv.channels

    @property
    def weight_bytes(self) -> int:
        """Bytes of the weights of a group."""
        return self.depth * self.conv.outputs * self.size

    def register_tile(self) -> tuple[int, int]:
        """Pixels, and vectors of outputs."""
        h, w = self.conv.h, self.conv.w
        return pick(w.out, h.out * w.out, self.vectors, self.target)

    def step(self, nr: int) -> int:
        """In packed weights, from a channel to the next."""
        return nr

    def limits(self, split: int) -> WindowLimits:
        """The limits of a window whose panels are divided among `split` tasks."""
        processor = self.processor
        return WindowLimits(
            processor.window, processor.wide_window, self.cut_for,
            least_blocks=self.least_blocks(), weight_bytes=self.weight_bytes, split=split,
        )  # fmt: skip

    def window(self, split: int) -> ImageWindow:
        """The window of a task if `split` tasks share its panels."""
        c = self.conv
        return choose_window(
            c.x, c.h, c.w, c.channels, c.batch, c.types.total, self.lanes, self.limits(split), shift=-c.zero
        )  # fmt: skip

    def least_blocks(self) -> int:
        """The minimum number of row blocks per image that gives all threads work when there are few images."""
        c = self.conv
        if not is_static(c.batch) or self.weight_bytes > LIGHT_WEIGHTS:
            return 1
        images = max(1, c.batch * c.groups)
        work = 2.0 * images * c.h.out * c.w.out * self.depth * c.outputs
        return -(-min(4 * self.cut_for, int(work / TASK_WORK)) // images)


def choose(
    conv: Convolution, target: Target, threads: int, cut_for: int, family: type[PartProblem]
) -> ConvolutionSchedule:
    """The schedule of a convolution for a pool of `threads`, divided into tasks for `cut_for` threads."""
    conv = in_pairs(conv, target)
    if conv.h.base * conv.w.base > 1:  # each phase has weights of its own
        conv = replace(conv, is_prepacked=False)
    parts: list[PartSchedule] = []
    for i, (phase, (row, column)) in enumerate(phases(conv)):
        y = conv.y
        places = (
            row * y.row + column * y.column + y.base,
            conv.h.base * y.row,
            conv.w.base * y.column,
        )
        # Tasks of all parts count on, so that each has its own partial sums.
        before = tuple([(part.window.images, part.unit) for part in parts])
        problem = family(phase, target, cut_for)
        parts.append(_part(f"conv{i}", problem, threads, before, places))
    return ConvolutionSchedule(conv, target, threads, parts)


def _part(
    name: str,
    problem: PartProblem,
    threads: int,
    before: Sequence[tuple[int, int]],
    places: tuple[int, int, int],
) -> PartSchedule:
    """The schedule of one dense convolution; `places` are the offsets of its first output, the next row and the next column."""
    c, lanes = problem.conv, problem.lanes
    mr, nv = problem.register_tile()
    nr = nv * lanes
    panels = -(-problem.vectors // nv)
    window, split = _window(problem, panels)
    k_blocks = _k_blocks(problem, nr)
    skips = k_blocks == 1 and _skips(problem, mr)
    return PartSchedule(
        name,
        problem.label,
        c,
        problem.target,
        threads,
        before,
        *places,
        depth=problem.depth,
        mr=mr,
        nv=nv,
        step=problem.step(nr),
        panels=panels,
        # Rows of zeros are read only where taps outside of the image are not left out.
        window=replace(window, blank_rows=not skips),
        split=split,
        k_blocks=k_blocks,
        skips=skips,
        direct_weights=reads_weights_in_place(c, problem.depth, problem.weight_bytes, nr, lanes),
        panel_room=room(nr, problem.depth, lanes),
    )


def _window(problem: PartProblem, panels: int) -> tuple[ImageWindow, int]:
    """(the input window of a task, the number of tasks that share the panels of a block): enough tasks for all threads."""
    c, window = problem.conv, problem.window(1)
    batch = c.batch if is_static(c.batch) else TYPICAL_BATCH
    blocks = -(-batch // window.images) * window.row_blocks * c.groups
    wanted = 4 * problem.cut_for
    if blocks >= wanted or panels <= 1:
        return window, 1
    # The fewest shares that give all threads work: each share reads the window again.
    split = min(d for d in divisors(panels) if blocks * d >= wanted or d == panels)
    return problem.window(split), split


def _k_blocks(problem: PartProblem, nr: int) -> int:
    """The number of parts of the sum: it is divided by rows of taps if a panel of weights is too long for the cache."""
    c = problem.conv
    panel = problem.depth * nr * problem.size
    is_long = c.h.taps > 1 and panel > problem.processor.weight_panel
    # A partial sum stored in a narrower type would be rounded once for each part.
    can_wait = c.types.output == c.types.total  # for the rest of the sum, in the output
    return c.h.taps if problem.cuts_taps and is_long and can_wait else 1


def _skips(problem: PartProblem, mr: int) -> bool:
    """True if rows of taps outside the image are left out, for tiles that lie in one row of the image."""
    h, w = problem.conv.h, problem.conv.w
    # A tile across two rows would need other taps for each of them.
    in_a_row = w.out > 0 and w.out % mr == 0
    return problem.cuts_taps and in_a_row and h.has_border and h.taps > 1


def reads_weights_in_place(
    c: "Convolution | AnySizeConvolution", depth: int, weight_bytes: int, nr: int, lanes: int
) -> bool:
    """True if weights lie in memory as panels of `nr` outputs do; `depth` and `weight_bytes` are those of the problem."""
    f = c.filter
    if depth == 0:
        return True
    columns_follow = f.column == c.channels * f.channel and f.row == c.w.taps * f.column
    is_ordered = f.output == 1 and columns_follow and f.channel >= c.outputs
    # The rows of a panel that is narrower than all outputs are apart: no run of memory.
    few = c.outputs == nr or weight_bytes <= FEW_WEIGHTS
    is_whole = c.outputs % lanes == 0 and f.element == c.types.total
    return is_ordered and few and is_whole
