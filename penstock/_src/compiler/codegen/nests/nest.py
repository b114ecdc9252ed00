"""A loop nest as LLVM IR.

    tasks share out the outer loops; inside, loops run one after the other, the vector loop innermost.

A value is computed in the outermost loop that has its variables, so that loop invariants are computed before a loop
and common values of reductions once. Reductions with equal loops run as one loop. A vector may span
several registers: LLVM splits it, which gives reductions independent sums.

Context of a task: iterations a task takes, iterations in all, a pointer for each leaf and output, the Dims.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from typing import Any

from penstock._src.compiler.codegen.contraction.tile import transpose
from penstock._src.compiler.codegen.nests import reductions
from penstock._src.compiler.codegen.nests.choice import (
    CHUNK,
    Loops,
    choose_reduction_vector,
    short_row_lanes,
    vector_length,
)
from penstock._src.compiler.codegen.nests.stretches import (
    additions,
    combined,
    in_stretches,
    initial,
    lengths,
    rounds,
    split_carried,
    steps_of,
)
from penstock._src.compiler.codegen.nests.values import NestValues
from penstock._src.compiler.codegen.scalars import calls
from penstock._src.compiler.codegen.scalars.registers import joined, memory_type, parts, spread
from penstock._src.compiler.kernels.index import Var
from penstock._src.compiler.kernels.loop_nest import LoopNest, Store
from penstock._src.compiler.kernels.values import Value, closure
from penstock._src.ir.extents.dims import Dim, is_one
from penstock._src.native import Code, Module, Target
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I64, size_of, vec
from penstock._src.native.language.value import Val

MOST_ROUNDS = 16  # most iterations of a loop that is unrolled completely
UNROLLED = 4  # partial results of a reduction that would wait for its own additions


def write_nest(nest: LoopNest, loops: Loops, pointers: int, target: Target) -> Code:
    """Writes the code of a nest.

    Args:
      nest: without leaves and outputs.
      loops: the choice of its loops.
      pointers: its number of leaves and outputs.
      target: the target of the code.
    """
    module = Module(target)
    with module.task("task") as f:
        extents = NestWriter(f, nest, loops, pointers).write()
    return Code.of(module, extents)


class NestWriter(NestValues):
    """Writes the task of one nest.

    called  functions that are written once, and called
    start   of the chunk of the vector loop that is a round; `tile`, of the block of a transposition
    """

    def __init__(self, f: Fn, nest: LoopNest, loops: Loops, pointers: int) -> None:
        super().__init__(f, nest, pointers)
        self.loops = loops
        self.called = calls.called_often(self.order)
        self.start: Any = None
        self.tile: Any = None

    def write(self) -> tuple[Any, ...]:
        """Writes the text, and returns the order in which it reads the Dims."""
        f = self.f
        per, total = f.load(f.ctx, 0, I64), f.load(f.ctx, 1, I64)
        low = f.task * per
        self._hoist(self.order)
        f.loop(low, f.min(low + per, total), 1, self._iteration)
        return self.load_extents()

    def _applied(self, v: Value, args: Sequence[Any]) -> Any:
        if calls.key_of(v) in self.called:
            return calls.call(self.f, v, args)
        return super()._applied(v, args)

    def _iteration(self, number: Val) -> None:
        """One round of the parallel loops: their variables from the round's number."""
        self.frames.append({})
        rest: Any = number
        parallel = self.loops.parallel
        opened = []
        # From the inside: the innermost parallel loop changes fastest from round to round.
        for i in range(len(parallel) - 1, -1, -1):
            var, in_parts = parallel[i]
            # The outermost variable is all that is left: no remainder is needed.
            if i == 0:
                here = rest
            else:
                extent = self.loops.rounds(var, in_parts)
                divisor = self._divisor(extent)
                here, rest = rest % divisor, rest // divisor
            if in_parts and var is self.loops.vector:
                self.start = here * CHUNK
            elif in_parts:
                self.tile = here * self.loops.tile
            else:
                self.env[var] = here
                opened.append(var)
        self.open.update(opened)
        self._level(list(self.loops.serial), list(self.nest.stores))
        self.open.difference_update(opened)
        self.frames.pop()

    def _level(self, variables: list[Var], stores: list[Store]) -> None:
        """Everything under the open loops: the stores that are possible here, then the next loop."""
        if not variables and self.loops.in_registers and self.vector is None:
            self._row(lambda: self._level([], stores))
            return
        self._hoist(self.order)
        # A store goes into the outermost loop that has its variables, so that it is written once.
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
            low = self.start
            high = self.f.min(low + CHUNK, self.f.i64(high))
        lengths = [self.loops.lanes, *self.loops.rest]
        for n in lengths:
            divisible = self._divides(n, var.extent)
            is_last = divisible or n == lengths[-1]
            # Shorter vectors take what longer ones leave; only the last kind may need a mask.
            end = high if is_last else low + (high - low) // n * n
            self._vector_loop(var, n, low, end, divisible or not is_last, lambda: self._inner(left))
            if is_last:
                break
            low = end

    def _inner(self, stores: list[Store]) -> None:
        """The body of the vector loop: for a transposition, a loop over the rows of a block."""
        tiled = self.loops.tiled
        if tiled is None:
            self._level([], stores)
            return
        f, size = self.f, self.loops.tile
        extent = self.extent(tiled.extent)

        def by_gathers():
            high = f.min(self.tile + size, f.i64(extent))
            f.loop(
                self.tile,
                high,
                1,
                lambda i: self._within(tiled, i, lambda: self._level([], stores)),
            )

        # A block in registers has as many rows as lanes, all of which exist.
        blocks = (
            [v for v in self.order if self._is_block(v)]
            if self.mask is None and size == self.lanes
            else []
        )
        if not blocks:
            by_gathers()
            return

        def in_registers():
            columns = self._within(
                tiled, self.tile, lambda: {v.number: self._block(v) for v in blocks}
            )
            for i in range(size):

                def row(i=i):
                    self.frames[-1].update({number: block[i] for number, block in columns.items()})
                    self._level([], stores)

                self._within(tiled, self.tile + i, row)

        whole = True if self._divides(size, tiled.extent) else f.i64(extent) >= self.tile + size
        f.when(whole, in_registers, by_gathers)

    def _is_block(self, v: Value) -> bool:
        """True if a load is contiguous along the tiled variable and strided along the vector."""
        if v.kind != "load" or v.args or v.dtype.size not in (4, 8) or v.dtype.is_complex:
            return False
        index = v.attrs[1]
        tiled = self.loops.tiled
        # Only then are the block's rows at equal distances, and its columns contiguous.
        affine = index.only_affine_in(tiled) and index.only_affine_in(self.vector)
        return (
            affine
            and is_one(index.coefficient(tiled))
            and not is_one(index.coefficient(self.vector))
            and (self.vector in index.vars)
            and index.vars - {tiled} <= self.open  # else a reduction's own variable is among them
        )

    def _block(self, v: Value) -> list[Val]:
        """A square block of a load, turned: a vector for each of the tiled variable's values."""
        slot, index = v.attrs
        base, step, _ = self.parts(index)
        ty = vec(memory_type(v.dtype), self.lanes)
        rows = [self.f.load(self.pointers[slot], base + step * i, ty) for i in range(self.lanes)]
        return transpose(self.f, rows)

    def _row(self, body: Callable[[], Any]) -> None:
        """body() with a whole row as one vector."""
        var, n = self.loops.vector, self.loops.lanes
        extent = int(var.extent)
        self.vector, self.lanes = var, n
        self.mask = self.f.mask(n, extent) if extent < n else None
        self._within(var, 0, body)
        self.vector, self.lanes, self.mask = None, 1, None

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

    def _vector_loop(
        self, var: Var, n: int, low, high, divisible: bool, body: Callable[..., Any], *carry
    ) -> tuple:
        """body(*carry) over whole vectors, then once masked for the rest."""
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
        if divisible:
            return carry
        return f.once(whole, high, step(lambda i: f.mask(n, high - i)), *carry)

    # -- reductions
    def reduction(self, v: Value) -> Any:
        """The register of a reduction, which is computed with every other that may share its loops."""
        if self.vector is not None and v.kind == "reduce" and v.attrs[1] == (self.vector,):
            return self._fold_row(v)
        self._reduce(v)
        return self._find(v.number)

    def _fold_row(self, v: Value) -> Any:
        """A reduction along the row that the vector is."""
        running = reductions.Running(self.f, v, self.lanes, True)
        x = spread(self.f, self.get(v.args[0]), self.lanes)
        if self.mask is not None:
            # Lanes beyond the row hold the neutral element.
            x = reductions.select(self.f, self.mask, x, running.start())
        return running.result(parts(x))

    def _reduce(self, first: Value) -> None:
        group = self._group(first)
        bodies = [v.args[0] for v in group]
        needed = closure(bodies)
        self._hoist(needed)
        variables = first.attrs[1] if first.kind == "reduce" else (first.attrs[1],)
        vector, n = (None, self.lanes)
        # Inside of a vector loop each lane has a reduction of its own.
        if self.vector is None:
            vector = choose_reduction_vector(variables, needed)
            if vector is not None:
                n = vector_length(self.f.target, vector, needed, reducing=True)
        widths = []
        for body in bodies:
            along = vector is not None or (self.vector is not None and self.vector in body.vars)
            widths.append(n if along else 1)
        work = [reductions.Running(self.f, v, w, vector is not None) for v, w in zip(group, widths)]
        limited = variables[0] if len(first.attrs) > 2 else None

        def high(var: Var) -> Any:
            return self._limit(var, first.attrs[2]) if var is limited else self.extent(var.extent)

        # The vector loop is innermost, where its elements are contiguous.
        order = [v for v in variables if v is not vector]
        # A single running result waits for each addition: several of them take turns.
        unrolled = UNROLLED if self._is_latency_bound(work, needed) else 1
        written_out = limited is None and _is_window(order)
        # Stretches change the order of a sum: reductions that do not round gain nothing by them.
        starts_anew = all(rounds(r) for r in work)

        def cut(run: Callable[..., Any], var: Var, inner: list[Var], carried) -> Any:
            """run(0, the loop's end, *carried) in stretches; `inner` are the loops inside."""
            end, width = high(var), n if var is vector else 1
            if not starts_anew:
                return run(0, end, *carried)
            each = 1
            for x in reversed(inner):
                each = additions(steps_of(high(x), n if x is vector else 1), each)
            sizes = [width * length for length in lengths(steps_of(end, width), each)]
            return in_stretches(self.f, work, run, (0, end), sizes, carried)

        def inside(rest: list[Var], *carried):
            if rest:
                var, *inner = rest
                if written_out:
                    for i in range(int(var.extent)):
                        carried = self._within(var, i, partial(inside, inner, *carried))
                    return carried
                if not inner and vector is None and unrolled > 1:
                    several = partial(self._unrolled, var, unrolled, work, bodies, needed)
                    return cut(several, var, [], carried)

                def one(i, *values):
                    def body():
                        self._hoist(needed)
                        return inside(inner, *values)

                    return self._within(var, i, body)

                def run(low, end, *values):
                    return self.f.loop(low, end, 1, one, *values)

                return cut(run, var, inner if vector is None else [*inner, vector], carried)
            if vector is not None:
                divides = self._divides(n, vector.extent) and vector is not limited

                def vectors(low, end, *values):
                    return self._vector_loop(
                        vector, n, low, end, divides,
                        lambda *so_far: self._step(work, bodies, needed, so_far, True), *values,
                    )  # fmt: skip

                return cut(vectors, vector, [], carried)
            return self._step(work, bodies, needed, carried, False)

        def general() -> tuple:
            return self._results(work, inside(order, *initial(work)))

        is_row = not order and limited is None and first.kind == "reduce"
        self._keep(group, self._by_length(group, vector, n, general) if is_row else general())

    def _keep(self, group: Sequence[Value], registers: tuple) -> None:
        """Makes registers, one after the other, those of the values of a group."""
        rest = iter(registers)
        for v in group:
            # A complex number has two registers.
            taken = tuple(islice(rest, 2 if v.dtype.is_complex else 1))
            self.frames[-1][v.number] = joined(taken)

    def _by_length(
        self, group: Sequence[Value], var: Var | None, lanes: int, general: Callable[[], tuple]
    ) -> tuple:
        """The results of reductions along a row; if it is as short as one vector, without loops."""
        f, needed = self.f, closure([v.args[0] for v in group])
        short = short_row_lanes(f.target, var, lanes, needed)
        if not short or var is None:
            return general()
        row = partial(self._short_row, var, short, group, needed)
        return f.when(f.i64(self.extent(var.extent)) <= short, row, general)

    def _results(self, work: Sequence[reductions.Running], carry: tuple) -> tuple:
        """The registers of the results, one after the other."""
        totals = [r.result(values) for r, values in zip(work, split_carried(carry, work))]
        return tuple([part for total in totals for part in parts(total)])

    def _short_row(
        self, var: Var, n: int, group: Sequence[Value], needed: Sequence[Value]
    ) -> tuple:
        """The results of reductions along rows of at most n elements: each is one step of a single vector."""
        work = [reductions.Running(self.f, v, n, True) for v in group]
        self.vector, self.lanes = var, n
        self.mask = self.f.mask(n, self.f.i64(self.extent(var.extent)))
        bodies = [v.args[0] for v in group]
        carry = self._within(var, 0, lambda: self._step(work, bodies, needed, initial(work), True))
        self.vector, self.lanes, self.mask = None, 1, None
        return self._results(work, carry)

    def _is_latency_bound(self, work: Sequence[Any], needed: Sequence[Value]) -> bool:
        """True if sums of few registers over short expressions wait for their own last addition."""
        if self.vector is None or any(r.is_arg for r in work):
            return False
        registers = (
            sum(r.carried * size_of(r.initial_type()) for r in work) // self.f.target.vector_bytes
        )
        return registers <= 2 and len(needed) <= 24

    def _unrolled(self, var: Var, count: int, work, bodies, needed, low, high, *carried) -> tuple:
        """A reduction's loop with `count` results on their way at once, which are combined at its end."""
        f = self.f
        starts = initial(work)
        size = len(starts)

        def some(i, *values):
            out = []
            for k in range(count):
                mine = values[k * size : (k + 1) * size]
                out += self._within(
                    var, i + k, lambda mine=mine: self._step(work, bodies, needed, mine, False)
                )
            return tuple(out)

        whole = low + (high - low) // count * count
        values = f.loop(low, whole, count, some, *carried, *starts * (count - 1))
        total = values[:size]
        for k in range(1, count):
            total = combined(work, total, values[k * size : (k + 1) * size])
        return f.loop(
            whole,
            high,
            1,
            lambda i, *rest: self._within(
                var, i, lambda: self._step(work, bodies, needed, rest, False)
            ),
            *total,
        )


def _is_window(variables: Sequence[Var]) -> bool:
    """True if loops have so few rounds that each is unrolled: the windows of a pooling."""
    extents = [v.extent for v in variables]
    return all(type(e) is not Dim for e in extents) and math.prod(extents) <= MOST_ROUNDS


__all__ = ["NestWriter", "write_nest"]
