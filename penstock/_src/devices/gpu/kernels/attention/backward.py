"""Gradients of attention: a kernel for queries, with blocks of rows, then one for keys and values, with blocks of columns.

    probabilities   P = exp(S - m) / l             from the statistics that the forward pass left
    shares          D = the sum of dO * O along each row
    gradients       dS = epilogue'(P * (dO V^T - D));  dQ = dS K;  dK = dS^T Q;  dV = P^T dO

The first kernel stores D for the second.
"""

from collections.abc import Sequence
from functools import partial

from penstock._src.compiler.codegen.kernel_code import Epilogue
from penstock._src.devices.gpu.kernels.attention.forward import in_tiles
from penstock._src.devices.gpu.kernels.attention.tiles import Tile, Tiles
from penstock._src.native.language.types import SIZE
from penstock._src.native.language.value import Val


def write_queries(of: Tiles, epilogue: Epilogue, gradient: Epilogue, operands: int) -> None:
    """The kernel of dQ. `operands` is the number of context words of the first epilogue."""
    f, form, shape = of.f, of.form, of.shape
    query = Tile(of, "query", shape.owned, form.depth)
    seed = Tile(of, "seed", shape.owned, form.width)
    key, value = (
        Tile(of, "key", shape.others, form.depth),
        Tile(of, "value", shape.others, form.width),
    )
    query.put(query.fetch(of.first))
    seed.put(seed.fetch(of.first))
    numbers = [of.number(of.clamped(of.first + i, of.owner)) for i in of.lines]
    most, share = _statistics(of, numbers)
    # Rows past the end repeat the last one: their sums are not stored.
    shares = [_share_of_row(of, of.clamped(of.first + i, of.owner)) for i in of.lines]
    for line, number, d in zip(of.lines, numbers, shares, strict=True):
        exists = (of.first + line < of.rows) & of.rank()[0].eq(0)
        # Stored once, by one of the threads that share the row.
        f.when(exists, lambda number=number, d=d: f.store(d, of.pointer("scratch"), number))
    # As far as the block's last row sees.
    reach = of.reach(f.min(of.first + shape.owned, of.rows))
    wide = len(of.places)

    def one(first: Val, *sums: Val) -> tuple[Val, ...]:
        exist = [first + j < of.columns for j in of.places]
        scores = of.finished(of.products(query, key), first, epilogue, 0)
        p = [
            f.select(exist[i % wide], of.exponential(x - most[i // wide]) * share[i // wide], 0.0)
            for i, x in enumerate(scores)
        ]
        back = of.products(seed, value)
        ds = [x * (y - shares[i // wide]) for i, (x, y) in enumerate(zip(p, back, strict=True))]
        ds = of.finished(ds, first, gradient, operands)
        ds = [f.select(exist[i % wide], x, 0.0) for i, x in enumerate(ds)]
        return tuple(of.added(list(sums), ds, key, form.depth))

    gradients = in_tiles(of, [key, value], f.i64(0), reach, one, *of.no_sums(form.depth))
    of.store("query_gradient", list(gradients), form.depth)


def _statistics(of: Tiles, numbers: Sequence[Val]) -> tuple[list[Val], list[Val]]:
    """(maxima, factors of the exponentials) of rows."""
    f = of.f
    most = [f.load(of.pointer("maximum"), n, of.total) for n in numbers]
    total = [f.load(of.pointer("total"), n, of.total) for n in numbers]
    # One division for a row instead of one for each score.
    return most, [f.const(1.0, of.total) / x for x in total]


def _share_of_row(of: Tiles, row: Val) -> Val:
    """A row's sum of dO * O, over the threads that have cells of it."""
    f, (rank, count) = of.f, of.rank()
    places = [of.base(a) + row * of.layout.read(f, f"{a}.cross") for a in ("seed", "output")]
    steps = [
        of.layout.read(f, f"{a}.element") if a in of.form.turned else 1 for a in ("seed", "output")
    ]

    def add(k: Val, sum_: Val) -> tuple[Val]:
        x, y = (
            f.convert(f.load(of.pointer(a), place + k * step, of.form.element(a)), of.total)
            for a, place, step in zip(("seed", "output"), places, steps, strict=True)
        )
        return (f.fma(x, y, sum_),)

    (sum_,) = f.loop(rank, of.form.width, count, add, f.zero(of.total))
    return of.sum_of(sum_)


def write_keys(of: Tiles, epilogue: Epilogue, gradient: Epilogue, operands: int) -> None:
    """The kernel of dK and dV."""
    f, form, shape = of.f, of.form, of.shape
    key, value = (
        Tile(of, "key", shape.owned, form.depth),
        Tile(of, "value", shape.owned, form.width),
    )
    query = Tile(of, "query", shape.others, form.depth)
    seed = Tile(of, "seed", shape.others, form.width)
    key.put(key.fetch(of.first))
    value.put(value.fetch(of.first))
    room = f.shared(3 * shape.others * SIZE[of.total])
    wide = len(of.places)

    def one(first: Val, *carried: Val) -> tuple[Val, ...]:
        exist = [first + j < of.rows for j in of.places]
        most, share, d = (
            [f.load(room, j + i * shape.others, of.total) for j in of.places] for i in range(3)
        )
        scores = of.finished(of.products(key, query), first, epilogue, 0)
        p = [
            f.select(exist[i % wide], of.exponential(x - most[i % wide]) * share[i % wide], 0.0)
            for i, x in enumerate(scores)
        ]
        back = of.products(value, seed)
        ds = [x * (y - d[i % wide]) for i, (x, y) in enumerate(zip(p, back, strict=True))]
        ds = of.finished(ds, first, gradient, operands)
        ds = [f.select(exist[i % wide], x, 0.0) for i, x in enumerate(ds)]
        for_values, for_keys = list(carried[:count]), list(carried[count:])
        return (
            *of.added(for_values, p, seed, form.width),
            *of.added(for_keys, ds, query, form.depth),
        )

    first = _first_row(of)
    start = of.no_sums(form.width)
    count = len(start)
    start = (*start, *of.no_sums(form.depth))
    beside = partial(_put_statistics, of, room)
    sums = in_tiles(of, [query, seed], first, of.rows, one, *start, beside=beside)
    of.store("value_gradient", list(sums[:count]), form.width)
    of.store("key_gradient", list(sums[count:]), form.depth)


def _put_statistics(of: Tiles, room: Val, first: Val) -> None:
    """Stores m, 1 / l and D of the rows of a tile to shared memory."""
    f, others = of.f, of.shape.others

    def put() -> None:
        number = of.number(of.clamped(first + f.thread, "queries"))
        (most,), (share,) = _statistics(of, [number])
        d = f.load(of.pointer("scratch"), number, of.total)
        for i, x in enumerate((most, share, d)):
            f.store(x, room, f.thread + i * others)

    f.when(f.thread < others, put)


def _first_row(of: Tiles) -> Val:
    """The first row of the first tile of rows that see a column of the block."""
    f, others = of.f, of.shape.others
    first = f.i64(0)
    if of.form.causal:
        reach = of.layout.read(f, "reach")
        first = f.max(0, of.first + 1 - reach) // others * others
    return first
