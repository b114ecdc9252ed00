"""The tiles of a filter gradient: (tap, input channel) rows by vectors of output channels, summed over pixels."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Protocol

from penstock._src.compiler.codegen.contraction.tile import (
    Reads,
    accumulate,
    compress,
    fits,
    times,
    zeros,
)
from penstock._src.compiler.codegen.kernel_code import Epilogue
from penstock._src.native import Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I1, I64, PTR, vec
from penstock._src.util.dataclass import dataclass

from .kernel import FilterGradientWriter
from .schedule import GradientSchedule


class Window(Protocol):
    """The layout of the part of an image that tiles read."""

    @property
    def column(self) -> int: ...
    @property
    def pitch(self) -> int: ...
    @property
    def plane(self) -> int: ...


class TiledSchedule(GradientSchedule):
    """A schedule of tiles; `blocked` is True if the window is stored by blocks of channels."""

    window: Window
    blocked: bool

    @property
    def left_type(self) -> str:
        """The type of the elements that tiles read of the image."""
        return self.types.total


@dataclass(frozen=True)
class Panel:
    """The memory used by the tiles of a panel of outputs.

    window, dy, sums  addresses: of the image's part, of the outputs' gradient, of the filter
    nv, masked        vectors of outputs, and True if the last one is partial
    add               True if the output already holds partial sums
    """

    window: Val
    dy: Val
    sums: Val
    nv: int
    masked: bool
    add: Val


def blocked_tile(vectors: int, target: Target, lanes: int) -> tuple[int, int]:
    """(rows, vectors) of a tile whose rows are channels of one block, for a number of vectors of outputs."""
    # Three vectors use the registers best, if no panel is left with fewer.
    three = vectors % 3 == 0 and fits(lanes // 2, 3, target)
    nv = 1 if vectors == 1 else 3 if three else 2
    # Powers of two divide a block's channels, so that all tiles of a tap are alike.
    heights = [r for r in (16, 8, 4, 2, 1) if r <= lanes and (r < 16 or nv == 1)]
    return next(r for r in heights if fits(r, nv, target)), nv


class GradientTiles(FilterGradientWriter):
    """Writes the functions of tiles, which have the arguments `counts` of their loops, and calls them."""

    counts: ClassVar[tuple[str, ...]]
    schedule: TiledSchedule

    def __init__(self, schedule: TiledSchedule, epilogue: Epilogue) -> None:
        super().__init__(schedule, epilogue)
        self.kernels: dict[Any, str] = {}  # functions of tiles that have been written

    @property
    @abstractmethod
    def reads_outputs(self) -> bool:
        """True if the outputs' gradient is read where it is, not from packed panels."""

    @property
    @abstractmethod
    def right_type(self) -> str:
        """The type of the elements that tiles read of the outputs' gradient."""

    @abstractmethod
    def loops_of_tile(self, f: Fn) -> list[tuple]:
        """The loops of a tile's sums, as `accumulate` takes them."""

    @abstractmethod
    def call(
        self, f: Fn, panel: Any, name: str, a: Any, y: Any, tap: Any = None, row: Any = 0
    ) -> None:
        """Calls a tile that reads from element `a` of the window and sums to element `y`.

        `tap` is its row of taps if all its rows have the same, and `row` then its first row of the filter.
        """

    def sweep_panels(self, f: Fn, panel: Callable[[Any, int, bool], None]) -> None:
        """Calls panel(number, vectors, True if the last is masked) for all panels."""
        s, outputs = self.schedule, self.gradient.outputs
        whole = outputs // s.nr
        f.loop(0, whole, 1, lambda p: panel(p, s.nv, False))
        if outputs % s.nr:
            panel(whole, -(-(outputs - whole * s.nr) // s.lanes), outputs % s.lanes != 0)

    def write_tiles(self, f: Fn, panel: Any) -> None:
        """All tiles of a panel."""
        if self.schedule.blocked:
            self.blocked_tiles(f, panel)
        else:
            self.compressed_tiles(f, panel)

    def blocked_tiles(self, f: Fn, panel: Any) -> None:
        """Tiles of `mr` channels of one tap, which all have the same form."""
        s, g, win, lanes = self.schedule, self.gradient, self.schedule.window, self.schedule.lanes
        pattern = tuple((i, i * g.outputs) for i in range(s.mr))
        name = self.kernel(pattern, panel.nv, panel.masked)

        def tile(q, i, j, e):
            a = (
                times(f, q, win.plane)
                + times(f, i, g.h.dilation * win.pitch)
                + times(f, j, g.w.dilation * lanes)
            )
            row = (times(f, i, g.w.taps) + j) * g.channels + times(f, q, lanes) + e
            self.call(f, panel, name, a + e, f.i64(times(f, row, g.outputs)), i, row)

        f.loop(0, g.channels // lanes, 1, lambda q: f.loop(0, g.h.taps, 1, lambda i: f.loop(
            0, g.w.taps, 1, lambda j: f.loop(0, lanes, s.mr, lambda e: tile(q, i, j, e)))))  # fmt: skip

    def compressed_tiles(self, f: Fn, panel: Any) -> None:
        """Tiles of any rows of the filter: equal tiles are loops."""
        s, g, win = self.schedule, self.gradient, self.schedule.window
        cells = [
            (
                i * g.h.dilation * win.pitch + j * g.w.dilation * win.column + e,
                ((i * g.w.taps + j) * g.channels + e) * g.outputs,
            )
            for i in range(g.h.taps)
            for j in range(g.w.taps)
            for e in range(g.channels)
        ]
        # Across the ends of taps: few channels would leave most tiles of single taps short.
        tiles = [cells[i : i + s.mr] for i in range(0, len(cells), s.mr)]
        calls = [(t[0][0], t[0][1], tuple((a - t[0][0], y - t[0][1]) for a, y in t)) for t in tiles]
        for a, y, pattern, n, da, dy in compress(calls):
            name = self.kernel(pattern, panel.nv, panel.masked)

            def one(i, name=name, a=a, y=y, da=da, dy=dy):
                at, to = times(f, i, da) + a, times(f, i, dy) + y
                self.call(f, panel, name, at, to)

            f.loop(0, n, 1, one)

    def kernel(self, pattern: tuple, nv: int, masked: bool) -> str:
        """The function of a tile with rows that read and sum at these (elements of the window, elements of the filter)."""
        key = pattern, nv, masked
        if key in self.kernels:
            return self.kernels[key]
        name = self.kernels[key] = f"filter_tile{len(self.kernels)}"
        s, g, lanes, types = self.schedule, self.gradient, self.schedule.lanes, self.schedule.types
        vector = vec(types.total, lanes)
        args = dict(a=PTR, b=PTR, c=PTR, add=I1) | dict.fromkeys(self.counts, I64)
        with self.module.fn(name, internal=True, noalias=False, **args) as f:
            masks: list[Val | None] = [None] * nv
            if masked:
                masks[-1] = f.mask(lanes, g.outputs % lanes)
            loops = self.loops_of_tile(f)
            acc = accumulate(
                f, types, [a for a, _ in pattern], nv, loops, f.a, f.b, zeros(f, len(pattern) * nv, vector),
                masks if self.reads_outputs else None, reads=Reads(s.left_type, self.right_type),
            )  # fmt: skip
            cells = [(y + lanes * j, masks[j]) for _, y in pattern for j in range(nv)]
            more = lambda: [
                x + f.load(f.c, o, vector, mask) for x, (o, mask) in zip(acc, cells, strict=True)
            ]
            # The first block stores: its sums' memory holds whatever was there before.
            acc = f.when(f.add, more, lambda: acc)
            for x, (o, mask) in zip(acc, cells, strict=True):
                f.store(x, f.c, o, mask)
        return name
