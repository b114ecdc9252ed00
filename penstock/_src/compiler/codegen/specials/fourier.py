"""Fourier transforms of lines of an array of shape (outer, n, inner); each lane of a vector transforms one line.

A task gathers its lines into scratch memory, one in each lane, real parts beside imaginary ones. Passes of Stockham's algorithm go from one half
of it to the other, a factor of n each (Van Loan, "Computational Frameworks for the Fast Fourier Transform", 1992, section 1.7).
"""

from typing import Any

from penstock._src.compiler.codegen.scalars.registers import Pair, memory_type
from penstock._src.compiler.codegen.specials.butterflies import product, short_transform
from penstock._src.compiler.codegen.specials.special import (
    TASK,
    Scratch,
    SpecialLaunch,
    line_extents,
)
from penstock._src.ir.extents import dims
from penstock._src.ir.meaning.fourier import factors
from penstock._src.ir.node import Node
from penstock._src.native import Code, Module, Target
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import F32, F64, I64, PTR, SIZE, vec
from penstock._src.native.language.value import Val
from penstock._src.native.process.interrupts import unless_dropped

# Layout of the lines of a group, and of the elements of a line.
NEIGHBORS, ROWS, APART = "neighbors", "rows", "apart"
PIECE = 64  # bytes of rows that are copied at a time: rows of 2^n bytes share few sets of the cache


