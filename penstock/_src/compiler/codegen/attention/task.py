"""Common parts of the tasks of both directions of attention: addresses of operands, packing, storing of rows."""

from collections.abc import Sequence
from functools import partial

from penstock._src.compiler.codegen.contraction.extents import unravel
from penstock._src.compiler.codegen.contraction.pack import pack_across, pack_along
from penstock._src.compiler.codegen.contraction.products.pairs import PAIR
from penstock._src.compiler.codegen.contraction.tile import IN_SECOND_CACHE
from penstock._src.compiler.codegen.kernel_code import LINE
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I64, SIZE, vec
from penstock._src.native.language.value import Val

from .form import ContextLayout
from .tiles import Tiles

Rows = tuple[Val, Val]  # address, step from row to row


def bases_of(f: Fn, layout: ContextLayout, batch: Val, arrays: Sequence[str]) -> dict[str, Val]:
    """The offset in each array at which a batch begins."""
    numbers = range(layout.form.batch)
    coordinates = unravel(f, batch, [layout.read(f, f"extent{i}") for i in numbers])
    bases = {}
    for a in arrays:
        base = layout.read(f, f"{a}.base")
        for i, x in enumerate(coordinates):
            base = base + x * layout.read(f, f"{a}.batch{i}")
        bases[a] = base
    return bases


