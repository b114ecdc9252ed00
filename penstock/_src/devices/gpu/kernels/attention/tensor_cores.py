"""Tiles of attention by mma.sync: a warp has 16 lines and all columns; scores stay in registers from one product to the next."""

from collections.abc import Callable, Sequence

from penstock._src.compiler.codegen.attention.form import Form
from penstock._src.devices.gpu.kernels.attention.shapes import CudaLayout, Shape
from penstock._src.devices.gpu.kernels.attention.tiles import Tile, Tiles
from penstock._src.devices.gpu.kernels.contractions.matrices import load_matrices, multiply_add
from penstock._src.devices.gpu.kernels.language import CudaFn
from penstock._src.devices.gpu.target import WARP
from penstock._src.native.language.types import F32, I16, I32, vec
from penstock._src.native.language.value import Val

M, N, K = 16, 8, 16  # shape of one instruction


class TensorTiles(Tiles):
    """The cells of a lane are those of the instruction: two lines, two neighboring positions in every N."""

    def __init__(self, f: CudaFn, form: Form, layout: CudaLayout, shape: Shape, owner: str):
        super().__init__(f, form, layout, shape, owner)
        self.element, self.narrow = I16, form.elements[0]
        self.warp, self.lane = f.thread // WARP, f.thread % WARP
        group, self.within = self.lane // 4, self.lane % 4
        self.lines = [self.warp * M + group + 8 * h for h in range(2)]
        self.places = [
            self.within * 2 + (N * j + s) for j in range(shape.others // N) for s in range(2)
        ]

    def rank(self) -> tuple[Val, int]:
        return self.within, 4

    def across(self, x: Val, combine: Callable[[Val, Val], Val]) -> Val:
        # The four lanes of a line are neighbors: two exchanges reach all of them.
        for distance in (1, 2):
            x = combine(x, self.f.shuffled(x, distance))
        return x

    def products(self, a: Tile, b: Tile) -> list[Val]:
        f, tiles = self.f, self.shape.others // N
        sums = [f.zero(F32)] * (4 * tiles)
        row = self.warp * M + self.lane % 16
        column = self.lane // 16 * 8
        across = self.lane // 16 * 8 + self.lane % 8
        along = self.lane // 8 % 2 * 8
        for k in range(0, a.padded, K):
            left = load_matrices(f, f.at(a.room, row * a.stride + column + k, I16))
            for j in range(0, tiles, 2):
                place = f.at(b.room, (across + j * N) * b.stride + along + k, I16)
                right = load_matrices(f, place)
                for h in range(2):
                    at = 4 * (j + h)
                    sums[at : at + 4] = multiply_add(
                        f, self.narrow, left, right[2 * h : 2 * h + 2], sums[at : at + 4]
                    )
        return self._by_lines(sums)

    @staticmethod
    def _by_lines(sums: Sequence[Val]) -> list[Val]:
        """The instruction's four sums of each N positions, regrouped by line."""
        return [
            sums[i + 2 * h + s] for h in range(2) for i in range(0, len(sums), 4) for s in range(2)
        ]

    def no_sums(self, extent: int) -> list[Val]:
        return [self.f.zero(F32)] * (self.shape.padded(extent) // N * 4)

    def _pair(self, x: Val, y: Val) -> Val:
        """Two neighbors as the instruction takes them."""
        f = self.f
        if self.narrow == "half":
            both = f.insert(f.zero(vec("half", 2)), f.convert(x, "half"), 0)
            return f.bits(f.insert(both, f.convert(y, "half"), 1), I32)
        low, high = (f.cast("zext", f.bits(f.convert(v, self.narrow), I16), I32) for v in (x, y))
        # The element of the lower index lies in the lower half.
        return low | (high << 16)

    def added(self, sums: list[Val], scores: Sequence[Val], b: Tile, extent: int) -> list[Val]:
        f, wide, accumulated = self.f, len(scores) // 2, list(sums)
        row, column = self.lane % 16, self.lane // 16 * 8
        for k in range(0, self.shape.others, K):
            at = k // N * 2
            # A product's sums lie in lanes as the next one's left operand: no exchange.
            left = [
                self._pair(scores[h * wide + at + d], scores[h * wide + at + d + 1])
                for d in (0, 2) for h in range(2)
            ]  # fmt: skip
            for j in range(0, self.shape.padded(extent), 2 * N):
                place = f.at(b.room, (row + k) * b.stride + column + j, I16)
                right = load_matrices(f, place, turned=True)
                for h in range(2):
                    to = (j // N + h) * 4
                    accumulated[to : to + 4] = multiply_add(
                        f, self.narrow, left, right[2 * h : 2 * h + 2], accumulated[to : to + 4]
                    )
        return accumulated

    def lines_of_sums(self, count: int) -> list[int]:
        return [i % 4 // 2 for i in range(count)]

    def parts_of_sums(self, sums: list[Val], extent: int) -> list[tuple[int, Val, Val]]:
        return [
            (h, self.within * 2 + (i // 4 * N + s), sums[i + 2 * h + s])
            for i in range(0, len(sums), 4) for h in range(2) for s in range(2)
        ]  # fmt: skip
