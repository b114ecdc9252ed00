"""Chooses the schedule of a product from its known extents.

The choice goes from the inside out, each decision based on the previous ones: the register tile, the depth blocks, whether A and B are
read in place, the division into tasks, and who packs the panels.

KC and NC depend on the class of processor (codegen/processors.py). Measured (2 cores Zen5, Nov 2026): A is read in place if its
rows do not compete for a few cache sets; a tile that divides the output needs half the code; unrolling along k gains little. A
stage of packing costs a write to and a read from the L3 besides the fork-join: 10 to 30 % of a product with few rows.
"""

from dataclasses import replace
from math import lcm
from typing import Any

from penstock._src.compiler.codegen.contraction.extents import (
    HOST,
    ceil_divide,
    is_static,
    product,
)
from penstock._src.compiler.codegen.contraction.pack import room
from penstock._src.compiler.codegen.contraction.tile import MOST_ROWS, MOST_VECTORS, UNROLL, cover
from penstock._src.compiler.codegen.kernel_code import LINE, round_up
from penstock._src.compiler.codegen.processors import (
    MATRIX_BLOCKING,
    Blocking,
    Processor,
    blocking_of,
    processor_of,
)
from penstock._src.native import Target
from penstock._src.native.language.types import I32, SIZE
from penstock._src.util.dataclass import dataclass

from .description import Gemm, Matrix, PackedMatrix
from .gathered import Gathered
from .matrix_registers import SIDE
from .pairs import in_groups
from .schedule import Cut, GemmSchedule, Panels, Place

# assumed for extents that are known only at run time
TYPICAL_ROWS, TYPICAL_COLUMNS, TYPICAL_BATCHES = 128, 256, 8
FEW_ROWS, FEW_COLUMNS = 64, 512  # up to these extents B is read in place, from the L2
WIDE_ROWS = 64  # a wide product has at most these rows
WIDE_COLUMNS, WIDE_IN_PLACE = 1024, 512  # and at least these columns: of cached panels, of others
STREAMED_DEPTH = 24  # rows of B that are read together if it comes from the L3 or memory
# Of a block of all columns: each depth block reads and writes the output once more.
LEAST_DEPTH = 192
LONGEST_DEPTH = 1024  # limit of a panel of A that is not divided along k
SWEEPS, PAGE = 4, 4096
WAYS = 8  # ways of a set of the L1; newer processors have 12
# Rows of A that are read in place if their number is unknown: the last ones may be one and the same, so each row has an address in a
# register of its own. With 12 or 13 of them x86-64's are spilled, and 200 x 200 x 200 takes 2.4 times as long (Zen 5).
ROWS_AT_ADDRESSES = 10
STRIP_ROWS = 512  # for at least these rows the packing of B by each task costs little
ROWS_AT_ONCE = 64  # rows of A that a task packs for itself at a time
SLAB = 64  # rows of k that one task packs
TASK_WORK = 5e5  # flops of the smallest task that pays for its overhead: some 2 µs
ROW_VECTORS = 8  # sums of a tile of one row, as many as hide an FMA's latency
LEAST_MATRIX_ROWS = 8  # fewer leave more than half of a matrix register's rows empty
LEAST_SHARES = 8  # fewer tiles in a row would ask for many lines each (measured for 8 and 16)
LEAST_ROWS = 8  # fewer take as long, as reading B dominates

Runs = list[tuple[int, Any] | None]


