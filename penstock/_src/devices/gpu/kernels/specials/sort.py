"""Sorting on a GPU, stably: tiles of a line by a bitonic network in shared memory, then runs of them by merges.

Elements are pairs of a key, an integer with the order of the values, and their original index, which breaks ties. A block sorts TILE pairs.
Longer lines are merged by launches that double the runs: a thread finds by bisection the start of its outputs in both runs, and merges a
few. Several keys are sorted one after the other, the last first.
"""

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.compiler.codegen.nests import memory
from penstock._src.compiler.codegen.specials.sorts.sorting import arguments, forms, moved, sortable
from penstock._src.compiler.codegen.specials.special import (
    Scratch,
    SpecialLaunch,
    SpecialStage,
    line_extents,
)
from penstock._src.devices.gpu.kernels.language import CudaCode, CudaFn, CudaModule
from penstock._src.devices.gpu.target import WARP
from penstock._src.ir.node import Node
from penstock._src.native import Target
from penstock._src.native.language.types import I32, I64, PTR
from penstock._src.native.language.value import Val
from penstock._src.util.dataclass import dataclass

TILE, THREADS = 2048, 256
SMALL_TILE = 2 * WARP  # which one warp sorts
MERGED = 8  # outputs of a thread
PAIR_BYTES = 12  # of a key and an index


def sort_launch(node: Node, outputs: Sequence[Node]) -> SpecialLaunch:
    """The launches of a sort. Unused results are sorted into scratch memory."""
    outer, n, inner = line_extents(node.args[0].shape, node.attrs["axis"])
    lines = outer * inner
    types = forms(node)
    keys = node.attrs["num_keys"]
    is_small, is_long = n <= SMALL_TILE, n > TILE
    form = types, keys, bool(node.attrs["descending"]), is_small, is_long
    items = {item.attrs["index"]: item for item in outputs}
    count = int(node.attrs["count"])
    sizes = [lines * count * a.dtype.size for a in node.args]
    sorted_to = [items.get(i, Scratch(size)) for i, size in enumerate(sizes)]
    size = 1
    # The bitonic network sorts powers of two.
    while size < min(n, TILE):
        size *= 2
    scratch: list[Any] = [Scratch(2 * PAIR_BYTES * n * lines)] if is_long else []
    words = (n, inner, lines, *scratch, size, count, *arguments(node), *sorted_to)
    first, *rest = long_stages(n, lines, keys, count) if is_long else [(lines, "task", ())]
    return SpecialLaunch(
        ("sort of threads", *form), lambda target: emit_cuda_sort(*form, target),
        first[0] if n and count else 0, (*words, *first[2]), f"sort[{outer}, {n}, {inner}]",
        then=tuple([SpecialStage(name, tasks, (*words, *own)) for tasks, name, own in rest]),
    )  # fmt: skip


