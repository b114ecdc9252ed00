"""The schedule of a product's kernel: how it is cut into blocks.

    groups of depth blocks     what several tasks would pack is packed beforehand, by all threads, into panels
      tasks (MC x NC)          go through the depth blocks (KC) of the group; what they alone need they pack
                               themselves, blocks that stay in L2
        panels of A            `mr` rows, in L1
          panels of B          `nr` columns: a register tile of mr rows x nv vectors

A schedule is a record: choice.py makes it, and everything here follows from its fields and a call's sizes, on the host.
"""

from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import Any

from penstock._src.compiler.codegen.contraction.extents import (
    HOST,
    ceil_divide,
    is_static,
    number,
    product,
)
from penstock._src.compiler.codegen.contraction.tile import TileNumbers, Types
from penstock._src.compiler.codegen.kernel_code import KernelStage, Sizes, round_up
from penstock._src.compiler.codegen.processors import processor_of
from penstock._src.native import Target
from penstock._src.util.dataclass import dataclass

from .description import Gemm

STEP_BITS = 32  # a stage's step is its first depth block, and how many there are above these bits


class Place(Enum):
    """Where tiles read an operand."""

    IN_PLACE = "in place"
    PREPACKED = "prepacked"  # in panels that are kept from call to call
    SHARED = "shared"  # in panels that all threads pack beforehand
    OF_A_TASK = "of a task"  # in panels that each task packs for itself


@dataclass(frozen=True)
class Panels:
    """How one operand reaches the tiles.

    place      where they read it
    width      rows or columns of a panel
    room       elements that a panel takes
    by_rows    whether all panels are packed together, row of k by row of k: the operand lies along its rows or columns
    run        (n, distance) of neighboring k that a gathered operand reads at equal distances; None: one by one
    """

    place: Place
    width: int
    room: int
    by_rows: bool
    run: tuple[int, Any] | None


@dataclass(frozen=True)
class Cut:
    """How tasks share the output out.

    form         "columns": strips of columns, all rows: a task packs its own columns of B (few rows: activations by weights);
                 "rows": strips of rows, all columns: a task packs its own rows of A (few columns: gradients of weights);
                 "blocks": of both
    columns      of a task, a multiple of a tile's
    least_rows   of a task: fewer are not worth handing out
    tile_rows    of a register tile
    all_rows     of the one block of rows, where the output is not cut along them; None: as `threads` ask
    threads      that tasks are cut for
    """

    form: str
    columns: int
    least_rows: int
    tile_rows: int
    all_rows: int | None
    threads: int

    def rows(self, ops: Any, m: Any, batches: Any, n: Any) -> Any:
        """Rows of a task: enough tasks to share out, none too small.

        A formula of the host and of kernels alike: `ops` has min and max, extents are ints or values.
        """
        if self.all_rows is not None:
            return round_up(self.all_rows, self.tile_rows)
        columns = ceil_divide(n, self.columns)
        want: Any = 1
        if self.threads > 1:
            want = ops.max(1, ceil_divide(4 * self.threads, ops.max(1, columns * batches)))
        rows = ops.max(ceil_divide(m, want), self.least_rows)
        return ceil_divide(ops.max(1, ops.min(rows, m)), self.tile_rows) * self.tile_rows


