"""Attention forward: for a block of rows, blocks of columns one after another.

scores    S = epilogue(Q K^T)                                      register tiles, into a block in the L1
softmax   m' = max(m, S);  P = exp(S - m');  l = l exp(m - m') + sum P
sums      O = O exp(m - m') + P V
in the end  O / l is stored, and m and l for the backward pass
"""

from functools import partial, reduce

from penstock._src.compiler.codegen.kernel_code import PLAIN, Epilogue
from penstock._src.native import Code, Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import BF16, I64, PTR, vec

from .form import FORWARD, VECTORS, ContextLayout, Form
from .task import Rows, Task, bases_of
from .tiles import INFINITY, Beside, Tiles, exponential, through


def emit_forward(form: Form, target: Target, epilogue: Epilogue = PLAIN) -> Code:
    """The kernel: task `forward`, for a chunk of `per` rows of one batch."""
    return Forward(form, ContextLayout(form, target, FORWARD), target).write(epilogue)


class Forward(Tiles):
    """Writes the kernel."""

    def write(self, epilogue: Epilogue) -> Code:
        """Writes the functions of the tiles, and the task."""
        # A score of -inf past the last column has the weight 0, so sums and products run over whole vectors.
        self.emit_scores("scores", self.form.depth, through(epilogue), 0, -INFINITY)
        self.emit_softmax()
        with self.module.task("forward") as f:
            self.write_task(f)
        return Code.of(self.module)

    def write_task(self, f: Fn) -> None:
        """Writes the body of the task."""
        ForwardTask(self, f, FORWARD).write()

    def emit_softmax(self) -> None:
        """The block's exponentials; the running sums of earlier blocks are rescaled to the new maximum.

        In three passes over the rows: a row's exponentials wait for its maximum, and meanwhile would keep the next row's out of the processor's window.
        """
        n = self.lanes
        with self.module.fn(
            "softmax", internal=True, noalias=False, scores=PTR, maximum=PTR, total=PTR, sums=PTR, rows=I64, cols=I64
        ) as f:  # fmt: skip
            rows = self.layout.block_rows
            before, scales = f.alloca(self.total, rows), f.alloca(self.total, rows)
            vector = vec(self.total, n)
            for i in range(0, rows, n):
                f.store(f.load(f.maximum, i, vector), before, i)
            f.loop(f.i64(0), f.rows, 1, lambda i: self.find_maximum(f, i))
            f.loop(f.i64(0), f.rows, n, lambda i: self.find_scales(f, i, before, scales))
            f.loop(f.i64(0), f.rows, 1, lambda i: self.find_weights(f, i, scales))

    def find_maximum(self, f: Fn, i: Val) -> None:
        """Updates a row's maximum by its scores in the block."""
        n, scores = self.lanes, f.at(f.scores, i * self.layout.block_columns, self.total)
        vector = vec(self.total, n)
        lows = [f.splat(f.const(-INFINITY, self.total), n)] * VECTORS

        def panel(j: Val, *most: Val) -> list[Val]:
            return [f.max(f.load(scores, j + n * v, vector), m) for v, m in enumerate(most)]

        whole = (f.cols + (n - 1)) // self.layout.panel * self.layout.panel
        most = f.loop(f.i64(0), whole, self.layout.panel, panel, *lows)
        (rest,) = f.once(whole, f.cols, lambda j, m: [f.max(f.load(scores, j, vector), m)], most[0])
        highest = f.reduce("fmax", reduce(f.max, most[1:], rest))
        f.store(f.max(highest, f.load(f.maximum, i, self.total)), f.maximum, i)

    def find_scales(self, f: Fn, i: Val, before: Val, scales: Val) -> None:
        """The factors of `n` rows' earlier sums, and their totals multiplied by them."""
        vector = vec(self.total, self.lanes)
        shift = self.shift_of(f, f.load(f.maximum, i, vector))
        # 0 for a row's first block, where `before` is -inf: the sums that it multiplies are 0, too
        scale = exponential(f, f.load(before, i, vector) - shift, self.total)
        f.store(scale, scales, i)
        f.store(f.load(f.total, i, vector) * scale, f.total, i)

    def find_weights(self, f: Fn, i: Val, scales: Val) -> None:
        """Replaces a row's scores by their exponentials, and adds these to the row's total."""
        n, width = self.lanes, self.layout.width
        vector = vec(self.total, n)
        # Rounded weights take half of the bytes, so that writing them in place never reaches scores that are still to be read.
        stored = BF16 if self.form.matrices else self.total
        scores = f.at(f.scores, i * self.layout.block_columns, self.total)
        shift = self.shift_of(f, f.load(f.maximum, i, self.total))

        def exponentials(j: Val, sum_: Val) -> tuple[Val]:
            p = exponential(f, f.load(scores, j, vector) - shift, self.total)
            f.store(f.convert(p, stored), scores, j)
            return (sum_ + p,)

        (sum_,) = self.vectors_of(f, f.cols, exponentials, f.zero(vector))
        f.store(f.load(f.total, i, self.total) + f.reduce("fadd", sum_), f.total, i)
        scale = f.splat(f.load(scales, i, self.total), n)
        for j in range(0, width, n):
            f.store(f.load(f.sums, i * width + j, vector) * scale, f.sums, i * width + j)

    def shift_of(self, f: Fn, most: Val) -> Val:
        """The number that is subtracted from scores: in a row of -inf alone -inf - -inf would be NaN, although later blocks may outweigh this one."""
        return f.select(most.eq(-INFINITY), 0.0, most)


