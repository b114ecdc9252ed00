"""What both directions of attention do in a task: places of operands, packing, the probabilities of a row."""

from collections.abc import Callable

from penstock._src.compiler.codegen.contraction.extents import unravel
from penstock._src.compiler.codegen.contraction.pack import pack_across, pack_along
from penstock._src.compiler.codegen.contraction.products.pairs import PAIR
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I64, SIZE, vec
from penstock._src.native.language.value import Val

from .form import VECTORS
from .tiles import Tiles


class Task(Tiles):
    """Mixed into the kernels: `begin` reads the context of the task being written."""

    def begin(self, f: Fn, arrays: tuple[str, ...]) -> None:
        layout = self.layout
        self.rows, self.columns = layout.read(f, "rows"), layout.read(f, "columns")
        self.chunks, self.per = layout.read(f, "chunks"), layout.read(f, "per")
        self.batch, self.chunk = f.task // self.chunks, f.task % self.chunks
        extents = [layout.read(f, f"extent{i}") for i in range(self.form.batch)]
        coordinates = unravel(f, self.batch, extents)
        self.cross = {a: layout.read(f, f"{a}.cross") for a in arrays}
        self.base = {}
        for a in arrays:
            base = layout.read(f, f"{a}.base")
            for i, x in enumerate(coordinates):
                base = base + x * layout.read(f, f"{a}.batch{i}")
            self.base[a] = base
        self.array = {a: layout.read(f, a) for a in arrays if a != "statistics"}
        self.own = f.at(layout.read(f, "scratch"), f.tid * layout.read(f, "each"), self.total)

    def section(self, f: Fn, name: str) -> Val:
        """A part of the thread's own memory."""
        return f.at(self.own, self.layout.read(f, f"at.{name}"), self.total)

    def pack(
        self, f: Fn, name: str, first: Val, count: Val, depth: int, width: int, dst: Val
    ) -> None:
        """Rows of an operand as panels: dst[row // width][k][row % width]."""
        element, cross, base = self.form.element(name), self.cross[name], self.base[name]
        if self.form.pairs:  # as floats are, that hold a pair each
            element, cross, base = self.total, cross // PAIR, base // PAIR
        source, room = self.array[name], self.layout.panel_room(width, depth)

        def panel(i):
            pack_across(
                f, source, base + (first + i) * cross, cross, width, count - i, self.layout.steps(depth),
                f.at(dst, i // width * room, self.total), width, element, self.total, self.lanes,
            )  # fmt: skip

        f.loop(f.i64(0), count, width, panel)

    def whole_rows(
        self, f: Fn, name: str, section: str, extent: int, first: Val, count: Val
    ) -> tuple[Val, Val]:
        """(address, step) of rows as they are multiplied by: where they lie, or copies in the sum's type."""
        element = self.form.element(name)
        base, cross = self.base[name] + first * self.cross[name], self.cross[name]
        if not self.layout.copied(name):
            return f.at(self.array[name], base, element), cross
        to, width = self.section(f, section), -(-extent // self.lanes) * self.lanes
        pack_along(
            f, self.array[name], base, cross, extent, extent, count, to, width, element, self.total, self.lanes
        )  # fmt: skip
        return to, f.i64(width)

    def reach(self, f: Fn, end: Val) -> Val:
        """How many columns the rows before `end` see."""
        if not self.form.causal:
            return self.columns
        return f.max(0, f.min(self.columns, end + (self.layout.read(f, "reach") - 1)))

    def clear(self, f: Fn, section: Val, count) -> None:
        """Fills elements with zeros."""
        f.memset(section, 0, f.i64(count) * SIZE[self.total])

    def vectors_of(self, f: Fn, cols: Val, body: Callable, *carry: Val) -> tuple[Val, ...]:
        """Runs body(offset, *carry) for all vectors of a row of scores, a panel's width at a time."""
        n, wide = self.lanes, self.layout.panel

        def panel(j, *carry):
            for v in range(VECTORS):
                carry = body(j + n * v, *carry)
            return carry

        return f.loop(f.i64(0), cols, wide, panel, *carry)

    def store_rows(
        self, f: Fn, name: str, extent: int, source: Val, first: Val, count: Val, scale: Val | None = None
    ) -> None:  # fmt: skip
        """Writes accumulated rows to an array, each divided by its number in `scale`."""
        n, element = self.lanes, self.form.element(name)
        width = -(-extent // n) * n
        step = self.layout.read(f, f"{name}.element")
        places = f.lane_numbers(n, I64) * step if name in self.form.turned else None

        def row(i):
            to = self.base[name] + (first + i) * self.cross[name]
            by = None if scale is None else f.splat(f.load(scale, i, self.total), n)
            for j in range(0, extent, n):
                x = f.load(source, i * width + j, vec(self.total, n))
                x = x if by is None else x / by
                mask = f.mask(n, extent - j) if extent - j < n else None
                x = f.convert(x, element)
                if places is None:
                    f.store(x, self.array[name], to + j, mask)
                else:
                    f.scatter(x, self.array[name], places + (to + step * j), mask)

        f.loop(f.i64(0), count, 1, row)
