"""The expression of a contraction's epilogue as the hook that its emitter calls on register tiles."""

import dataclasses
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


class ExpressionEpilogue(Evaluator):
    """Operands: a pointer for each slot of the expression but the first, then the Dims that it needs.

    A task's statistics are the expression's sums, one after the other, each a float for every column.
    """

    def __init__(self, expression: EpilogueExpression):
        super().__init__()
        # Codes are kept long after the nodes that the expression reads, and must not hold them.
        self.expression = dataclasses.replace(expression, slots=[])
        self.operands = len(expression.slots) - 1
        self.values = closure([expression.value, *expression.sums])
        sums = len(expression.sums)
        self.partial_bytes = 4 * int(expression.column.extent) * sums if sums else 0
        self.extents: list[Any] = []
        self.whole = [
            v for v in self.values
            if v.kind == "load" and v.attrs[0] != 0 and v.attrs[1].key == expression.place.key and not v.args
        ]  # fmt: skip
        self._columns: tuple[RegisterTile | None, dict[int, dict[Any, Any]]] = (None, {})
        self._note_dims()

    def _note_dims(self) -> None:
        for v in self.values:
            for attr in v.attrs:
                for x in _extents(attr):
                    if extent_key(x) not in self.extents:
                        self.extents.append(extent_key(x))

    # -- the hook
    def prefetch(self, f: Fn, tile: RegisterTile) -> None:
        for v in self.whole:
            pointer = tile.operand(v.attrs[0] - 1)
            for i, j in tile.cells:
                f.prefetch(pointer, tile.offset(i, j), memory_type(v.dtype))

    def apply(self, f: Fn, tile: RegisterTile, values: list[Val]) -> list[Val]:
        self.f, self.tile = f, tile
        self.frames = [{}]
        self.pointers: list[Any] = [
            None,
            *[tile.operand(k) for k in range(self.operands)],
        ]
        # What follows takes the product as a narrow type holds it, infinities included.
        values = [rounded(f, x, self._root().dtype) for x in values]
        self.raw = values
        return [
            self._cell(cell, self.expression.value, {self._root().number: x})
            for cell, x in zip(tile.cells, values, strict=True)
        ]

    def clear(self, f: Fn, partial: Val) -> None:
        f.memset(partial, 0, self.partial_bytes)

    def accumulate(self, f: Fn, tile: RegisterTile, values: list[Val], partial: Val) -> None:
        expression, width = self.expression, int(self.expression.column.extent)
        root = self._root().number
        for k, body in enumerate(expression.sums):
            totals: dict[int, Val] = {}
            for (i, j), x, raw in zip(tile.cells, values, self.raw, strict=True):
                v = self._cell((i, j), body, {root: raw, expression.value.number: x})
                exists = tile.row_exists(i)
                v = v if exists is None else f.select(exists, v, f.zero(v.ty))
                totals[j] = totals[j] + v if j in totals else v
            for j, total in totals.items():
                at, mask = tile.column(j) + k * width, tile.mask(j)
                self.add_to_statistics(f, total, partial, at, mask)

    def add_to_statistics(self, f: Fn, total: Val, partial: Val, at: Any, mask: Val | None) -> None:
        """Adds the totals of some columns to a task's own."""
        f.store(f.load(partial, at, total.ty, mask) + total, partial, at, mask)

    def _cell(self, cell: tuple[int, int], value: Value, known: dict[Any, Any]) -> Val:
        """A value of the expression at a cell, given what is known there."""
        tile, expression, (i, j) = self.tile, self.expression, cell
        (first, *_) = known.values()
        self.vector, self.lanes, self.mask = expression.column, lanes(first.ty), tile.mask(j)
        self.open = {expression.row, expression.column}
        self.env = {expression.column: tile.column(j)}
        self.row, self.cell = i, (i, j)
        self.frames = [self._shared(j), known]
        return spread(self.f, self.get(value), self.lanes)

    def _shared(self, j: int) -> dict[Any, Any]:
        """What depends on the column only is computed once a column."""
        if self._columns[0] is not self.tile:
            self._columns = (self.tile, {})
        known = self._columns[1]
        if j not in known:
            known[j] = {}
            self.frames = [known[j]]
            for v in self.values:
                if self.expression.row not in v.vars and v.kind != "const":
                    self.get(v)
        return known[j]

    def _root(self) -> Value:
        return next(v for v in self.values if v.kind == "load" and v.attrs[0] == 0)

    # -- what the evaluator asks
    def dim(self, x: Dim) -> Val:
        return self.tile.operand(self.operands + self.extents.index(extent_key(x)), I64)

    def parts(self, index: Index) -> tuple[Any, Any, Val | None]:
        if index.key == self.expression.place.key:
            return self.tile.offset(*self.cell), 1, None
        return super().parts(index)

    def _atom(self, atom: Any) -> Any:
        if atom is self.expression.row and atom not in self.env:
            self.env[atom] = self.tile.row(self.row)
        return super()._atom(atom)


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
