"""Tiles of attention in bfloat16 by matrix registers (AMX), and rows packed for them.

    scores     two by two registers of sums, finished row by row from memory
    products   C += A B: rows of A hold pairs of neighbors along k, rows of B pairs of two rows

Results of the scores are rounded to bfloat16 before they are multiplied, as graphs of TensorFlow round them. A row's are stored over its
scores, where they take half of the room.
"""

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.compiler.codegen.contraction.products.matrix_registers import (
    SIDE,
    RegisterBlock,
    matrix_registers,
)
from penstock._src.compiler.codegen.contraction.products.pairs import PAIR, interleaved
from penstock._src.compiler.codegen.contraction.tile import times, transpose
from penstock._src.compiler.codegen.kernel_code import round_up
from penstock._src.native import Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import F32, I16, I64, PTR, vec

from .form import COLUMNS, ROWS, VECTORS
from .task import Task
from .tiles import RAGGED, Finish, ScoreTile, Tiles

SIDE_OF_TILE = VECTORS * SIDE  # rows and columns of a tile of scores
GROUP = PAIR * SIDE  # rows of k that one register multiplies
Strides = tuple[int, int, int]  # between rows of A, B and C, in words


class MatrixTiles(Tiles):
    """Writes the tiles of one kernel by matrix registers into its module."""

    def kinds_of_tiles(self) -> list[tuple[str, bool]]:
        return [("", False), (RAGGED, True)]

    def call_ragged(self, f: Fn, name: str, right: Val, call: Callable[[str], None]) -> None:
        call(name + RAGGED)

    def vectors_of(self, f: Fn, cols: Val, body: Callable, *carry: Val) -> tuple[Val, ...]:
        """Runs body(offset, *carry) for all vectors of a row of scores, up to a whole register."""
        return super().vectors_of(f, rounded_up(cols, SIDE_OF_TILE), body, *carry)

    def _emit_scores(
        self, name: str, depth: int, finish: Finish, operands: int, padding: float, ragged: bool, vectors: int
    ) -> None:  # fmt: skip
        with self.score_function(name) as f:
            self.multiply_scores(f, depth, f.scores, COLUMNS)

            def row(i: Val) -> None:
                tile, masks = self.rows_of_scores(f, operands, [i], ragged)
                sums = [
                    f.load(f.scores, i * COLUMNS + SIDE * j, vec(F32, SIDE)) for _, j in tile.cells
                ]
                for x, (_, j) in zip(finish(f, tile, sums), tile.cells, strict=True):
                    f.store(kept(f, masks[j], x, padding), f.scores, i * COLUMNS + SIDE * j)

            f.loop(f.i64(0), f.min(f.left, SIDE_OF_TILE), 1, row)

    def score_function(self, name: str) -> Fn:
        """A function of a tile of scores, as `sweep` calls it."""
        return self.module.fn(
            name, internal=True, noalias=False, a=PTR, b=PTR, ctx=PTR, scores=PTR, number=I64, column=I64, left=I64,
            cols=I64, shares=PTR,
        )  # fmt: skip

    def multiply_scores(self, f: Fn, depth: int, to: Val, width: int) -> None:
        """Stores the sums of a tile, in rows that are `width` apart."""
        steps = self.layout.steps(depth)
        block = RegisterBlock(matrix_registers(f, F32, PAIR), VECTORS, VECTORS)
        block.begin()

        def step(t: Val) -> None:
            lefts = [f.at(f.a, SIDE * i * steps + t * SIDE, F32) for i in range(VECTORS)]
            rights = [f.at(f.b, t * (SIDE * SIDE_OF_TILE) + SIDE * j, F32) for j in range(VECTORS)]
            block.multiply(lefts, steps, rights, SIDE_OF_TILE)

        f.loop(f.i64(0), steps // SIDE, 1, step)
        block.store(to, width, SIDE * width)

    def rows_of_scores(
        self, f: Fn, operands: int, rows: Sequence[Val], ragged: bool
    ) -> tuple[ScoreTile, list[Val | None]]:
        """The cells of some rows of a tile, and the masks of its vectors; rows past the end are the last one."""
        layout = self.layout
        step, width = layout.read(f, "statistics.cross"), layout.read(f, "columns")
        numbers = [f.number + f.min(i, f.left - 1) * step for i in rows]
        masks = [f.mask(SIDE, f.cols - SIDE * j) if ragged else None for j in range(VECTORS)]
        tile = ScoreTile(
            f, [(i, j) for i in range(len(rows)) for j in range(VECTORS)],
            lambda i, j: numbers[i] * width + f.column + SIDE * j, lambda j: f.column + SIDE * j,
            lambda j: masks[j], width, operands, numbers=numbers,
        )  # fmt: skip
        return tile, masks

    def add_product(self, f: Fn, a: Val, b: Val, c: Val, rows: Val | int, columns: Val | int, steps: Val | int,
                    strides: Strides) -> None:  # fmt: skip
        """c += a b over `steps` registers of k. Extents are rounded up to whole registers."""
        for left, right, across in _pieces(columns):
            for top, bottom, down in _pieces(rows):
                name = self._product(down, across, strides)

                def column(j: Val, top=top, bottom=bottom, down=down, name=name) -> None:
                    def tile(i: Val) -> None:
                        f.call(
                            name, f.at(a, times(f, i, strides[0]), F32), f.at(b, j, F32),
                            f.at(c, times(f, i, strides[2]) + j, F32), steps,
                        )  # fmt: skip

                    f.loop(f.i64(top), bottom, SIDE * down, tile)

                f.loop(f.i64(left), right, SIDE * across, column)

    def _product(self, down: int, across: int, strides: Strides) -> str:
        key = down, across, strides
        if key in self.known:
            return self.known[key]
        name = self.known[key] = f"product{len(self.known)}"
        of_a, of_b, of_c = strides
        with self.module.fn(
            name, internal=True, noalias=False, a=PTR, b=PTR, c=PTR, steps=I64
        ) as f:
            block = RegisterBlock(matrix_registers(f, F32, PAIR), down, across)
            block.load(f.c, of_c, SIDE * of_c)

            def step(t: Val) -> None:
                lefts = [f.at(f.a, SIDE * i * of_a + t * SIDE, F32) for i in range(down)]
                rights = [f.at(f.b, t * (SIDE * of_b) + SIDE * j, F32) for j in range(across)]
                block.multiply(lefts, of_a, rights, of_b)

            f.loop(f.i64(0), f.steps, 1, step)
            block.store(f.c, of_c, SIDE * of_c)
        return name


class MatrixTask(Task):
    """A task that packs rows for matrix registers."""

    def pack_whole_rows(self, name: str, first: Val, count: Val, depth: int, dst: Val) -> None:
        """Rows of pairs, in panels as high as a tile of scores; each is filled with zeros to whole registers, and the last one repeated."""
        f, layout = self.f, self.layout
        source, cross, base = self.array[name], self.cross[name] // PAIR, self.base[name] // PAIR
        steps, words = layout.steps(depth), depth // PAIR
        room = layout.panel_room(SIDE_OF_TILE, depth)

        def row(r: Val) -> None:
            start = base + (first + f.min(r, count - 1)) * cross
            to = f.at(dst, r // SIDE_OF_TILE * room + r % SIDE_OF_TILE * steps, F32)
            for k in range(0, steps, SIDE):
                mask = f.mask(SIDE, words - k) if words - k < SIDE else None
                f.store(f.load(source, start + k, vec(F32, SIDE), mask), to, k)

        f.loop(f.i64(0), rounded_up(count, SIDE_OF_TILE), 1, row)

    def pack_row_pairs(self, name: str, first: Val, count: Val, extent: int, dst: Val) -> None:
        """dst[r][k] = elements k of rows 2 r and 2 r + 1; missing rows are zero."""
        f, width = self.f, round_up(extent, SIDE)

        def pair(r: Val, exists: bool = True) -> None:
            for k in range(0, width, SIDE):
                here = f.mask(SIDE, extent - k) if extent - k < SIDE else None
                parts = [self._sixteen(name, first + r * PAIR, k, here)]
                second = self._sixteen(name, first + r * PAIR + 1, k, here) if exists else None
                parts.append(f.zero(parts[0].ty) if second is None else second)
                f.store(f.bits(interleaved(f, parts, SIDE), vec(F32, SIDE)), dst, r * width + k)

        whole = count // PAIR
        f.loop(f.i64(0), whole, 1, pair)
        f.when(count % PAIR > 0, lambda: pair(whole, exists=False))
        filled = (count + 1) // PAIR
        self.clear(f.at(dst, filled * width, F32), (groups_of(count) * SIDE - filled) * width)

    def pack_turned(self, name: str, count: Val, extent: int, dst: Val) -> None:
        """Blocks of ROWS rows turned: row k of a block has element k of all its rows in pairs; those past the end are zeros."""
        f, across = self.f, ROWS // PAIR
        width = round_up(extent, SIDE)

        whole = vec(I16, PAIR * SIDE)

        def group(r: Val) -> None:
            to = f.at(dst, r // ROWS * (width * across) + r % ROWS // PAIR, F32)
            # Rows past the end read the last one again, and are set to zeros at the end.
            rows = [r + f.min(i, count - 1 - r) for i in range(GROUP)]
            exist = f.mask(GROUP, count - r)

            def elements(k: Val | int) -> None:
                here = f.mask(SIDE, f.i64(extent) - k) if extent < width else None
                words = []
                for i in range(0, GROUP, PAIR):
                    parts = [self._sixteen(name, row, k, here) for row in rows[i : i + PAIR]]
                    words.append(f.bits(interleaved(f, parts, SIDE), vec(F32, SIDE)))
                for j, x in enumerate(transpose(f, words)):
                    x = f.select(exist, f.bits(x, whole), f.zero(whole))
                    f.store(f.bits(x, vec(F32, SIDE)), to, (f.i64(k) + j) * across)

            f.loop(0, width, SIDE, elements)

        f.loop(f.i64(0), count, GROUP, group)

    def _sixteen(self, name: str, row: Val, k: Val | int, mask: Val | None) -> Val:
        """The bits of elements k to k + 15 of a row."""
        start = self.base[name] + row * self.cross[name]
        return self.f.load(self.array[name], start + k, vec(I16, SIDE), mask)


def kept(f: Fn, mask: Val | None, x: Val, padding: float) -> Val:
    """x, with `padding` outside of the mask."""
    return x if mask is None else f.select(mask, x, padding)


def rounded_up(x: Val, unit: int) -> Val:
    """x rounded up to a multiple of `unit`."""
    return (x + (unit - 1)) // unit * unit


def groups_of(rows: Val) -> Val:
    """The number of registers that hold `rows` rows of k in pairs."""
    return (rows + (GROUP - 1)) // GROUP


def _pieces(extent: Val | int) -> list[tuple[Any, Any, int]]:
    """(start, end, registers of a tile) of the parts that an extent is divided into: those of two registers, and a last one."""
    whole = (extent + (SIDE - 1)) // SIDE_OF_TILE * SIDE_OF_TILE
    pieces = [(0, whole, VECTORS), (whole, extent, 1)]
    return [p for p in pieces if isinstance(extent, Val) or p[0] < p[1]]