@dataclass(frozen=True)
class GemmSchedule(TileNumbers):
    """A product, and the cut of its work.

    gemm          the product, over groups of neighbors where the target multiplies these (pairs.py)
    threads       of the pool
    mr, nv        rows and vectors of the register tile
    idle          rows of a tile that are not the result's, but of the number that is subtracted from A
    begins        whether packed panels of B hold what sums begin with
    kc            elements of k of a depth block
    steps         depth blocks; None: known at run time
    left, right   how A and B reach the tiles
    slab          rows of k that a task packs of all panels together
    rows_at_once  of A that a task packs for itself
    """

    gemm: Gemm
    target: Target
    threads: int
    mr: int
    nv: int
    idle: int
    begins: bool
    kc: int
    steps: int | None
    cut: Cut
    left: Panels
    right: Panels
    slab: int
    rows_at_once: int

    @property
    def types(self) -> Types:
        return self.gemm.types

    @property
    def static_k(self) -> bool:
        return all(map(is_static, self.gemm.k))

    @property
    def sums_apart(self) -> bool:
        """True if sums of several blocks stay in scratch memory, because the output has another type."""
        return self.types.output != self.types.total and self.steps != 1

    @property
    def packs_beforehand(self) -> bool:
        return Place.SHARED in (self.left.place, self.right.place)

    def steps_of(self, sizes: Sizes) -> int:
        return self.steps or HOST.max(
            1, ceil_divide(product(number(k, sizes) for k in self.gemm.k), self.kc)
        )

    # -- tasks
    def stages(self, sizes: Sizes) -> list[KernelStage]:
        stages = []
        steps = self.steps_of(sizes)
        if self.right.place is Place.PREPACKED:
            tasks: Callable[[Sizes], int] = lambda _: self.prepack_units * steps
            stages.append(KernelStage("keep", tasks, prepacks=True))
        for first, count in self.groups(sizes):
            step = first + count * (1 << STEP_BITS)
            if self.packs_beforehand:
                stages.append(KernelStage("pack", partial(self.packed, count), step))
            stages.append(KernelStage("task", self.tasks, step))
        return stages

    def tasks(self, sizes: Sizes) -> int:
        if self.is_empty(sizes):
            return 0
        m, n, batches = number(self.gemm.m, sizes), number(self.gemm.n, sizes), self.batches(sizes)
        rows = self.cut.rows(HOST, m, batches, n)
        return batches * ceil_divide(m, rows) * ceil_divide(n, self.cut.columns)

    def packed(self, count: int, sizes: Sizes) -> int:
        """Tasks of packing beforehand, for `count` depth blocks: a panel, or a slab of all panels, each."""
        if self.is_empty(sizes):
            return 0
        slabs, units = ceil_divide(self.kc, self.slab), 0
        if self.left.place is Place.SHARED:
            units += self.batches(sizes) * slabs if self.left.by_rows else self.panels_a(sizes)
        if self.right.place is Place.SHARED:
            units += slabs if self.right.by_rows else self.panels_b(sizes)
        return count * units

    @property
    def prepack_units(self) -> int:
        """Tasks that prepack B, of one depth block: slabs of rows, or panels."""
        if self.right.by_rows:
            return ceil_divide(self.kc, self.slab)
        return ceil_divide(self.gemm.n, self.nr)

    def is_empty(self, sizes: Sizes) -> bool:
        """True if there is no result to compute."""
        return 0 in (number(self.gemm.m, sizes), number(self.gemm.n, sizes), self.batches(sizes))

    def batches(self, sizes: Sizes) -> int:
        return product(number(b, sizes) for b in self.gemm.batch)

    # -- groups of depth blocks
    def group(self, sizes: Sizes) -> int:
        """How many depth blocks are worked on between two fork-joins."""
        return HOST.min(self.steps_of(sizes), self.most_packed(sizes))

    def most_packed(self, sizes: Sizes) -> int:
        """How many depth blocks may be packed beforehand."""
        most = processor_of(self.target).packed_panels
        return HOST.max(1, most // HOST.max(1, self.shared_room(sizes)))

    def groups(self, sizes: Sizes) -> list[tuple[int, int]]:
        """(the first depth block, how many) of what is worked on between two fork-joins."""
        steps, most = self.steps_of(sizes), self.most_packed(sizes)
        if steps <= most:
            return [(0, steps)]
        count = int(ceil_divide(steps, most))
        last = (count - 1) * most
        return [*[(i * most, most) for i in range(count - 1)], (last, steps - last)]

    # -- memory
    def shared_room(self, sizes: Sizes) -> int:
        """Bytes of the panels that are packed beforehand, of one depth block."""
        a = self.panels_a(sizes) * self.left.room if self.left.place is Place.SHARED else 0
        b = self.panels_b(sizes) * self.right.room if self.right.place is Place.SHARED else 0
        return (a + b) * self.size

    def panels_a(self, sizes: Sizes) -> int:
        return self.batches(sizes) * ceil_divide(number(self.gemm.m, sizes), self.mr)

    def panels_b(self, sizes: Sizes) -> int:
        return ceil_divide(number(self.gemm.n, sizes), self.nr)

    @property
    def prepacked_bytes(self) -> int:
        """Of the prepacked panels of B."""
        if self.right.place is not Place.PREPACKED or self.steps is None:
            return 0
        return self.steps * ceil_divide(self.gemm.n, self.nr) * self.right.room * self.size

    @property
    def block_a(self) -> int:
        """Elements of the rows of A that a task packs itself at a time."""
        panels = self.rows_at_once // self.mr
        return panels * self.left.room if self.left.place is Place.OF_A_TASK else 0

    @property
    def block_b(self) -> int:
        """Elements of the block of B that a task packs itself."""
        panels = self.cut.columns // self.nr
        return panels * self.right.room if self.right.place is Place.OF_A_TASK else 0

    def scratch(self, sizes: Sizes) -> int:
        """Bytes: sums kept apart, then the panels of a group, then the threads' own blocks."""
        m, n = number(self.gemm.m, sizes), number(self.gemm.n, sizes)
        sums = self.batches(sizes) * m * n if self.sums_apart else 0
        own = self.threads * (self.block_a + self.block_b)
        return (
            (sums + own + self.lanes) * self.size + self.shared_room(sizes) * self.group(sizes) + 64
        )

    @property
    def facts(self) -> dict[str, Any]:
        """What was chosen, for reports."""
        return {
            "cut": self.cut.form,
            "A": self.left.place.value,
            "B": self.right.place.value,
            "kc": self.kc,
            "nc": self.cut.columns,
            "group": self.gemm.group,
        }
