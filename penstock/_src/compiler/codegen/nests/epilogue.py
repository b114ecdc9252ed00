"""The expression of a contraction's epilogue as the hook that its emitter calls on register tiles."""

import dataclasses
from collections.abc import Iterable
from typing import Any

from penstock._src.compiler.codegen.kernel_code import RegisterTile
from penstock._src.compiler.codegen.nests.evaluator import Evaluator
from penstock._src.compiler.codegen.scalars.registers import memory_type, rounded, spread
from penstock._src.compiler.kernels.contraction import EpilogueExpression
from penstock._src.compiler.kernels.index import Division, Index, extent_key
from penstock._src.compiler.kernels.values import Value, closure
from penstock._src.ir.extents.dims import Dim
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I64, lanes
from penstock._src.native.language.value import Val


class ExpressionEpilogue:
    """Operands: a pointer for each slot of the expression but the first, then the Dims that it needs.

    A task's statistics are the expression's sums, one after the other, each a float for every column.
    """

    def __init__(self, expression: EpilogueExpression) -> None:
        # Codes are kept long after the nodes that the expression reads, and must not hold them.
        self.expression = dataclasses.replace(expression, slots=[])
        self.operands = len(expression.slots) - 1
        self.values = closure([expression.value, *expression.sums])
        self.root = next(v for v in self.values if v.kind == "load" and v.attrs[0] == 0)
        sums = len(expression.sums)
        self.partial_bytes = 4 * int(expression.column.extent) * sums if sums else 0
        self.extents = _distinct(x for v in self.values for a in v.attrs for x in _extents(a))
        self.whole = [
            v for v in self.values
            if v.kind == "load" and v.attrs[0] != 0 and v.attrs[1].key == expression.place.key and not v.args
        ]  # fmt: skip
        self.latest: TileValues | None = None  # of the tile whose statistics come next

    def values_of(self, f: Fn, tile: RegisterTile) -> "TileValues":
        """What writes the expression's values on a tile."""
        return TileValues(self, f, tile)

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

    def accumulate(self, f: Fn, tile: RegisterTile, values: list[Val], partial: Val) -> None:
        assert self.latest is not None and self.latest.tile is tile
        width = int(self.expression.column.extent)
        for k, body in enumerate(self.expression.sums):
            for j, total in self.latest.totals(body, values).items():
                at, mask = tile.column(j) + k * width, tile.mask(j)
                self.add_to_statistics(f, total, partial, at, mask)

    def add_to_statistics(self, f: Fn, total: Val, partial: Val, at: Any, mask: Val | None) -> None:
        """Adds the totals of some columns to a task's own."""
        f.store(f.load(partial, at, total.ty, mask) + total, partial, at, mask)


class TileValues(Evaluator):
    """Writes the values of an epilogue's expression on one tile.

    products    the tile's own values, as their narrow type holds them, infinities included
    columns     what is known of each column
    row, cell   that are written now
    """

    def __init__(self, epilogue: ExpressionEpilogue, f: Fn, tile: RegisterTile) -> None:
        pointers = [tile.operand(k) for k in range(epilogue.operands)]
        super().__init__(f, [None, *pointers])
        self.epilogue, self.expression, self.tile = epilogue, epilogue.expression, tile
        self.products: list[Val] = []
        self.columns: dict[int, dict[Any, Any]] = {}
        self.row = 0
        self.cell = (0, 0)

    def results(self, products: list[Val]) -> list[Val]:
        """The expression's value in each cell."""
        root = self.epilogue.root
        self.products = [rounded(self.f, x, root.dtype) for x in products]
        return [
            self._in_cell(cell, self.expression.value, {root.number: x})
            for cell, x in zip(self.tile.cells, self.products, strict=True)
        ]

    def totals(self, body: Value, results: list[Val]) -> dict[int, Val]:
        """The sums of a value over the rows of each column."""
        f, tile, root = self.f, self.tile, self.epilogue.root.number
        totals: dict[int, Val] = {}
        for (i, j), x, product in zip(tile.cells, results, self.products, strict=True):
            v = self._in_cell((i, j), body, {root: product, self.expression.value.number: x})
            exists = tile.row_exists(i)
            v = v if exists is None else f.select(exists, v, f.zero(v.ty))
            totals[j] = totals[j] + v if j in totals else v
        return totals

    def _in_cell(self, cell: tuple[int, int], value: Value, known: dict[Any, Any]) -> Val:
        """A value of the expression at a cell, given what is known there."""
        tile, expression, (i, j) = self.tile, self.expression, cell
        (first, *_) = known.values()
        self.vector, self.lanes, self.mask = expression.column, lanes(first.ty), tile.mask(j)
        self.open = {expression.row, expression.column}
        self.env = {expression.column: tile.column(j)}
        self.row, self.cell = i, (i, j)
        self.frames = [self._of_column(j), known]
        return spread(self.f, self.get(value), self.lanes)

    def _of_column(self, j: int) -> dict[Any, Any]:
        """What depends on the column only is computed once a column."""
        if j not in self.columns:
            self.columns[j] = {}
            self.frames = [self.columns[j]]
            for v in self.epilogue.values:
                if self.expression.row not in v.vars and v.kind != "const":
                    self.get(v)
        return self.columns[j]

    # -- what the evaluator asks
    def dim(self, x: Dim) -> Val:
        number = self.epilogue.extents.index(extent_key(x))
        return self.tile.operand(self.epilogue.operands + number, I64)

    def parts(self, index: Index) -> tuple[Any, Any, Val | None]:
        if index.key == self.expression.place.key:
            return self.tile.offset(*self.cell), 1, None
        return super().parts(index)

    def _atom(self, atom: Any) -> Any:
        if atom is self.expression.row and atom not in self.env:
            self.env[atom] = self.tile.row(self.row)
        return super()._atom(atom)


def _distinct(dims: Iterable[Dim]) -> list[Any]:
    """The expressions of Dims, each once, in order."""
    return list(dict.fromkeys(extent_key(x) for x in dims))


def _extents(attr: Any) -> list[Dim]:
    """The Dims in an attribute."""
    if type(attr) is Dim:
        return [attr]
    if not isinstance(attr, Index):
        return []
    found = _extents(attr.const)
    for atom, c in attr.terms:
        found += _extents(c)
        if isinstance(atom, Division):
            found += _extents(atom.divisor) + _extents(atom.index)
    return found
