"""Running sums, products, maxima and minima on a GPU.

Long lines are divided: each thread scans ITEMS neighbors, shuffles bring the totals of earlier lanes, shared memory those of earlier warps.
A group is a warp or a block, and goes along its line chunk by chunk. If there are too few lines for the groups, lines are cut into
segments: their totals are computed first, then each segment starts with those before it, in order. Short adjacent lines have a thread each.
"""

from collections.abc import Callable, Sequence

from penstock._src.compiler.codegen.nests import memory, reductions
from penstock._src.compiler.codegen.scalars.registers import (
    constant,
    joined,
    parts,
    rounded,
)
from penstock._src.compiler.codegen.specials.special import (
    Scratch,
    SpecialLaunch,
    SpecialStage,
    line_extents,
)
from penstock._src.core.dtypes import DType
from penstock._src.core.typesets import NARROW
from penstock._src.devices.gpu.kernels.language import CudaCode, CudaFn, CudaModule
from penstock._src.devices.gpu.target import THREADS, WARP
from penstock._src.ir.node import Node
from penstock._src.native import Target
from penstock._src.native.language.types import I64, PTR, SIZE
from penstock._src.native.language.value import Val

ITEMS = 4  # neighbors of a thread
CHUNK = THREADS * ITEMS  # elements that a block runs over at once
SHORT = 64  # elements of a line that a thread runs over alone, where there are many lines
MANY = 4096  # lines that give each thread enough to do
FEW = 64  # number of blocks that leaves most of a GPU idle
MOST_SEGMENTS = 256
WIDE_TOTAL = 16  # bytes of a segment's total, at most
Parts = tuple[Val, ...]  # the parts of a number: two for a complex one


