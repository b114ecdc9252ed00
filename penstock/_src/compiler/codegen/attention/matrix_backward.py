"""Attention backward in bfloat16 by matrix registers, by the blocks of backward.py.

P, dS                pairs of two rows, and dS in rows besides: rounded where they are made
dV^T += dO^T P       dO and Q turned once for all blocks of columns, so that no block of P and dS has to be
dK^T += Q^T dS       turned back when a block of columns is ready
dQ   += dS K
"""

from penstock._src.compiler.codegen.contraction.products.matrix_registers import (
    SIDE,
    begin_matrices,
    end_matrices,
)
from penstock._src.compiler.codegen.contraction.products.pairs import PAIR, rounded_pairs
from penstock._src.compiler.codegen.contraction.tile import transpose
from penstock._src.compiler.codegen.kernel_code import PLAIN, Epilogue
from penstock._src.native import Code, Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import BF16, F32, I16, I64, PTR, vec

from .backward import BackwardTask
from .form import BACKWARD, COLUMNS, ROWS, VECTORS, ContextLayout, Form
from .matrix_tiles import SIDE_OF_TILE, MatrixTask, MatrixTiles, groups_of, kept
from .tiles import exponential, through


def emit_matrix_backward(
    form: Form, target: Target, epilogue: Epilogue = PLAIN, gradient_epilogue: Epilogue = PLAIN, operands: int = 0
) -> Code:  # fmt: skip
    """The kernel: task `backward`, as `emit_backward` describes it."""
    layout = ContextLayout(form, target, BACKWARD)
    return _MatrixBackward(form, layout, target, gradient_epilogue).write(epilogue, operands)


