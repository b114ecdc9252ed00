"""Common parts of the kernels of all filter gradients: their stages, and the addition of the ranges' sums."""

from abc import ABC, abstractmethod

from penstock._src.compiler.codegen.contraction.images.window import span
from penstock._src.compiler.codegen.contraction.tile import store_as, times
from penstock._src.compiler.codegen.kernel_code import (
    FIRST_SIZE,
    OUTPUT,
    PARTIALS,
    SCRATCH,
    Epilogue,
    KernelCode,
    RegisterTile,
    final_values,
)
from penstock._src.native import Code, Module, NamedCode
from penstock._src.native.language.types import PTR, vec

from .schedule import GradientSchedule


def emit(
    schedule: GradientSchedule, epilogue: Epilogue, writer: "type[FilterGradientWriter]"
) -> KernelCode:
    """The kernel of a schedule."""
    return KernelCode(
        code=NamedCode(schedule.target, lambda: writer(schedule, epilogue).write()),
        sizes=schedule.gradient.sizes,
        stages=schedule.stages,
        scratch=schedule.scratch,
        threads=schedule.threads,
        partials=lambda _sizes: (schedule.sum_tasks, epilogue.partial_bytes),
        in_place=not schedule.is_straight,
        label=f"{schedule.label} {schedule.mr}x{schedule.nr}",
        facts=schedule.facts,
    )


class FilterGradientWriter(ABC):
    """Writes the functions of a filter gradient."""

    def __init__(self, schedule: GradientSchedule, epilogue: Epilogue) -> None:
        self.schedule, self.epilogue = schedule, epilogue
        self.gradient = schedule.gradient
        self.module = Module(schedule.target)

    def write(self) -> Code:
        """Writes the text."""
        self.write_sums()
        if not self.schedule.is_straight:
            self.write_add_up()
        return Code.of(self.module)

    @abstractmethod
    def write_sums(self) -> None:
        """Writes the functions of the stages before the last."""

    def write_add_up(self) -> None:
        """The ranges' sums, added in order, go to the output through the epilogue; a task is some rows of it."""
        s, g, lanes, types = self.schedule, self.gradient, self.schedule.lanes, self.schedule.types
        vector = vec(types.total, lanes)
        w, many = g.filter, s.rows_of_a_sum
        with self.module.task("add_up") as f:
            scratch, out = f.load(f.ctx, SCRATCH, PTR), f.load(f.ctx, OUTPUT, PTR)
            per = -(-s.rows // many)
            group, first = f.task // per, f.task % per * many
            partial = f.at(
                f.load(f.ctx, PARTIALS, PTR), f.task * max(1, self.epilogue.partial_bytes)
            )
            if self.epilogue.partial_bytes:
                self.epilogue.clear(f, partial)

            def row(r):
                channel, tap = r % g.channels, r // g.channels
                at = times(f, tap // g.w.taps, w.row) + times(f, tap % g.w.taps, w.column)
                at = f.i64(at + times(f, channel, w.channel) + times(f, group, w.group) + w.base)

                def some(j, mask=None):
                    start = times(f, group, s.length) + r * g.outputs + j
                    total = f.load(scratch, start, vector, mask)
                    # In a fixed order and number: the same bits for any number of threads.
                    for k in range(1, s.ranges):
                        total = total + f.load(
                            scratch, start + k * g.groups * s.length, vector, mask
                        )
                    tile = RegisterTile(
                        f,
                        [(0, 0)],
                        lambda _i, _j: at + j,
                        lambda _j: f.i64(j),
                        lambda _j: mask,
                        g.outputs,
                        FIRST_SIZE + g.sizes,
                    )
                    (v,) = final_values(f, self.epilogue, tile, [total], partial)
                    store_as(f, v, out, at + j, types.output, mask)

                span(f, g.outputs, lanes, some, unroll=1)

            f.loop(first, f.min(first + many, s.rows), 1, row)
