"""Convolutions with very few outputs (the last layer of an autoencoder): vectors go along the channels of a pixel.

    acc[pixel][output] += x[pixel + tap, c : c + lanes] * w[output][tap, c : c + lanes]

and at the end the lanes of each sum are added up. With vectors along the outputs most lanes would be idle.
"""

from penstock._src.compiler.codegen.contraction.images.choice import PartProblem
from penstock._src.compiler.codegen.contraction.images.conv import ConvolutionPart
from penstock._src.compiler.codegen.contraction.images.convolution import Convolution
from penstock._src.compiler.codegen.contraction.tile import times
from penstock._src.compiler.codegen.kernel_code import OUTPUT, RIGHT, SCRATCH
from penstock._src.native import Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import PTR, is_float, vec

MOST_SUMS = 16  # most sums of a tile: pixels times outputs, each a vector


def suits(conv: Convolution, target: Target) -> bool:
    """True if vectors along the channels have fewer idle lanes (of 16 lanes: up to 4 outputs)."""
    types, lanes = conv.types, conv.types.lanes(target)
    if not is_float(types.total) or not types.left == types.right == types.total:
        return False
    few = 0 < conv.outputs <= max(1, lanes // 4)
    return few and conv.channels % lanes == 0 and conv.x.channel == 1


class FewOutputsProblem(PartProblem):
    """The input of the choice for a schedule with vectors along the channels."""

    label = "few outputs"

    def register_tile(self) -> tuple[int, int]:
        most = MOST_SUMS // self.conv.outputs
        even = [r for r in range(1, most + 1) if self.conv.w.out % r == 0]
        # Equal tiles share their code, unless that makes them smaller than half.
        return (even[-1] if even and even[-1] > most // 2 else most), 1

    def step(self, nr: int) -> int:
        return 1


class FewOutputs(ConvolutionPart):
    """Writes one dense convolution of a kernel."""

    def sums(self, f: Fn, rows, nv: int, loops: list[tuple], acc: list[Val]) -> list[Val]:
        outputs, lanes, total = self.conv.outputs, self.lanes, self.types.total
        vector = vec(total, lanes)
        *outer, (count, step_a, step_b) = loops
        loops = [*outer, (count // lanes, step_a * lanes, step_b * lanes)]

        def step(a: Val, b: Val, acc) -> list[Val]:
            weights = [f.load(b, o * self.schedule.depth, vector) for o in range(outputs)]
            totals = []
            for i, offset in enumerate(rows):
                x = f.convert(f.load(a, offset, vec(self.schedule.left_type, lanes)), total)
                totals += [f.fma(x, w, acc[i * outputs + o]) for o, w in enumerate(weights)]
            return totals

        def nest(level: int, a: Val, b: Val, acc) -> list[Val]:
            if level == len(loops):
                return step(a, b, acc)
            count, step_a, step_b = loops[level]

            def body(i, *acc):
                here = f.at(a, times(f, i, step_a), self.schedule.left_type)
                return nest(level + 1, here, f.at(b, times(f, i, step_b), total), acc)

            return list(f.loop(0, count, 1, body, *acc))

        totals = nest(0, f.a, f.b, [f.zero(vector)] * (len(rows) * outputs))
        pixels = []
        for i in range(len(rows)):
            pixel = f.zero(vector)
            for o in range(outputs):
                # One partial vector a pixel, so that the epilogue is that of other families.
                pixel = f.insert(pixel, f.reduce("fadd", totals[i * outputs + o]), o)
            pixels.append(pixel)
        return pixels

    def write_packing(self) -> None:
        """Weights as [group][output][tap row, tap column, channel]; a task for each group."""
        c, w, total = self.conv, self.conv.filter, self.types.total
        with self.module.task(f"{self.schedule.name}_pack") as f:
            source = f.load(f.ctx, RIGHT, PTR)
            packed = f.load(f.ctx, OUTPUT if c.is_prepacked else SCRATCH, PTR)
            dst = f.at(packed, f.task * self.schedule.panel_room, total)
            start = times(f, f.task, w.group) + w.base

            def element(o, i, j, k):
                steps = ((o, w.output), (i, w.row), (j, w.column), (k, w.channel))
                at = f.i64(start + sum((times(f, n, step) for n, step in steps), start=f.i64(0)))
                to = ((o * c.h.taps + i) * c.w.taps + j) * c.channels + k
                f.store(f.convert(f.load(source, at, w.element), total), dst, to)

            extents = (c.outputs, c.h.taps, c.w.taps, c.channels)

            def nest(*places):
                if len(places) == len(extents):
                    element(*places)
                else:
                    f.loop(f.i64(0), extents[len(places)], 1, lambda n: nest(*places, n))

            nest()
