"""The common inner loop of all contractions: a register tile of outer products.

    acc[r][v] += broadcast(a[rows[r] + k]) * b[k][L v : L v + L]          L lanes of a vector

All sums of the tile stay in registers while k runs. A step loads nv vectors of b and `rows` elements of a for rows * nv multiply-adds, so a
larger tile needs fewer loads for each of them, up to the number of registers (`fits`).

`a` is read one element at a time, at offsets that are constants of the code or values, so it may be a packed panel, a plain
matrix or the pixels under a convolution window: images are never unrolled to columns (im2col). `b` is read in whole vectors.
"""

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.compiler.codegen.processors import processor_of
from penstock._src.native import Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import SIZE, lanes, scalar, vec
from penstock._src.util.dataclass import dataclass
from penstock._src.util.process.forks import cached_property

MOST_ROWS = 16
MOST_VECTORS = 6
IN_SECOND_CACHE = 2  # locality of prefetching, of three
MOST_PADDING = 1 / 20  # largest share of padding in the columns of prepacked panels


@dataclass(frozen=True)
class Types:
    """Element types of a contraction: of the operands, the sums, and the stored result."""

    left: str
    right: str
    total: str
    output: str

    def lanes(self, target: Target) -> int:
        return target.lanes(self.total)


class TileNumbers:
    """Numbers of a schedule's register tile, which is `nv` vectors of sums wide."""

    target: Target
    nv: int

    @property
    def types(self) -> Types:
        raise NotImplementedError

    @cached_property
    def lanes(self) -> int:
        """Lanes of a vector of sums."""
        return self.types.lanes(self.target)

    @property
    def size(self) -> int:
        """Bytes of a sum."""
        return SIZE[self.types.total]

    @property
    def nr(self) -> int:
        """Columns of the register tile."""
        return self.nv * self.lanes


def cost(rows: int, nv: int, target: Target) -> float:
    """Cycles of one step along k: two FMAs and two vector loads for each cycle, and an FMA's latency of 4.

    Without AVX-512 a broadcast is an instruction besides its load (measured with AVX2 on Zen 5).
    """
    broadcasts = processor_of(target).broadcast * rows
    # The bounds of the multipliers, of the load ports, and of the latency: a sum waits for its own last addition.
    return max(rows * nv / 2, (nv + broadcasts) / 2, 4)


def fits(rows: int, nv: int, target: Target) -> bool:
    """True if there are registers for the sums, a row of b and a broadcast element."""
    if (
        target.loads_first
    ):  # loads are separate instructions; without FMA, a product needs one more register
        return rows * nv + nv + rows + (0 if target.adds_products else 1) <= target.registers
    if rows == 1:  # b is multiplied straight from memory
        return nv + 2 <= target.registers
    # AVX-512 multiplies by a broadcast element in memory, without a register for it.
    folded = target.registers >= 32 and nv == 1
    return rows * nv + nv + (0 if folded else 1) <= target.registers


