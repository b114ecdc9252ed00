"""How the kernel of a product is cut into blocks.

    groups of depth blocks     what several tasks would pack is packed beforehand, by all threads, into panels
      tasks (MC x NC)          go through the depth blocks (KC) of the group; what they alone need they pack
                               themselves, blocks that stay in L2
        panels of A            `mr` rows, in L1
          panels of B          `nr` columns: a register tile of mr rows x nv vectors

Tasks share the output out by one of three cuts:

    columns    strips of columns, all rows: a task packs its own columns of B (few rows: activations by weights)
    rows       strips of rows, all columns: a task packs its own rows of A (few columns: gradients of weights)
    blocks     of both

KC and NC are of the processor's class (codegen/processors.py). Measured (2 cores Zen5, Nov 2026): A is read in place when its
rows do not crowd a few cache sets; a tile that divides the output costs half the code; k is hardly worth unrolling. A
stage of packing costs a write to and a read from the L3 besides the fork-join: 10 to 30 % of a product with few rows.
"""

from functools import partial

from penstock._src.compiler.codegen.contraction.extents import (
    HOST,
    ceil_divide,
    is_static,
    number,
    product,
)
from penstock._src.compiler.codegen.contraction.pack import room
from penstock._src.compiler.codegen.contraction.tile import MOST_VECTORS, cover
from penstock._src.compiler.codegen.kernel_code import KernelStage, Sizes, round_up
from penstock._src.compiler.codegen.processors import blocking_of, processor_of
from penstock._src.native import Target
from penstock._src.native.language.types import I32, SIZE

from .description import Gemm, Matrix
from .gathered import Gathered
from .pairs import in_groups

TYPICAL_ROWS, TYPICAL_COLUMNS = 128, 256  # the schedule of a run-time extent is chosen for these
FEW_ROWS, FEW_COLUMNS = 64, 512  # for so many, B is read where it is: from the L2
STREAMED_DEPTH = 24  # rows of B that are read together where it comes from memory
LONGEST_DEPTH = 1024  # of a panel of A that is not cut along k
SWEEPS, PAGE = 4, 4096
STRIP_ROWS = 512  # from so many rows on, a task's own packing of B costs little
ROWS_AT_ONCE = 64  # of A that a task packs for itself
SLAB = 64  # rows of k that are packed by one task
TASK_WORK = 5e5  # flops of the smallest task worth handing out: some 2 µs
LEAST_ROWS = 8  # fewer take as long: reading B is what costs
STEP_BITS = 32  # a stage's step is its first depth block, and how many there are above these bits


def crowds_no_sets(stride: int, rows: int, size: int, most: int = 8) -> bool:
    """May rows so far apart (in elements) be read side by side?  Not if more than `most` are in one set of the L1."""
    lines: dict[int, int] = {}
    for r in range(rows):
        line = r * stride * size // 64 % 64
        lines[line] = lines.get(line, 0) + 1
    return max(lines.values()) <= most


