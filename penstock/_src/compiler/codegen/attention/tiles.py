"""Register tiles of attention: scores with their epilogue, and plain products added to an accumulator."""

from collections.abc import Callable

from penstock._src.compiler.codegen.contraction.products.pairs import dot_of_pairs
from penstock._src.compiler.codegen.contraction.tile import Types, accumulate, fits, times, zeros
from penstock._src.compiler.codegen.kernel_code import Epilogue, RegisterTile
from penstock._src.compiler.codegen.scalars import math32, math64
from penstock._src.native import Module, Target
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import F32, I64, PTR, vec
from penstock._src.native.language.value import Val

from .form import VECTORS, ContextLayout, Form

INFINITY = float("inf")
RAGGED, NARROW = "_ragged", "_narrow"  # tiles of the last rows and columns; one vector wide
MOST_SUMS = 16  # limit of vectors of sums in a tile whose rows divide a block
Beside = Callable[[Val, int], None]
Finish = Callable[[Fn, "ScoreTile", list[Val]], list[Val]]


class ScoreTile(RegisterTile):
    """A tile of the matrix of scores: its rows' numbers are known, not divided out of offsets."""

    def __init__(self, *args, numbers: list[Val]):
        super().__init__(*args)
        self.numbers = numbers

    def row(self, i: int) -> Val:
        return self.numbers[i]


def exponential(f: Fn, x: Val, total: str) -> Val:
    """e^x of x <= 0, with 0 for subnormal results.

    Products with those take long, and a row's largest weight is 1: they would be below its rounding.
    """
    if total == F32:
        return math32.exp_below_90(f, x, math32.LEAST_NORMAL_EXPONENT)
    return math64.exp(f, x, math64.LEAST_NORMAL_EXPONENT)


