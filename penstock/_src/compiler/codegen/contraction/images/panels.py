"""The part of a convolution's kernel that its forms share: panels of weights, and tiles of pixels by a panel."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Protocol

from penstock._src.compiler.codegen.contraction.products.pairs import dot_of_pairs
from penstock._src.compiler.codegen.contraction.tile import (
    Reads,
    Types,
    accumulate,
    store_as,
    times,
    zeros,
)
from penstock._src.compiler.codegen.kernel_code import (
    FIRST_SIZE,
    OUTPUT,
    RIGHT,
    SCRATCH,
    Epilogue,
    RegisterTile,
    final_values,
)
from penstock._src.native import Module, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I1, I64, PTR, vec

from .any_size.description import AnySizeConvolution
from .convolution import Convolution
from .weights import pack_tap


class PanelSchedule(Protocol):
    """The fields of a schedule that panels depend on, as schedule.py explains them."""

    @property
    def name(self) -> str: ...
    @property
    def conv(self) -> "Convolution | AnySizeConvolution": ...
    @property
    def types(self) -> Types: ...
    @property
    def lanes(self) -> int: ...
    @property
    def nv(self) -> int: ...
    @property
    def nr(self) -> int: ...
    @property
    def depth(self) -> int: ...
    @property
    def panels(self) -> int: ...
    @property
    def split(self) -> int: ...
    @property
    def k_blocks(self) -> int: ...
    @property
    def left_type(self) -> str: ...
    @property
    def panel_room(self) -> int: ...


class PanelWriter(ABC):
    """Writes the packing of weights, and the functions of tiles, which have the arguments `counts` of their loops."""

    counts: ClassVar[tuple[str, ...]] = ("taps",)
    in_pairs = False  # True if an element is a pair of numbers (weights.py)

    schedule: PanelSchedule
    conv: Convolution | AnySizeConvolution

    def __init__(self, schedule: PanelSchedule, module: Module, epilogue: Epilogue) -> None:
        self.schedule, self.module, self.epilogue = schedule, module, epilogue
        self.conv, self.types, self.lanes = schedule.conv, schedule.types, schedule.lanes
        self.kernels: dict[Any, str] = {}  # names of the functions of tiles, by pattern

    @abstractmethod
    def loops_of_tile(self, f: Fn, step: int) -> list[tuple]:
        """The loops of a tile's sums, as `accumulate` takes them; from a channel of weights to the next are `step` elements."""

    def sweep_panels(self, f: Fn, split, panel):
        s, outputs, last = self.schedule, self.conv.outputs, self.schedule.panels - 1
        ragged = outputs % s.nr != 0
        tail = lambda: panel(
            last, -(-(outputs - last * s.nr) // self.lanes), outputs % self.lanes != 0
        )
        if s.panels == 1:
            if ragged:
                tail()
            else:
                panel(0, s.nv, False)
            return
        # Exact: `split` divides the panels (choice._window).
        per = s.panels // s.split
        p0 = f.i64(times(f, split, per))
        p1 = p0 + per
        f.loop(p0, f.min(p1, last) if ragged else p1, 1, lambda p: panel(p, s.nv, False))
        if ragged:
            # Only the task with the last panels has the one that is not whole.
            f.when(p1.eq(s.panels), tail)

    def kernel(self, pattern, nv: int, masked: bool, step: int) -> str:
        key = pattern, nv, masked
        if key in self.kernels:
            return self.kernels[key]
        s, c, types, lanes = self.schedule, self.conv, self.types, self.lanes
        name = self.kernels[key] = f"{s.name}_tile{len(self.kernels)}"
        rows, ys = pattern
        vector = vec(types.total, lanes)
        args = dict(a=PTR, b=PTR, ctx=PTR, partial=PTR, out=I64, col=I64, first=I1, final=I1)
        args |= dict.fromkeys(self.counts, I64)
        with self.module.fn(name, internal=True, noalias=False, **args) as f:
            masks: list[Val | None] = [None] * nv
            if masked:
                masks[-1] = f.mask(lanes, c.outputs % lanes)
            cells = [(i, j) for i in range(len(rows)) for j in range(nv)]
            place = lambda i, j: ys[i] + lanes * j
            tile = RegisterTile(
                f, cells, lambda i, j: f.out + place(i, j), lambda j: f.col + lanes * j, lambda j: masks[j],
                c.outputs * c.groups, FIRST_SIZE + c.sizes,
            )  # fmt: skip
            y = f.at(f.load(f.ctx, OUTPUT, PTR), f.out, types.output)
            self.epilogue.prefetch(f, tile)
            acc = self.first_sums(f, len(rows), nv)
            if s.depth:
                acc = self.sums(f, rows, nv, self.loops_of_tile(f, step), acc)
            if s.k_blocks > 1:
                # The first part of a sum begins it: what the output held before is not read.
                earlier = lambda: [
                    v + f.load(y, place(i, j), vector, masks[j])
                    for v, (i, j) in zip(acc, cells, strict=True)
                ]
                acc = f.when(f.first, lambda: acc, earlier)

            def put(values):
                for v, (i, j) in zip(values, cells, strict=True):
                    store_as(f, v, y, place(i, j), types.output, masks[j])

            def finish():
                put(final_values(f, self.epilogue, tile, list(acc), f.partial))

            if s.k_blocks == 1:
                finish()
            else:
                f.when(f.final, finish, lambda: put(acc))
        return name

    def first_sums(self, f: Fn, rows: int, nv: int) -> list[Val]:
        """The initial values of a tile's sums."""
        return zeros(f, rows * nv, vec(self.types.total, self.lanes))

    def sums(self, f: Fn, rows, nv: int, loops: list[tuple], acc: list[Val]) -> list[Val]:
        """The sums of a tile, a vector for each pixel and each vector of outputs."""
        multiply = dot_of_pairs if self.in_pairs else Fn.fma
        reads = Reads(left=self.schedule.left_type)
        return accumulate(
            f, self.types, rows, nv, loops, f.a, f.b, acc, reads=reads, multiply=multiply
        )  # fmt: skip

    def write_packing(self) -> None:
        """Weights into panels [group][outputs / nr][tap row, tap column, channel][nr]; a task for each panel."""
        s, c, types, w = self.schedule, self.conv, self.types, self.conv.filter
        with self.module.task(f"{s.name}_pack") as f:
            source = f.load(f.ctx, RIGHT, PTR)
            group, p = f.task // s.panels, f.task % s.panels
            first = f.i64(times(f, p, s.nr))
            start = (
                first * w.output + times(f, group, w.group) + w.base
                if c.groups > 1
                else first * w.output + w.base
            )
            start, count = f.i64(start), c.outputs - first
            packed = f.load(f.ctx, OUTPUT if c.is_prepacked else SCRATCH, PTR)
            dst = f.at(packed, f.task * s.panel_room, types.total)
            self.pack_taps(f, source, start, count, dst)

    def pack_taps(self, f: Fn, source: Val, start: Val, count: Val, dst: Val) -> None:
        """Packs a panel: all weights of `count` outputs, starting at `start`."""
        c, w, nr = self.conv, self.conv.filter, self.schedule.nr

        def row(i):
            def column(j):
                at = start + times(f, i, w.row) + times(f, j, w.column)
                k0 = times(f, i, c.w.taps * c.channels) + times(f, j, c.channels)
                here = f.at(dst, times(f, k0, nr), self.types.total)
                pack_tap(f, w, source, at, nr, count, c.channels, here, self.types, self.lanes)

            f.loop(f.i64(0), c.w.taps, 1, column)

        f.loop(f.i64(0), c.h.taps, 1, row)