class ForwardTask(Task):
    """Writes the task: a chunk of rows."""

    def write(self) -> None:
        f, form, layout = self.f, self.form, self.layout
        first = self.chunk * self.per
        last = f.min(first + self.per, self.rows)
        # Keys are packed once for all blocks of the chunk, as far as its last row sees.
        reach = self.reach(last)
        keys = self.section("keys")
        self.pack("key", f.i64(0), reach, form.depth, layout.panel, keys)
        values = self.values(reach)
        following = bases_of(f, layout, self.batch + 1, ("query", "key", "value"))

        rows = layout.block_rows

        def block(i):
            self.block_of_rows(i, f.min(last - i, rows), keys, values, following)

        f.loop(first, last, rows, block)

    def values(self, count: Val) -> Rows:
        """The first `count` rows of V, as they are multiplied by."""
        return self.whole_rows("value", "value", self.form.width, self.f.i64(0), count)

    def pack_queries(self, first: Val, count: Val, dst: Val) -> None:
        """Packs rows of Q for the tiles of scores."""
        self.pack_lefts("query", first, count, self.form.depth, dst)

    def add_values(
        self, scores: Val, values: Rows, j: Val, sums: Val, count: Val, cols: Val, beside: Beside
    ) -> None:
        """Adds the products of a block of probabilities and the rows of V from `j` on to the sums."""
        f, (address, across) = self.f, values
        rows = f.at(address, j * across, self.total)
        self.tiles.multiply(
            f, scores, rows, sums, by_columns=False, across=across, rows=count, depth=cols,
            extent=self.form.width, beside=beside,
        )  # fmt: skip

    def fetch(self, row: Val, count: int, following: dict[str, Val]) -> None:
        """Prefetches the rows of the output, the rows of Q in the next block, and those of the next batch."""
        form = self.form
        self.fetch_rows("output", form.width, self.base["output"], row, count, write=True)
        self.fetch_rows(
            "query", form.depth, self.base["query"], row + self.layout.block_rows, count
        )
        for name, extent in (("query", form.depth), ("key", form.depth), ("value", form.width)):
            self.fetch_rows(name, extent, following[name], row, count)

    def block_of_rows(
        self, row: Val, count: Val, keys: Val, values: Rows, following: dict[str, Val]
    ) -> None:
        """Writes the attention of `count` rows, starting at `row`."""
        f, form, layout, tiles = self.f, self.form, self.layout, self.tiles
        # Sections are reused from block to block: sums and totals begin at 0, maxima at -inf.
        queries, scores, sums = (self.section(s) for s in ("queries", "scores", "sums"))
        maximum, total = self.section("maximum"), self.section("total")
        self.pack_queries(row, count, queries)
        self.clear(sums, layout.block_rows * layout.width)
        self.clear(total, layout.block_rows)
        low = f.splat(f.const(-INFINITY, self.total), self.lanes)
        for i in range(0, layout.block_rows, self.lanes):
            f.store(low, maximum, i)
        # The causal mask is in the epilogue; this leaves out columns that no row of the block sees.
        reach = self.reach(row + count)
        a_room = layout.rows_room(form.depth)
        b_room = layout.panel_room(layout.panel, form.depth)
        number = self.base["statistics"] + row * self.cross["statistics"]

        def fetch(j: Val, i: Val, rows: int) -> None:
            f.when(j.eq(0), lambda: self.fetch(row + i, rows, following))

        def columns(j):
            cols = f.min(reach - j, layout.block_columns)
            panels = f.at(keys, j // layout.panel * b_room, self.total)
            tiles.sweep(
                f, "scores", queries, a_room, panels, b_room, scores, number, j, count, cols, total
            )
            f.call("softmax", scores, maximum, total, sums, count, cols)
            self.add_values(scores, values, j, sums, count, cols, partial(fetch, j))

        f.loop(f.i64(0), reach, layout.block_columns, columns)
        self.store_rows("output", form.width, sums, row, count, total)
        if form.statistics:
            self.store_statistics(number, count, maximum, total)

    def store_statistics(self, number, count, maximum, total) -> None:
        """Keeps the maxima and sums of rows for the backward pass."""
        f = self.f
        for name, source in (("maximum", maximum), ("total", total)):
            to = self.layout.read(f, name)

            def row(i, to=to, source=source):
                at = number + i * self.cross["statistics"]
                f.store(f.load(source, i, self.total), to, at)

            f.loop(f.i64(0), count, 1, row)
