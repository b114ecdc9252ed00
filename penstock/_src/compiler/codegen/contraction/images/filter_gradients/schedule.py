"""The schedule of a filter gradient's kernel, as far as all its families share it.

small filters   blocks of pixels are cut into fixed ranges; a task sums a range into a filter of its own, in order,
                and a second fork-join adds the ranges up in order: the same bits in every run
large filters   a task is a panel of output channels and sees every pixel; images are padded beforehand, together
"""

from typing import Any, ClassVar

from penstock._src.compiler.codegen.contraction.extents import number
from penstock._src.compiler.codegen.contraction.images.any_size.description import (
    AnySizeFilterGradient,
)
from penstock._src.compiler.codegen.contraction.images.convolution import FilterGradient
from penstock._src.compiler.codegen.contraction.tile import TileNumbers, Types
from penstock._src.compiler.codegen.kernel_code import LINE, KernelStage, Sizes, round_up
from penstock._src.native import Target
from penstock._src.util.dataclass import dataclass

MOST_RANGES = 64
ALL_RANGES_BYTES = 16 << 20  # most bytes of all ranges' sums
ROWS_OF_A_SUM = 8192  # elements that a task of the last stage adds up


@dataclass(frozen=True)
class GradientSchedule(TileNumbers):
    """A filter gradient, and the cut of its work.

    mr, nv           rows of the filter and vectors of outputs of the register tile
    rows             of the filter: taps times channels
    ranges           that the pixels are cut into
    window_elements  of a thread's own memory
    """

    label: ClassVar[str]

    gradient: FilterGradient | AnySizeFilterGradient
    target: Target
    threads: int
    mr: int
    nv: int
    rows: int
    ranges: int
    window_elements: int

    @property
    def sums_ranges(self) -> bool:
        """True if tasks sum ranges of pixels; else they compute panels of outputs."""
        return True

    @property
    def is_straight(self) -> bool:
        """True if sums accumulate in the output itself."""
        return False

    @property
    def types(self) -> Types:
        return self.gradient.types

    @property
    def line(self) -> int:
        """Elements of a cache line."""
        return LINE // self.size

    @property
    def length(self) -> int:
        """Elements from the sums of a filter to the next."""
        # No two tasks write to one cache line.
        return round_up(self.rows * self.gradient.outputs, self.line)

    @property
    def facts(self) -> dict[str, Any]:
        """The choices, for reports."""
        return {"ranges": self.ranges}

    # -- tasks
    @property
    def rows_of_a_sum(self) -> int:
        return max(1, ROWS_OF_A_SUM // max(1, self.gradient.outputs))

    @property
    def sum_tasks(self) -> int:
        """Tasks of adding up the ranges."""
        return self.gradient.groups * -(-self.rows // self.rows_of_a_sum)

    @property
    def is_empty(self) -> bool:
        """True if there is no result to compute."""
        return not self.rows * self.gradient.outputs * self.gradient.groups

    def batch(self, sizes: Sizes) -> int:
        return number(self.gradient.batch, sizes)

    def stages(self, _sizes: Sizes) -> list[KernelStage]:
        stages = self.summing_stages()
        if not self.is_straight:
            # Also for a single range: the epilogue and the output's own layout are applied there.
            stages.append(KernelStage("add_up", lambda _: 0 if self.is_empty else self.sum_tasks))
        return stages

    def summing_stages(self) -> list[KernelStage]:
        tasks = 0 if self.is_empty else self.ranges * self.gradient.groups
        return [KernelStage("sum_ranges", lambda _: tasks)]

    # -- memory
    def layout(self, _sizes: Sizes) -> tuple[int, int, int]:
        """Elements of scratch: sums, padded images, threads' own."""
        sums = self.ranges * self.gradient.groups * self.length
        return sums, 0, self.threads * self.window_elements

    def scratch(self, sizes: Sizes) -> int:
        """Bytes."""
        return sum(self.layout(sizes)) * self.size