class Tiles:
    """Writes the tiles of one kernel into its module."""

    def __init__(self, form: Form, layout: ContextLayout, target: Target):
        self.form, self.layout, self.target = form, layout, target
        self.total, self.lanes = form.total, layout.lanes
        self.types = Types(self.total, self.total, self.total, self.total)
        self.module = Module(target)
        self.known: dict[tuple, str] = {}

    # -- scores
    def emit_scores(
        self, name: str, depth: int, finish: Finish, operands: int, padding: float
    ) -> None:
        """Two functions: of whole tiles, and of ragged ones, in which columns past the end become `padding`.

        `operands` is the number of words of other epilogues before this one's.
        """
        operands += len(self.layout.names)
        for tile, ragged in self.kinds_of_tiles():
            self._emit_scores(
                name + tile,
                depth,
                finish,
                operands,
                padding,
                ragged,
                1 if tile == NARROW else VECTORS,
            )

    def kinds_of_tiles(self) -> list[tuple[str, bool]]:
        """(suffix of the function's name, True if ragged) of all tiles of scores."""
        return [("", False), (RAGGED, True), (NARROW, True)]

    def _emit_scores(
        self, name: str, depth: int, finish: Finish, operands: int, padding: float, ragged: bool, vectors: int
    ) -> None:  # fmt: skip
        layout, n = self.layout, self.lanes
        rows, vector, steps = layout.row_tile, vec(self.total, n), layout.steps(depth)
        across, along = (layout.row_step(depth), 1) if layout.in_rows else (1, rows)
        with self.module.fn(
            name, internal=True, noalias=False, a=PTR, b=PTR, ctx=PTR, scores=PTR, number=I64,
            column=I64, left=I64, cols=I64, shares=PTR,
        ) as f:  # fmt: skip
            acc = accumulate(
                f, self.types, [i * across for i in range(rows)], vectors, [(steps, along, layout.panel)], f.a, f.b,
                zeros(f, rows * vectors, vector), multiply=dot_of_pairs if self.form.pairs else Fn.fma,
            )  # fmt: skip
            step, width = layout.read(f, "statistics.cross"), layout.read(f, "columns")
            # Rows past the end use the last row's operands of the epilogue; their scores are never read.
            real = [f.min(f.left - 1, i) if ragged and i else f.i64(i) for i in range(rows)]
            numbers = [times(f, i, step) + f.number for i in real]
            masks = [f.mask(n, f.cols - n * j) if ragged else None for j in range(vectors)]
            cells = [(i, j) for i in range(rows) for j in range(vectors)]
            tile = ScoreTile(
                f, cells, lambda i, j: numbers[i] * width + f.column + n * j, lambda j: f.column + n * j,
                lambda j: masks[j], width, operands, numbers=numbers,
            )  # fmt: skip
            values = finish(f, tile, acc)
            for x, (i, j) in zip(values, cells, strict=True):
                mask = masks[j]
                x = x if mask is None else f.select(mask, x, padding)
                f.store(x, f.scores, i * layout.block_columns + n * j)

    def sweep(self, f: Fn, name: str, a: Val, a_room: int, b: Val, b_room: int, scores: Val, number: Val,
              column: Val, rows: Val, cols: Val, shares: Val) -> None:  # fmt: skip
        """Calls the tiles of a block of scores; `number` is the index of its first row, whose share is in `shares`."""
        layout = self.layout
        tall, wide = layout.row_tile, layout.panel
        step = layout.read(f, "statistics.cross")

        def panel(j):
            def tile(i):
                left, right = rows - i, cols - j
                args = (
                    f.at(a, i // tall * a_room, self.total), f.at(b, j // wide * b_room, self.total), f.ctx,
                    f.at(scores, i * layout.block_columns + j, self.total), number + i * step, column + j, left, right,
                    f.at(shares, i, self.total),
                )  # fmt: skip

                def call(function):
                    f.call(function, *args)

                whole = (left >= tall) & (right >= wide)
                f.when(whole, lambda: call(name), lambda: self.call_ragged(f, name, right, call))

            f.loop(f.i64(0), rows, tall, tile)

        f.loop(f.i64(0), cols, wide, panel)

    def call_ragged(self, f: Fn, name: str, right: Val, call: Callable[[str], None]) -> None:
        """Calls the tile for the remaining `right` rows or columns."""
        f.when(right > self.lanes, lambda: call(name + RAGGED), lambda: call(name + NARROW))

    def vectors_of(self, f: Fn, cols: Val, body: Callable, *carry: Val) -> tuple[Val, ...]:
        """Runs body(offset, *carry) for all vectors of a row of scores that have columns."""
        return f.loop(f.i64(0), cols, self.lanes, body, *carry)

    # -- products
    def rows_of(self, vectors: int, block: int) -> int:
        """Rows of a tile that is this many vectors wide: a power of two that divides a block and fits the registers."""
        rows = 1
        # Powers of two divide the block, so that no tile of rows is partial.
        while (
            2 * rows * vectors <= MOST_SUMS
            and block % (2 * rows) == 0
            and fits(2 * rows, vectors, self.target)
        ):
            rows *= 2
        return rows

    def product_tile(
        self, rows: int, vectors: int, row: int, step: int, width: int, last: int
    ) -> str:
        """c[i][...] += the sum over k < depth of a[i row + k step] b[k][...]; the last vector of b has `last` lanes."""
        key = rows, vectors, row, step, width, last
        if key in self.known:
            return self.known[key]
        name = self.known[key] = f"product{len(self.known)}"
        n = self.lanes
        vector = vec(self.total, n)
        with self.module.fn(
            name, internal=True, noalias=False, a=PTR, b=PTR, c=PTR, depth=I64, across=I64
        ) as f:
            # b's rows have no padding: only the last vector may reach into the next row.
            masks = [None] * (vectors - 1) + [f.mask(n, last) if last < n else None]
            places = [i * width + n * j for i in range(rows) for j in range(vectors)]
            acc = accumulate(
                f, self.types, [i * row for i in range(rows)], vectors, [(f.depth, step, f.across)],
                f.a, f.b, [f.load(f.c, at, vector) for at in places], masks,
            )  # fmt: skip
            for x, at in zip(acc, places, strict=True):
                f.store(x, f.c, at)
        return name

    def multiply(
        self, f: Fn, a: Val, b: Val, c: Val, *, by_columns: bool, across: Val, rows: Val, depth: Val,
        extent: int, beside: Beside | None = None,
    ) -> None:  # fmt: skip
        """c += a b, or a^T b if `by_columns`, of a block a; b has `extent` columns and rows `across` apart.

        `rows` of c are made, up to a whole tile; `depth` rows of b exist. `beside(i, count)` is run before the tile of `count` rows from `i`.
        """
        n, width = self.lanes, -(-extent // self.lanes) * self.lanes
        # The block is row-major, so its transpose is read by swapping the two steps, without a copy.
        columns = self.layout.block_columns
        row, step = (1, columns) if by_columns else (columns, 1)
        # Of wide blocks, two vectors of all rows of V stay in the L1.
        most = 4 if self.target.registers >= 32 and not self.layout.is_wide else 2
        for first in range(0, extent, most * n):
            here = min(most * n, extent - first)
            vectors = -(-here // n)
            # Of a vector's columns, those past the end are zeros; the columns after the vector were never written.
            tall = self.rows_of(vectors, n if by_columns else self.layout.block_rows)
            name = self.product_tile(tall, vectors, row, step, width, here - (vectors - 1) * n)

            def tile(i, first=first, name=name, tall=tall):
                if beside and not first:
                    beside(i, tall)
                f.call(
                    name, f.at(a, times(f, i, row), self.total), f.at(b, first, self.total),
                    f.at(c, times(f, i, width) + first, self.total), depth, across,
                )  # fmt: skip

            f.loop(f.i64(0), rows, tall, tile)


def through(epilogue: Epilogue) -> Finish:
    """The epilogue alone."""

    def finish(f: Fn, tile: ScoreTile, acc: list[Val]) -> list[Val]:
        return epilogue.apply(f, tile, acc)

    return finish
