"""A contraction's tail as the hook that its emitter calls on register tiles."""

from __future__ import annotations

from typing import Any

from penstock._src.compiler.codegen.kernel_code import Tile
from penstock._src.compiler.codegen.nests.evaluator import Evaluator
from penstock._src.compiler.codegen.scalars.registers import memory_type, spread
from penstock._src.compiler.schedule.contraction import Tail
from penstock._src.compiler.schedule.index import Division, Index, extent_key
from penstock._src.compiler.schedule.values import Value, closure
from penstock._src.ir.dims import Dim
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I64, lanes
from penstock._src.native.language.value import Val


class TailEpilogue(Evaluator):
    """Operands: a pointer for each slot of the tail but the first, then the Dims that it needs."""

    partial_bytes = 0

    def __init__(self, tail: Tail):
        super().__init__()
        self.tail = tail
        self.values = closure([tail.value])
        self.extents: list[Any] = []
        self.whole = [
            v for v in self.values
            if v.kind == "load" and v.attrs[0] != 0 and v.attrs[1].key == tail.place.key and not v.args
        ]  # fmt: skip
        self._columns: tuple[Tile | None, dict[int, dict[Any, Any]]] = (None, {})
        self._note_dims()

    def _note_dims(self) -> None:
        for v in self.values:
            for attr in v.attrs:
                for x in _extents(attr):
                    if extent_key(x) not in self.extents:
                        self.extents.append(extent_key(x))

    # -- the hook
    def prefetch(self, f: Fn, tile: Tile) -> None:
        for v in self.whole:
            pointer = tile.operand(v.attrs[0] - 1)
            for i, j in tile.cells:
                f.prefetch(pointer, tile.offset(i, j), memory_type(v.dtype))

    def apply(self, f: Fn, tile: Tile, values: list[Val]) -> list[Val]:
        self.f, self.tile = f, tile
        self.frames = [{}]
        self.pointers: list[Any] = [
            None,
            *[tile.operand(k) for k in range(len(self.tail.slots) - 1)],
        ]
        return [self._cell(i, j, x) for (i, j), x in zip(tile.cells, values, strict=True)]

    def clear(self, f: Fn, partial: Val) -> None:
        pass

    def accumulate(self, f: Fn, tile: Tile, values: list[Val], partial: Val) -> None:
        pass

    def _cell(self, i: int, j: int, x: Val) -> Val:
        tile, tail = self.tile, self.tail
        self.vector, self.lanes, self.mask = tail.column, lanes(x.ty), tile.mask(j)
        self.open = {tail.row, tail.column}
        self.env = {tail.column: tile.column(j)}
        self.row, self.cell = i, (i, j)
        shared = self._shared(j)
        self.frames = [shared, {self._root().number: x}]
        result = self.get(tail.value)
        return spread(self.f, result, self.lanes)

    def _shared(self, j: int) -> dict[Any, Any]:
        """What depends on the column only is computed once a column."""
        if self._columns[0] is not self.tile:
            self._columns = (self.tile, {})
        known = self._columns[1]
        if j not in known:
            known[j] = {}
            self.frames = [known[j]]
            for v in self.values:
                if self.tail.row not in v.vars and v.kind != "const":
                    self.get(v)
        return known[j]

    def _root(self) -> Value:
        return next(v for v in self.values if v.kind == "load" and v.attrs[0] == 0)

    # -- what the evaluator asks
    def dim(self, x: Dim) -> Val:
        return self.tile.operand(len(self.tail.slots) - 1 + self.extents.index(extent_key(x)), I64)

    def parts(self, index: Index) -> tuple[Any, Any, Val | None]:
        if index.key == self.tail.place.key:
            return self.tile.offset(*self.cell), 1, None
        return super().parts(index)

    def _atom(self, atom: Any) -> Any:
        if atom is self.tail.row and atom not in self.env:
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