@dataclass(frozen=True)
class Problem:
    """The input of the choice: a product, its target, the threads of the pool, and the threads for which tasks are made."""

    gemm: Gemm
    target: Target
    threads: int
    cut_for: int

    @property
    def m(self) -> int:
        return self.gemm.m if is_static(self.gemm.m) else TYPICAL_ROWS

    @property
    def n(self) -> int:
        return self.gemm.n if is_static(self.gemm.n) else TYPICAL_COLUMNS

    @property
    def static_k(self) -> bool:
        return all(map(is_static, self.gemm.k))

    @property
    def depth(self) -> int:
        """All of k, or a block of it if k is not known."""
        return product(self.gemm.k) if self.static_k else self.blocking.depth

    @property
    def lanes(self) -> int:
        return self.gemm.types.lanes(self.target)

    @property
    def size(self) -> int:
        """Bytes of a sum."""
        return SIZE[self.gemm.types.total]

    @property
    def by_matrices(self) -> bool:
        """True if the sums are kept in matrix registers; few rows would leave most of them empty."""
        is_few = is_static(self.gemm.m) and self.gemm.m < LEAST_MATRIX_ROWS
        return self.gemm.group > 1 and self.target.multiplies_matrices and not is_few

    @property
    def unit(self) -> int:
        """The number of elements of k that depth blocks are multiples of."""
        right = self.gemm.right
        block = right.form.block // self.gemm.group if isinstance(right, PackedMatrix) else 4
        return lcm(block, SIDE) if self.by_matrices else block

    @property
    def right_bytes(self) -> int:
        """Bytes of B in the type of the sums."""
        return self.n * self.depth * self.size

    @property
    def processor(self) -> Processor:
        return processor_of(self.target)

    @property
    def blocking(self) -> Blocking:
        """The tuner's blocking, or that of the target's class."""
        if self.by_matrices:
            # The registers' shape fixes the tile.
            return replace(self.gemm.blocking or MATRIX_BLOCKING, tile=None)
        return self.gemm.blocking or self.fitted(blocking_of(self.target, self.size))

    def fitted(self, blocking: Blocking) -> Blocking:
        """The blocking, but all columns of B in one block if the processor's share of the L2 has room for that, which is as deep as fits there.

        Not if B is contiguous along k: shorter pieces of its rows come later from memory (256 x 50257 x 768 took 1.12 times as long).
        """
        room = self.processor.whole_block // self.size
        fits = is_static(self.gemm.n) and self.n <= room // LEAST_DEPTH
        if not room or not fits or not _packs_by_rows(self.gemm.right):
            return blocking
        deep = min(blocking.depth, room // max(1, self.n))
        return replace(blocking, depth=deep, columns=max(blocking.columns, self.n))

    @property
    def is_wide(self) -> bool:
        """True for few rows and many columns: B is read once, in long pieces of its rows."""
        columns = WIDE_COLUMNS if self.is_cached else WIDE_IN_PLACE
        return is_static(self.gemm.m) and self.rows_by_right <= WIDE_ROWS and self.n >= columns

    @property
    def rows_by_right(self) -> int:
        """Rows of A that are multiplied by the same B: those of all batches if they share it."""
        is_shared = all(s == 0 for s in self.gemm.right.batch)
        batches = product(x if is_static(x) else TYPICAL_BATCHES for x in self.gemm.batch)
        return self.m * batches if is_shared else self.m

    @property
    def begins(self) -> bool:
        """True if packed panels of B hold the initial values of sums."""
        return self.gemm.group > 1 and self.gemm.types.total == I32

    @property
    def idle(self) -> int:
        """Further rows of a tile, for the zero point of A."""
        return int(bool(self.gemm.zero) and not self.begins and not self.by_matrices)

    @property
    def can_prepack(self) -> bool:
        """True if the panels of B depend on B alone."""
        b = self.gemm.right
        if isinstance(b, Gathered) or not self.static_k or not is_static(self.gemm.n):
            return False
        return all(is_static(s) and s == 0 for s in b.batch) and is_static(b.base)

    @property
    def is_cached(self) -> bool:
        """True if packed panels of B are cached between calls."""
        return self.gemm.is_prepacked and self.can_prepack

    @property
    def prefers_panels(self) -> bool:
        """True if B is packed wherever its panels can be cached.

        A tile reads pieces of long rows, each in another page: few rows by a B that leaves the L2 take half the time from panels (8 rows by
        768 x 3072 on Emerald Rapids). Rows a power of two apart share a few sets of the L1, and leave it before the next tile, however small B
        is. One row reads a large B in place, in whole pages and without a second copy.
        """
        if not self.is_cached:
            return False
        processor, size = self.processor, self.right_bytes
        is_far = size > processor.read_in_place
        if self.m == 1:
            is_far = processor.row_in_place < size <= processor.row_panels
            # The rows of one tile of all columns follow each other as a panel's do.
            is_far = is_far and self.n > self.longest_row
        return self.target.loads_first or is_static(self.gemm.m) and is_far

    @property
    def longest_row(self) -> int:
        """The columns of the widest tile of one row."""
        return 2 * ROW_VECTORS * self.lanes if self.target.registers >= 32 else 0

    def is_converted(self, operand: Matrix) -> bool:
        """True if an operand's elements are converted to the sum's type as they are read: once, if they are packed first."""
        return operand.element != self.gemm.types.total


def choose(gemm: Gemm, target: Target, threads: int, cut_for: int) -> GemmSchedule:
    """The schedule of a product for a pool of `threads`, with tasks for `cut_for` of them."""
    problem = Problem(in_groups(gemm, target), target, threads, cut_for)
    gemm, lanes = problem.gemm, problem.lanes
    mr, nv = _register_tile(problem, MOST_ROWS)
    if mr > ROWS_AT_ADDRESSES and not is_static(gemm.m):
        if _reads_left_in_place(problem, mr, nv * lanes):
            mr, nv = _register_tile(problem, ROWS_AT_ADDRESSES)
    nr = nv * lanes
    kc, steps, runs = _depth_blocks(problem, mr, nr)
    in_place = _reads_left_in_place(problem, mr, nr), _reads_right_in_place(problem, mr, nr, kc)
    cut = _cut(problem, mr, nr, kc, in_place)
    # Panels start on whole vectors.
    # Matrix registers multiply whole registers of k: a panel has room for the last one.
    deep = round_up(kc, SIDE) if problem.by_matrices else kc
    rooms = [round_up(room(width, deep, lanes), lanes) for width in (mr, nr)]
    places = (
        Place.IN_PLACE if in_place[0] else _place_of_left(problem, cut),
        Place.IN_PLACE if in_place[1] else _place_of_right(problem, cut),
    )
    left, right = (
        Panels(place, width, size, _packs_by_rows(operand), run)
        for place, width, size, operand, run in zip(
            places, (mr, nr), rooms, (gemm.left, gemm.right), runs, strict=True
        )
    )
    # Matrix registers take the rows of A one after the other, however A lies in memory.
    if problem.by_matrices:
        left = replace(left, by_rows=False)
    return GemmSchedule(
        gemm=gemm,
        target=target,
        threads=threads,
        mr=mr,
        nv=nv,
        idle=problem.idle,
        begins=problem.begins,
        kc=kc,
        steps=steps,
        cut=cut,
        left=left,
        right=right,
        slab=kc if problem.begins else SLAB,  # the initial value of a sum depends on all rows of k
        rows_at_once=max(1, ROWS_AT_ONCE // mr) * mr,
        ahead=_fetched_ahead(problem, right),
        fetches_by_rows=_fetches_by_rows(problem, mr, kc),
        lines_below=_lines_below(problem, cut, in_place[0], mr, nr, kc),
        by_matrices=problem.by_matrices,
    )


def _register_tile(problem: Problem, most_rows: int) -> tuple[int, int]:
    """(rows, vectors)."""
    if problem.by_matrices:
        return (2 * SIDE if problem.m > SIDE else SIDE), (2 if problem.n > SIDE else 1)
    if problem.blocking.tile:
        return problem.blocking.tile
    most = MOST_VECTORS
    if problem.m == 1:  # a matrix by a vector: memory is read faster in long pieces
        most = ROW_VECTORS
        is_whole = problem.n <= problem.longest_row
        if not problem.prefers_panels and (
            is_whole or problem.right_bytes > problem.processor.near_row
        ):
            most = 2 * ROW_VECTORS
    return cover(
        problem.m,
        problem.n,
        problem.target,
        problem.lanes,
        most_vectors=most,
        most_rows=most_rows,
        idle=problem.idle,
        is_kept=problem.prefers_panels,
    )


# -- along k
def _depth_blocks(problem: Problem, mr: int, nr: int) -> tuple[int, int | None, Runs]:
    """(k of a depth block, number of blocks or None if k is not known, runs of A and B)."""
    gemm, depth = problem.gemm, problem.depth
    block = _deepest_block(problem, mr, nr)
    steps = None
    if problem.static_k:  # as few blocks as possible, of about equal depth
        blocks, unit = max(1, ceil_divide(depth, block)), problem.unit
        block = max(1, min(depth, round_up(ceil_divide(depth, blocks), unit)))
        # Rounding up to the unit may leave fewer blocks than were asked for.
        steps = max(1, ceil_divide(depth, block))
    runs: Runs = [
        operand.run("depth") if isinstance(operand, Gathered) else None
        for operand in (gemm.left, gemm.right)
    ]
    return _fitted_to_runs(block, steps, runs, depth if problem.static_k else None)


def _deepest_block(problem: Problem, mr: int, nr: int) -> int:
    """The largest k of a depth block."""
    depth, processor = problem.depth, problem.processor
    block = problem.blocking.wide_depth if problem.is_wide else problem.blocking.depth
    narrow = is_static(problem.gemm.n) and problem.right_bytes <= processor.narrow_block
    if problem.gemm.batch and narrow and depth <= LONGEST_DEPTH:
        # Each B of the batch fits the cache undivided: sums are stored once.
        block = max(block, depth)
    if problem.m <= mr and problem.prefers_panels:
        block = max(block, depth)  # cached panels are read once, from start to end
    near = processor.in_memory if problem.m == 1 else processor.streamed
    from_far = problem.is_wide and problem.right_bytes > near
    if from_far and _reads_right_in_place(problem, mr, nr, block):
        block = STREAMED_DEPTH  # few rows of B at a time, so that each piece continues the pages of the last one
    return block


def _fitted_to_runs(
    block: int, steps: int | None, runs: Runs, depth: int | None
) -> tuple[int, int | None, Runs]:
    """Rounds depth blocks to whole runs of gathered operands; drops runs that do not fit."""
    runs = list(runs)
    for side, run in enumerate(runs):
        # One block of whole runs fits as it is.
        if run is None or (steps == 1 and depth and depth % run[0] == 0):
            continue
        if not 1 < run[0] <= block:
            runs[side] = None
            continue
        block = block // run[0] * run[0]
        if depth is not None:
            steps = max(1, ceil_divide(depth, block))
    # The other operand may have shortened the block since.
    fitting = [None if run and steps != 1 and block % run[0] else run for run in runs]
    return block, steps, fitting


# -- operands in place
def crowds_no_sets(stride: int, rows: int, size: int, most: int = WAYS) -> bool:
    """True if rows at this distance (in elements) can be read together: at most `most` of them share a set of the L1.

    A tile reads one element of each row in turn. If the rows are a multiple of 4096 bytes apart, all elements compete for one set of the
    cache (64 sets of 64-byte lines), and lines are evicted before their other elements are read.
    """
    lines: dict[int, int] = {}
    for r in range(rows):
        line = r * stride * size // 64 % 64
        lines[line] = lines.get(line, 0) + 1
    return max(lines.values()) <= most


def stays_in_sets(stride: int, rows: int, width: int, size: int) -> bool:
    """True if `rows` pieces of `width` elements at this distance stay in the sets of the L1 about as well as without gaps.

    Each panel of A reads all of them again. Those of one head among several are often a multiple of 512 bytes apart: few sets would hold them
    all, and evict them. 196 x 196 x 64 of 6 heads takes 1.1 to 1.2 times as long in place as packed (Sapphire Rapids).
    """
    sets = [0] * 64
    lines = ceil_divide(width * size, 64)
    for r in range(rows):
        for line in range(lines):
            sets[(r * stride * size // 64 + line) % 64] += 1
    return max(sets) <= max(WAYS, 2 * ceil_divide(rows * lines, 64))


def _reads_left_in_place(problem: Problem, mr: int, nr: int) -> bool:
    g, a, n = problem.gemm, problem.gemm.left, problem.n
    if isinstance(a, Gathered) or len(g.k) != 1 or not is_static(a.cross):
        return False
    changes = g.group > 1 and problem.is_converted(a)  # packing changes groups
    if a.second is not None or changes:
        return False
    if problem.by_matrices:
        return _reads_whole_registers(problem, a)
    # Even if they share a set of the L1, four rows do not evict each other.
    if is_static(g.m) and g.m <= 4:
        return True
    # Elements are converted at each read: that pays only if one column of tiles reads them.
    if problem.is_converted(a) and not (is_static(g.n) and n <= nr):
        return False
    # A transposed A is read across its rows: each sweep fetches all its lines once more.
    if a.cross == 1 and is_static(g.n) and n <= _sweeps(a) * nr:
        return True
    if _waits_for_memory(problem, a) and not crowds_no_sets(a.cross, mr, SIZE[a.element], 4):
        return False
    return a.depth[0] == 1 and crowds_no_sets(a.cross, mr, SIZE[a.element])


def _reads_whole_registers(problem: Problem, a: Matrix) -> bool:
    """True if each matrix register of A has 16 rows of whole groups, which crowd no sets."""
    g = problem.gemm
    if not is_static(g.m) or not is_static(a.cross) or a.depth[0] != 1:
        return False
    whole = g.m % SIDE == 0 and product(g.k) % SIDE == 0
    return whole and crowds_no_sets(a.cross, SIDE, SIZE[a.element], most=4)


def _sweeps(a: Matrix) -> int:
    """The maximum number of sweeps over rows of k for which reading in place is cheaper than packing; 1 if all rows share a set of the L1."""
    step = a.depth[0]
    return SWEEPS if is_static(step) and step * SIZE[a.element] % PAGE else 1


def _waits_for_memory(problem: Problem, a: Matrix) -> bool:
    """True if one core reads rows of A from memory: 90 % of the peak in place, 94 % packed (4096, Zen 5)."""
    rows = problem.gemm.m if is_static(problem.gemm.m) else 0
    depth = product(problem.gemm.k) if problem.static_k else 0
    size = rows * depth * SIZE[a.element]
    return problem.threads == 1 and size > problem.processor.in_memory


def _reads_right_in_place(problem: Problem, mr: int, nr: int, kc: int) -> bool:
    g, b, m = problem.gemm, problem.gemm.right, problem.m
    if isinstance(b, (Gathered, PackedMatrix)) or g.group != 1 or len(g.k) != 1 or b.cross != 1:
        return False
    if not is_static(g.n) or not is_static(b.depth[0]):
        return False
    if problem.is_converted(b) and not (is_static(g.m) and m <= mr):
        return False
    if problem.prefers_panels:
        return False
    # Each panel of A reads B once: for few of them that costs less than a copy.
    rows = problem.rows_by_right
    if is_static(g.m) and (rows <= 2 * mr or rows <= FEW_ROWS and g.n <= FEW_COLUMNS):
        return True
    # Whole vectors need no masks, and the block stays in the cache.
    is_near = g.n % problem.lanes == 0 and g.n * kc * SIZE[b.element] <= 64 << 10
    if not is_near or not is_static(g.m):
        return is_near
    return stays_in_sets(b.depth[0], kc, min(nr, g.n), SIZE[b.element])


# -- tasks
def _cut(problem: Problem, mr: int, nr: int, kc: int, in_place: tuple[bool, bool]) -> Cut:
    """The division of the output into tasks; `in_place` is True for operands (A, B) that are not packed."""
    form, columns = _columns(problem, mr, nr, kc, in_place)
    depth = problem.depth if problem.static_k else kc
    # Two flops for each element of k, row and column.
    least = max(1, int(TASK_WORK / (2 * columns * max(1, depth))))
    if form == "columns":
        least = max(least, STRIP_ROWS)
    all_rows = problem.m if problem.is_wide else None
    return Cut(form, columns, least, mr, all_rows, problem.cut_for)


def _columns(
    problem: Problem, mr: int, nr: int, kc: int, in_place: tuple[bool, bool]
) -> tuple[str, int]:
    """(form of the division, columns of a task)."""
    g, m, n, blocking, cut_for = (
        problem.gemm,
        problem.m,
        problem.n,
        problem.blocking,
        problem.cut_for,
    )
    block = max(nr, blocking.columns // nr * nr)
    is_row = m == 1 and problem.prefers_panels
    least = problem.processor.row_work if is_row else LEAST_ROWS
    if least < LEAST_ROWS:  # panels are read from start to end, however many
        block = round_up(n, nr)
    work = 2 * max(m, least) * n * problem.depth
    if problem.is_wide:
        # Two long pieces for each thread; if there are not as many, one that is shorter.
        one = round_up(ceil_divide(n, max(1, min(cut_for, int(work / TASK_WORK)))), nr)
        long = min(blocking.wide_columns, n // (2 * cut_for))
        strip = max(nr, max(min(blocking.columns, one), long) // nr * nr)
        return "blocks", _even_columns(n, strip, nr, cut_for)
    if not is_static(g.n):
        return "blocks", block
    whole = round_up(max(1, n), nr)
    tasks = max(1, min(4 * cut_for, int(work / TASK_WORK)))
    strip = _even_columns(n, max(nr, min(block, n // tasks // nr * nr)), nr, cut_for)
    # The elements that are packed or read for either form: strips of rows read all of B in each task, strips of columns all of A. An
    # operand that is packed counts four times more. A form that is not possible has infinite cost.
    by_rows = by_columns = float("inf")
    if whole * kc * problem.size <= problem.processor.strip:
        by_rows = n * (tasks + (0 if in_place[1] else 4))
    # Strips of columns are the only cut of a product with fewer rows of tiles than threads.
    above = ceil_divide(m, mr) if is_static(g.m) else tasks  # tiles one above the other
    rows_are_few = above < min(tasks, cut_for, n // nr)
    if cut_for > 1 and not g.batch and (not is_static(g.m) or m <= STRIP_ROWS):
        if rows_are_few or n >= max(2, min(tasks, 2 * cut_for)) * nr:
            by_columns = m * (ceil_divide(n, strip) + (0 if in_place[0] else 4))
        if rows_are_few:  # columns give more threads a task
            by_rows = float("inf")
    form = blocking.cut or ("columns" if by_columns < by_rows else "rows")
    if form == "columns" and by_columns < float("inf"):
        return "columns", strip
    if form == "rows" and by_rows < float("inf"):
        return "rows", whole
    return "blocks", min(block, whole)


def _even_columns(n: int, columns: int, nr: int, threads: int) -> int:
    """At most `columns` columns of a task, so that all threads have as many: 512 are cut into 4 x 128 for two threads, not 192, 192 and 128."""
    tasks = ceil_divide(n, columns)
    return round_up(ceil_divide(n, round_up(tasks, threads)), nr) if tasks > 1 else columns


# -- panels
def _fetched_ahead(problem: Problem, right: Panels) -> int:
    """The elements to the next panel of B, if cached panels come from the L3 or memory.

    A tile multiplies while the next panel comes: 8 to 32 rows by 768 x 3072 take 20 to 30 % less time (Emerald Rapids).
    """
    is_far = problem.right_bytes > problem.processor.streamed
    return right.room if right.place is Place.PREPACKED and is_far else 0


def _fetches_by_rows(problem: Problem, mr: int, kc: int) -> bool:
    """True if each row of a tile has steps of k of its own. Tiles of an unknown number of rows have their addresses in most registers already."""
    is_possible = is_static(problem.gemm.m) and not problem.by_matrices
    return is_possible and problem.processor.fetches_by_rows and kc >= 2 * UNROLL * mr


def _lines_below(problem: Problem, cut: Cut, is_in_place: bool, mr: int, nr: int, kc: int) -> int:
    """The lines of each row of A below it that a tile asks for: all tiles of a task's row share them; 0 if A is packed."""
    a = problem.gemm.left
    if not isinstance(a, Matrix) or not is_in_place or a.depth[0] != 1:
        return 0
    if not _fetches_by_rows(problem, mr, kc):
        return 0
    lines, tiles = ceil_divide(kc * SIZE[a.element], LINE), cut.columns // nr
    return ceil_divide(lines, tiles) if tiles >= LEAST_SHARES else 0


def _packs_by_rows(operand: Matrix | Gathered) -> bool:
    """True if an operand is contiguous across k, along its rows or columns."""
    return isinstance(operand, Matrix) and operand.cross == 1


def _place_of_left(problem: Problem, cut: Cut) -> Place:
    """The memory of packed A: each task's own if only one task needs a row, else shared."""
    n = problem.gemm.n
    return Place.OF_A_TASK if is_static(n) and n <= cut.columns else Place.SHARED


def _place_of_right(problem: Problem, cut: Cut) -> Place:
    """The memory of packed B."""
    if problem.is_cached:
        return Place.PREPACKED
    return Place.SHARED if _packs_right_often(problem, cut) else Place.OF_A_TASK


def _packs_right_often(problem: Problem, cut: Cut) -> bool:
    """True if several tasks need the same block of B, so that all threads pack it before the tasks."""
    g, b = problem.gemm, problem.gemm.right
    if cut.form == "columns":
        return False
    if isinstance(b, Gathered):
        return not b.batch
    # Every batch has its own B, which only the tasks of that batch read.
    if any(stride != 0 for stride in b.batch):
        return False
    batches = product(x if is_static(x) else TYPICAL_BATCHES for x in g.batch)
    blocks = 2
    if is_static(g.m):
        blocks = ceil_divide(problem.m, cut.rows(HOST, problem.m, batches, problem.n))
    return blocks * batches > 1
