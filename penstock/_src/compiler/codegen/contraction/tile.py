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
UNROLL = 2  # steps along k in a turn of the innermost loop
IN_SECOND_CACHE = 2  # locality of prefetching, of three
MOST_PADDING = 1 / 20  # largest share of padding in the columns of prepacked panels
FMAS_PER_CYCLE = 2
# Weights of `cover` and `pick`, in shares of the cycles of the multiply-adds: they choose between tiles that `cost` sees as equal. For 440
# convolutions and 195 products on a processor with AVX-512, at most every eighth choice changes if EDGES or PATTERN is halved or doubled, or
# if LOAD_OF_A or LOAD_OF_B is a quarter more or less.
EDGES = 1.03  # `cover`: tiles of several sizes, which need about twice the code
TYPICAL_ROWS = 8  # `cover`: the preferred height among equal tiles
PATTERN = 0.02  # `pick`: each pattern of addresses, which has code of its own
SEVERAL_PATTERNS = 4  # `pick`: patterns of tiles whose rows do not divide a run of rows
LOAD_OF_B = 0.15  # `pick`: a load of b, which the rows of a tile share
LOAD_OF_A = 0.1  # `pick`: a load of a, which the vectors of a tile share
MOST_PICKED_VECTORS = 4  # `pick`: the widest tile


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
    return max(rows * nv / FMAS_PER_CYCLE, (nv + broadcasts) / 2, 4)


def fits(rows: int, nv: int, target: Target) -> bool:
    """True if there are registers for the sums, a row of b and a broadcast element."""
    # Loads are separate instructions; without FMA, a product needs one more register.
    if target.loads_first:
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
        # Of equal cycles: the larger tile, with fewer loads for each product; then the usual number of rows.
        (total(r, v) * (EDGES if m % r or vectors % v else 1), -r * v, abs(r - TYPICAL_ROWS), r, v)
        for v in range(1, min(most_vectors, vectors) + 1)
        for r in range(1, min(most_rows, m) + 1)
        if fits(r + idle, v, target) and not (is_kept and -vectors % v > MOST_PADDING * vectors)
    ]
    return min(choices)[3:]


def zeros(f: Fn, count: int, ty: str) -> list[Val]:
    return [f.zero(ty) for _ in range(count)]


@dataclass(frozen=True)
class Reads:
    """How `accumulate` reads its operands; by default both are panels of the sums' type.

    left, right  types of the elements of a and b; None: the type of the sums
    element      element(f, address, offset) is an element of a; None: it is loaded
    idle         the constant that a row without an offset has for all its elements
    ahead        elements of b from those read to those fetched into the L2; 0: nothing is prefetched
    fetch        fetch(i), for each i < fetches, asks for other memory during the first half of the innermost loop; None: nothing is asked for
    """

    left: str | None = None
    right: str | None = None
    element: Callable[[Fn, Val, Any], Val] | None = None
    idle: int = 0
    ahead: int = 0
    fetch: Callable[[Val], None] | None = None
    fetches: int = 0


PANELS = Reads()


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
    *,
    reads: Reads = PANELS,
    multiply: Callable[[Fn, Val, Val, Val], Val] = Fn.fma,
) -> list[Val]:
    """Emits the loop nest over k; returns the sums.

    `loops` are [(count, step in a, step in b), ...], outermost first: one loop for a matrix, one for each axis of a convolution's window.
    Steps are in elements of the operands' types (`reads`). A row that is None is idle. `multiply(f, a, b, sum)` returns the next sum.
    """
    masks = b_masks or [None] * nv
    return list(_Nest(f, types.total, rows, masks, loops, reads, multiply).emit(0, a, b, acc))