class Task:
    """A task that is being written, with the words of its context.

    rows, columns   of the matrix of scores
    batch, chunk    the numbers of the task's batch, and of its part of the rows, which are `per`
    cross, base     of each array: the step from row to row, and where the batch begins
    array           addresses
    own             the thread's own memory
    """

    def __init__(self, tiles: Tiles, f: Fn, arrays: tuple[str, ...]) -> None:
        self.tiles, self.f = tiles, f
        self.form, self.layout = tiles.form, tiles.layout
        self.total, self.lanes = tiles.total, tiles.lanes
        read = partial(self.layout.read, f)
        self.rows, self.columns = read("rows"), read("columns")
        chunks, self.per = read("chunks"), read("per")
        self.batch, self.chunk = f.task // chunks, f.task % chunks
        self.cross = {a: read(f"{a}.cross") for a in arrays}
        self.base = bases_of(f, self.layout, self.batch, arrays)
        self.array = {a: read(a) for a in arrays if a != "statistics"}
        self.own = f.at(read("scratch"), f.tid * read("each"), self.total)

    def fetch_rows(self, name: str, extent: int, base: Val, first: Val, count: int, write: bool = False) -> None:  # fmt: skip
        """Asks for rows of an array, which may not exist, while products are computed.

        Rows of a head are short and lie far apart, so that the processor does not foresee them.
        """
        f, element = self.f, self.form.element(name)
        if name in self.form.turned:
            return
        for i in range(count):
            start = base + (first + i) * self.cross[name]
            for k in range(0, extent, LINE // SIZE[element]):
                f.prefetch(self.array[name], start + k, element, write, IN_SECOND_CACHE)

    def section(self, name: str) -> Val:
        """A part of the thread's own memory."""
        f = self.f
        return f.at(self.own, self.layout.read(f, f"at.{name}"), self.total)

    def pack(self, name: str, first: Val, count: Val, depth: int, width: int, dst: Val) -> None:
        """Rows of an operand as panels: dst[row // width][k][row % width]."""
        f = self.f
        element, base, cross = self.elements_of(name)
        source, room = self.array[name], self.layout.panel_room(width, depth)
        steps = depth // PAIR if self.form.pairs else depth

        def panel(i):
            to = f.at(dst, i // width * room, self.total)
            pack_across(
                f, source, base + (first + i) * cross, cross, width, count - i, steps, to, width, element, self.total,
                self.lanes,
            )  # fmt: skip
            padding = self.layout.steps(depth) - steps
            if padding:
                self.clear(f.at(to, steps * width, self.total), padding * width)

        f.loop(f.i64(0), count, width, panel)

    def pack_lefts(self, name: str, first: Val, count: Val, depth: int, dst: Val) -> None:
        """Rows of Q or dO as the left operands of tiles; rows past the end, up to a whole tile, are copies of the last one."""
        f, layout, n = self.f, self.layout, self.lanes
        tall = layout.row_tile
        if not layout.in_rows:
            self.pack(name, first, count, depth, tall, dst)
            return
        element, base, cross = self.elements_of(name)
        source, steps, step = self.array[name], layout.steps(depth), layout.row_step(depth)

        def row(r: Val) -> None:
            start = base + (first + f.min(r, count - 1)) * cross
            for k in range(0, steps, n):
                mask = f.mask(n, steps - k) if steps - k < n else None
                x = f.load(source, start + k, vec(element, n), mask)
                f.store(f.convert(x, self.total), dst, r * step + k)

        f.loop(f.i64(0), (count + (tall - 1)) // tall * tall, 1, row)

    def elements_of(self, name: str) -> tuple[str, Val, Val]:
        """An operand's type, base and step from row to row, as scores read it: pairs are floats."""
        element, cross, base = self.form.element(name), self.cross[name], self.base[name]
        if not self.form.pairs:
            return element, base, cross
        # The form has only even steps (emit._in_pairs), so these divisions are exact.
        return self.total, base // PAIR, cross // PAIR

    def whole_rows(
        self, name: str, section: str, extent: int, first: Val, count: Val
    ) -> tuple[Val, Val]:
        """(address, step) of rows as they are multiplied by: where they lie, or copies in the sum's type."""
        f = self.f
        shared = self.layout.shared_rows(name)
        if shared:
            return self.section(shared), f.i64(self.layout.row_step(extent))
        element = self.form.element(name)
        base, cross = self.base[name] + first * self.cross[name], self.cross[name]
        if not self.layout.copied(name):
            return f.at(self.array[name], base, element), cross
        to, width = self.section(section), -(-extent // self.lanes) * self.lanes
        pack_along(
            f, self.array[name], base, cross, extent, extent, count, to, width, element, self.total, self.lanes
        )  # fmt: skip
        return to, f.i64(width)

    def reach(self, end: Val) -> Val:
        """The number of columns that the rows before `end` see."""
        f = self.f
        if not self.form.causal:
            return self.columns
        # The last of these rows, end - 1, sees the columns below end - 1 + reach.
        return f.max(0, f.min(self.columns, end + (self.layout.read(f, "reach") - 1)))

    def clear(self, section: Val, count) -> None:
        """Fills elements with zeros."""
        f = self.f
        f.memset(section, 0, f.i64(count) * SIZE[self.total])

    def places(self, name: str) -> Val | None:
        """Offsets of a vector's lanes in a row of an array; None if they are adjacent."""
        if name not in self.form.turned:
            return None
        f = self.f
        return f.lane_numbers(self.lanes, I64) * self.layout.read(f, f"{name}.element")

    def elements(self, name: str, row: Val, first: int, mask: Val | None) -> Val:
        """A vector of a row's elements from `first` on, in the sum's type."""
        f, ty, places = self.f, vec(self.form.element(name), self.lanes), self.places(name)
        start = self.base[name] + row * self.cross[name]
        if places is None:
            x = f.load(self.array[name], start + first, ty, mask)
        else:
            start = start + self.layout.read(f, f"{name}.element") * first
            x = f.gather(self.array[name], places + start, ty, mask)
        return f.convert(x, self.total)

    def store_rows(
        self, name: str, extent: int, source: Val, first: Val, count: Val, scale: Val | None = None
    ) -> None:  # fmt: skip
        """Writes accumulated rows to an array, each divided by its number in `scale`."""
        f = self.f
        n, element = self.lanes, self.form.element(name)
        width = -(-extent // n) * n
        step, places = self.layout.read(f, f"{name}.element"), self.places(name)

        def row(i):
            to = self.base[name] + (first + i) * self.cross[name]
            # Softmax divides a row here, once, instead of after each block of columns.
            by = (
                None
                if scale is None
                else f.splat(f.const(1.0, self.total) / f.load(scale, i, self.total), n)
            )
            for j in range(0, extent, n):
                x = f.load(source, i * width + j, vec(self.total, n))
                x = x if by is None else x * by
                # Sums are padded to whole vectors; in the array the next row follows at once.
                mask = f.mask(n, extent - j) if extent - j < n else None
                x = f.convert(x, element)
                if places is None:
                    f.store(x, self.array[name], to + j, mask)
                else:
                    f.scatter(x, self.array[name], places + (to + step * j), mask)

        f.loop(f.i64(0), count, 1, row)