class _MatrixBackward(MatrixTiles):
    """Writes the kernel."""

    def __init__(self, form: Form, layout: ContextLayout, target: Target, gradient_epilogue: Epilogue) -> None:  # fmt: skip
        super().__init__(form, layout, target)
        self.gradient_epilogue = gradient_epilogue

    def write(self, epilogue: Epilogue, operands: int) -> Code:
        """Writes the functions of the tiles, and the task."""
        # Past the last column P is exp(-inf) = 0 and dS is 0, so these columns add nothing to dQ.
        self.emit_scores("scores", self.form.depth, through(epilogue), 0, float("-inf"))
        self.emit_gradient("gradient", operands, ragged=False)
        self.emit_gradient("gradient_ragged", operands, ragged=True)
        self.emit_probabilities()
        self.emit_pairs()
        with self.module.task("backward") as f:
            begin_matrices(f)
            _MatrixBackwardTask(self, f, BACKWARD).write()
            end_matrices(f)
        return Code.of(self.module)

    def emit_gradient(self, name: str, operands: int, ragged: bool) -> None:
        """dS = epilogue'(P * (dP - D)) of a tile; the block holds P."""
        operands += len(self.layout.names)
        vector = vec(F32, SIDE)
        with self.score_function(name) as f:
            products = f.alloca(F32, SIDE_OF_TILE * SIDE_OF_TILE)
            self.multiply_scores(f, self.form.width, products, SIDE_OF_TILE)
            # Blocks begin at multiples of COLUMNS.
            first = f.column % COLUMNS

            def row(i: Val) -> None:
                tile, masks = self.rows_of_scores(f, operands, [i], ragged)
                share = f.load(f.shares, i, F32)
                values = [
                    f.load(f.scores, i * COLUMNS + SIDE * j, vector)
                    * (f.load(products, i * SIDE_OF_TILE + SIDE * j, vector) - share)
                    for _, j in tile.cells
                ]
                values = self.gradient_epilogue.apply(f, tile, values)
                # Over P of this tile and of those before it, which nothing reads any more.
                to = f.at(f.scores, i * COLUMNS - first, F32)
                for x, (_, j) in zip(values, tile.cells, strict=True):
                    f.store(f.convert(kept(f, masks[j], x, 0.0), BF16), to, first + SIDE * j)

            f.loop(f.i64(0), f.min(f.left, SIDE_OF_TILE), 1, row)

    def emit_probabilities(self) -> None:
        """exp(S - m) / l of two rows at a time, in float32 and as pairs."""
        vector = vec(F32, SIDE)
        with self.module.fn(
            "probabilities", internal=True, noalias=False, scores=PTR, pairs=PTR, maximum=PTR, sums=PTR, step=I64,
            rows=I64, cols=I64,
        ) as f:  # fmt: skip

            def two(i: Val) -> None:
                exists = i + 1 < f.rows
                # Without a second row, the first one is read again.
                offsets = [f.i64(0), f.select(exists, 1, f.i64(0))]
                scores = [f.at(f.scores, (i + k) * COLUMNS, F32) for k in offsets]
                most = [f.load(f.maximum, (i + k) * f.step, F32) for k in offsets]
                # one division for a row instead of one for each column
                shares = [
                    f.const(1.0, F32) / f.load(f.sums, (i + k) * f.step, F32) for k in offsets
                ]

                def one(j: Val) -> tuple[Val, ...]:
                    both = [
                        exponential(f, f.load(row, j, vector) - top, F32) * share
                        for row, top, share in zip(scores, most, shares, strict=True)
                    ]
                    f.store(both[0], scores[0], j)
                    f.store(both[1], scores[1], j)
                    low, high = both[0], f.select(exists, both[1], f.zero(vector))
                    rounded = f.bits(rounded_pairs(f, low, high), vec(I16, PAIR * SIDE))
                    turned = f.shuffle(rounded, None, [i + SIDE * k for i in range(SIDE) for k in range(PAIR)])  # fmt: skip
                    f.store(f.bits(turned, vector), f.pairs, i // PAIR * COLUMNS + j)
                    return ()

                self.vectors_of(f, f.cols, one)

            f.loop(f.i64(0), f.rows, PAIR, two)
            self.clear_rest(f)

    def clear_rest(self, f: Fn) -> None:
        """Sets pairs of rows past the last one to zeros, up to whole registers."""
        filled = (f.rows + 1) // PAIR
        count = (groups_of(f.rows) * SIDE - filled) * COLUMNS
        f.memset(f.at(f.pairs, filled * COLUMNS, F32), 0, count * 4)

    def emit_pairs(self) -> None:
        """Copies rounded rows of the block as pairs of two rows; those past the last one are zeros already."""
        whole = vec(I16, SIDE_OF_TILE)
        with self.module.fn(
            "pairs", internal=True, noalias=False, scores=PTR, pairs=PTR, rows=I64, cols=I64
        ) as f:

            def two(i: Val) -> None:
                exists = i + 1 < f.rows
                first = f.at(f.scores, i * COLUMNS, F32)
                second = f.at(f.scores, f.select(exists, i + 1, i) * COLUMNS, F32)

                def some(j: Val) -> None:
                    low = f.load(first, j, whole)
                    high = f.select(exists, f.load(second, j, whole), f.zero(whole))
                    for half in range(VECTORS):
                        part = range(SIDE * half, SIDE * (half + 1))
                        index = [k + far for k in part for far in (0, SIDE_OF_TILE)]
                        words = f.bits(f.shuffle(low, high, index), vec(F32, SIDE))
                        f.store(words, f.pairs, i // PAIR * COLUMNS + j + SIDE * half)

                f.loop(f.i64(0), f.cols, SIDE_OF_TILE, some)

            f.loop(f.i64(0), f.rows, PAIR, two)


class _MatrixBackwardTask(MatrixTask, BackwardTask):
    """Writes the task: all of one batch."""

    tiles: _MatrixBackward

    def write(self) -> None:
        f, form, zero = self.f, self.form, self.f.i64(0)
        # Rows are packed once and swept by every block of columns; dQ is summed over all of these.
        for name, section, extent in (("query", "queries", form.depth), ("seed", "seeds", form.width)):  # fmt: skip
            self.pack_whole_rows(name, zero, self.rows, extent, self.section(section))
            self.pack_turned(name, self.rows, extent, self.section(f"turned_{section}"))
        self.sum_shares()
        sums = self.section("dq")
        self.clear(sums, (self.rows + (ROWS - 1)) // ROWS * ROWS * self.layout.depth)
        f.loop(zero, self.columns, COLUMNS, self.columns_from)
        self.store_rows("query_gradient", form.depth, sums, zero, self.rows)

    def columns_from(self, j: Val) -> None:
        """Writes everything for the `COLUMNS` columns that start at `j`."""
        f, form, layout = self.f, self.form, self.layout
        count = f.min(self.columns - j, COLUMNS)
        self.pack("key", j, count, form.depth, layout.panel, self.section("keys"))
        self.pack("value", j, count, form.width, layout.panel, self.section("values"))
        self.pack_row_pairs("key", j, count, form.depth, self.section("key_pairs"))
        dk, dv = self.section("dk"), self.section("dv")
        self.clear(dk, COLUMNS * layout.depth)
        self.clear(dv, COLUMNS * layout.width)
        # Earlier rows see none of these columns. Rounded down to a block, as the rows are packed by blocks.
        first = (
            f.max(0, j + 1 - layout.read(f, "reach")) // ROWS * ROWS if form.causal else f.i64(0)
        )
        f.loop(first, self.rows, ROWS, lambda i: self.scores_from(i, j, count))
        for name, extent, sums in (("key_gradient", form.depth, dk), ("value_gradient", form.width, dv)):  # fmt: skip
            rows = self.turned_back(sums, layout.depth if sums is dk else layout.width, count)
            self.store_rows(name, extent, rows, j, count)

    def scores_from(self, i: Val, j: Val, count: Val) -> None:
        """Writes a block of rows that starts at `i`, of a block of `count` columns that starts at `j`."""
        f, form, layout, tiles = self.f, self.form, self.layout, self.tiles
        rows = f.min(self.rows - i, ROWS)
        # none, if the rows end before the first one that sees the block
        cols = f.max(0, f.min(count, self.reach(i + rows) - j))
        block, pairs, step = self.section("scores"), self.section("score_pairs"), self.cross["statistics"]  # fmt: skip
        number = self.base["statistics"] + i * step
        shares = f.at(self.section("shares"), i, F32)

        def sweep(name: str, packed: str, panels: str, depth: int) -> None:
            """Calls the tiles of the block: packed rows by panels of the columns."""
            room = layout.panel_room(SIDE_OF_TILE, depth)
            left = f.at(self.section(packed), i // SIDE_OF_TILE * room, F32)
            tiles.sweep(
                f, name, left, room, self.section(panels), room, block, number, j, rows, cols, shares
            )  # fmt: skip

        def add(turned: str, sums: str, extent: int) -> None:
            """Adds products of the pairs in the block and of turned rows."""
            left = f.at(self.section(turned), i // PAIR * extent, F32)
            strides = ROWS // PAIR, COLUMNS, COLUMNS
            tiles.add_product(
                f, left, pairs, self.section(sums), extent, cols, groups_of(rows), strides
            )

        sweep("scores", "queries", "keys", form.depth)
        statistics = [f.at(layout.read(f, s), number, F32) for s in ("maximum", "total")]
        f.call("probabilities", block, pairs, *statistics, step, rows, cols)
        # dV first: it reads pairs of P, which those of dS replace.
        add("turned_seeds", "dv", layout.width)
        sweep("gradient", "seeds", "values", form.width)
        f.call("pairs", block, pairs, rows, cols)
        add("turned_queries", "dk", layout.depth)
        sums = f.at(self.section("dq"), i * layout.depth, F32)
        strides = COLUMNS, layout.depth, layout.depth
        keys = self.section("key_pairs")
        tiles.add_product(f, block, keys, sums, rows, layout.depth, groups_of(cols), strides)

    def turned_back(self, sums: Val, width: int, count: Val) -> Val:
        """Rows of sums whose columns are the rows of `sums`."""
        f, vector, to = self.f, vec(F32, SIDE), self.section("rows")

        def block(j: Val) -> None:
            def elements(k: Val) -> None:
                columns = [f.load(sums, (f.i64(k) + i) * COLUMNS + j, vector) for i in range(SIDE)]
                for i, x in enumerate(transpose(f, columns)):
                    f.store(x, to, (j + i) * width + k)

            f.loop(f.i64(0), width, SIDE, elements)

        f.loop(f.i64(0), count, SIDE, block)
        return to
