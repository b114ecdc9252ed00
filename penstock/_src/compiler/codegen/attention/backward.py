"""Attention backward: for a block of columns, blocks of rows one after another.

    probabilities   P = exp(epilogue(Q K^T) - m) / l                   from the statistics that the forward pass left
    shares          D = the sum of dO * O along each row            which is that of dP * P
    gradients       dV += P^T dO;  dS = epilogue'(P * (dO V^T - D));  dK += dS^T Q;  dQ += dS K

dK and dV of the block are ready when all rows have been seen, dQ when all columns have.
"""

from collections.abc import Callable
from functools import partial

from penstock._src.compiler.codegen.kernel_code import PLAIN, Epilogue
from penstock._src.native import Code, Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I64, PTR, vec
from penstock._src.util.dataclass import dataclass

from .form import BACKWARD, COLUMNS, ROWS, ContextLayout, Form
from .task import Rows, Task, bases_of
from .tiles import ScoreTile, Tiles, exponential, through

Beside = Callable[[Val, int], None]  # what a product fetches beside its own work: (first, count)


def emit_backward(
    form: Form, target: Target, epilogue: Epilogue = PLAIN, gradient_epilogue: Epilogue = PLAIN, operands: int = 0
) -> Code:  # fmt: skip
    """The kernel: task `backward`, for one batch. `gradient_epilogue` is applied to the gradient of the epilogue's result.

    `operands` is the number of context words of the epilogue; those of `gradient_epilogue` follow.
    """
    layout = ContextLayout(form, target, BACKWARD)
    return _Backward(form, layout, target, gradient_epilogue).write(epilogue, operands)


@dataclass(frozen=True)
class _WholeRows:
    """Rows as they are multiplied by: all of Q and dO, and a block of K."""

    query: Rows
    seed: Rows
    key: Rows


@dataclass(frozen=True)
class _Block:
    """Columns of the scores: `count`, starting at `first`; panels of their keys and values, and sums of the gradients."""

    first: Val
    count: Val
    keys: Val
    values: Val
    dk: Val
    dv: Val


@dataclass(frozen=True)
class _ScoreBlock:
    """A block of scores: `count` rows from `row` by `cols` columns from `column`, and the rows' statistics and shares.

    `number` is the index of the first row's statistics.
    """

    row: Val
    column: Val
    count: Val
    cols: Val
    scores: Val
    number: Val
    shares: Val


class _Backward(Tiles):
    """Writes the kernel."""

    def __init__(self, form: Form, layout: ContextLayout, target: Target, gradient_epilogue: Epilogue) -> None:  # fmt: skip
        super().__init__(form, layout, target)
        self.gradient_epilogue = gradient_epilogue

    def write(self, epilogue: Epilogue, operands: int) -> Code:
        form = self.form
        # Past the last column P is exp(-inf) = 0 and dS is 0, so these columns add nothing to dQ.
        self.emit_scores("scores", form.depth, through(epilogue), 0, float("-inf"))
        self.emit_scores("gradient", form.width, self.finish_gradient, operands, 0.0)
        self.emit_probabilities()
        with self.module.task("backward") as f:
            BackwardTask(self, f, BACKWARD).write()
        return Code.of(self.module)

    def finish_gradient(self, f: Fn, tile: ScoreTile, acc: list[Val]) -> list[Val]:
        """P * (dP - D) through the epilogue; the block holds P."""
        # The whole tile's, also past the last row: those scores are not stored to any gradient.
        shares = [f.load(f.shares, i, self.total) for i in range(self.layout.row_tile)]
        values = [
            f.load(f.scores, i * COLUMNS + self.lanes * j, x.ty) * (x - shares[i])
            for x, (i, j) in zip(acc, tile.cells, strict=True)
        ]
        return self.gradient_epilogue.apply(f, tile, values)

    def emit_probabilities(self) -> None:
        """exp(S - m) / l, row by row."""
        vector = vec(self.total, self.lanes)
        with self.module.fn(
            "probabilities", internal=True, noalias=False, scores=PTR, maximum=PTR, sums=PTR, step=I64, rows=I64,
            cols=I64,
        ) as f:  # fmt: skip

            def row(i):
                scores = f.at(f.scores, i * COLUMNS, self.total)
                most = f.load(f.maximum, i * f.step, self.total)
                # one division for a row instead of one for each column
                share = f.const(1.0, self.total) / f.load(f.sums, i * f.step, self.total)

                def one(j):
                    p = exponential(f, f.load(scores, j, vector) - most, self.total) * share
                    f.store(p, scores, j)
                    return ()

                self.vectors_of(f, f.cols, one)

            f.loop(f.i64(0), f.rows, 1, row)


