"""The schedule of a product's kernel: its division into blocks, as in GotoBLAS (Goto and van de Geijn 2008).

    groups of depth blocks     operands that several tasks need are packed first, by all threads, into panels
      tasks (MC x NC)          run over the depth blocks (KC) of the group; operands that only one task needs are packed by
                               the task, in blocks that stay in L2
        panels of A            `mr` rows, in L1
          panels of B          `nr` columns: a register tile of mr rows x nv vectors

A panel is a copy of rows or columns in the order in which a tile reads them, so that it reads memory sequentially. KC is the depth up to which a
panel stays in its cache; sums of several depth blocks are added up in the output, or apart if it has another type.

A schedule is a record made by choice.py. All methods here follow from its fields and a call's sizes, on the host.
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
from penstock._src.compiler.codegen.contraction.tile import TileNumbers, Types, cost
from penstock._src.compiler.codegen.kernel_code import KernelStage, Sizes, round_up
from penstock._src.compiler.codegen.processors import processor_of
from penstock._src.native import Target
from penstock._src.util.dataclass import dataclass
from penstock._src.util.process.forks import cached_property

from .description import Gemm, Matrix
from .matrix_registers import SIDE

STEP_BITS = 32  # the step of a stage has its first depth block in these low bits, and the number of blocks above


class Place(Enum):
    """The memory from which tiles read an operand."""

    IN_PLACE = "in place"
    PREPACKED = "prepacked"  # panels that are cached between calls
    SHARED = "shared"  # panels that all threads pack before the tasks
    OF_A_TASK = "of a task"  # panels that each task packs for itself


@dataclass(frozen=True)
class Panels:
    """The panels of one operand.

    place      the memory from which tiles read it
    width      rows or columns of a panel
    room       elements of a panel in memory
    by_rows    True if all panels are packed together, one row of k after the other, as the operand is contiguous across k
    run        (n, distance) if a gathered operand reads n neighboring k at equal distances; None: one by one
    """

    place: Place
    width: int
    room: int
    by_rows: bool
    run: tuple[int, Any] | None


@dataclass(frozen=True)
class Cut:
    """The division of the output into tasks.

    form         "columns": strips of columns with all rows; a task packs its own columns of B (few rows: activations by weights);
                 "rows": strips of rows with all columns; a task packs its own rows of A (few columns: gradients of weights);
                 "blocks": of both
    columns      columns of a task, a multiple of a tile's
    least_rows   the fewest rows of a task that pay for its overhead
    tile_rows    rows of a register tile
    all_rows     rows of the only block of rows, if rows are not divided; None: divided by the number of threads
    threads      the number of threads for which tasks are made
    """

    form: str
    columns: int
    least_rows: int
    tile_rows: int
    all_rows: int | None
    threads: int

    def rows(self, ops: Any, m: Any, batches: Any, n: Any) -> Any:
        """Rows of a task: about four tasks for each thread, so that all end at about the same time, but none too small.

        The host and kernels evaluate the same formula: `ops` has min and max, extents are ints or values.
        """
        if self.all_rows is not None:
            return round_up(self.all_rows, self.tile_rows)
        columns = ceil_divide(n, self.columns)
        want: Any = 1  # blocks of rows
        if self.threads > 1:
            want = ops.max(1, ceil_divide(4 * self.threads, ops.max(1, columns * batches)))
        rows = ops.max(ceil_divide(m, want), self.least_rows)
        return ceil_divide(ops.max(1, ops.min(rows, m)), self.tile_rows) * self.tile_rows


@dataclass(frozen=True)
class GemmSchedule(TileNumbers):
    """A product with the division of its work.

    gemm          the product, over groups of neighbors if the target multiplies groups (pairs.py)
    threads       number of threads of the pool
    mr, nv        rows and vectors of the register tile
    idle          1 if a tile has a further row for the zero point of A, else 0
    begins        True if packed panels of B contain the initial values of sums
    kc            elements of k in a depth block
    steps         number of depth blocks; None: known at run time
    left, right   the panels of A and B
    slab          rows of k that a task packs for all panels together
    rows_at_once  rows of A that a task packs for itself at a time
    ahead         elements of B from those that a tile reads to those that it fetches into the L2; 0: it fetches none
    fetches_by_rows   True if a tile asks for its part of the output row by row while it multiplies, not for all of it before
    lines_below   lines of each row of A for the tiles below that a tile asks for meanwhile
    by_matrices   True if matrix registers hold the sums (matrix_registers.py): panels of A have its rows one after the other
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
    ahead: int = 0
    fetches_by_rows: bool = False
    lines_below: int = 0
    by_matrices: bool = False

    @property
    def row_of_left(self) -> int:
        """Groups from a row to the next in packed panels of A for matrix registers: whole registers."""
        return round_up(self.kc, SIDE)

    @property
    def start_of_sums(self) -> int:
        """The element of a packed panel of B at which the initial values of sums are."""
        return (round_up(self.kc, SIDE) if self.by_matrices else self.kc) * self.nr

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
            # Both numbers in one word, which is all that a stage passes to its tasks.
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
        """Tasks of packing shared panels, for `count` depth blocks: each packs a panel, or a slab of all panels."""
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

    @cached_property
    def rest_rows(self) -> int:
        """Rows of the last tile of a column, or of the last two if `has_even_rest`; 0: all tiles are whole, or the number of rows is unknown."""
        rest = self.gemm.m % self.mr if is_static(self.gemm.m) else 0
        return (self.mr + rest) // 2 if self.has_even_rest else rest

    @cached_property
    def has_even_rest(self) -> bool:
        """True if a column's last two tiles have the same number of rows: 32 rows are 4 x 6 + 2 x 4, not 5 x 6 + 2.

        A tile of a few rows waits for each sum's last addition. Packed panels of A have the rows of whole tiles, and so have tasks
        that divide the rows.
        """
        g, m = self.gemm, self.gemm.m
        if not isinstance(m, int) or not all(map(is_static, (g.n, *g.batch))) or self.by_matrices:
            return False
        rest, rows_of_task = m % self.mr, self.cut.rows(HOST, m, product(g.batch), g.n)
        if self.left.place is not Place.IN_PLACE or rows_of_task < m or m < 2 * self.mr:
            return False
        rows = self.mr + rest
        apart, even = (
            sum(cost(r + self.idle, self.nv, self.target) for r in tiles)
            for tiles in ((self.mr, rest), (rows // 2, rows // 2))
        )
        return rest > 0 and rows % 2 == 0 and even < apart

    # -- groups of depth blocks
    def group(self, sizes: Sizes) -> int:
        """The number of depth blocks between two fork-joins."""
        return HOST.min(self.steps_of(sizes), self.most_packed(sizes))

    def most_packed(self, sizes: Sizes) -> int:
        """The number of depth blocks whose shared panels fit into the processor's limit."""
        processor = processor_of(self.target)
        is_few = self.threads <= self.target.sum_threads and not self.by_matrices
        most = is_few and processor.near_panels or processor.packed_panels
        return HOST.max(1, most // HOST.max(1, self.shared_room(sizes)))

    def groups(self, sizes: Sizes) -> list[tuple[int, int]]:
        """(first depth block, number of blocks) of each group between two fork-joins."""
        steps, most = self.steps_of(sizes), self.most_packed(sizes)
        if steps <= most:
            return [(0, steps)]
        count = int(ceil_divide(steps, most))
        # Equal groups but the last: their number may be known only at run time, their size is not.
        last = (count - 1) * most
        return [*[(i * most, most) for i in range(count - 1)], (last, steps - last)]

    # -- memory
    def shared_room(self, sizes: Sizes) -> int:
        """Bytes of the shared panels of one depth block."""
        a = self.panels_a(sizes) * self.left.room if self.left.place is Place.SHARED else 0
        b = self.panels_b(sizes) * self.right.room if self.right.place is Place.SHARED else 0
        return (a + b) * self.size

    def panels_a(self, sizes: Sizes) -> int:
        return self.batches(sizes) * ceil_divide(number(self.gemm.m, sizes), self.mr)

    def panels_b(self, sizes: Sizes) -> int:
        return ceil_divide(number(self.gemm.n, sizes), self.nr)

    @property
    def prepacked_bytes(self) -> int:
        """Bytes of the prepacked panels of B."""
        if self.right.place is not Place.PREPACKED or self.steps is None:
            return 0
        return self.steps * ceil_divide(self.gemm.n, self.nr) * self.right.room * self.size

    @property
    def packed_form(self) -> Any:
        """The facts that determine the contents of the prepacked panels, which products by other numbers of rows share; None if some are known only at run time."""
        g = self.gemm
        strides = (g.right.cross, *g.right.depth) if isinstance(g.right, Matrix) else ()
        if not all(map(is_static, strides)):
            return None
        operands = g.n, g.k, g.right, g.types.left, g.types.right, g.types.total, g.group, g.zero
        return (
            "product", *operands, self.nv, self.lanes, self.kc, self.steps, self.right, self.begins, self.by_matrices,
        )  # fmt: skip

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
        """Bytes of scratch memory: sums kept apart, then the panels of a group, then the threads' own blocks."""
        m, n = number(self.gemm.m, sizes), number(self.gemm.n, sizes)
        sums = self.batches(sizes) * m * n if self.sums_apart else 0
        own = self.threads * (self.block_a + self.block_b)
        return (
            # lanes: the panels begin at a whole vector after the sums (frame.load_frame).
            (sums + own + self.lanes) * self.size + self.shared_room(sizes) * self.group(sizes) + 64
        )

    @property
    def facts(self) -> dict[str, Any]:
        """The choices, for reports."""
        return {
            "cut": self.cut.form,
            "A": self.left.place.value,
            "B": self.right.place.value,
            "kc": self.kc,
            "nc": self.cut.columns,
            "rest": self.rest_rows,
            "group": self.gemm.group,
            "unit": "matrices" if self.by_matrices else "vectors",
        }
