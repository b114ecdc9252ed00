"""A loop nest as a GPU kernel.

    a group of threads takes a point of the variables that all stores have: it reduces together, then shares out the
    points of the other variables. A group is a thread, a warp (shuffles) or a block (shuffles, then shared memory).

Where a group is one thread and nothing is reduced, a thread computes neighbors by one vector load and store. Values are written
by the evaluator of CPUs' nests. Numbers that are known to fit are divided in 32 bits.

Context of a launch: blocks of a task (1), blocks, a pointer for each leaf and output, the Dims.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from penstock._src.compiler.codegen.nests.choice import reduction_variables, work_of
from penstock._src.compiler.codegen.nests.code import NestCode
from penstock._src.compiler.codegen.nests.reductions import Running
from penstock._src.compiler.codegen.nests.stretches import (
    combined,
    in_stretches,
    initial,
    lengths,
    rounds,
    split_carried,
    steps_of,
)
from penstock._src.compiler.codegen.nests.values import NestValues
from penstock._src.compiler.kernels.index import Var, never_negative
from penstock._src.compiler.kernels.loop_nest import LoopNest, Store
from penstock._src.compiler.kernels.values import Value, closure
from penstock._src.devices.gpu.families.table import family_of
from penstock._src.devices.gpu.kernels.choice import Mapping, mapping_of
from penstock._src.devices.gpu.kernels.language import CudaFn, CudaModule
from penstock._src.devices.gpu.target import THREADS
from penstock._src.ir.extents.dims import Dim, expression, product
from penstock._src.native import Target
from penstock._src.native.language.types import I1, I8, size_of
from penstock._src.native.language.value import Val

NARROW = 1 << 31  # numbers below it are divided in 32 bits


def emit_cuda_nest(nest: LoopNest, target: Target) -> NestCode:
    """The code of a nest."""
    # Codes are kept long after the nodes that the nest reads, and must not hold them.
    pointers = len(nest.leaves) + len(nest.outputs)
    bare = replace(nest, leaves=[], outputs=[])
    wavefront = family_of(target).wavefront(target)
    mapping = mapping_of(nest, wavefront)
    m = CudaModule(target, THREADS)
    with m.kernel() as f:
        extents = CudaNest(f, bare, mapping, wavefront, pointers).write()
    blocks = expression(mapping.blocks())
    sizes = [
        expression(product([v.extent for v in nest.space if v in s.vars])) for s in nest.stores
    ]

    def iterations(value_of: Callable[[Any], int]) -> int:
        """The number of blocks; 0 if no store has any elements."""
        return value_of(blocks) if any(value_of(size) for size in sizes) else 0

    innermost = mapping.inner[0].number if len(mapping.inner) == 1 else None
    return NestCode(
        m.finished(extents), "task", iterations, work_of(bare), innermost, is_spread=True
    )


class CudaNest(NestValues):
    """Writes one nest.

    together  threads that reduce together, where code is being written
    rank      number of the thread within its group
    """

    f: CudaFn

    def __init__(
        self, f: CudaFn, nest: LoopNest, mapping: Mapping, wavefront: int, pointers: int
    ) -> None:
        super().__init__(f, nest, pointers)
        self.mapping, self.wavefront = mapping, wavefront
        self.together = 1
        self.rank: Any = 0

    def write(self) -> tuple[Any, ...]:
        """Writes the text, and returns the order in which it reads the Dims."""
        self._groups()
        return self.load_extents()

    # -- points
    def _groups(self) -> None:
        """A group's point, if there is one for it."""
        f, mapping = self.f, self.mapping
        total = self.extent(product([v.extent for v in mapping.points]))
        if mapping.group == THREADS:
            self.rank, number = f.thread, f.number
            self._point(number, total)
            return
        # A block holds several groups; each takes a point of its own.
        groups = THREADS // mapping.group
        within = f.thread
        if mapping.group > 1:
            self.rank, within = f.thread % mapping.group, f.thread // mapping.group
        number = f.number * groups + within
        if mapping.lanes == 1:
            f.when(number < total, lambda: self._point(number, total))
            return
        self._vectors(number * mapping.lanes, total)

    def _vectors(self, first: Val, total: Any) -> None:
        """Neighboring points at once; where fewer are left, one by one."""
        f, n = self.f, self.mapping.lanes

        def together() -> None:
            self.vector, self.lanes = self.mapping.vector, n
            f.aligned(True)
            self._point(first, total)
            f.aligned(False)
            self.vector, self.lanes = None, 1

        def one_by_one() -> None:
            f.loop(first, total, 1, lambda number: self._point(number, total))

        if isinstance(total, int) and total % n == 0:
            f.when(first < total, together)
        else:
            f.when(first + n <= total, together, one_by_one)

    def _point(self, number: Val, total: Any) -> None:
        """All stores of the point of a number."""
        self.together = self.mapping.group
        points = self.mapping.points
        self._with(points, number, total, self._stores)

    def _with(
        self, variables: Sequence[Var], number: Any, total: Any, body: Callable[..., Any]
    ) -> Any:
        """body() with variables set to the coordinates of a point number, row-major."""
        rest, opened = number, {}
        for var in reversed(variables[1:]):
            rest, opened[var] = self._divided(rest, self._divisor(var.extent), total)
        opened |= {variables[0]: rest} if variables else {}
        self.frames.append({})
        self.open.update(opened)
        self.env.update(opened)
        result = body()
        self.open.difference_update(opened)
        self.frames.pop()
        return result

    def _divided(self, x: Any, divisor: Any, limit: Any) -> tuple[Any, Any]:
        """(quotient, remainder) of a number below a limit."""
        if isinstance(x, int) and isinstance(divisor, int):
            return divmod(x, divisor)
        if isinstance(limit, int) and limit < NARROW and isinstance(divisor, int):
            return self.f.narrow_divided(self.f.i64(x), divisor)
        x = self.f.i64(x)
        return x // divisor, x % divisor

    def _stores(self) -> None:
        """Writes the stores of a point, then those of the points within it."""
        f = self.f
        self._hoist(self.order)
        # A result may lie where all threads of the group have read.
        if self.together == self.wavefront:
            f.warp_barrier()
        elif self.together > self.wavefront:
            f.barrier()
        # Stores of this point itself, once for the group; others share out further points.
        ready = [s for s in self.nest.stores if s.vars <= self.open]
        if ready and self.together > 1:
            f.when(self.f.i64(self.rank).eq(0), lambda: self._store(ready))
        else:
            self._store(ready)
        left = [s for s in self.nest.stores if s not in ready]
        while left:
            here = [s for s in left if s.vars == left[0].vars]
            left = [s for s in left if s not in here]
            self._share_out([v for v in self.mapping.inner if v in here[0].vars], here)

    def _share_out(self, variables: list[Var], stores: list[Store]) -> None:
        """Stores over further variables, whose points are divided among the threads of the group."""
        step, first = self.together, self.rank
        total = self.extent(product([v.extent for v in variables]))
        self.together = 1

        def body() -> None:
            self._hoist(self._needed(stores))
            self._store(stores)

        def one(number: Any) -> None:
            self._with(variables, number, total, body)

        self.f.loop(first, total, step, one)
        self.together = step

    @staticmethod
    def _needed(stores: Sequence[Store]) -> list[Value]:
        return closure([s.value for s in stores])

    def _division(self, atom: Any) -> Any:
        low, high = atom.index.range()
        x, divisor = self.index(atom.index), self._divisor(atom.divisor)
        is_small = high is not None and type(high) is not Dim and high < NARROW
        fits = is_small and low is not None and never_negative(low)
        if not fits or not isinstance(divisor, int) or not isinstance(x, Val) or "x" in x.ty:
            return super()._division(atom)
        return self.f.narrow_divided(x, divisor)[0 if atom.quotient else 1]

    # -- reductions
    def reduction(self, v: Value) -> Any:
        self._reduce(v)
        return self._find(v.number)

    def _reduce(self, first: Value) -> None:
        """A reduction and those that may share its loop, over points that the threads of the group share out."""
        group = self._group(first)
        bodies = [v.args[0] for v in group]
        needed = closure(bodies)
        self._hoist(needed)
        variables = reduction_variables(first)
        work = [Running(self.f, v, 1, False) for v in group]
        high = self.extent(variables[0].extent)
        if len(first.attrs) > 2 and first.kind == "reduce":
            high = self._limit(variables[0], first.attrs[2])
        inner = self.extent(product([v.extent for v in variables[1:]]))
        total = high * inner if not isinstance(inner, Val) else inner * high
        bound = product([v.extent for v in variables])
        limit = None if isinstance(bound, Dim) else int(bound)
        step = self.together

        def one(number: Any, *values: Val) -> Any:
            def body() -> Any:
                return self._step(work, bodies, needed, values, False)

            self.together = 1  # reductions within are of this thread's own point
            lengths_ = self._with(variables, number, limit, body)
            self.together = step
            return lengths_

        def run(low: Any, end: Any, *values: Val) -> tuple:
            return self.f.loop(low, end, step, one, *values)

        lengths_ = lengths(steps_of(total, step), 1) if all(rounds(r) for r in work) else []
        first_of = self.rank if step > 1 else 0
        carry = in_stretches(
            self.f, work, run, (first_of, total), [step * n for n in lengths_], initial(work)
        )
        if step > 1:
            carry = self._across(step, work, carry)
        for r, values in zip(work, split_carried(carry, work), strict=True):
            self.frames[-1][r.value.number] = r.result(values)

    def _across(self, threads: int, work: Sequence[Running], carry: tuple) -> tuple:
        """Combines the results of a group's threads; all of them get the result."""
        f, distance = self.f, self.wavefront // 2
        while distance:
            other = tuple([f.shuffled(c, distance) for c in carry])
            carry = combined(work, carry, other)
            # A butterfly: each pair combines the same two values, so all lanes agree.
            distance //= 2
        if threads == self.wavefront:
            return carry
        warps = threads // self.wavefront
        kept = [_kept_type(c.ty) for c in carry]
        rooms = [f.shared(warps * size_of(ty)) for ty in kept]
        warp = f.thread // self.wavefront

        def note() -> None:
            for c, room, ty in zip(carry, rooms, kept, strict=True):
                f.store(c if ty == c.ty else f.cast("zext", c, ty), room, warp)

        f.when((f.thread % self.wavefront).eq(0), note)
        f.barrier()
        types = [c.ty for c in carry]
        for i in range(warps):
            here = tuple(
                [
                    f.load(room, i, ty) if ty == own else f.cast("trunc", f.load(room, i, ty), own)
                    for room, ty, own in zip(rooms, kept, types, strict=True)
                ]
            )
            carry = here if i == 0 else combined(work, carry, here)
        return carry


def _kept_type(ty: str) -> str:
    """The type as which a value lies in shared memory."""
    return I8 if ty == I1 else ty
