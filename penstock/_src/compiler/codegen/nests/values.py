"""The values and stores of a nest within the loops opened by its writer; shared by nests of CPUs and GPUs."""

from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.codegen.nests import memory
from penstock._src.compiler.codegen.nests.code import POINTERS
from penstock._src.compiler.codegen.nests.evaluator import Evaluator
from penstock._src.compiler.codegen.nests.stretches import split_carried
from penstock._src.compiler.codegen.scalars.registers import spread
from penstock._src.compiler.kernels.index import Index, Var, extent_key
from penstock._src.compiler.kernels.loop_nest import LoopNest, Store
from penstock._src.compiler.kernels.values import Value, attr_key, closure
from penstock._src.ir.extents.dims import Dim
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I64, PTR
from penstock._src.native.language.value import Val


class NestValues(Evaluator):
    """Writes values and stores of one nest; subclasses open its loops.

    order     all values, in an order in which they can be computed
    extents   expressions of the Dims that the code reads, in order of their arguments
    """

    def __init__(self, f: Fn, nest: LoopNest, pointers: int) -> None:
        super().__init__(f, [f.load(f.ctx, POINTERS + i, PTR) for i in range(pointers)])
        self.nest = nest
        self.order = nest.values()
        self.extents: list[Any] = []
        self.extent_values: dict[Any, Val] = {}
        self.prologue_at = len(f.lines)

    # -- Dims
    def dim(self, x: Dim) -> Val:
        """The argument that a Dim is."""
        key = extent_key(x)
        if key not in self.extent_values:
            self.extents.append(key)
            self.extent_values[key] = Val(self.f, I64, f"%extent{len(self.extents)}")
        return self.extent_values[key]

    def load_extents(self) -> tuple[Any, ...]:
        """Loads the Dims used by the code so far: they follow the pointers in the context, in the order returned."""
        first = POINTERS + len(self.pointers)
        lines = [
            f"{self.extent_values[e].s} = load i64, ptr %dim{i}, align 8"
            for i, e in enumerate(self.extents)
        ]
        places = [
            f"%dim{i} = getelementptr inbounds i64, ptr %ctx, i64 {first + i}"
            for i in range(len(self.extents))
        ]
        self.f.lines[self.prologue_at : self.prologue_at] = [*places, *lines]
        return tuple(self.extents)

    # -- known values
    def _hoist(self, values: Sequence[Value]) -> None:
        """Computes every value that the open loops suffice for, and the parts of addresses."""
        for v in values:
            if v.kind == "const":
                continue
            if v.vars <= self.open:
                self.get(v)
            elif v.kind == "load":
                self._partial(v.attrs[1])
        for s in self.nest.stores:
            if not s.offset.vars <= self.open:
                self._partial(s.offset)

    # -- memory
    def _store(self, stores: Sequence[Store]) -> None:
        """All values first: an output may lie where an input was."""
        computed = [(s, self.parts(s.offset), self.get(s.value)) for s in stores]
        for s, (base, step, offsets), x in computed:
            place = memory.Elements(self.pointers[s.slot], base, step, offsets, self.lanes)
            memory.store(self.f, place, s.dtype, x, self.mask)

    # -- reductions
    def _limit(self, var: Var, limit: Index) -> Any:
        """The trip count of a reduction's loop over a part of an axis."""
        return self.f.max(self.f.min(self.f.i64(self.index(limit)), self.extent(var.extent)), 0)

    def _step(self, work, bodies, needed, carried, by_vectors: bool) -> tuple:
        """The next results of reductions; `carried` are the results so far."""
        self._hoist(needed)
        out = []
        for r, body, values in zip(work, bodies, split_carried(carried, work)):
            x = spread(self.f, self.get(body), r.lanes)
            where = None
            if r.value.kind == "arg_reduce":
                where = spread(self.f, self.f.i64(self.index(_index_of(r.value.attrs[1]))), r.lanes)
            out += r.step(values, x, where, self.mask if by_vectors else None)
        return tuple(out)

    def _group(self, first: Value) -> list[Value]:
        """A reduction and those that may share its loops."""
        group = [first]
        if first.kind == "arg_reduce":
            return group
        inside = _reductions_in(first)
        for v in self.order:
            if v is first or v.kind != "reduce" or not v.vars <= self.open:
                continue
            if attr_key(v.attrs[1:]) != attr_key(first.attrs[1:]):
                continue
            if self._find(v.number) is not None or (self.vector in v.vars) != (
                self.vector in first.vars
            ):
                continue
            own = _reductions_in(v)
            if (
                any(v.number in _reductions_in(g) or g.number in own for g in group)
                or v.number in inside
            ):
                continue
            group.append(v)
        return group


def _reductions_in(v: Value) -> frozenset[int]:
    """Numbers of the reductions that a reduction's body needs."""
    return frozenset(x.number for x in closure(v.args) if x.kind in ("reduce", "arg_reduce"))


def _index_of(var: Var) -> Index:
    return Index(((var, 1),), 0)
