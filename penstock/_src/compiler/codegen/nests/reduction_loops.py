"""The loops of a nest's reductions: those with equal loops run as one, their results carried from step to step in registers.

The vector loop is innermost. Sums restart in stretches (stretches.py), rows as short as one vector have no loop, and a few small results that would
wait for their own additions take turns.
"""

import math
from collections.abc import Sequence
from functools import partial
from itertools import islice
from typing import Any

from penstock._src.compiler.codegen.nests import reductions
from penstock._src.compiler.codegen.nests.choice import (
    choose_reduction_vector,
    short_row_lanes,
    vector_length,
)
from penstock._src.compiler.codegen.nests.loops import NestLoops
from penstock._src.compiler.codegen.nests.stretches import (
    Run,
    additions,
    combined,
    in_stretches,
    initial,
    lengths,
    rounds,
    split_carried,
    steps_of,
)
from penstock._src.compiler.codegen.scalars.registers import joined, parts, spread
from penstock._src.compiler.kernels.index import Index, Var
from penstock._src.compiler.kernels.values import Value, closure
from penstock._src.ir.extents.dims import Dim
from penstock._src.native.language.types import size_of
from penstock._src.util.dataclass import dataclass

MOST_ROUNDS = 16  # most iterations of a loop that is unrolled completely
AT_ONCE = 4  # partial results of a reduction that would wait for its own additions


@dataclass(frozen=True)
class Group:
    """Reductions that share their loops.

    values  the reductions, the bodies that they reduce, and all that these are computed from (`needed`)
    loops   variables of the scalar loops, the outermost first
    vector  the variable of the vector loop inside of them, of `lanes` lanes; None without one of their own
    limit   the trip count of the first variable's loop, where that is not its extent
    work    their running results
    """

    values: list[Value]
    bodies: list[Value]
    needed: list[Value]
    loops: list[Var]
    vector: Var | None
    lanes: int
    limit: tuple[Var, Index] | None
    work: list[reductions.Running]

    @property
    def is_row(self) -> bool:
        """True for reductions along the vector alone."""
        return not self.loops and self.limit is None and self.values[0].kind == "reduce"

    @property
    def is_window(self) -> bool:
        """True if the loops have so few rounds that each is unrolled: the windows of a pooling."""
        extents = [v.extent for v in self.loops]
        return (
            self.limit is None
            and all(type(e) is not Dim for e in extents)
            and math.prod(extents) <= MOST_ROUNDS
        )

    def width(self, var: Var) -> int:
        """How far a step takes the loop of a variable."""
        return self.lanes if var is self.vector else 1