def cover(
    m: int,
    n: int,
    target: Target,
    width: int,
    most_vectors: int = MOST_VECTORS,
    most_rows: int = MOST_ROWS,
    idle: int = 0,
    is_kept: bool = False,
) -> tuple[int, int]:
    """The (rows, vectors) of the tile that covers m x n in the fewest cycles.

    Tiles without an edge get a small bonus, as they need half the code. Each tile has `idle` further rows.
    If panels of columns are cached (`is_kept`), the padding of the last one is limited.
    """
    vectors, stream = max(1, -(-n // width)), processor_of(target).stream
    m = max(1, m)

    def total(rows: int, nv: int) -> float:
        # Four kinds of tiles: whole ones, those of the last rows, those of the last columns, and the corner.
        cycles = 0.0
        for r, r_count in ((rows, m // rows), (m % rows, 1)):
            for v, v_count in ((nv, vectors // nv), (vectors % nv, 1)):
                if r and v:
                    cycles += r_count * v_count * max(cost(r + idle, v, target), v * stream)
        return cycles

    choices = [
        # Of equal cycles: the larger tile, with fewer loads for each product; then some eight rows.
        (total(r, v) * (1.03 if m % r or vectors % v else 1), -r * v, abs(r - 8), r, v)
        for v in range(1, min(most_vectors, vectors) + 1)
        for r in range(1, min(most_rows, m) + 1)
        if fits(r + idle, v, target) and not (is_kept and -vectors % v > MOST_PADDING * vectors)
    ]
    return min(choices)[3:]


def zeros(f: Fn, count: int, ty: str) -> list[Val]:
    return [f.zero(ty) for _ in range(count)]


def accumulate(
    f: Fn,
    types: Types,
    rows: Sequence[int | Val | None],
    nv: int,
    loops: Sequence[tuple],
    a: Val,
    b: Val,
    acc: Sequence[Val],
    b_masks: Sequence[Val | None] | None = None,
    a_type: str | None = None,
    b_type: str | None = None,
    unroll: int = 2,
    multiply: Callable[[Fn, Val, Val, Val], Val] = Fn.fma,
    read: Callable[[Fn, Val, Any], Val] | None = None,
    idle: int = 0,
    ahead: int = 0,
) -> list[Val]:
    """Emits the loop nest over k; returns the sums.

    `loops` are [(count, step in a, step in b), ...], outermost first: one loop for a matrix, one for each axis of a convolution's window. A row
    that is None has the constant `idle` for all its elements. `multiply(f, a, b, sum)` returns the next sum, `read(f, address, offset)` an element
    of a. If `ahead` is not 0, elements of b at this distance are prefetched into the L2. Steps are in elements of `a_type` and `b_type` (by default the type of the sums, as in packed panels).
    """
    total = types.total
    a_type, b_type = a_type or total, b_type or total
    width = lanes(acc[0].ty)
    vector = vec(b_type, width)
    masks = b_masks or [None] * nv

    def element(p: Val, offset) -> Val:
        x = read(f, p, offset) if read else f.load(p, offset, a_type)
        return f.splat(x if scalar(x.ty) == total else f.convert(x, total), width)

    def row_of_b(p: Val, v: int, offset) -> Val:
        x = f.load(p, offset + width * v, vector, masks[v])
        return x if b_type == total else f.convert(x, total)

    def step(a: Val, b: Val, ka, kb, acc: Sequence[Val]) -> list[Val]:
        bv = [row_of_b(b, v, kb) for v in range(nv)]
        for v in range(nv if ahead else 0):
            f.prefetch(b, kb + width * v + ahead, b_type, locality=IN_SECOND_CACHE)
        new = []
        for r, offset in enumerate(rows):
            x = f.const(idle, vec(total, width)) if offset is None else element(a, offset + ka)
            new += [multiply(f, x, bv[v], acc[r * nv + v]) for v in range(nv)]
        return new

    def nest(level: int, a: Val, b: Val, acc: Sequence[Val]) -> Sequence[Val]:
        count, sa, sb = loops[level]
        if level + 1 < len(loops):
            return f.loop(
                0, count, 1,
                lambda i, *acc: nest(level + 1, f.at(a, times(f, i, sa), a_type), f.at(b, times(f, i, sb), b_type), acc),
                *acc,
            )  # fmt: skip
        # The innermost loop is unrolled by u. A count that is known only at run time gets a second loop for the rest.
        u = unroll if not isinstance(count, int) or count > 2 * unroll else 1
        if f.target.loads_first:
            u = 1
        # A known count that the unrolled body does not divide would need a second copy of the body.
        if isinstance(count, int) and count % u:
            u = 1

        def body(i, *acc):
            ai, bi = f.at(a, times(f, i, sa), a_type), f.at(b, times(f, i, sb), b_type)
            for j in range(u):
                acc = step(ai, bi, times(f, j, sa), times(f, j, sb), acc)
            return acc

        if isinstance(count, int) or u == 1:
            return f.loop(0, count, u, body, *acc)
        main = count - count % u
        acc = f.loop(0, main, u, body, *acc)
        rest = lambda i, *acc: step(
            f.at(a, times(f, i, sa), a_type), f.at(b, times(f, i, sb), b_type), 0, 0, acc
        )
        return f.loop(main, count, 1, rest, *acc)

    return list(nest(0, a, b, list(acc)))


def times(f: Fn, i, stride):
    """i * stride of ints or values."""
    if isinstance(i, int) and isinstance(stride, Val):
        i, stride = stride, i
    return i * stride


def transpose(f: Fn, vectors: list[Val]) -> list[Val]:
    """Transposes n vectors of n lanes in registers, for n a power of two: log2(n) rounds that exchange blocks of s lanes."""
    n, s = len(vectors), len(vectors) // 2
    while s:
        out: list[Any] = [None] * n
        low = [i if not i & s else n + (i & ~s) for i in range(n)]
        high = [i | s if not i & s else n + i for i in range(n)]
        for i in range(n):
            if not i & s:
                out[i] = f.shuffle(vectors[i], vectors[i | s], low)
                out[i | s] = f.shuffle(vectors[i], vectors[i | s], high)
        vectors, s = out, s // 2
    return vectors


def store_as(f: Fn, value: Val, p: Val, offset, element: str, mask: Val | None = None) -> None:
    """Stores a value converted to `element`."""
    f.store(value if scalar(value.ty) == element else f.convert(value, element), p, offset, mask)


def word(f: Fn, x) -> Val:
    """An int or a value as i64."""
    return f.i64(x) if not isinstance(x, Val) else x


def pick(
    inner: int, total: int, vectors: int, target: Target, most_rows: int = 28
) -> tuple[int, int]:
    """(rows, vectors) of a tile over `total` rows, preferably with rows that divide the `inner` run of them.

    Such tiles are equal and share their code; otherwise there are tiles of several patterns. So the cost of others is raised slightly.
    """
    best: tuple = (float("inf"), 1, 1)
    total = max(1, total)
    vectors = max(1, vectors)
    for nv in range(1, min(vectors, 4) + 1):
        for r in range(1, min(most_rows, total) + 1):
            if not fits(r, nv, target):
                continue
            ideal = total * vectors / 2
            column = (total // r) * cost(r, nv, target) + (
                cost(total % r, nv, target) if total % r else 0
            )
            edge = -(-total // r) * cost(r, vectors % nv, target) if vectors % nv else 0
            kinds = 1 if inner % r == 0 or r % max(1, inner) == 0 else 4
            # The last terms favor large tiles: r rows share a load of b, nv vectors one of a.
            key = (
                (column * (vectors // nv) + edge) / ideal * (1 + 0.02 * kinds) + 0.15 / r + 0.1 / nv
            )
            if key < best[0]:
                best = key, r, nv
    return best[1:]


def row_groups(pixels: Sequence[tuple], rows: int) -> list[tuple[tuple, list[tuple]]]:
    """Pixels divided into tiles: (first pixel, all pixels of the tile)."""
    return [(pixels[i], list(pixels[i : i + rows])) for i in range(0, len(pixels), rows)]


def compress(calls: Sequence[tuple]) -> list[tuple]:
    """Run-length encodes tiles: runs of equal patterns at equal distances become loops (a, y, pattern, count, step of a, step of y)."""
    runs: list[tuple] = []
    for a, y, pattern in calls:
        if runs:
            first_a, first_y, known, n, da, dy = runs[-1]
            even = n == 1 or (a - first_a == n * da and y - first_y == n * dy)
            if known == pattern and even:
                # The division is exact: distances are equal from the second tile of a run.
                runs[-1] = first_a, first_y, known, n + 1, (a - first_a) // n, (y - first_y) // n
                continue
        runs.append((a, y, pattern, 1, 0, 0))
    return runs
