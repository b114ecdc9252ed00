"""Attention backward: for a block of columns, blocks of rows one after another.

    probabilities   P = exp(epilogue(Q K^T) - m) / l                   from the statistics that the forward pass left
    shares          D = the sum of dO * O along each row            which is that of dP * P
    gradients       dV += P^T dO;  dS = epilogue'(P * (dO V^T - D));  dK += dS^T Q;  dQ += dS K

dK and dV of the block are ready when all rows have been seen, dQ when all columns have.
"""

from penstock._src.compiler.codegen.kernel_code import PLAIN, Epilogue
from penstock._src.native import Code, Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I64, PTR, vec

from .form import BACKWARD, COLUMNS, ROWS, ContextLayout, Form
from .task import Task
from .tiles import ScoreTile, exponential, through


def emit_backward(
    form: Form, target: Target, epilogue: Epilogue = PLAIN, gradient_epilogue: Epilogue = PLAIN, operands: int = 0
) -> Code:  # fmt: skip
    """The kernel: task `backward`, for one batch. `gradient_epilogue` is applied to the gradient of the epilogue's result.

    `operands` is how many words of the context the epilogue has; those of `gradient_epilogue` follow.
    """
    kernel = _Backward(form, ContextLayout(form, target, BACKWARD), target)
    return kernel.emit(epilogue, gradient_epilogue, operands)


class _Backward(Task):
    def emit(self, epilogue: Epilogue, gradient_epilogue: Epilogue, operands: int) -> Code:
        form, layout = self.form, self.layout
        self.epilogue = gradient_epilogue
        self.emit_scores("scores", form.depth, through(epilogue), 0, float("-inf"))
        self.emit_scores("gradient", form.width, self.finish_gradient, operands, 0.0)
        self.emit_probabilities()
        with self.module.task("backward") as f:
            self.begin(f, BACKWARD)
            zero = f.i64(0)
            self.pack(
                f, "query", zero, self.rows, form.depth, layout.row_tile, self.section(f, "queries")
            )
            self.pack(
                f, "seed", zero, self.rows, form.width, layout.row_tile, self.section(f, "seeds")
            )
            self.query_rows = self.whole_rows(f, "query", "query", form.depth, zero, self.rows)
            self.seed_rows = self.whole_rows(f, "seed", "seed", form.width, zero, self.rows)
            self.sum_shares(f)
            sums = self.section(f, "dq")
            self.clear(f, sums, (self.rows + ROWS) // ROWS * ROWS * layout.depth)
            f.loop(zero, self.columns, COLUMNS, lambda j: self.block_of_columns(f, j))
            self.store_rows(f, "query_gradient", form.depth, sums, zero, self.rows)
        return Code.of(self.module)

    def sum_shares(self, f: Fn) -> None:
        """Each row's sum of dO * O."""
        n, form = self.lanes, self.form
        shares = self.section(f, "shares")
        names = "seed", "output"

        def row(i):
            sum_ = f.zero(vec(self.total, n))
            for j in range(0, form.width, n):
                mask = f.mask(n, form.width - j) if form.width - j < n else None
                parts = [
                    f.convert(
                        f.load(
                            self.array[a], self.base[a] + i * self.cross[a] + j,
                            vec(form.element(a), n), mask,
                        ),
                        self.total,
                    )
                    for a in names
                ]  # fmt: skip
                sum_ = f.fma(*parts, sum_)
            f.store(f.reduce("fadd", sum_), shares, i)

        f.loop(f.i64(0), self.rows, 1, row)

    def block_of_columns(self, f: Fn, j: Val) -> None:
        """All that `COLUMNS` columns from `j` on have to do with."""
        form, layout = self.form, self.layout
        cols = f.min(self.columns - j, COLUMNS)
        keys, values, dk, dv = (self.section(f, s) for s in ("keys", "values", "dk", "dv"))
        self.pack(f, "key", j, cols, form.depth, layout.panel, keys)
        self.pack(f, "value", j, cols, form.width, layout.panel, values)
        self.key_rows = self.whole_rows(f, "key", "key", form.depth, j, cols)
        self.clear(f, dk, COLUMNS * layout.depth)
        self.clear(f, dv, COLUMNS * layout.width)
        first = f.i64(0)
        if form.causal:  # rows before see none of these columns
            first = f.max(0, j + 1 - layout.read(f, "reach")) // ROWS * ROWS
        f.loop(first, self.rows, ROWS, lambda i: self.block(f, i, j, cols, keys, values, dk, dv))
        self.store_rows(f, "key_gradient", form.depth, dk, j, cols)
        self.store_rows(f, "value_gradient", form.width, dv, j, cols)

    def block(self, f: Fn, i: Val, j: Val, cols: Val, keys: Val, values: Val, dk: Val, dv: Val):
        """One block of scores."""
        form, layout, total = self.form, self.layout, self.total
        count = f.min(self.rows - i, ROWS)
        cols = f.min(cols, self.reach(f, i + count) - j)
        block, step = self.section(f, "scores"), self.cross["statistics"]
        number = self.base["statistics"] + i * step
        tall, wide = layout.row_tile, layout.panel
        rooms = {
            a: (layout.panel_room(tall, n), layout.panel_room(wide, n))
            for a, n in (("query", form.depth), ("seed", form.width))
        }
        shares = f.at(self.section(f, "shares"), i, total)
        a_room, b_room = rooms["query"]
        queries = f.at(self.section(f, "queries"), i // tall * a_room, total)
        self.sweep(
            f, "scores", queries, a_room, keys, b_room, block, number, j, count, cols, shares
        )
        statistics = [f.at(layout.read(f, s), number, total) for s in ("maximum", "total")]
        f.call("probabilities", block, *statistics, step, count, cols)
        seed, across = self.rows_from(f, self.seed_rows, i)
        self.multiply(f, block, True, seed, across, dv, cols, count, form.width)
        a_room, b_room = rooms["seed"]
        seeds = f.at(self.section(f, "seeds"), i // tall * a_room, total)
        self.sweep(
            f, "gradient", seeds, a_room, values, b_room, block, number, j, count, cols, shares
        )
        query, across = self.rows_from(f, self.query_rows, i)
        self.multiply(f, block, True, query, across, dk, cols, count, form.depth)
        sums = f.at(self.section(f, "dq"), i * layout.depth, total)
        self.multiply(f, block, False, *self.key_rows, sums, count, cols, form.depth)

    def rows_from(self, f: Fn, rows: tuple[Val, Val], i: Val) -> tuple[Val, Val]:
        address, across = rows
        return f.at(address, i * across, self.total), across

    def finish_gradient(self, f: Fn, tile: ScoreTile, acc: list[Val]) -> list[Val]:
        """P * (dP - D) through the epilogue; P is what the block holds."""
        shares = [f.load(f.shares, i, self.total) for i in range(self.layout.row_tile)]
        values = [
            f.load(f.scores, i * COLUMNS + self.lanes * j, x.ty) * (x - shares[i])
            for x, (i, j) in zip(acc, tile.cells, strict=True)
        ]
        return self.epilogue.apply(f, tile, values)

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
                share = f.const(1.0, self.total) / f.load(f.sums, i * f.step, self.total)

                def one(j):
                    p = exponential(f, f.load(scores, j, vector) - most, self.total) * share
                    f.store(p, scores, j)
                    return ()

                self.vectors_of(f, f.cols, one)

            f.loop(f.i64(0), f.rows, 1, row)