class GemmSchedule:
    """The cut of a product's work, chosen from what is known of its extents."""

    def __init__(self, gemm: Gemm, target: Target, threads: int, cut_for: int):
        gemm = in_groups(gemm, target)
        self.g, self.target, self.threads = gemm, target, threads
        self.cut_for = cut_for  # threads
        self.types, self.lanes = gemm.types, target.lanes(gemm.types.total)
        self.size = SIZE[self.types.total]
        self.processor = processor_of(target)
        self.blocking = gemm.blocking or blocking_of(target, self.size)
        self.choose()

    def choose(self):
        g, n_lanes = self.g, self.lanes
        m = g.m if is_static(g.m) else TYPICAL_ROWS
        n = g.n if is_static(g.n) else TYPICAL_COLUMNS
        self.static_k = all(map(is_static, g.k))
        blocking = self.blocking
        depth = product(g.k) if self.static_k else blocking.depth
        most = MOST_VECTORS
        if m == 1:  # what comes from memory comes faster in long pieces
            most = 16 if n * depth * self.size > self.processor.in_memory else 8
        self.begins = (
            g.group > 1 and g.types.total == I32
        )  # whether packed panels hold what sums begin with
        self.idle = int(
            bool(g.zero) and not self.begins
        )  # rows of a tile that are not the result's
        self.mr, self.nv = blocking.tile or cover(
            m,
            n,
            self.target,
            n_lanes,
            most_vectors=most,
            idle=self.idle,
            is_kept=self.prefers_panels,
        )
        self.nr = self.nv * n_lanes
        wide = is_static(g.m) and m <= 64 and n >= 1024  # B is read once: long pieces of its rows
        self.one_row_block = wide
        block = blocking.wide_depth if wide else blocking.depth
        narrow = is_static(g.n) and n * depth * self.size <= self.processor.narrow_block
        if g.batch and narrow and depth <= LONGEST_DEPTH:
            block = max(
                block, depth
            )  # each B is a small block uncut: sums need not wait for a second
        if m <= self.mr and self.prefers_panels:
            block = max(block, depth)  # they are read once, from end to end
        self.kc = block
        if (
            wide
            and n * depth * self.size > self.processor.in_memory
            and self.reads_right_in_place(m)
        ):
            block = STREAMED_DEPTH  # few rows of B side by side: their pages are read on from piece to piece
        if self.static_k:
            blocks = max(1, ceil_divide(depth, block))
            self.kc = max(1, min(depth, round_up(ceil_divide(depth, blocks), 4)))
            self.steps = max(1, ceil_divide(depth, self.kc))
        else:
            self.kc, self.steps = block, None
        self.runs = [x.run("depth") if isinstance(x, Gathered) else None for x in (g.left, g.right)]
        self.fit_runs(depth if self.static_k else None)
        self.direct_a, self.direct_b = self.reads_left_in_place(n), self.reads_right_in_place(m)
        self.nc = self.column_block(m, n, wide, depth)
        deep = depth if self.static_k else self.kc
        self.small = max(1, int(TASK_WORK / (2 * self.nc * max(1, deep))))
        if self.cut == "columns":
            self.small = max(self.small, STRIP_ROWS)
        self.pa = round_up(room(self.mr, self.kc, n_lanes), n_lanes)  # panels begin on cache lines
        self.pb = round_up(room(self.nr, self.kc, n_lanes), n_lanes)
        # sums of several blocks wait in the output, or in scratch if that has another type
        self.sums_apart = self.types.output != self.types.total and self.steps != 1
        self.by_rows = [self.packs_by_rows(x) for x in (g.left, g.right)]
        whole = is_static(g.n) and g.n <= self.nc  # each row of A is one task's
        self.own_a, self.shared_a = not self.direct_a and whole, not self.direct_a and not whole
        self.prepacked_b = g.is_prepacked and not self.direct_b and self.can_prepack_b()
        self.shared_b = not self.direct_b and not self.prepacked_b and self.packs_b_often(m, n)
        self.own_b = not self.direct_b and not self.prepacked_b and not self.shared_b
        self.slab = self.kc if self.begins else SLAB  # what sums begin with follows from all rows
        self.rows_at_once = max(1, ROWS_AT_ONCE // self.mr) * self.mr

    def column_block(self, m: int, n: int, wide: bool, depth: int) -> int:
        """Chooses the cut; the columns of a task."""
        g, nr = self.g, self.nr
        block = max(nr, self.blocking.columns // nr * nr)
        self.cut = "blocks"
        if wide:  # two pieces for each thread
            least, most = self.blocking.columns, self.blocking.wide_columns
            block = max(least, min(most, n // (2 * self.cut_for)))
            return max(nr, block // nr * nr)
        if not is_static(g.n):
            return block
        whole = round_up(max(1, n), nr)
        work = 2 * max(m, LEAST_ROWS) * n * depth
        tasks = max(1, min(4 * self.cut_for, int(work / TASK_WORK)))
        strip = max(nr, min(block, n // tasks // nr * nr))
        rows = columns = float("inf")
        if whole * self.kc * self.size <= self.processor.strip:
            rows = n * (tasks + (0 if self.direct_b else 4))
        if self.cut_for > 1 and n >= 2 * self.cut_for * nr and not g.batch:
            if not is_static(g.m) or m <= STRIP_ROWS:
                columns = m * (ceil_divide(n, strip) + (0 if self.direct_a else 4))
        cut = self.blocking.cut or ("columns" if columns < rows else "rows")
        if cut == "columns" and columns < float("inf"):
            self.cut = "columns"
            return strip
        if cut == "rows" and rows < float("inf"):
            self.cut = "rows"
            return whole
        return min(block, whole)

    def packs_by_rows(self, operand: Matrix | Gathered) -> bool:
        """Whether an operand lies along its rows or columns, not along the depth: all its panels are packed together."""
        return isinstance(operand, Matrix) and operand.cross == 1

    def fit_runs(self, depth: int | None) -> None:
        """Makes depth blocks of whole runs of gathered operands, or gives the runs up."""
        for side, run in enumerate(self.runs):
            if run is None or (self.steps == 1 and depth and depth % run[0] == 0):
                continue
            if not 1 < run[0] <= self.kc:
                self.runs[side] = None
                continue
            self.kc = self.kc // run[0] * run[0]
            if depth is not None:
                self.steps = max(1, ceil_divide(depth, self.kc))
        for side, run in enumerate(self.runs):
            if run is not None and self.steps != 1 and self.kc % run[0]:
                self.runs[side] = None

    def is_converted(self, operand: Matrix) -> bool:
        """Whether an operand's elements become the sum's type as they are read: once, if they are packed first."""
        return operand.element != self.types.total

    def reads_left_in_place(self, n: int) -> bool:
        g, a = self.g, self.g.left
        if isinstance(a, Gathered) or len(g.k) != 1 or not is_static(a.cross):
            return False
        if (
            a.second is not None or g.group > 1 and self.is_converted(a)
        ):  # groups change as they are packed
            return False
        if is_static(g.m) and g.m <= 4:
            return True
        if self.is_converted(a) and not (is_static(g.n) and n <= self.nr):
            return False
        if a.cross == 1 and is_static(g.n) and n <= self.sweeps(a) * self.nr:
            return True
        if self.waits_for_memory(a) and not crowds_no_sets(a.cross, self.mr, SIZE[a.element], 4):
            return False
        return a.depth[0] == 1 and crowds_no_sets(a.cross, self.mr, SIZE[a.element])

    def sweeps(self, a: Matrix) -> int:
        """How often rows of k are better read where they are than packed: once if all lie in one set of the L1."""
        step = a.depth[0]
        return SWEEPS if is_static(step) and step * SIZE[a.element] % PAGE else 1

    def waits_for_memory(self, a: Matrix) -> bool:
        """Whether a core alone reads rows of A from memory: 90 % of the peak in place, 94 % packed (4096, Zen 5)."""
        rows = self.g.m if is_static(self.g.m) else 0
        depth = product(self.g.k) if self.static_k else 0
        return self.threads == 1 and rows * depth * SIZE[a.element] > self.processor.in_memory

    def reads_right_in_place(self, m: int) -> bool:
        g, b = self.g, self.g.right
        if (
            isinstance(b, Gathered)
            or g.group != 1
            or len(g.k) != 1
            or b.cross != 1
            or not is_static(g.n)
            or not is_static(b.depth[0])
        ):
            return False
        if self.is_converted(b) and not (is_static(g.m) and m <= self.mr):
            return False
        if self.prefers_panels:
            return False
        if is_static(g.m) and (m <= 2 * self.mr or m <= FEW_ROWS and g.n <= FEW_COLUMNS):
            return True
        return g.n % self.lanes == 0 and g.n * self.kc * SIZE[b.element] <= 64 << 10

    @property
    def prefers_panels(self) -> bool:
        """Whether B is rather packed than read in place wherever its panels are kept: short vectors of long rows come slowly."""
        return self.target.loads_first and self.g.is_prepacked and self.can_prepack_b()

    def packs_b_often(self, m: int, n: int) -> bool:
        """Whether several tasks would pack the same block of B: then all threads pack it beforehand."""
        b = self.g.right
        if self.cut == "columns":
            return False
        if isinstance(b, Gathered):
            return not b.batch
        if any(stride != 0 for stride in b.batch):
            return False
        batches = product(x if is_static(x) else 8 for x in self.g.batch)
        blocks = ceil_divide(m, self.row_block(HOST, m, batches, n)) if is_static(self.g.m) else 2
        return blocks * batches > 1

    def can_prepack_b(self) -> bool:
        """Whether the panels of B depend on B alone."""
        b = self.g.right
        if isinstance(b, Gathered) or not self.static_k or not is_static(self.g.n):
            return False
        return all(is_static(s) and s == 0 for s in b.batch) and is_static(b.base)

    # formulas of the host and of kernels alike: `ops` has min and max, extents are ints or values
    def row_block(self, ops, m, batches, n):
        """Rows of a task: enough tasks to share out, none too small."""
        if self.one_row_block:
            return round_up(self.g.m, self.mr)
        columns = ceil_divide(n, self.nc)
        want = (
            ops.max(1, ceil_divide(4 * self.cut_for, ops.max(1, columns * batches)))
            if self.cut_for > 1
            else 1
        )
        rows = ops.max(ceil_divide(m, want), self.small)
        return ceil_divide(ops.max(1, ops.min(rows, m)), self.mr) * self.mr

    def steps_of(self, sizes: Sizes) -> int:
        return self.steps or HOST.max(
            1, ceil_divide(product(number(k, sizes) for k in self.g.k), self.kc)
        )

    # -- what the host computes
    def stages(self, sizes: Sizes) -> list[KernelStage]:
        found = []
        steps = self.steps_of(sizes)
        if self.prepacked_b:
            found.append(KernelStage("keep", lambda _: self.prepack_units * steps, prepacks=True))
        for first, count in self.groups(sizes):
            step = first + count * (1 << STEP_BITS)
            if self.shared_a or self.shared_b:
                found.append(KernelStage("pack", partial(self.packed, count), step))
            found.append(KernelStage("task", self.tasks, step))
        return found

    def group(self, sizes: Sizes) -> int:
        """How many depth blocks are worked on between two fork-joins."""
        return HOST.min(self.steps_of(sizes), self.most_packed(sizes))

    def most_packed(self, sizes: Sizes) -> int:
        """How many depth blocks may be packed beforehand."""
        return HOST.max(1, self.processor.packed_panels // HOST.max(1, self.shared_room(sizes)))

    def groups(self, sizes: Sizes) -> list[tuple[int, int]]:
        """(the first depth block, how many) of what is worked on between two fork-joins."""
        steps, most = self.steps_of(sizes), self.most_packed(sizes)
        if steps <= most:
            return [(0, steps)]
        count = int(ceil_divide(steps, most))
        last = (count - 1) * most
        return [*[(i * most, most) for i in range(count - 1)], (last, steps - last)]

    def shared_room(self, sizes: Sizes) -> int:
        """Bytes of the panels that are packed beforehand, of one depth block."""
        a = self.panels_a(sizes) * self.pa if self.shared_a else 0
        b = self.panels_b(sizes) * self.pb if self.shared_b else 0
        return (a + b) * self.size

    def batches(self, sizes: Sizes) -> int:
        return product(number(b, sizes) for b in self.g.batch)

    def panels_a(self, sizes: Sizes) -> int:
        return self.batches(sizes) * ceil_divide(number(self.g.m, sizes), self.mr)

    def panels_b(self, sizes: Sizes) -> int:
        return ceil_divide(number(self.g.n, sizes), self.nr)

    def packed(self, count: int, sizes: Sizes) -> int:
        """Tasks of packing beforehand, for `count` depth blocks: a panel, or a slab of all panels, each."""
        if self.is_empty(sizes):
            return 0
        slabs, units = ceil_divide(self.kc, self.slab), 0
        if self.shared_a:
            units += self.batches(sizes) * slabs if self.by_rows[0] else self.panels_a(sizes)
        if self.shared_b:
            units += slabs if self.by_rows[1] else self.panels_b(sizes)
        return count * units

    @property
    def prepack_units(self) -> int:
        """Tasks that prepack B, of one depth block: slabs of rows, or panels."""
        return (
            ceil_divide(self.kc, self.slab) if self.by_rows[1] else ceil_divide(self.g.n, self.nr)
        )

    @property
    def prepacked_bytes(self) -> int:
        """Of the prepacked panels of B."""
        if not self.prepacked_b:
            return 0
        return self.steps * ceil_divide(self.g.n, self.nr) * self.pb * self.size

    def is_empty(self, sizes: Sizes) -> bool:
        """Whether there is no result to compute."""
        return 0 in (number(self.g.m, sizes), number(self.g.n, sizes), self.batches(sizes))

    def tasks(self, sizes: Sizes) -> int:
        if self.is_empty(sizes):
            return 0
        m, n, batches = number(self.g.m, sizes), number(self.g.n, sizes), self.batches(sizes)
        rows = self.row_block(HOST, m, batches, n)
        return batches * ceil_divide(m, rows) * ceil_divide(n, self.nc)

    @property
    def block_a(self) -> int:
        """Elements of the rows of A that a task packs itself at a time."""
        return self.rows_at_once // self.mr * self.pa if self.own_a else 0

    @property
    def block_b(self) -> int:
        """Elements of the block of B that a task packs itself."""
        return self.nc // self.nr * self.pb if self.own_b else 0

    def scratch(self, sizes: Sizes) -> int:
        """Bytes: sums kept apart, then the panels of a group, then the threads' own blocks."""
        m, n = number(self.g.m, sizes), number(self.g.n, sizes)
        sums = self.batches(sizes) * m * n if self.sums_apart else 0
        own = self.threads * (self.block_a + self.block_b)
        return (
            (sums + own + self.lanes) * self.size + self.shared_room(sizes) * self.group(sizes) + 64
        )