@dataclass(frozen=True)
class _Nest:
    """The loops over k of one tile, whose sums are vectors of `total`; a mask for each of its vectors of columns."""

    f: Fn
    total: str
    rows: Sequence[int | Val | None]
    masks: Sequence[Val | None]
    loops: Sequence[tuple]
    reads: Reads
    multiply: Callable[[Fn, Val, Val, Val], Val]

    @property
    def left_type(self) -> str:
        return self.reads.left or self.total

    @property
    def right_type(self) -> str:
        return self.reads.right or self.total

    def emit(self, level: int, a: Val, b: Val, acc: Sequence[Val]) -> Sequence[Val]:
        """Emits the loops from this level inwards; returns the sums."""
        f = self.f
        count, step_a, step_b = self.loops[level]
        if level + 1 == len(self.loops):
            return self._innermost(a, b, acc)

        def turn(i: Val, *acc: Val) -> Sequence[Val]:
            here_a = f.at(a, times(f, i, step_a), self.left_type)
            here_b = f.at(b, times(f, i, step_b), self.right_type)
            return self.emit(level + 1, here_a, here_b, acc)

        return f.loop(0, count, 1, turn, *acc)

    def _innermost(self, a: Val, b: Val, acc: Sequence[Val]) -> Sequence[Val]:
        """The unrolled loop; a count that is known only at run time gets a second loop for the rest."""
        f = self.f
        count, step_a, step_b = self.loops[-1]
        unroll = self._unrolled(count)

        def turns(i: Val, number: int, acc: Sequence[Val]) -> Sequence[Val]:
            here_a = f.at(a, times(f, i, step_a), self.left_type)
            here_b = f.at(b, times(f, i, step_b), self.right_type)
            for j in range(number):
                acc = self._step(here_a, here_b, times(f, j, step_a), times(f, j, step_b), acc)
            return acc

        several = lambda i, *acc: turns(i, unroll, acc)
        if isinstance(count, int) or unroll == 1:
            return self._with_fetches(count, unroll, several, acc)
        main = count - count % unroll
        acc = self._with_fetches(main, unroll, several, acc)
        return f.loop(main, count, 1, lambda i, *acc: turns(i, 1, acc), *acc)

    def _with_fetches(
        self, count: int | Val, unroll: int, turn: Callable, acc: Sequence[Val]
    ) -> Sequence[Val]:
        """The loop of `turn` over count, a multiple of `unroll`; it is interrupted by the fetches of `reads`."""
        f, fetch, fetches = self.f, self.reads.fetch, self.reads.fetches
        if fetch is None:
            return f.loop(0, count, unroll, turn, *acc)
        # What is asked for last still has half of the loop to come.
        piece = count // (2 * fetches * unroll) * unroll

        def stretch(i: Val, *acc: Val) -> Sequence[Val]:
            fetch(i)
            start = i * piece
            end = f.select(i.eq(fetches - 1), word(f, count), start + piece)
            return f.loop(start, end, unroll, turn, *acc)

        return f.loop(f.i64(0), fetches, 1, stretch, *acc)

    def _unrolled(self, count: int | Val) -> int:
        """Steps in one turn of the innermost loop."""
        if self.f.target.loads_first:
            return 1
        # A known count that the unrolled body does not divide would need a second copy of the body.
        if isinstance(count, int) and (count <= 2 * UNROLL or count % UNROLL):
            return 1
        return UNROLL

    def _step(self, a: Val, b: Val, offset_a, offset_b, acc: Sequence[Val]) -> list[Val]:
        """Adds the outer product of one k to the sums."""
        f, width, nv = self.f, lanes(acc[0].ty), len(self.masks)
        columns = [self._columns(b, offset_b + width * v, width, self.masks[v]) for v in range(nv)]
        if self.reads.ahead:
            for v in range(nv):
                at = offset_b + width * v + self.reads.ahead
                f.prefetch(b, at, self.right_type, locality=IN_SECOND_CACHE)
        sums: list[Val] = []
        for row in self.rows:
            x = self._row(a, row, offset_a, width)
            earlier = acc[len(sums) : len(sums) + nv]
            sums += [self.multiply(f, x, y, s) for y, s in zip(columns, earlier, strict=True)]
        return sums

    def _row(self, a: Val, row: int | Val | None, offset_a, width: int) -> Val:
        """The element of a row in all lanes of a vector."""
        f, read = self.f, self.reads.element
        if row is None:
            return f.const(self.reads.idle, vec(self.total, width))
        at = row + offset_a
        x = read(f, a, at) if read else f.load(a, at, self.left_type)
        return f.splat(x if scalar(x.ty) == self.total else f.convert(x, self.total), width)

    def _columns(self, b: Val, at, width: int, mask: Val | None) -> Val:
        """A vector of b, as the sums' type."""
        x = self.f.load(b, at, vec(self.right_type, width), mask)
        return x if self.right_type == self.total else self.f.convert(x, self.total)


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
    total, vectors = max(1, total), max(1, vectors)
    best: tuple = (float("inf"), 1, 1)
    for nv in range(1, min(vectors, MOST_PICKED_VECTORS) + 1):
        for r in range(1, min(most_rows, total) + 1):
            if not fits(r, nv, target):
                continue
            patterns = 1 if inner % r == 0 or r % max(1, inner) == 0 else SEVERAL_PATTERNS
            relative = _cycles(r, nv, total, vectors, target) / (total * vectors / FMAS_PER_CYCLE)
            key = relative * (1 + PATTERN * patterns) + LOAD_OF_B / r + LOAD_OF_A / nv
            if key < best[0]:
                best = key, r, nv
    return best[1:]


def _cycles(rows: int, nv: int, total: int, vectors: int, target: Target) -> float:
    """Cycles of a step along k of all tiles that cover `total` rows of this many vectors."""
    column = (total // rows) * cost(rows, nv, target) + (
        cost(total % rows, nv, target) if total % rows else 0
    )
    edge = -(-total // rows) * cost(rows, vectors % nv, target) if vectors % nv else 0
    return column * (vectors // nv) + edge


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