def long_stages(
    n: int, lines: int, keys: int, count: int
) -> list[tuple[int, str, tuple[int, ...]]]:
    """(blocks, kernel, its own words) of the launches for lines longer than a tile."""
    stages: list[tuple[int, str, tuple[int, ...]]] = []
    half = 0
    # The last key first: later sorts are stable, and keep the order of equal elements.
    for key in range(keys - 1, -1, -1):
        name = "task" if key == keys - 1 else f"sort_tiles{key}"
        stages.append((lines * -(-n // TILE), name, (0, half)))
        # The order is read from one half of the scratch and written to the other.
        half ^= 1
        run = TILE
        while run < n:
            stages.append((lines * -(-n // (THREADS * MERGED)), "merge", (run, half)))
            run, half = 2 * run, half ^ 1
    return [*stages, (lines * -(-count // THREADS), "write", (0, half))]


def emit_cuda_sort(
    types: tuple, keys: int, descending: bool, is_small: bool, is_long: bool, target: Target
) -> CudaCode:
    """Context: n, inner, lines, scratch if lines are long, the least power of two that is at least n or a tile, how many of each
    line are needed, inputs, outputs; if lines are long, the length of runs, and the half of the scratch with the current state.
    """
    m = CudaModule(target, WARP if is_small else THREADS)
    form = types, keys, descending, SMALL_TILE if is_small else TILE, is_long
    if not is_long:
        with m.kernel() as f:
            SortKernels(f, *form).lines()
        return m.finished()
    for key in range(keys - 1, -1, -1):
        with m.kernel("task" if key == keys - 1 else f"sort_tiles{key}") as f:
            SortKernels(f, *form).tiles(key)
    with m.kernel("merge") as f:
        SortKernels(f, *form).merge()
    with m.kernel("write") as f:
        SortKernels(f, *form).write()
    return m.finished()


@dataclass(frozen=True)
class Rooms:
    """Shared memory of a tile: its keys, and their elements' indices."""

    keys: Val
    places: Val


class SortKernels:
    """Writes one kernel of a sort."""

    def __init__(
        self, f: CudaFn, types: tuple, keys: int, descending: bool, tile: int, is_long: bool
    ) -> None:
        self.f, self.types, self.keys, self.descending = f, types, keys, descending
        self.tile, self.threads = tile, f.module.threads
        self.n, self.inner, self.count = (f.load(f.ctx, i, I64) for i in range(3))
        at = 4 if is_long else 3
        self.size, self.wanted = f.load(f.ctx, at, I64), f.load(f.ctx, at + 1, I64)
        self.inputs = [f.load(f.ctx, at + 2 + i, PTR) for i in range(len(types))]
        self.outputs = [f.load(f.ctx, at + 2 + len(types) + i, PTR) for i in range(len(types))]
        if is_long:
            self.scratch = f.load(f.ctx, 3, PTR)
            last = at + 2 + 2 * len(types)
            self.run, self.half = f.load(f.ctx, last, I64), f.load(f.ctx, last + 1, I64)

    def _base(self, line: Val, n: Val) -> Val:
        """The offset of a line of n elements."""
        return line // self.inner * (n * self.inner) + line % self.inner

    def key_at(self, line: Val, key: int, place: Val) -> Val:
        """The key of an element, as an integer."""
        f, dtype = self.f, self.types[key][0]
        at = self._base(line, self.n) + place * self.inner
        x = memory.load(f, memory.Elements(self.inputs[key], at), dtype)
        return sortable(f, x, dtype, self.descending)

    def _moved(self, line: Val, place: Val, to: Val) -> None:
        """Writes an element of each array where it belongs."""
        f = self.f
        source = self._base(line, self.n) + place * self.inner
        target = self._base(line, self.wanted) + to * self.inner
        for x, y, form in zip(self.inputs, self.outputs, self.types, strict=True):
            value = moved(f, x, source, place, form)
            memory.store(f, memory.Elements(y, target), form[0], value)

    def _each(self, count: Any, body: Callable[[Val], Any]) -> None:
        """body(i) for numbers that the block's threads share out; then a barrier."""
        self.f.loop(self.f.thread, self.f.i64(count), self.threads, body)
        self.f.barrier()

    # -- a tile
    def _rooms(self) -> Rooms:
        return Rooms(keys=self.f.shared(self.tile * 8), places=self.f.shared(self.tile * 4))

    def _place(self, rooms: Rooms, i: Val) -> Val:
        return self.f.cast("zext", self.f.load(rooms.places, i, I32), I64)

    def _put_place(self, rooms: Rooms, x: Val, i: Val) -> None:
        self.f.store(self.f.cast("trunc", x, I32), rooms.places, i)

    def _network(self, rooms: Rooms, size: Val) -> None:
        """Sorts `size` pairs of the rooms by key, then index."""
        f = self.f

        def exchange(length: Val, distance: Val) -> Callable[[Val], None]:
            def one(p: Val) -> None:
                low = p & (distance - 1)
                i = ((p - low) << 1) | low
                j = i + distance
                a, b = f.load(rooms.keys, i, I64), f.load(rooms.keys, j, I64)
                s, t = f.load(rooms.places, i, I32), f.load(rooms.places, j, I32)
                # A bitonic network is not stable by itself: indices make all pairs different.
                greater = f.compare("ugt", a, b) | (a.eq(b) & f.compare("ugt", s, t))
                # Neighboring runs are sorted in opposite directions, which joined are bitonic.
                rising = (i & length).eq(0)

                def swap() -> None:
                    for x, y, room in ((a, b, rooms.keys), (s, t, rooms.places)):
                        f.store(y, room, i)
                        f.store(x, room, j)

                f.when(greater.eq(rising), swap)

            return one

        def longer(length: Val) -> tuple[Val]:
            def nearer(distance: Val) -> tuple[Val]:
                self._each(f.binary("lshr", size, 1), exchange(length, distance))
                return (f.binary("lshr", distance, 1),)

            f.loop_while(lambda d: d > 0, nearer, f.binary("lshr", length, 1))
            return (length << 1,)

        f.loop_while(lambda length: length <= size, longer, f.i64(2))

    def lines(self) -> None:
        """A block sorts a line by all keys, and writes it."""
        f, line = self.f, self.f.number
        rooms = self._rooms()
        order = f.shared(self.tile * 4) if self.keys > 1 else None
        for key in range(self.keys - 1, -1, -1):
            is_first = key == self.keys - 1

            def source(i: Val, is_first: bool = is_first) -> Val:
                """The element at a position of the current order."""
                if is_first or order is None:
                    return i
                return f.cast("zext", f.load(order, i, I32), I64)

            def put(i: Val, key: int = key, source: Any = source) -> None:
                def own() -> tuple[Val]:
                    return (self.key_at(line, key, source(i)),)

                (k,) = f.when(i < self.n, own, lambda: (f.i64(-1),))  # the greatest of all
                f.store(k, rooms.keys, i)
                self._put_place(rooms, i, i)

            self._each(self.size, put)
            self._network(rooms, self.size)
            if order is not None:
                self._reorder(rooms, order, source)
        if order is not None:
            self._each(
                self.wanted,
                lambda i: self._moved(line, f.cast("zext", f.load(order, i, I32), I64), i),
            )
        else:
            self._each(self.wanted, lambda i: self._moved(line, self._place(rooms, i), i))

    def _reorder(self, rooms: Rooms, order: Val, source: Callable[[Val], Val]) -> None:
        """The current order, permuted by the new indices."""
        f = self.f

        def find(i: Val) -> None:  # keys have been used
            f.store(source(self._place(rooms, i)), rooms.keys, i)

        self._each(self.n, find)
        self._each(
            self.n, lambda i: f.store(f.cast("trunc", f.load(rooms.keys, i, I64), I32), order, i)
        )

    # -- long lines
    def arrays(self, line: Val, half: Val) -> tuple[Val, Val]:
        """(keys, indices) of a line in a half of the scratch."""
        f, all_ = self.f, self.n * self.count
        keys = f.at(self.scratch, half * all_ + line * self.n, I64)
        places = f.at(self.scratch, all_ * 4 + half * all_ + line * self.n, I32)
        return keys, places

    def tiles(self, key: int) -> None:
        """A block sorts a tile of a line by one key, from the order so far."""
        f, n, tile = self.f, self.n, self.tile
        each = (n + (tile - 1)) // tile
        line, first = f.number // each, f.number % each * tile
        rooms = self._rooms()
        _, before = self.arrays(line, self.half)
        keys, places = self.arrays(line, self.half ^ 1)

        def put(i: Val) -> None:
            def own() -> tuple[Val]:
                at = first + i
                if key < self.keys - 1:
                    at = f.cast("zext", f.load(before, at, I32), I64)
                return (self.key_at(line, key, at),)

            (k,) = f.when(first + i < n, own, lambda: (f.i64(-1),))
            f.store(k, rooms.keys, i)
            self._put_place(rooms, i, i)

        self._each(tile, put)
        self._network(rooms, f.i64(tile))

        def write(i: Val) -> None:
            at = first + self._place(rooms, i)
            if key < self.keys - 1:
                at = f.cast("zext", f.load(before, at, I32), I64)
            f.store(f.load(rooms.keys, i, I64), keys, first + i)
            f.store(f.cast("trunc", at, I32), places, first + i)

        self._each(f.min(n - first, tile), write)

    def merge(self) -> None:
        """A thread merges some outputs of two runs."""
        f, n, run = self.f, self.n, self.run
        each = (n + (THREADS * MERGED - 1)) // (THREADS * MERGED)
        line = f.number // each
        first = (f.number % each * THREADS + f.thread) * MERGED
        keys, places = self.arrays(line, self.half)
        to_keys, to_places = self.arrays(line, self.half ^ 1)

        def go() -> None:
            low = first // (run * 2) * (run * 2)
            middle, high = f.min(low + run, n), f.min(low + run * 2, n)
            lengths = middle - low, high - middle
            diagonal = first - low

            def bisect(least: Val, most: Val) -> tuple[Val, Val]:
                """The number of the diagonal's outputs that come from the left run: the least for which no element of the rest of the left run comes first."""
                at = (least + most) >> 1
                a = f.load(keys, low + at, I64)
                b = f.load(keys, middle + (diagonal - 1 - at), I64)
                takes_left = f.compare("ule", a, b)  # equal keys come from the left first
                return f.select(takes_left, at + 1, least), f.select(takes_left, most, at)

            # Merge path (Green, McColl, Bader 2012): where a diagonal cuts the merged order.
            least = f.max(diagonal - lengths[1], 0)
            (i, _) = f.loop_while(lambda a, b: a < b, bisect, least, f.min(diagonal, lengths[0]))
            j = diagonal - i

            def one(k: Val, i: Val, j: Val) -> tuple[Val, Val]:
                left, right = i < lengths[0], j < lengths[1]
                # A run that has ended is still read, at an address that exists.
                at_left = f.select(left, low + i, low)
                at_right = f.select(right, middle + j, low)
                a, b = f.load(keys, at_left, I64), f.load(keys, at_right, I64)
                takes_left = left & (~right | f.compare("ule", a, b))
                at = f.select(takes_left, at_left, at_right)
                f.store(f.select(takes_left, a, b), to_keys, first + k)
                f.store(f.load(places, at, I32), to_places, first + k)
                step = f.convert(takes_left, I64, signed=False)
                return i + step, j + (1 - step)

            f.loop(f.i64(0), f.min(n - first, MERGED), 1, one, i, j)

        # Runs are multiples of the elements that a thread merges, so all its outputs are of one pair.
        f.when(first < n, go)

    def write(self) -> None:
        """A thread writes an element of each array."""
        f = self.f
        each = (self.wanted + (THREADS - 1)) // THREADS
        line, i = f.number // each, f.number % each * THREADS + f.thread
        _, places = self.arrays(line, self.half)

        def one() -> None:
            self._moved(line, f.cast("zext", f.load(places, i, I32), I64), i)

        f.when(i < self.wanted, one)
