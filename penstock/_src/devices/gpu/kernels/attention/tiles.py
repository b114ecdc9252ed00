"""Common parts of a block of attention for both ways of multiplying: its position, tiles in shared memory, scores and their epilogue."""

from collections.abc import Callable, Sequence

from penstock._src.compiler.codegen.attention.form import Form
from penstock._src.compiler.codegen.attention.tiles import ScoreTile, exponential
from penstock._src.compiler.codegen.contraction.extents import unravel
from penstock._src.compiler.codegen.kernel_code import Epilogue
from penstock._src.devices.gpu.kernels.attention.shapes import CudaLayout, Shape
from penstock._src.devices.gpu.kernels.language import CudaFn
from penstock._src.native.language.types import BF16, F16, I16, I32, SIZE, vec
from penstock._src.native.language.value import Val

QUERIES, KEYS = "queries", "keys"
ROWS_OF = {"query": QUERIES, "seed": QUERIES, "output": QUERIES, "key": KEYS, "value": KEYS}


class Tiles:
    """A block that owns some rows (queries) or columns (keys) of the scores. Both ways of multiplying derive from it.

    A thread has the scores of `lines` owned lines and `places` of the others; the cells of a sum are those lines and some features.
    """

    element: str  # the type of elements in shared memory
    lines: list[Val]
    places: list[Val]

    def __init__(self, f: CudaFn, form: Form, layout: CudaLayout, shape: Shape, owner: str):
        self.f, self.form, self.layout, self.shape, self.owner = f, form, layout, shape, owner
        self.total = form.total
        self.rows, self.columns = layout.read(f, "rows"), layout.read(f, "columns")
        self.limit = {QUERIES: self.rows, KEYS: self.columns}
        blocks = (self.limit[owner] + (shape.owned - 1)) // shape.owned
        self.first = f.number % blocks * shape.owned
        extents = [layout.read(f, f"extent{i}") for i in range(form.batch)]
        self.coordinates = unravel(f, f.number // blocks, extents)

    # -- implemented by each way of multiplying
    def products(self, a: "Tile", b: "Tile") -> list[Val]:
        """The thread's cells of owned rows times other rows, line by line."""
        raise NotImplementedError

    def no_sums(self, extent: int) -> list[Val]:
        """Zeros for a thread's sums of this many features."""
        raise NotImplementedError

    def added(self, sums: list[Val], scores: Sequence[Val], b: "Tile", extent: int) -> list[Val]:
        """Sums with the tile of scores times other rows added."""
        raise NotImplementedError

    def lines_of_sums(self, count: int) -> list[int]:
        """The line of each of a thread's sums."""
        raise NotImplementedError

    def parts_of_sums(self, sums: list[Val], extent: int) -> list[tuple[int, Val, Val]]:
        """(line, first feature, value or vector of neighbors) of each of a thread's sums."""
        raise NotImplementedError

    def across(self, x: Val, combine: Callable[[Val, Val], Val]) -> Val:
        """A line's value combined over the threads that have cells of it."""
        raise NotImplementedError

    def rank(self) -> tuple[Val, int]:
        """(the thread's number among those with cells of the same lines, the number of those threads)."""
        raise NotImplementedError

    # -- memory
    def base(self, name: str) -> Val:
        """The offset of the block's batch in an array."""
        f, offset = self.f, self.layout.read(self.f, f"{name}.base")
        for i, x in enumerate(self.coordinates):
            offset = offset + x * self.layout.read(f, f"{name}.batch{i}")
        return offset

    def pointer(self, name: str) -> Val:
        """The address of an array."""
        return self.layout.read(self.f, name)

    def number(self, row: Val) -> Val:
        """The number of a row of the scores."""
        return self.base("statistics") + row * self.layout.read(self.f, "statistics.cross")

    def clamped(self, index: Val, of: str) -> Val:
        """An index, or the last one there is."""
        return self.f.min(index, self.limit[of] - 1)

    def sum_of(self, x: Val) -> Val:
        """A line's sum over the threads that have cells of it."""
        return self.across(x, lambda a, b: a + b)

    # -- scores
    def finished(
        self, scores: Sequence[Val], first: Val, epilogue: Epilogue, operands: int
    ) -> list[Val]:
        """Scores after the epilogue, for the tile of others that begins at `first`. Elements out of range repeat the last row or column.

        `operands` is the number of words of other epilogues before this one's.
        """
        f = self.f
        owned = [self.clamped(self.first + i, self.owner) for i in self.lines]
        other = KEYS if self.owner == QUERIES else QUERIES
        others = [self.clamped(first + i, other) for i in self.places]
        is_by_rows = self.owner == QUERIES
        rows, columns = (owned, others) if is_by_rows else (others, owned)
        numbers = [self.number(row) for row in rows]
        cells = [
            (i, j) if is_by_rows else (j, i) for i in range(len(owned)) for j in range(len(others))
        ]
        tile = ScoreTile(
            f, cells, lambda i, j: numbers[i] * self.columns + columns[j], lambda j: columns[j], lambda j: None,
            self.columns, len(self.layout.names) + operands, numbers=numbers,
        )  # fmt: skip
        return [f.convert(x, self.total) for x in epilogue.apply(f, tile, list(scores))]

    def exponential(self, x: Val) -> Val:
        """e^x."""
        return exponential(self.f, x, self.total)

    def reach(self, end: Val) -> Val:
        """The number of columns that the rows before `end` see."""
        if not self.form.causal:
            return self.columns
        return self.f.max(
            0, self.f.min(self.columns, end + (self.layout.read(self.f, "reach") - 1))
        )

    # -- results
    def store(
        self, name: str, sums: list[Val], extent: int, by: Sequence[Val] | None = None
    ) -> None:
        """Stores a thread's sums as rows of the owned lines, each divided by its line's number in `by`."""
        f, element = self.f, self.form.element(name)
        base, cross = self.base(name), self.layout.read(f, f"{name}.cross")
        step = self.layout.read(f, f"{name}.element") if name in self.form.turned else 1
        for line, feature, x in self.parts_of_sums(sums, extent):
            row = self.first + self.lines[line]
            x = x if by is None else x / by[line]
            n = 1 if x.ty[0] != "<" else int(x.ty[1 : x.ty.index(" ")])
            for k in range(n):
                own = f.convert(x if n == 1 else f.extract(x, k), element)

                def put(own: Val = own, at: Val = feature + k, row: Val = row) -> None:
                    place = base + row * cross + (at if isinstance(step, int) else at * step)
                    f.store(own, self.pointer(name), place)

                f.when((row < self.limit[self.owner]) & (feature + k < extent), put)


class Tile:
    """Rows of an operand in shared memory, each followed by zeros up to its padded extent."""

    def __init__(self, of: Tiles, name: str, rows: int, extent: int):
        f, shape = of.f, of.shape
        self.of, self.name, self.rows, self.extent = of, name, rows, extent
        self.padded, self.stride = shape.padded(extent), shape.stride(extent, of.element)
        self.size = SIZE[of.element]
        self.vector = shape.vector
        while self.padded % self.vector or extent % self.vector:
            self.vector //= 2
        self.room = f.shared(rows * self.stride * self.size)
        self.base, self.cross = of.base(name), of.layout.read(f, f"{name}.cross")
        chunks = rows * self.padded // self.vector
        self.chunks = [f.thread + i for i in range(0, chunks, shape.threads)]
        self.exist = [None if i + shape.threads <= chunks else at < chunks
                      for i, at in zip(range(0, chunks, shape.threads), self.chunks, strict=True)]  # fmt: skip

    def _places(self) -> list[tuple[Val, Val]]:
        """(row, element) of each of the thread's vectors."""
        wide = self.padded // self.vector
        return [self._place(at, wide) for at in self.chunks]

    def _place(self, at: Val, wide: int) -> tuple[Val, Val]:
        if wide == 1:
            return at, self.of.f.i64(0)
        row, rest = self.of.f.narrow_divided(at, wide)
        return row, rest * self.vector

    def fetch(self, first: Val) -> list[Val]:
        """The thread's vectors of the rows that start at `first`; zeros after the last row and the last element."""
        f, of = self.of.f, self.of
        kind = ROWS_OF[self.name]
        element = of.form.element(self.name)
        values = []
        for row, k in self._places():
            at = first + row
            there = at < of.limit[kind]
            if self.padded != self.extent:
                there = there & (k < self.extent)
                k = f.select(k < self.extent, k, 0)
            place = f.at(
                of.pointer(self.name), self.base + of.clamped(at, kind) * self.cross + k, element
            )
            values.append(self._loaded(place, element, there))
        return values

    def _loaded(self, place: Val, element: str, there: Val) -> Val:
        """A vector as its bits; zeros if it is not there."""
        f = self.of.f
        if element in (BF16, F16):
            ty = self._words()
        else:
            ty = element if self.vector == 1 else vec(element, self.vector)
        align = SIZE[element] * self.vector
        x = f.emit(ty, f"load {ty}, ptr {place.s}, align {align}")
        return f.emit(ty, f"select i1 {there.s}, {ty} {x.s}, {ty} {f.zero(ty).s}")

    def put(self, fetched: list[Val]) -> None:
        """Stores fetched vectors to shared memory."""
        f, of = self.of.f, self.of
        element = of.form.element(self.name)
        for (row, k), x, exists in zip(self._places(), fetched, self.exist, strict=True):

            def store(row: Val = row, k: Val = k, x: Val = x) -> None:
                if element in (BF16, F16):
                    x = f.bits(x, element if self.vector == 1 else vec(element, self.vector))
                if of.element == I16:
                    x = f.bits(x, self._words())
                else:
                    x = f.convert(x, of.element)
                place = f.at(self.room, row * self.stride + k, of.element)
                f.emit("void", f"store {x.ty} {x.s}, ptr {place.s}, align {self._alignment()}")

            if exists is None:
                store()
            else:
                f.when(exists, store)

    def _words(self) -> str:
        """The type by which a vector of elements of 16 bits is moved."""
        return {1: I16, 2: I32}.get(self.vector) or vec(I32, self.vector // 2)

    def _alignment(self) -> int:
        """The alignment in bytes of a stored vector, as far as shared memory is aligned."""
        return min(16, self.size * self.vector)
