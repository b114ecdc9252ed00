"""A loop nest as LLVM IR.

    tasks share out the outer loops; inside, loops run one after the other, the vector loop innermost.

A value is computed in the outermost loop that has its variables, so that loop invariants are computed before a loop
and common values of reductions once. Reductions with equal loops run as one loop. A vector may span
several registers: LLVM splits it, which gives reductions independent sums.

Context of a task: iterations a task takes, iterations in all, a pointer for each leaf and output, the Dims.
"""

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.compiler.codegen.contraction.tile import transpose
from penstock._src.compiler.codegen.nests.choice import CHUNK, Loops
from penstock._src.compiler.codegen.nests.reduction_loops import ReductionLoops
from penstock._src.compiler.codegen.scalars import calls
from penstock._src.compiler.codegen.scalars.registers import memory_type
from penstock._src.compiler.kernels.index import Var
from penstock._src.compiler.kernels.loop_nest import LoopNest, Store
from penstock._src.compiler.kernels.values import Value
from penstock._src.ir.extents.dims import is_one
from penstock._src.native import Code, Module, Target
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I64, vec
from penstock._src.native.language.value import Val


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


class NestWriter(ReductionLoops):
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
            # The rest is the outermost variable: no remainder is needed.
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

        # A block in registers has as many rows as lanes; all of its rows exist.
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


__all__ = ["NestWriter", "write_nest"]
