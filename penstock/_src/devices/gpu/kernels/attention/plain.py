"""Tiles of attention by fused multiply-adds: threads in a square; each has some neighboring rows, and columns at distances of the square's width."""

from collections.abc import Callable, Sequence

from penstock._src.compiler.codegen.attention.form import Form
from penstock._src.devices.gpu.kernels.attention.shapes import BYTES, CudaLayout, Shape
from penstock._src.devices.gpu.kernels.attention.tiles import Tile, Tiles
from penstock._src.devices.gpu.kernels.language import CudaFn
from penstock._src.native.language.types import SIZE, vec
from penstock._src.native.language.value import Val


class PlainTiles(Tiles):
    """Threads of a row of the square share lines, and are in one warp."""

    def __init__(self, f: CudaFn, form: Form, layout: CudaLayout, shape: Shape, owner: str):
        super().__init__(f, form, layout, shape, owner)
        self.element = self.total
        self.side = shape.side
        self.down, self.along = f.thread // self.side, f.thread % self.side
        self.deep = (
            BYTES // SIZE[self.total]
        )  # elements that are multiplied at once along the depth
        own = shape.owned // self.side
        # Neighboring rows share their maximum and sum within a thread.
        self.lines = [self.down * own + i for i in range(own)]
        # A row longer by one vector, so that rows begin in different banks.
        self.room_stride = shape.others + self.deep
        self.room = f.shared(shape.owned * self.room_stride * SIZE[self.total])
        # At distances: threads beside one another read rows whose banks differ.
        self.places = [self.along + self.side * j for j in range(shape.others // self.side)]

    def rank(self) -> tuple[Val, int]:
        return self.along, self.side

    def across(self, x: Val, combine: Callable[[Val, Val], Val]) -> Val:
        distance = self.side // 2
        while distance:
            # A butterfly: afterwards all threads of the lines have the same bits.
            x = combine(x, self.f.shuffled(x, distance))
            distance //= 2
        return x

    def _vector(self, room: Val, at: Val, n: int) -> Val:
        """Neighbors in shared memory."""
        ty = self.total if n == 1 else vec(self.total, n)
        place = self.f.at(room, at, self.total)
        return self.f.emit(
            ty, f"load {ty}, ptr {place.s}, align {min(BYTES, n * SIZE[self.total])}"
        )

    def products(self, a: Tile, b: Tile) -> list[Val]:
        f, deep = self.f, self.deep
        zeros = [f.zero(self.total)] * (len(self.lines) * len(self.places))

        def step(k: Val, *sums: Val) -> list[Val]:
            left = [self._vector(a.room, i * a.stride + k, deep) for i in self.lines]
            right = [self._vector(b.room, j * b.stride + k, deep) for j in self.places]
            totals = list(sums)
            for e in range(deep):
                xs, ys = ([f.extract(v, e) for v in part] for part in (left, right))
                for i, x in enumerate(xs):
                    for j, y in enumerate(ys):
                        at = i * len(ys) + j
                        totals[at] = f.fma(x, y, totals[at])
            return totals

        return list(f.loop(0, a.padded, deep, step, *zeros))

    def no_sums(self, extent: int) -> list[Val]:
        n = self.shape.features(extent)
        ty = self.total if n == 1 else vec(self.total, n)
        return [self.f.zero(ty)] * (
            len(self.lines) * (self.shape.padded(extent) // (self.side * n))
        )

    def _features(self, extent: int) -> list[Val]:
        """The first features of a thread's vectors."""
        n = self.shape.features(extent)
        return [
            self.along * n + self.side * n * i
            for i in range(self.shape.padded(extent) // (self.side * n))
        ]

    def _show(self, scores: Sequence[Val]) -> None:
        """Puts scores where the threads of the same lines, which are of one warp, see them."""
        f = self.f
        f.warp_barrier()  # all threads have read the previous content
        cells = [(i, j) for i in self.lines for j in self.places]
        for (i, j), x in zip(cells, scores, strict=True):
            f.store(x, self.room, i * self.room_stride + j)
        f.warp_barrier()

    def added(self, sums: list[Val], scores: Sequence[Val], b: Tile, extent: int) -> list[Val]:
        f, deep, n = self.f, self.deep, self.shape.features(extent)
        self._show(scores)
        room, features = self.room, self._features(extent)

        def step(k: Val, *carried: Val) -> list[Val]:
            totals = list(carried)
            left = [self._vector(room, i * self.room_stride + k, deep) for i in self.lines]
            for e in range(deep):
                right = [self._vector(b.room, (k + e) * b.stride + j, n) for j in features]
                for i, x in enumerate([f.extract(v, e) for v in left]):
                    for j, y in enumerate(right):
                        at = i * len(right) + j
                        totals[at] = f.fma(f.splat(x, n) if n > 1 else x, y, totals[at])
            return totals

        return list(f.loop(0, self.shape.others, deep, step, *sums))

    def lines_of_sums(self, count: int) -> list[int]:
        return [i // (count // len(self.lines)) for i in range(count)]

    def parts_of_sums(self, sums: list[Val], extent: int) -> list[tuple[int, Val, Val]]:
        cells = [(i, j) for i in range(len(self.lines)) for j in self._features(extent)]
        return [(i, j, x) for (i, j), x in zip(cells, sums, strict=True)]
