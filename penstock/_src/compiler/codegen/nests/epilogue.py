"""The expression of a contraction's epilogue as the hook that its emitter calls on register tiles; tile_values.py writes it."""

from typing import Any, Protocol

from penstock._src.compiler.codegen.kernel_code import RegisterTile
from penstock._src.compiler.codegen.nests.epilogue_form import EpilogueForm
from penstock._src.compiler.codegen.scalars.registers import memory_type
from penstock._src.compiler.kernels.contraction import EpilogueExpression
from penstock._src.compiler.kernels.values import Value
from penstock._src.native.language.function import Fn
from penstock._src.native.language.value import Val
from penstock._src.util.lazy import ByName

# Imported by name: the text of a kernel is written only if its object code is not cached.
_TILE_VALUES = ByName(f"{__package__}.tile_values", "TileValues")


class ValuesOfTile(Protocol):
    """Writes the values of an epilogue's expression on one tile."""

    tile: RegisterTile

    def results(self, products: list[Val]) -> list[Val]:
        """The expression's value in each cell."""

    def totals(self, body: Value, results: list[Val]) -> dict[int, Val]:
        """The sums of a value over the rows of each column."""


class ExpressionEpilogue(EpilogueForm):
    """The hook of an expression."""

    def __init__(self, expression: EpilogueExpression) -> None:
        super().__init__(expression)
        self.latest: ValuesOfTile | None = None  # values of the tile whose statistics follow

    def values_of(self, f: Fn, tile: RegisterTile) -> ValuesOfTile:
        """The writer of the expression's values on a tile."""
        values: ValuesOfTile = _TILE_VALUES(self, f, tile)
        return values

    # -- the hook
    def prefetch(self, f: Fn, tile: RegisterTile) -> None:
        for v in self.whole:
            pointer = tile.operand(v.attrs[0] - 1)
            for i, j in tile.cells:
                f.prefetch(pointer, tile.offset(i, j), memory_type(v.dtype))

    def apply(self, f: Fn, tile: RegisterTile, values: list[Val]) -> list[Val]:
        self.latest = self.values_of(f, tile)
        return self.latest.results(values)

    def clear(self, f: Fn, partial: Val) -> None:
        f.memset(partial, 0, self.partial_bytes)

    def totals(self, tile: RegisterTile, values: list[Val]) -> list[Val]:
        assert self.latest is not None and self.latest.tile is tile
        latest = self.latest
        return [x for body in self.expression.sums for x in latest.totals(body, values).values()]

    def accumulate(self, f: Fn, tile: RegisterTile, totals: list[Val], partial: Val) -> None:
        width = int(self.expression.column.extent) if totals else 0
        columns = list(dict.fromkeys(j for _, j in tile.cells))
        for number, total in enumerate(totals):
            # The sums of all columns by one body, then those by the next.
            k, j = number // len(columns), columns[number % len(columns)]
            at, mask = tile.column(j) + k * width, tile.mask(j)
            self.add_to_statistics(f, total, partial, at, mask)

    def add_to_statistics(self, f: Fn, total: Val, partial: Val, at: Any, mask: Val | None) -> None:
        """Adds the totals of some columns to a task's own."""
        f.store(f.load(partial, at, total.ty, mask) + total, partial, at, mask)
