"""A loop nest as LLVM IR.

    tasks share out the outer loops; inside, loops run one after the other, the vector loop innermost.

A value is computed in the outermost loop that has its variables, so what does not vary along a loop stands before it
and what is common to reductions is computed once.  Reductions with equal loops run as one loop.  A vector may span
several registers: LLVM splits it, which gives reductions independent sums.

Context of a task: iterations a task takes, iterations in all, a pointer for each leaf and output, the Dims.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.compiler.codegen import memory, reductions, scalar
from penstock._src.compiler.codegen.code import POINTERS, NestCode
from penstock._src.compiler.codegen.registers import constant, register_type, spread, width
from penstock._src.compiler.codegen.shape_of_loops import CHUNK, Loops, choose_reduction_vector, vector_length
from penstock._src.compiler.schedule.index import Atom, Division, Dynamic, Index, Var, extent_key
from penstock._src.compiler.schedule.loops import LoopNest, Store
from penstock._src.compiler.schedule.values import Value, attr_key, closure
from penstock._src.core import dtypes
from penstock._src.ir.dims import Dim
from penstock._src.native import Code, Module
from penstock._src.native.language.types import I64, PTR
from penstock._src.native.language.value import Val


def emit_nest(nest: LoopNest, target: Any) -> NestCode:
    """The code of a loop nest."""
    return NestEmitter(nest, target).emit()


class NestEmitter:
    """Writes one nest. `frames` hold what is known at each open loop, innermost last."""

    def __init__(self, nest: LoopNest, target: Any):
        self.nest, self.target = nest, target
        self.loops = Loops(nest, target)
        self.order = nest.values()
        self.frames: list[dict[Any, Any]] = [{}]
        self.open: set[Var] = set()
        self.env: dict[Var, Any] = {}
        self.vector: Var | None = None  # the variable whose lanes are computed together
        self.lanes, self.mask = 1, None
        self.extents: list[Any] = []  # expressions of Dims, in order of their arguments
        self.extent_values: dict[Any, Val] = {}

    # -- the task
    def emit(self) -> NestCode:
        m = Module(self.target)
        count = len(self.nest.leaves) + len(self.nest.outputs)
        with m.task("task") as f:
            self.f = f
            self.pointers = [f.load(f.ctx, POINTERS + i, PTR) for i in range(count)]
            self.prologue_at, self.prologue_block = len(f.lines), f.block
            per, total = f.load(f.ctx, 0, I64), f.load(f.ctx, 1, I64)
            low = f.task * per
            self._hoist(self.order)
            f.loop(low, f.min(low + per, total), 1, self._iteration)
            first = POINTERS + count
            lines = [
                f"{v.s} = load i64, ptr {p}, align 8"
                for v, p in [(self.extent_values[e], f"%dim{i}") for i, e in enumerate(self.extents)]
            ]
            places = [
                f"%dim{i} = getelementptr inbounds i64, ptr %ctx, i64 {first + i}" for i in range(len(self.extents))
            ]
            f.lines[self.prologue_at : self.prologue_at] = [*places, *lines]
        return NestCode(Code.of(m), "task", tuple(self.extents), self.loops.iterations, self.loops.work)

    def _iteration(self, number: Val) -> None:
        """One round of the parallel loops: their variables from the round's number."""
        f = self.f
        self.frames.append({})
        rest: Any = number
        parallel = self.loops.parallel
        opened = []
        for i in range(len(parallel) - 1, -1, -1):
            var, chunked = parallel[i]
            if i == 0:
                here = rest
            else:
                extent = self.loops.rounds(var, chunked)
                divisor = self._divisor(extent)
                here, rest = rest % divisor, rest // divisor
            if chunked:
                self.chunk = here * CHUNK
            else:
                self.env[var] = here
                opened.append(var)
        self.open.update(opened)
        self._level(list(self.loops.serial), list(self.nest.stores))
        self.open.difference_update(opened)
        self.frames.pop()

    def _level(self, variables: list[Var], stores: list[Store]) -> None:
        """Everything under the loops open now: what can be stored here, then the next loop."""
        self._hoist(self.order)
        ready = [s for s in stores if s.vars <= self.open]
        self._store(ready)
        left = [s for s in stores if s not in ready]
        if not left:
            return
        if variables:
            var, *inner = variables
            self._scalar_loop(var, lambda: self._level(inner, left))
            return
        var = self.loops.vector
        low, high = 0, self.extent(var.extent)
        if self.loops.chunked:
            low = self.chunk
            high = self.f.min(low + CHUNK, self.f.i64(high))
        divisible = self._divides(self.loops.lanes, var.extent)
        self._vector_loop(var, self.loops.lanes, low, high, divisible, lambda: self._level([], left))

    @staticmethod
    def _divides(n: int, extent: int) -> bool:
        rest = extent % n
        return type(rest) is not Dim and rest == 0

    def _scalar_loop(self, var: Var, body: Callable[[], Any]) -> None:
        def one(i):
            self._within(var, i, body)

        self.f.loop(0, self.extent(var.extent), 1, one)

    def _within(self, var: Var, at: Any, body: Callable[[], Any]) -> Any:
        """body() with a variable's loop open."""
        self.frames.append({})
        self.open.add(var)
        self.env[var] = at
        result = body()
        self.open.discard(var)
        self.frames.pop()
        return result

    def _vector_loop(self, var: Var, n: int, low, high, divisible: bool, body: Callable[..., Any], *carry) -> tuple:
        """body(*carry) over whole vectors, then once masked for what is left."""
        f = self.f

        def step(mask):
            def one(i, *values):
                outer = self.vector, self.lanes, self.mask
                self.vector, self.lanes, self.mask = var, n, mask(i)
                result = self._within(var, i, lambda: body(*values))
                self.vector, self.lanes, self.mask = outer
                return result

            return one

        if n == 1:
            return f.loop(low, high, 1, step(lambda i: None), *carry)
        if isinstance(low, int) and isinstance(high, int):
            whole = low + (high - low) // n * n
        else:
            whole = low + (high - low) // n * n if not isinstance(low, int) else high // n * n
        carry = f.loop(low, whole, n, step(lambda i: None), *carry)
        if not divisible:
            carry = f.loop(whole, high, n, step(lambda i: f.mask(n, high - i)), *carry)
        return carry

    # -- known values
    def _find(self, key: Any) -> Any:
        for frame in reversed(self.frames):
            found = frame.get(key)
            if found is not None:
                return found
        return None

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

    def get(self, value: Value) -> Any:
        """The register that holds a value."""
        found = self._find(value.number)
        if found is None:
            found = self._compute(value)
            self.frames[-1][value.number] = found
        return found

    def _compute(self, v: Value) -> Any:
        f = self.f
        if v.kind == "const":
            return constant(f, v.attrs[0], v.dtype)
        if v.kind == "load":
            return self._load(v)
        if v.kind == "index":
            return self._number(v.attrs[0], v.dtype)
        if v.kind == "inside":
            return self._inside(*v.attrs)
        if v.kind in ("reduce", "arg_reduce"):
            self._reduce(v)
            return self._find(v.number)
        args = [self.get(a) for a in v.args]
        return scalar.apply(f, v.kind, v.dtype, [a.dtype for a in v.args], args)

    # -- indices
    def extent(self, x: int) -> Any:
        """An extent as a number of the code: an int, or the argument that a Dim is."""
        if type(x) is not Dim:
            return int(x)
        key = extent_key(x)
        if key not in self.extent_values:
            self.extents.append(key)
            self.extent_values[key] = Val(self.f, I64, f"%extent{len(self.extents)}")
        return self.extent_values[key]

    def _divisor(self, extent: int) -> Any:
        x = self.extent(extent)
        return self.f.max(x, 1) if isinstance(x, Val) else max(x, 1)

    def _partial(self, index: Index) -> None:
        """Adds up the terms of an address that are known by now."""
        key = ("partial", index.key)
        done, base = self._find(key) or (frozenset(), None)
        terms = [
            (a, c) for a, c in index.terms
            if a.number not in done and a.vars <= self.open and self.vector not in a.vars
        ]  # fmt: skip
        if not terms and base is not None:
            return
        base = self.extent(index.const) if base is None else base
        for a, c in terms:
            base = self._times(self._atom(a), c) + base
        self.frames[-1][key] = (done | {a.number for a, _ in terms}, base)

    def _times(self, x: Any, c: int) -> Any:
        c = self.extent(c)
        return x * c if isinstance(x, Val) or not isinstance(c, Val) else c * x

    def parts(self, index: Index) -> tuple[Any, Any, Val | None]:
        """(base, step, offsets): lane i's number is base + i * step + offsets[i]; base and step are scalars."""
        done, base = self._find(("partial", index.key)) or (frozenset(), self.extent(index.const))
        step: Any = 0
        offsets = None
        for atom, c in index.terms:
            if atom.number in done:
                continue
            if atom is self.vector:
                step = self.extent(c)
                base = self._times(self.env[atom], c) + base
                continue
            x = self._atom(atom)
            x = self._times(x, c)
            if isinstance(x, Val) and width(x) > 1:
                offsets = x if offsets is None else offsets + x
            else:
                base = x + base
        return base, step, offsets

    def _atom(self, atom: Atom) -> Any:
        """The i64 (or vector of them, or int) that an atom is."""
        if isinstance(atom, Var):
            return self.env[atom]
        if isinstance(atom, Dynamic):
            return self.f.convert(self.get(atom.value), I64, signed=True)
        key = ("atom", atom.number)
        found = self._find(key)
        if found is None:
            found = self.frames[-1][key] = self._division(atom)
        return found

    def _division(self, atom: Division) -> Any:
        x, divisor = self.index(atom.index), self._divisor(atom.divisor)
        if isinstance(x, int) and isinstance(divisor, int):
            return x // divisor if atom.quotient else x % divisor
        x = self.f.i64(x)
        op = "udiv" if atom.quotient else "urem"
        low, high = atom.index.range()
        fits = high is not None and type(high) is not Dim and high < 1 << 31 and type(low) is not Dim and low >= 0
        if width(x) > 1 and fits and isinstance(divisor, int):
            small = self.f.binary(op, self.f.convert(x, "i32"), divisor)
            return self.f.convert(small, I64)
        return self.f.binary(op, x, divisor)

    def index(self, index: Index) -> Any:
        """An index as an i64, or a vector of them where lanes differ, or an int."""
        base, step, offsets = self.parts(index)
        f = self.f
        if offsets is None and isinstance(step, int) and step == 0:
            return base
        total = spread(f, f.i64(base), self.lanes)
        if not (isinstance(step, int) and step == 0):
            numbers = f.lane_numbers(self.lanes, I64)
            total = total + (numbers if isinstance(step, int) and step == 1 else numbers * step)
        return total if offsets is None else total + offsets

    def _number(self, index: Index, dtype: Any) -> Any:
        x = self.index(index)
        x = self.f.i64(x) if isinstance(x, int) else x
        return scalar.apply(self.f, "cast", dtype, [dtypes.int64], [x])

    def _inside(self, index: Index, low: int, limit: int) -> Val:
        x = self.f.i64(self.index(index))
        return (x >= self.extent(low)) & (x < self.extent(limit))

    # -- memory
    def _load(self, v: Value) -> Any:
        slot, index = v.attrs
        base, step, offsets = self.parts(index)
        guard = self.get(v.args[0]) if v.args else None
        place = memory.Place(self.pointers[slot], base, step, offsets, self.lanes)
        return memory.load(self.f, place, v.dtype, self.mask, guard)

    def _store(self, stores: list[Store]) -> None:
        """All values first: an output may lie where an input was."""
        computed = [(s, self.parts(s.offset), self.get(s.value)) for s in stores]
        for s, (base, step, offsets), x in computed:
            place = memory.Place(self.pointers[s.slot], base, step, offsets, self.lanes)
            memory.store(self.f, place, s.dtype, x, self.mask)

    # -- reductions
    def _reduce(self, first: Value) -> None:
        """Computes a reduction and every other that may share its loops."""
        group = self._group(first)
        bodies = [v.args[0] for v in group]
        needed = closure(bodies)
        self._hoist(needed)
        variables = first.attrs[1] if first.kind == "reduce" else (first.attrs[1],)
        vector, n = (None, self.lanes)
        if self.vector is None:
            vector = choose_reduction_vector(variables, needed)
            if vector is not None:
                n = vector_length(self.target, vector, needed, reducing=True)
        widths = []
        for body in bodies:
            along = vector is not None or (self.vector is not None and self.vector in body.vars)
            widths.append(n if along else 1)
        work = [reductions.Running(self.f, v, w) for v, w in zip(group, widths)]
        limited = variables[0] if len(first.attrs) > 2 else None

        def high(var: Var) -> Any:
            return self._limit(var, first.attrs[2]) if var is limited else self.extent(var.extent)

        carry = [c for r in work for c in r.initial()]
        order = [v for v in variables if v is not vector]

        def inside(rest: list[Var], *carried):
            if rest:
                var, *inner = rest

                def one(i, *values):
                    def body():
                        self._hoist(needed)
                        return inside(inner, *values)

                    return self._within(var, i, body)

                return self.f.loop(0, high(var), 1, one, *carried)
            if vector is not None:
                return self._vector_loop(
                    vector, n, 0, high(vector), self._divides(n, vector.extent) and vector is not limited,
                    lambda *values: self._step(work, bodies, needed, values, True), *carried,
                )  # fmt: skip
            return self._step(work, bodies, needed, carried, False)

        carry = inside(order, *carry)
        for r, values in zip(work, _split(carry, work)):
            self.frames[-1][r.value.number] = r.result(values, vector is not None)

    def _limit(self, var: Var, limit: Index) -> Any:
        """How often a reduction's loop over a part of an axis runs."""
        return self.f.max(self.f.min(self.f.i64(self.index(limit)), self.extent(var.extent)), 0)

    def _step(self, work, bodies, needed, carried, by_vectors: bool) -> tuple:
        self._hoist(needed)
        out = []
        for r, body, values in zip(work, bodies, _split(carried, work)):
            x = spread(self.f, self.get(body), r.lanes)
            where = None
            if r.value.kind == "arg_reduce":
                where = spread(self.f, self.f.i64(self.index(_index_of(r.value.attrs[1]))), r.lanes)
            out += r.step(values, x, where, self.mask if by_vectors else None)
        return tuple(out)

    def _group(self, first: Value) -> list[Value]:
        group = [first]
        if first.kind == "arg_reduce":
            return group
        inside = _reductions_in(first)
        for v in self.order:
            if v is first or v.kind != "reduce" or not v.vars <= self.open:
                continue
            if attr_key(v.attrs[1:]) != attr_key(first.attrs[1:]):
                continue
            if self._find(v.number) is not None or (self.vector in v.vars) != (self.vector in first.vars):
                continue
            own = _reductions_in(v)
            if any(v.number in _reductions_in(g) or g.number in own for g in group) or v.number in inside:
                continue
            group.append(v)
        return group


def _reductions_in(v: Value) -> frozenset[int]:
    """Numbers of the reductions that a reduction's body needs."""
    return frozenset(x.number for x in closure(v.args) if x.kind in ("reduce", "arg_reduce"))


def _index_of(var: Var) -> Index:
    return Index(((var, 1),), 0)


def _split(values: Sequence[Any], work: Sequence[Any]) -> list[tuple]:
    out, start = [], 0
    for r in work:
        out.append(tuple(values[start : start + r.carried]))
        start += r.carried
    return out


__all__ = ["NestEmitter", "emit_nest", "register_type"]