def scan_launch(node: Node) -> SpecialLaunch:
    """The launch of a scan."""
    (x,) = node.args
    outer, n, inner = line_extents(x.shape, node.attrs["axis"])
    lines = outer * inner
    group = _group(n, inner, lines)
    blocks = -(-lines // (THREADS // group))
    segments = 1
    if group == THREADS and lines and lines < FEW:
        segments = max(1, min(MOST_SEGMENTS // lines, n // (4 * CHUNK)))
    form = node.op, node.dtype, bool(node.attrs["exclusive"]), bool(node.attrs["reverse"]), group
    length = -(-n // segments)
    totals: Scratch | int = Scratch(WIDE_TOTAL * lines * segments) if segments > 1 else 0
    words = (x, node, n, inner, lines, length, totals, segments)
    label = f"scan[{outer}, {n}, {inner}]"
    is_cut = segments > 1
    return SpecialLaunch(
        ("scan of threads", *form, is_cut), lambda target: emit_cuda_scan(*form, is_cut, target),
        lines * segments if is_cut else blocks if n else 0, words, label,
        then=(SpecialStage("scan", lines * segments),) if is_cut else (),
    )  # fmt: skip


def _group(n: int, inner: int, lines: int) -> int:
    """Threads that run over a line together."""
    if lines >= MANY and (inner > 1 or n <= SHORT) or n <= ITEMS:
        return 1
    return WARP if n <= WARP * ITEMS or (lines >= MANY and n <= CHUNK) else THREADS


def emit_cuda_scan(
    op: str, dtype: DType, exclusive: bool, reverse: bool, group: int, is_cut: bool, target: Target
) -> CudaCode:
    """Context: input, output, n, inner, lines, elements of a segment, totals of segments, segments.

    If lines are divided, "task" computes the segments' totals and "scan" the result.
    """
    m = CudaModule(target, THREADS)
    if not is_cut:
        with m.kernel() as f:
            _Scan(f, op, dtype, exclusive, reverse, group).whole_lines()
        return m.finished()
    with m.kernel() as f:
        _Scan(f, op, dtype, exclusive, reverse, group).totals_of_segments()
    with m.kernel("scan") as f:
        _Scan(f, op, dtype, exclusive, reverse, group).segments()
    return m.finished()


class _Scan:
    """Writes one kernel."""

    def __init__(
        self, f: CudaFn, op: str, dtype: DType, exclusive: bool, reverse: bool, group: int
    ) -> None:
        self.f, self.op, self.dtype, self.exclusive = f, op, dtype, exclusive
        self.reverse, self.group = reverse, group
        self.source, self.output = f.load(f.ctx, 0, PTR), f.load(f.ctx, 1, PTR)
        self.n, self.inner, self.lines = (f.load(f.ctx, i, I64) for i in range(2, 5))
        self.start = parts(constant(f, reductions.identity(op, dtype), dtype))
        self.rank = f.thread % group if group < THREADS else f.thread

    # -- numbers
    def _combined(self, a: Sequence[Val], b: Sequence[Val]) -> Parts:
        both = joined(a), joined(b)
        return parts(reductions.combine(self.f, self.op, self.dtype, *both))

    def _chosen(self, condition: Val, a: Sequence[Val], b: Sequence[Val]) -> Parts:
        return tuple([self.f.select(condition, x, y) for x, y in zip(a, b, strict=True)])

    def _place(self, line: Val, i: Val) -> Val:
        """The offset of an element of a line, in the order of the scan."""
        at = (self.n - 1) - i if self.reverse else i
        return line // self.inner * (self.n * self.inner) + line % self.inner + at * self.inner

    def _load(self, line: Val, i: Val) -> Parts:
        place = memory.Elements(self.source, self._place(line, i))
        return parts(memory.load(self.f, place, self.dtype))

    def _store(self, line: Val, i: Val, x: Sequence[Val]) -> None:
        number = joined(x)
        if self.dtype in NARROW:
            number = rounded(self.f, number, self.dtype)
        place = memory.Elements(self.output, self._place(line, i))
        memory.store(self.f, place, self.dtype, number)

    # -- kernels
    def whole_lines(self) -> None:
        """Each group has a line."""
        f = self.f
        if self.group == THREADS:
            self._line(f.number, f.i64(0), self.n, self.start)
            return
        line = f.number * (THREADS // self.group) + f.thread // self.group
        if self.group == 1:
            f.when(line < self.lines, lambda: self._alone(line))
        else:
            f.when(line < self.lines, lambda: self._line(line, f.i64(0), self.n, self.start))

    def _alone(self, line: Val) -> None:
        def step(i: Val, *before: Val) -> Parts:
            after = self._combined(before, self._load(line, i))
            self._store(line, i, before if self.exclusive else after)
            return after

        self.f.loop(self.f.i64(0), self.n, 1, step, *self.start)

    def _segment(self) -> tuple[Val, Val, Val, Val]:
        """(line, number of the segment, its first element, its end) of the block."""
        f = self.f
        length, count = f.load(f.ctx, 5, I64), f.load(f.ctx, 7, I64)
        segment = f.number % count
        first = f.min(segment * length, self.n)
        return f.number // count, segment, first, f.min(first + length, self.n)

    def totals_of_segments(self) -> None:
        """A block combines all of a segment."""
        f = self.f
        line, _, first, end = self._segment()
        total = self._chunks(line, first, end, self.start, lambda *_: None)
        f.when(f.thread.eq(0), lambda: self._keep(f.number, total))

    def _keep(self, at: Val, total: Sequence[Val]) -> None:
        for k, x in enumerate(total):
            room = word_at(self.f, self.f.load(self.f.ctx, 6, PTR), at * 2 + k)
            self.f.store(x, room)

    def segments(self) -> None:
        """A block begins with the totals of the segments before its own."""
        f = self.f
        line, segment, first, end = self._segment()
        totals = f.load(f.ctx, 6, PTR)

        def add(i: Val, *before: Val) -> Parts:
            at = f.number - segment + i
            sizes = [
                f.load(word_at(f, totals, at * 2 + k), 0, x.ty) for k, x in enumerate(self.start)
            ]
            return self._combined(before, sizes)

        # In order, from the first segment: the same bits for any number of blocks in flight.
        carried = f.loop(f.i64(0), segment, 1, add, *self.start)
        self._line(line, first, end, carried)

    # -- a line by a group
    def _line(self, line: Val, first: Val, end: Val, carried: Sequence[Val]) -> None:
        """Scans some elements of a line, starting with the carried value."""

        def store(i: Val, before: Sequence[Val], own: list[Parts]) -> None:
            for k in range(ITEMS):
                if self.exclusive:
                    x = before if k == 0 else self._combined(before, own[k - 1])
                else:
                    x = self._combined(before, own[k])
                self.f.when(i + k < end, lambda k=k, x=x: self._store(line, i + k, x))

        self._chunks(line, first, end, carried, store)

    def _chunks(
        self, line: Val, first: Val, end: Val, carried: Sequence[Val],
        each: Callable[[Val, Sequence[Val], list[Parts]], None],
    ) -> Parts:  # fmt: skip
        """each(i, value before, own running results) for a thread's elements starting at i, chunk by chunk; returns the total."""
        f = self.f

        def chunk(base: Val, *before: Val) -> Parts:
            i = base + self.rank * ITEMS
            own: list[Parts] = []
            for k in range(ITEMS):
                there = i + k < end
                # Past the end the first element is read, and replaced by the neutral one.
                x = self._load(line, f.select(there, i + k, first))
                x = self._chosen(there, x, self.start)
                # Own neighbors first: shuffles then move one total for ITEMS elements.
                own.append(x if k == 0 else self._combined(own[-1], x))
            mine, total = self._across(own[-1])
            each(i, self._combined(before, mine), own)
            return self._combined(before, total)

        return f.loop(first, end, self.group * ITEMS, chunk, *carried)

    def _across(self, x: Parts) -> tuple[Parts, Parts]:
        """(the combined value of earlier threads, that of all threads)."""
        f, lane = self.f, self.f.thread % WARP
        distance = 1
        while distance < WARP:
            other = tuple([f.shuffled_up(part, distance) for part in x])
            x = self._chosen(lane >= distance, self._combined(other, x), x)
            distance *= 2
        before = tuple([f.shuffled_up(part, 1) for part in x])
        before = self._chosen(lane >= 1, before, self.start)
        if self.group == WARP:
            return before, tuple([f.shuffled_from(part, WARP - 1) for part in x])
        warps, warp = THREADS // WARP, f.thread // WARP
        rooms = [f.shared(warps * SIZE[part.ty]) for part in x]

        def note() -> None:
            for room, part in zip(rooms, x, strict=True):
                f.store(part, room, warp)

        f.when(lane.eq(WARP - 1), note)
        f.barrier()
        sums: Parts = self.start
        mine: Parts = self.start
        # All threads add up the few totals of warps: cheaper than another scan and barrier.
        for i in range(warps):
            mine = self._chosen(warp.eq(i), sums, mine)
            sums = self._combined(sums, [f.load(r, i, p.ty) for r, p in zip(rooms, x, strict=True)])
        f.barrier()  # before the rooms are used again
        return self._combined(mine, before), sums


def word_at(f: CudaFn, p: Val, number: Val) -> Val:
    """The address of a word of 8 bytes."""
    return f.at(p, number, I64)
