"""Attention forward: a block has some rows, and takes columns tile by tile.

    m' = max(m, S);  P = exp(S - m');  l = l exp(m - m') + sum P;  O = O exp(m - m') + P V

In the end O / l is stored, and m and l for the gradients.
"""

from collections.abc import Callable

from penstock._src.compiler.codegen.kernel_code import Epilogue
from penstock._src.devices.gpu.kernels.attention.tiles import Tile, Tiles
from penstock._src.native.language.value import Val

INFINITY = float("inf")


def in_tiles(
    of: Tiles, tiles: list[Tile], low: Val, end: Val, one: Callable[..., tuple[Val, ...]],
    *carry: Val, beside: Callable[[Val], None] = lambda first: None,
) -> tuple[Val, ...]:  # fmt: skip
    """carry = one(first, *carry) for each tile of the others from `low` to `end`, after its rows were loaded into shared memory.

    `beside` loads further data of a tile.
    """
    f, step = of.f, of.shape.others

    def put(first: Val, fetched: list[list[Val]]) -> None:
        for tile, vectors in zip(tiles, fetched, strict=True):
            tile.put(vectors)
        beside(first)
        f.barrier()

    def fetch(first: Val) -> list[list[Val]]:
        return [tile.fetch(first) for tile in tiles]

    def with_next(first: Val, *carried: Val) -> tuple[Val, ...]:
        following = fetch(first + step)  # after the last tile it is not used
        result = one(first, *carried)
        f.barrier()
        put(first + step, following)
        return result

    def alone(first: Val, *carried: Val) -> tuple[Val, ...]:
        f.barrier()  # all have read the tile before
        put(first, fetch(first))
        return one(first, *carried)

    if not of.shape.prefetches:
        return f.loop(low, end, step, alone, *carry)
    put(low, fetch(low))
    return f.loop(low, end, step, with_next, *carry)


def write_forward(of: Tiles, epilogue: Epilogue) -> None:
    """The kernel's code."""
    f, form, shape = of.f, of.form, of.shape
    query = Tile(of, "query", shape.owned, form.depth)
    key, value = (
        Tile(of, "key", shape.others, form.depth),
        Tile(of, "value", shape.others, form.width),
    )
    query.put(query.fetch(of.first))
    reach = of.reach(f.min(of.first + shape.owned, of.rows))
    lines = range(len(of.lines))
    low, zero = f.const(-INFINITY, of.total), f.zero(of.total)

    def one(first: Val, *carried: Val) -> tuple[Val, ...]:
        count = len(lines)
        most, total, sums = carried[:count], carried[count : 2 * count], list(carried[2 * count :])
        scores = of.finished(of.products(query, key), first, epilogue, 0)
        wide = len(of.places)
        exist = [first + j < of.columns for j in of.places]
        scores = [f.select(exist[i % wide], x, -INFINITY) for i, x in enumerate(scores)]
        new, totals, scales = [], [], []
        for i in lines:
            own = scores[i * wide : (i + 1) * wide]
            here = own[0]
            for x in own[1:]:
                here = f.max(x, here)
            here = f.max(of.across(here, f.max), most[i])
            # in a row of -inf alone, -inf - -inf would be NaN, although later tiles may outweigh this one
            shift = f.select(here.eq(-INFINITY), 0.0, here)
            scale = of.exponential(most[i] - shift)
            own = [of.exponential(x - shift) for x in own]
            scores[i * wide : (i + 1) * wide] = own
            sum_ = total[i] * scale
            for x in own:
                sum_ = sum_ + x
            new.append(here)
            totals.append(sum_)
            scales.append(scale)
        sums = [x * scales[i] for x, i in zip(sums, of.lines_of_sums(len(sums)), strict=True)]
        return *new, *totals, *of.added(sums, scores, value, form.width)

    start = [low] * len(lines) + [zero] * len(lines) + of.no_sums(form.width)
    state = in_tiles(of, [key, value], f.i64(0), reach, one, *start)
    most, total = state[: len(lines)], [of.sum_of(x) for x in state[len(lines) : 2 * len(lines)]]
    of.store("output", list(state[2 * len(lines) :]), form.width, total)
    if form.statistics:
        _store_statistics(of, most, total)


def _store_statistics(of: Tiles, most: tuple[Val, ...], total: list[Val]) -> None:
    """Each row's maximum and sum."""
    f = of.f
    for i, line in enumerate(of.lines):
        row = of.first + line

        def put(i: int = i, row: Val = row) -> None:
            for name, x in (("maximum", most[i]), ("total", total[i])):
                f.store(x, of.pointer(name), of.number(row))

        f.when((row < of.rows) & of.rank()[0].eq(0), put)