def launch(node: Node, _outputs: Any, target: Target, threads: int) -> SpecialLaunch:
    """The launch of a transform: tasks share out groups of lines."""
    x, roots = node.args
    outer, n, inner = line_extents(x.shape, node.attrs["axis"])
    n = int(n)  # the code is for this length
    element = memory_type(x.dtype)
    lanes = target.lanes(element)
    lines, size = outer * inner, 2 * n * lanes * SIZE[element]  # bytes of one half of a scratch
    # Lanes then never reach into the next outer index.
    order = NEIGHBORS if inner % lanes == 0 else ROWS if inner == 1 else APART
    form = element, n, bool(node.attrs["inverse"]), order
    groups = -(-lines // lanes)
    per = max(1, TASK // max(n * lanes, 1))
    tasks = dims.ceil_divide(groups, per) if n else 0
    return SpecialLaunch(
        (node.kind, *form), lambda target: emit(*form, target), tasks,
        (x, roots, node, Scratch(2 * size * dims.minimum(tasks, threads)), lines, inner, groups, per),
        f"{node.kind}[{outer}, {n}, {inner}]",
    )  # fmt: skip


def emit(element: str, n: int, inverse: bool, order: str, target: Target) -> Code:
    """Transforms of n elements of lines in an order: NEIGHBORS, ROWS or APART.

    Context: input, roots of unity, output, scratch, lines, inner, groups of lines, groups a task.
    """
    m = Module(target)
    radices = factors(n)
    for radix in sorted(set(radices)):
        rooms: Any = dict(before=PTR, after=PTR, roots=PTR)
        with m.fn(f"pass{radix}", internal=True, **rooms, left=I64, stride=I64) as f:
            _Pass(f, element, radix, inverse).write()
    with m.task("task") as f:
        source, roots, output, scratch = (f.load(f.ctx, i, PTR) for i in range(4))
        lines, inner, groups, per = (f.load(f.ctx, i, I64) for i in range(4, 8))
        lanes = target.lanes(element)
        half = 2 * n * lanes
        rooms = [f.at(scratch, f.tid * (2 * half) + k * half, element) for k in range(2)]

        def group(number: Val) -> None:
            block = _Block(f, element, number * lanes, (lines, inner, n), order)
            block.load(source, rooms[0])
            # Stockham: a pass reads one half and writes the other in order, without bit reversal.
            stride, left, here = 1, n, 0
            for radix in radices:
                left //= radix
                f.call(
                    f"pass{radix}", rooms[here], rooms[1 - here], roots, f.i64(left), f.i64(stride)
                )
                stride, here = stride * radix, 1 - here
            # The scale goes with the last store, which touches every element anyway.
            block.store(output, rooms[here], 1 / n if inverse else 1.0)

        first = f.task * per
        unless_dropped(f, lambda: f.loop(first, f.min(first + per, groups), 1, group))
    return Code.of(m)


def _take(f: Any, room: Val, i: Any, element: str) -> Pair:
    """A vector of complex numbers in scratch memory."""
    lanes = f.target.lanes(element)
    at = f.i64(i) * (2 * lanes)
    ty = vec(element, lanes)
    return Pair(f.load(room, at, ty), f.load(room, at + lanes, ty))


def _put(f: Any, room: Val, i: Any, x: Pair) -> None:
    lanes = int(x.re.ty[1 : x.re.ty.index(" ")])
    at = f.i64(i) * (2 * lanes)
    f.store(x.re, room, at)
    f.store(x.im, room, at + lanes)


class _Block:
    """The lines of a group. Where there are fewer than lanes, the last line is in several."""

    def __init__(
        self, f: Any, element: str, first: Val, extents: tuple[Val, Val, int], order: str
    ) -> None:
        lines, inner, n = extents
        self.f, self.element, self.inner, self.n, self.order = f, element, inner, n, order
        self.lanes = f.target.lanes(element)
        numbers = (
            [first]
            if order == NEIGHBORS
            else [f.min(first + k, lines - 1) for k in range(self.lanes)]
        )
        self.starts = [k // inner * (inner * n) + k % inner for k in numbers]
        evens = list(range(0, 2 * self.lanes, 2))
        self.parts = evens, [i + 1 for i in evens]
        self.per_piece = PIECE // (2 * SIZE[element])

    def load(self, source: Val, room: Val) -> None:
        """Gathers the lines."""
        f, piece = self.f, self._piece()
        if self.order == NEIGHBORS:
            f.loop(0, self.n, 1, lambda i: _put(f, room, i, self._load_neighbors(source, i)))
            return

        def some(i: Val) -> None:
            for k, start in enumerate(self.starts):
                f.memcpy(f.at(piece, k * PIECE), f.at(source, (start + i) * 2, self.element), PIECE)
            for c in range(self.per_piece):
                _put(f, room, i + c, self._load_apart(piece, self._in_piece(c)))

        f.loop(0, self.whole(), self.per_piece, some)
        f.loop(
            self.whole(),
            self.n,
            1,
            lambda i: _put(f, room, i, self._load_apart(source, self._places(i))),
        )

    def store(self, output: Val, room: Val, scale: float) -> None:
        """Stores the lines, times a number."""
        f, piece = self.f, self._piece()
        if self.order == NEIGHBORS:

            def row(i: Val) -> None:
                f.store(self._words(room, i, scale), output, self._places(i)[0] * 2)

            f.loop(0, self.n, 1, row)
            return

        def some(i: Val) -> None:
            for c in range(self.per_piece):
                self._store_apart(self._words(room, i + c, scale), piece, self._in_piece(c))
            for k, start in enumerate(self.starts):
                f.memcpy(f.at(output, (start + i) * 2, self.element), f.at(piece, k * PIECE), PIECE)

        f.loop(0, self.whole(), self.per_piece, some)
        f.loop(
            self.whole(), self.n, 1,
            lambda i: self._store_apart(self._words(room, i, scale), output, self._places(i)),
        )  # fmt: skip

    def whole(self) -> int:
        """The number of elements of a line in whole pieces."""
        return self.n // self.per_piece * self.per_piece if self.order == ROWS else 0

    def _piece(self) -> Val:
        return self.f.alloca("i8", PIECE * self.lanes)

    def _in_piece(self, number: int) -> list[Val]:
        return [self.f.i64(k * self.per_piece + number) for k in range(self.lanes)]

    def _places(self, i: Val) -> list[Val]:
        return [start + self.f.i64(i) * self.inner for start in self.starts]

    def _load_neighbors(self, source: Val, i: Val) -> Pair:
        both = self.f.load(source, self._places(i)[0] * 2, vec(self.element, 2 * self.lanes))
        return self._parts(both)

    def _load_apart(self, source: Val, places: list[Val]) -> Pair:
        f, lanes = self.f, self.lanes
        if self.element == F32:  # a complex number is a word
            words = f.zero(vec(F64, lanes))
            for lane, place in enumerate(places):
                words = f.insert(words, f.load(f.at(source, place * 2, F32), 0, F64), lane)
            return self._parts(f.bits(words, vec(F32, 2 * lanes)))
        both = f.zero(vec(F64, 2 * lanes))
        for lane, place in enumerate(places):
            for part in range(2):
                both = f.insert(both, f.load(source, place * 2 + part, F64), 2 * lane + part)
        return self._parts(both)

    def _parts(self, both: Val) -> Pair:
        return Pair(*[self.f.shuffle(both, None, part) for part in self.parts])

    def _words(self, room: Val, i: Val, scale: float) -> Val:
        x = _take(self.f, room, i, self.element)
        re, im = (part * scale if scale != 1 else part for part in (x.re, x.im))
        order = [k + part * self.lanes for k in range(self.lanes) for part in range(2)]
        return self.f.shuffle(re, im, order)

    def _store_apart(self, both: Val, output: Val, places: list[Val]) -> None:
        f = self.f
        if self.element == F32:
            words = f.bits(both, vec(F64, self.lanes))
            for lane, place in enumerate(places):
                f.store(f.extract(words, lane), f.at(output, place * 2, F32))
            return
        for lane, place in enumerate(places):
            for part in range(2):
                f.store(f.extract(both, 2 * lane + part), output, place * 2 + part)


class _Pass:
    """Writes a function that removes one factor: (from, to, roots, the rest of n, stride)."""

    def __init__(self, f: Fn, element: str, radix: int, inverse: bool) -> None:
        self.f, self.element, self.radix, self.inverse = f, element, radix, inverse

    def write(self) -> None:
        f = self.f
        # With j = 0 all roots are 1.
        f.loop(0, f.stride, 1, lambda q: self._butterfly(q, f.i64(0), []))

        def turned(j: Val) -> None:
            roots = [self._root(j * f.stride * k) for k in range(1, self.radix)]
            f.loop(0, f.stride, 1, lambda q: self._butterfly(q, j, roots))

        f.loop(1, f.left, 1, turned)

    def _root(self, number: Val) -> Pair:
        f, lanes = self.f, self.f.target.lanes(self.element)
        parts = [f.load(f.roots, number * 2 + k, self.element) for k in range(2)]
        return Pair(*[f.splat(x, lanes) for x in parts])

    def _butterfly(self, q: Val, j: Val, roots: list[Pair]) -> None:
        f, radix = self.f, self.radix
        xs = [
            _take(f, f.before, q + f.stride * (j + f.left * r), self.element) for r in range(radix)
        ]
        for k, y in enumerate(short_transform(f, xs, self.inverse)):
            # Not multiplied by a root of 1, which would make NaN of infinities.
            turned = product(y, roots[k - 1]) if roots and k else y
            _put(f, f.after, q + f.stride * (j * radix + k), turned)