class ReductionLoops(NestLoops):
    """Writes reductions where a value needs them."""

    def reduction(self, v: Value) -> Any:
        """The register of a reduction, which is computed with every other that may share its loops."""
        if self.vector is not None and v.kind == "reduce" and v.attrs[1] == (self.vector,):
            return self._fold_row(v)
        values = self._group(v)
        needed = closure([x.args[0] for x in values])
        self._hoist(needed)
        group = self._planned(values, needed)
        self._keep(values, self._row_by_length(group) if group.is_row else self._looped(group))
        return self._find(v.number)

    def _fold_row(self, v: Value) -> Any:
        """A reduction along the row that the vector is."""
        running = reductions.Running(self.f, v, self.lanes, True)
        x = spread(self.f, self.get(v.args[0]), self.lanes)
        if self.mask is not None:
            # Lanes beyond the row hold the neutral element.
            x = reductions.select(self.f, self.mask, x, running.start())
        return running.result(parts(x))

    def _keep(self, values: Sequence[Value], registers: tuple) -> None:
        """Makes registers, one after the other, those of values."""
        rest = iter(registers)
        for v in values:
            # A complex number has two registers.
            taken = tuple(islice(rest, 2 if v.dtype.is_complex else 1))
            self.frames[-1][v.number] = joined(taken)

    # -- the choice of loops
    def _planned(self, values: list[Value], needed: list[Value]) -> Group:
        """The loops of reductions that share them."""
        first = values[0]
        variables = first.attrs[1] if first.kind == "reduce" else (first.attrs[1],)
        vector, lanes = None, self.lanes
        # Inside of a vector loop each lane has a reduction of its own.
        if self.vector is None:
            vector = choose_reduction_vector(variables, needed)
            if vector is not None:
                lanes = vector_length(self.f.target, vector, needed, reducing=True)
        bodies, work = [v.args[0] for v in values], []
        for v, body in zip(values, bodies):
            along = vector is not None or (self.vector is not None and self.vector in body.vars)
            work.append(reductions.Running(self.f, v, lanes if along else 1, vector is not None))
        return Group(
            values=values,
            bodies=bodies,
            needed=needed,
            # The vector loop is innermost, where its elements are contiguous.
            loops=[v for v in variables if v is not vector],
            vector=vector,
            lanes=lanes,
            limit=(variables[0], first.attrs[2]) if len(first.attrs) > 2 else None,
            work=work,
        )

    def _is_latency_bound(self, group: Group) -> bool:
        """True if sums of few registers over short expressions wait for their own last addition."""
        if self.vector is None or any(r.is_arg for r in group.work):
            return False
        size = sum(r.carried * size_of(r.initial_type()) for r in group.work)
        return size // self.f.target.vector_bytes <= 2 and len(group.needed) <= 24

    def _end(self, group: Group, var: Var) -> Any:
        """The trip count of a variable's loop."""
        if group.limit is not None and var is group.limit[0]:
            return self._limit(*group.limit)
        return self.extent(var.extent)

    # -- rows
    def _row_by_length(self, group: Group) -> tuple:
        """The results of reductions along a row; if it is as short as one vector, without loops."""
        f, var = self.f, group.vector
        short = short_row_lanes(f.target, var, group.lanes, group.needed)
        if not short or var is None:
            return self._looped(group)
        is_short = f.i64(self.extent(var.extent)) <= short
        return f.when(
            is_short, partial(self._short_row, group, short), partial(self._looped, group)
        )

    def _short_row(self, group: Group, lanes: int) -> tuple:
        """The results of reductions along rows that fit into one vector: each takes a single step."""
        var = group.vector
        assert var is not None
        work = [reductions.Running(self.f, v, lanes, True) for v in group.values]
        self.vector, self.lanes = var, lanes
        self.mask = self.f.mask(lanes, self.f.i64(self.extent(var.extent)))
        step = partial(self._step, work, group.bodies, group.needed, initial(work), True)
        carry = self._within(var, 0, step)
        self.vector, self.lanes, self.mask = None, 1, None
        return self._results(work, carry)

    # -- loops
    def _looped(self, group: Group) -> tuple:
        """The results of reductions by their loops."""
        return self._results(group.work, self._nested(group, group.loops, *initial(group.work)))

    def _results(self, work: Sequence[reductions.Running], carry: tuple) -> tuple:
        """The registers of the results, one after the other."""
        totals = [r.result(values) for r, values in zip(work, split_carried(carry, work))]
        return tuple([part for total in totals for part in parts(total)])

    def _nested(self, group: Group, rest: Sequence[Var], *carried: Any) -> tuple:
        """The carried values after the remaining loops."""
        if not rest:
            if group.vector is None:
                return self._step(group.work, group.bodies, group.needed, carried, False)
            return self._in_stretches(group, self._vectors, group.vector, [], carried)
        var, *inner = rest
        if group.is_window:
            for i in range(int(var.extent)):
                carried = self._within(var, i, partial(self._nested, group, inner, *carried))
            return carried
        if not inner and group.vector is None and self._is_latency_bound(group):
            return self._in_stretches(group, self._several_at_once, var, [], carried)
        below = inner if group.vector is None else [*inner, group.vector]
        return self._in_stretches(group, partial(self._scalars, inner), var, below, carried)

    def _in_stretches(self, group: Group, write, var: Var, inner: list[Var], carried) -> tuple:
        """write(group, var, 0, the loop's end, *carried), in stretches where sums round; `inner` are the loops inside."""
        run: Run = partial(write, group, var)
        end = self._end(group, var)
        # Stretches change the order of a sum: reductions that do not round gain nothing by them.
        if not all(rounds(r) for r in group.work):
            return run(0, end, *carried)
        each = 1
        for x in reversed(inner):
            each = additions(steps_of(self._end(group, x), group.width(x)), each)
        width = group.width(var)
        sizes = [width * length for length in lengths(steps_of(end, width), each)]
        return in_stretches(self.f, group.work, run, (0, end), sizes, carried)

    def _scalars(self, inner: list[Var], group: Group, var: Var, low, end, *carried) -> tuple:
        """A scalar loop with others inside."""

        def one(i, *values):
            def body():
                self._hoist(group.needed)
                return self._nested(group, inner, *values)

            return self._within(var, i, body)

        return self.f.loop(low, end, 1, one, *carried)

    def _vectors(self, group: Group, var: Var, low, end, *carried) -> tuple:
        """The vector loop, which is innermost."""
        is_limited = group.limit is not None and var is group.limit[0]
        divides = self._divides(group.lanes, var.extent) and not is_limited

        def step(*values):
            return self._step(group.work, group.bodies, group.needed, values, True)

        return self._vector_loop(var, group.lanes, low, end, divides, step, *carried)

    def _several_at_once(self, group: Group, var: Var, low, end, *carried) -> tuple:
        """A loop with several results on their way at once, which are combined at its end."""
        f, work = self.f, group.work
        starts = initial(work)
        size = len(starts)

        def step(at, values):
            take = partial(self._step, work, group.bodies, group.needed, values, False)
            return self._within(var, at, take)

        def some(i, *values):
            out = []
            for k in range(AT_ONCE):
                out += step(i + k, values[k * size : (k + 1) * size])
            return tuple(out)

        whole = low + (end - low) // AT_ONCE * AT_ONCE
        values = f.loop(low, whole, AT_ONCE, some, *carried, *starts * (AT_ONCE - 1))
        total = values[:size]
        for k in range(1, AT_ONCE):
            total = combined(work, total, values[k * size : (k + 1) * size])
        return f.loop(whole, end, 1, lambda i, *rest: step(i, rest), *total)
