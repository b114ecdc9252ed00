"""The values of a contraction's epilogue on a register tile."""

from typing import Any

from penstock._src.compiler.codegen.kernel_code import RegisterTile
from penstock._src.compiler.codegen.nests.epilogue_form import EpilogueForm
from penstock._src.compiler.codegen.nests.evaluator import Evaluator
from penstock._src.compiler.codegen.scalars.registers import rounded, spread
from penstock._src.compiler.kernels.index import Index, extent_key
from penstock._src.compiler.kernels.values import Value
from penstock._src.ir.extents.dims import Dim
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I64, lanes
from penstock._src.native.language.value import Val


class TileValues(Evaluator):
    """Writes the values of an epilogue's expression on one tile.

    products    the tile's own values, as their narrow type holds them, infinities included
    columns     known values of each column
    rows        known values of each row
    row, cell   that are written now
    """

    def __init__(self, epilogue: EpilogueForm, f: Fn, tile: RegisterTile) -> None:
        pointers = [tile.operand(k) for k in range(epilogue.operands)]
        super().__init__(f, [None, *pointers])
        self.epilogue, self.expression, self.tile = epilogue, epilogue.expression, tile
        self.products: list[Val] = []
        self.columns: dict[int, dict[Any, Any]] = {}
        self.rows: dict[int, dict[Any, Any]] = {}
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
            # A row past the end repeats the last one's operands: it must not be counted.
            v = v if exists is None else f.select(exists, v, f.zero(v.ty))
            totals[j] = totals[j] + v if j in totals else v
        return totals

    def _in_cell(self, cell: tuple[int, int], value: Value, known: dict[Any, Any]) -> Val:
        """A value of the expression at a cell, given known values."""
        tile, expression, (i, j) = self.tile, self.expression, cell
        (first, *_) = known.values()
        self.vector, self.lanes, self.mask = expression.column, lanes(first.ty), tile.mask(j)
        self.row, self.cell = i, (i, j)
        of_row = self._of_row(i)
        self.open = {expression.row, expression.column}
        self.env = {expression.column: tile.column(j)}
        self.frames = [self._of_column(j), of_row, known]
        return spread(self.f, self.get(value), self.lanes)

    def _of_column(self, j: int) -> dict[Any, Any]:
        """Values that depend only on the column, which are computed once for each column."""
        if j not in self.columns:
            self.columns[j] = {}
            self.frames = [self.columns[j]]
            for v in self.epilogue.values:
                if self.expression.row not in v.vars and v.kind != "const":
                    self.get(v)
        return self.columns[j]

    def _of_row(self, i: int) -> dict[Any, Any]:
        """Values that depend only on the row, which are computed once for each row."""
        if i not in self.rows:
            self.rows[i] = {}
            self.open, self.env, self.frames = {self.expression.row}, {}, [self.rows[i]]
            for v in self.epilogue.of_rows:
                self.get(v)
        return self.rows[i]

    # -- called by the evaluator
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
