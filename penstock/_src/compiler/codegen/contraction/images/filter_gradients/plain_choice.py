"""Chooses the schedule of a plain filter gradient."""

from dataclasses import replace
from typing import Any, ClassVar

from penstock._src.compiler.codegen.contraction.extents import is_static
from penstock._src.compiler.codegen.contraction.images.convolution import FilterGradient
from penstock._src.compiler.codegen.contraction.images.window import BlockedImageWindow, ImageWindow
from penstock._src.compiler.codegen.contraction.images.window_choice import (
    TYPICAL_BATCH,
    WindowLimits,
    choose_window,
)
from penstock._src.compiler.codegen.contraction.tile import pick
from penstock._src.compiler.codegen.kernel_code import LINE, KernelStage, Sizes, round_up
from penstock._src.compiler.codegen.processors import processor_of
from penstock._src.native import Target
from penstock._src.native.language.types import SIZE
from penstock._src.util.dataclass import dataclass

from .schedule import ALL_RANGES_BYTES, MOST_RANGES
from .tiles import TiledSchedule, blocked_tile

OWN_BYTES = 640 << 10  # filters up to this size are summed by every range on its own
LARGE_BLOCK_PIXELS = 300
LARGE_BLOCK = 768 << 10  # most bytes of a window under a filter that does not stay in the L2
IMAGE_BYTES = 1 << 20  # images up to this size are padded all together, for large filters
PIXELS_AT_ONCE = 400  # pixels of large filters for which a sum stays in registers
MOST_IMAGES_AT_ONCE = 64


@dataclass(frozen=True)
class PlainSchedule(TiledSchedule):
    """The division of a sum of plain products.

    window      the part of the images that a task reads
    own         True if each task sums a range into a separate filter
    blocked     True if the window is stored by blocks of channels
    straight    True if sums accumulate in the output itself
    at_once     number of images whose pixels a task of a large filter sums before it stores
    """

    label: ClassVar = "filter gradient"

    gradient: FilterGradient
    window: ImageWindow
    own: bool
    blocked: bool
    straight: bool
    at_once: int

    @property
    def sums_ranges(self) -> bool:
        return self.own

    @property
    def is_straight(self) -> bool:
        return self.straight

    @property
    def skips(self) -> bool:
        """True if rows of dy are left out for taps that lie above or below the image."""
        return self.blocked and self.gradient.h.has_border

    @property
    def panels(self) -> int:
        """Panels of outputs."""
        return -(-self.gradient.outputs // self.nr)

    @property
    def pixels(self) -> int:
        """Pixels of an image of the outputs."""
        return self.gradient.h.out * self.gradient.w.out

    @property
    def tiles(self) -> int:
        """Tiles of a panel."""
        return self.rows // self.mr

    @property
    def left_type(self) -> str:
        return self.types.total if self.window.copied else self.gradient.x.element

    @property
    def facts(self) -> dict[str, Any]:
        return {
            "rows": self.window.rows,
            "blocked": self.blocked,
            "own": self.own,
            "ranges": self.ranges,
        }

    def panel_room(self, batch: Any) -> Any:
        """Elements of a panel of dy; an int or a value."""
        return batch * (self.pixels * self.nr) + 64

    def summing_stages(self) -> list[KernelStage]:
        if self.own:
            return super().summing_stages()
        groups = self.gradient.groups
        tasks = 0 if self.is_empty else self.panels * groups
        return [
            KernelStage("pad_images", lambda sizes: self.batch(sizes) * groups),
            KernelStage("sum_panels", lambda _: tasks),
        ]

    def layout(self, sizes: Sizes) -> tuple[int, int, int]:
        if self.own:
            return super().layout(sizes)
        batch, groups = self.batch(sizes), self.gradient.groups
        sums = 0 if self.straight else self.ranges * groups * self.length
        images = batch * groups * self.window.image_room + self.lanes
        return sums, round_up(images, self.line), self.threads * self.panel_room(batch)


def choose(
    gradient: FilterGradient, target: Target, threads: int, cut_for: int, stores_sums: bool
) -> PlainSchedule:
    """The schedule; `stores_sums` is True if the output is the sums themselves, without an epilogue."""
    g = gradient
    size, lanes = SIZE[g.types.total], g.types.lanes(target)
    line = LINE // size
    rows = g.h.taps * g.w.taps * g.channels
    blocked = g.channels % lanes == 0 and g.x.channel == 1
    mr, nv = (
        blocked_tile(-(-g.outputs // lanes), target, lanes)
        if blocked
        else _tile(g, target, lanes, rows)
    )
    is_small = rows * g.outputs * size <= OWN_BYTES
    image = g.h.reach(g.h.out) * g.w.reach(g.w.out) * g.channels * size
    # A large image cannot wait padded for all panels: its ranges are summed even for large filters.
    own = is_small or image > IMAGE_BYTES
    window = _window(g, target, cut_for, own, is_small, blocked)
    if not own:
        window = replace(window, image_room=round_up(window.image_pitch, line))
    pixels = max(1, g.h.out * g.w.out)
    return PlainSchedule(
        gradient=g,
        target=target,
        threads=threads,
        mr=mr,
        nv=nv,
        rows=rows,
        # One task sees all pixels of a panel otherwise: there is nothing to add up.
        ranges=_ranges(g, rows, size, cut_for, window) if own else 1,
        window_elements=round_up(window.elements + lanes, line) if own else 0,
        window=window,
        own=own,
        blocked=blocked,
        straight=not own and stores_sums and _is_output_of_sums(g),
        at_once=max(1, min(PIXELS_AT_ONCE // pixels, MOST_IMAGES_AT_ONCE)),
    )


def _tile(g: FilterGradient, target: Target, lanes: int, rows: int) -> tuple[int, int]:
    """(rows, vectors) of a tile over any rows of the filter."""
    return pick(g.w.taps * g.channels, rows, -(-g.outputs // lanes), target)


def _window(
    g: FilterGradient, target: Target, cut_for: int, own: bool, is_small: bool, blocked: bool
) -> ImageWindow:
    """The window of a task: for large filters, whole images."""
    processor = processor_of(target)
    most = processor.gradient_window if own else 1 << 40
    limits = WindowLimits(most, LARGE_BLOCK, cut_for, wanted=LARGE_BLOCK_PIXELS)
    if is_small:
        limits = WindowLimits(most, processor.wide_window, cut_for)
    window = choose_window(
        g.x, g.h, g.w, g.channels, g.batch, g.types.total, g.types.lanes(target), limits,
        copied=blocked or not own, kind=BlockedImageWindow if blocked else ImageWindow,
    )  # fmt: skip
    return replace(window, blank_rows=not (blocked and g.h.has_border))


def _ranges(g: FilterGradient, rows: int, size: int, cut_for: int, window: ImageWindow) -> int:
    """The number of ranges of pixels: enough work for all threads, in bounded memory."""
    batch = g.batch if is_static(g.batch) else TYPICAL_BATCH
    length = round_up(rows * g.outputs, LINE // size)
    most = max(1, ALL_RANGES_BYTES // (length * size * g.groups))
    return max(1, min(4 * cut_for, batch * window.row_blocks, most, MOST_RANGES))


def _is_output_of_sums(g: FilterGradient) -> bool:
    """True if the output has the layout and the type of a filter's sums."""
    f = g.filter
    is_ordered = (
        f.channel == g.outputs
        and f.column == g.channels * f.channel
        and f.row == g.w.taps * f.column
    )
    is_plain = f.base == 0 and g.groups == 1 and g.types.output == g.types.total
    return is_ordered and is_plain