class BackwardTask(Task):
    """Writes the task: all of one batch."""

    def write(self) -> None:
        f, form, layout = self.f, self.form, self.layout
        zero = f.i64(0)
        # Rows are packed once and swept by every block of columns; dQ is summed over all of these.
        self.pack_lefts("query", zero, self.rows, form.depth, self.section("queries"))
        self.pack_lefts("seed", zero, self.rows, form.width, self.section("seeds"))
        query = self.whole_rows("query", "query", form.depth, zero, self.rows)
        seed = self.whole_rows("seed", "seed", form.width, zero, self.rows)
        self.sum_shares()
        sums = self.section("dq")
        self.clear(sums, (self.rows + ROWS) // ROWS * ROWS * layout.depth)
        following = bases_of(f, layout, self.batch + 1, ("query", "key", "value", "seed", "output"))
        f.loop(
            zero, self.columns, COLUMNS, lambda j: self.block_of_columns(j, query, seed, following)
        )
        self.store_rows("query_gradient", form.depth, sums, zero, self.rows)

    def sum_shares(self) -> None:
        """Each row's sum of dO * O."""
        f, n, form = self.f, self.lanes, self.form
        shares = self.section("shares")

        def row(i):
            sum_ = f.zero(vec(self.total, n))
            for j in range(0, form.width, n):
                mask = f.mask(n, form.width - j) if form.width - j < n else None
                # The row sum of dO * O is that of dP * P (FlashAttention-2), without scores.
                sum_ = f.fma(*[self.elements(a, i, j, mask) for a in ("seed", "output")], sum_)
            f.store(f.reduce("fadd", sum_), shares, i)

        f.loop(f.i64(0), self.rows, 1, row)

    def fetch(
        self, name: str, extent: int, first: Val, count: int, following: dict[str, Val]
    ) -> None:
        """Prefetches an operand's rows of the next batch, and the rows of its gradient."""
        self.fetch_rows(name, extent, following[name], first, count)
        gradient = f"{name}_gradient"
        if gradient in self.base:
            self.fetch_rows(gradient, extent, self.base[gradient], first, count, write=True)

    def block_of_columns(self, j: Val, query: Rows, seed: Rows, following: dict[str, Val]) -> None:
        """Writes everything for the `COLUMNS` columns that start at `j`."""
        f, form, layout = self.f, self.form, self.layout
        cols = f.min(self.columns - j, COLUMNS)
        keys, values, dk, dv = (self.section(s) for s in ("keys", "values", "dk", "dv"))
        self.pack("key", j, cols, form.depth, layout.panel, keys)
        self.pack("value", j, cols, form.width, layout.panel, values)
        rows = _WholeRows(query, seed, self.whole_rows("key", "key", form.depth, j, cols))
        block = _Block(j, cols, keys, values, dk, dv)
        self.clear(dk, COLUMNS * layout.depth)
        self.clear(dv, COLUMNS * layout.width)
        first = f.i64(0)
        # Earlier rows see none of these columns. Rounded down to a block, as the rows are packed by blocks.
        if form.causal:
            first = f.max(0, j + 1 - layout.read(f, "reach")) // ROWS * ROWS
        f.loop(
            first, self.rows, ROWS, lambda i: self.block_of_scores(i, first, block, rows, following)
        )
        self.store_rows("key_gradient", form.depth, dk, j, cols)
        self.store_rows("value_gradient", form.width, dv, j, cols)

    def block_of_scores(
        self, i: Val, first: Val, columns: "_Block", rows: "_WholeRows", following: dict[str, Val]
    ) -> None:
        """Writes the rows of a block of columns, starting at `i`; the block's first ones are at `first`."""
        f, form, layout, total = self.f, self.form, self.layout, self.total
        j = columns.first
        count = f.min(self.rows - i, ROWS)
        # none, if the rows end before the first one that sees the block
        cols = f.max(0, f.min(columns.count, self.reach(i + count) - j))
        scores, step = self.section("scores"), self.cross["statistics"]
        number = self.base["statistics"] + i * step
        shares = f.at(self.section("shares"), i, total)
        block = _ScoreBlock(i, j, count, cols, scores, number, shares)

        def beside_columns(name: str, extent: int, at: Val, count: int) -> None:
            f.when(i.eq(first), lambda: self.fetch(name, extent, j + at, count, following))

        self.sweep(block, "scores", "query", "queries", columns.keys)
        statistics = [f.at(layout.read(f, s), number, total) for s in ("maximum", "total")]
        f.call("probabilities", scores, *statistics, step, count, cols)
        # dV first: it reads P, which the sweep of the gradient replaces by dS in the same block.
        beside = partial(beside_columns, "value", form.width)
        self.add_by_columns(block, rows.seed, columns.dv, form.width, beside)
        self.sweep(block, "gradient", "seed", "seeds", columns.values)
        beside = partial(beside_columns, "key", form.depth)
        self.add_by_columns(block, rows.query, columns.dk, form.depth, beside)
        self.add_by_rows(block, rows.key, following)

    def sweep(
        self, block: "_ScoreBlock", name: str, operand: str, section: str, panels: Val
    ) -> None:
        """Calls the tiles of a block: packed rows of an operand by panels of the columns."""
        f, form, layout, tall = self.f, self.form, self.layout, self.layout.row_tile
        extent = {"query": form.depth, "seed": form.width}[operand]
        a_room, b_room = layout.rows_room(extent), layout.panel_room(layout.panel, extent)
        packed = f.at(self.section(section), block.row // tall * a_room, self.total)
        self.tiles.sweep(
            f, name, packed, a_room, panels, b_room, block.scores, block.number, block.column, block.count, block.cols,
            block.shares,
        )  # fmt: skip

    def add_by_columns(
        self, block: "_ScoreBlock", rows: Rows, sums: Val, extent: int, beside: Beside
    ) -> None:
        """Adds the products of a block's columns with rows of Q or dO to `sums`, the gradients of K or V."""
        source, across = self.rows_from(rows, block.row)
        self.tiles.multiply(
            self.f, block.scores, source, sums, by_columns=True, across=across, rows=block.cols, depth=block.count,
            extent=extent, beside=beside,
        )  # fmt: skip

    def add_by_rows(self, block: "_ScoreBlock", keys: Rows, following: dict[str, Val]) -> None:
        """Adds the products of a block's rows with the keys to dQ."""
        f, form = self.f, self.form

        def beside(at: Val, count: int) -> None:
            def fetch() -> None:
                for name, extent in (
                    ("query", form.depth),
                    ("seed", form.width),
                    ("output", form.width),
                ):
                    self.fetch(name, extent, block.row + at, count, following)

            f.when(block.column.eq(0), fetch)

        sums = f.at(self.section("dq"), block.row * self.layout.depth, self.total)
        key, across = keys
        self.tiles.multiply(
            f, block.scores, key, sums, by_columns=False, across=across, rows=block.count, depth=block.cols,
            extent=form.depth, beside=beside,
        )  # fmt: skip

    def rows_from(self, rows: Rows, i: Val) -> Rows:
        """Loads the rows that start at `i`."""
        address, across = rows
        return self.f.at(address, i * across, self.total), across
