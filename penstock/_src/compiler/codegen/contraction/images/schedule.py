"""The schedule of a convolution's kernel: the outputs, blocks and tiles of each of its dense convolutions.

    blocks      some rows of an image, or a few small images: a window of the input (window.py)
      panels    `nr` outputs: weights that a task goes through one after the other
        tiles   mr pixels x nv vectors of outputs

A schedule is a record: choice.py makes it, and everything here follows from its fields and a call's sizes, on the host.
"""

from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.codegen.contraction.extents import number
from penstock._src.compiler.codegen.contraction.tile import TileNumbers, Types
from penstock._src.compiler.codegen.kernel_code import KernelStage, Sizes, round_up
from penstock._src.native import Target
from penstock._src.native.language.types import SIZE
from penstock._src.util.dataclass import dataclass

from .any_size.description import AnySizeConvolution
from .convolution import Convolution
from .window import ImageWindow


class PackedPanels(TileNumbers):
    """The memory of a schedule's packed weights."""

    conv: "Convolution | AnySizeConvolution"
    panels: int
    direct_weights: bool
    panel_room: int

    @property
    def weights_bytes(self) -> int:
        """Bytes of the packed weights."""
        if self.direct_weights:
            return 0
        return round_up(self.conv.groups * self.panels * self.panel_room * self.size, 64)

    @property
    def own_at(self) -> int:
        """The offset of the threads' own memory."""
        return 0 if self.conv.is_prepacked else self.weights_bytes


@dataclass(frozen=True)
class PartSchedule(PackedPanels):
    """One dense convolution of a kernel: all of it, or one phase of an input gradient.

    label                     its family, for reports
    before                    (images of a block, tasks of a block) of each part before it
    y_first, y_row, y_column  offset of its first output, and the strides of rows and columns
    depth                     steps of the sum of an output
    mr, nv                    pixels and vectors of the register tile
    step                      in packed weights, from a channel to the next
    panels                    of weights
    window                    the part of the images that a task reads
    split                     tasks that share the panels of a block
    k_blocks                  parts of the sum, by rows of taps: 1 if it is not cut
    skips                     True if tiles skip the rows of taps above and below the image
    direct_weights            True if weights are read in place, without packing
    panel_room                elements of a panel
    """

    name: str
    label: str
    conv: Convolution
    target: Target
    threads: int
    before: Sequence[tuple[int, int]]
    y_first: int
    y_row: int
    y_column: int
    depth: int
    mr: int
    nv: int
    step: int
    panels: int
    window: ImageWindow
    split: int
    k_blocks: int
    skips: bool
    direct_weights: bool
    panel_room: int

    @property
    def types(self) -> Types:
        return self.conv.types

    @property
    def unit(self) -> int:
        """Tasks of a block of images."""
        return self.window.row_blocks * self.conv.groups * self.split

    @property
    def left_type(self) -> str:
        """The type of the elements that tiles read of the image."""
        return self.window.total if self.window.copied else self.conv.x.element

    # -- memory, in bytes
    @property
    def window_bytes(self) -> int:
        """Bytes of a thread's window."""
        # Loads of the last pixels are whole vectors, which may reach beyond the window.
        elements = self.window.elements + self.window.lanes
        return round_up(elements * SIZE[self.window.total], 64)

    @property
    def scratch_bytes(self) -> int:
        return round_up(self.own_at + self.threads * self.window_bytes, 64)

    # -- tasks
    def tasks(self, sizes: Sizes) -> int:
        c = self.conv
        if not c.h.out * c.w.out * c.outputs * c.groups:
            return 0
        return -(-number(c.batch, sizes) // self.window.images) * self.unit

    def pack_tasks(self, sizes: Sizes) -> int:
        # Prepacked weights outlive this call: they are packed even if its batch is empty.
        is_needed = self.conv.is_prepacked or self.tasks(sizes)
        return self.panels * self.conv.groups if is_needed else 0


@dataclass(frozen=True)
class ConvolutionSchedule:
    """The parts of a kernel."""

    conv: Convolution
    target: Target
    threads: int
    parts: Sequence[PartSchedule]

    def stages(self, _sizes: Sizes) -> list[KernelStage]:
        stages, at = [], 0
        for part in self.parts:
            if not part.direct_weights:
                pack = f"{part.name}_pack"
                stages.append(KernelStage(pack, part.pack_tasks, 0, at, self.conv.is_prepacked))
            stages.append(KernelStage(f"{part.name}_task", part.tasks, 0, at))
            at += part.scratch_bytes
        return stages

    def scratch(self, _sizes: Sizes) -> int:
        return sum(part.scratch_bytes for part in self.parts)

    def tasks(self, sizes: Sizes) -> int:
        return sum(part.tasks(sizes) for part in self.parts)

    @property
    def prepacked_bytes(self) -> int:
        return sum(p.weights_bytes for p in self.parts) if self.conv.is_prepacked else 0

    @property
    def label(self) -> str:
        """For reports."""
        if not self.parts:
            return "conv"
        first = self.parts[0]
        return f"{first.label} {first.mr}x{first.nr}"

    @property
    def facts(self) -> dict[str, Any]:
        """The choices, for reports."""
        return {
            "rows": [part.window.rows for part in self.parts],
            "images": [part.window.images for part in self.parts],
            "pairs": self.conv.pairs,
        }
