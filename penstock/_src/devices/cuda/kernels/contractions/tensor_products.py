"""Products of bfloat16 and float16 by tensor cores: mma.sync m16n8k16, summed in float.

Tiles come to shared memory as in products.py, but as rows of A and columns of B along the depth, so that the two neighbors that a lane gives to
the instruction are one word. A warp has some rows and columns of the tile; of each 16 x 8 of them a lane has two rows and two
neighboring columns.
"""

from typing import Any

from penstock._src.compiler.codegen.contraction.extents import is_static
from penstock._src.compiler.codegen.contraction.products.description import Gemm
from penstock._src.compiler.codegen.contraction.tile import word
from penstock._src.compiler.codegen.kernel_code import PLAIN, Epilogue, KernelCode
from penstock._src.devices.cuda.kernels.contractions.matrices import multiply_add
from penstock._src.devices.cuda.kernels.contractions.products import LARGE, CudaProduct, TileShape
from penstock._src.devices.cuda.target import ARCHITECTURES, WARP
from penstock._src.native import Target
from penstock._src.native.language.types import BF16, F16, F32, I16, I32, vec
from penstock._src.native.language.value import Val

LEAST = 80  # the first architecture that has the instruction
M, N, K = 16, 8, 16  # of one instruction
WARPS = (2, 4)  # of a block: along rows, along columns
PAD = 8  # elements between rows in shared memory, so that lanes of a warp read different banks
SMALL, LARGE_ONE = TileShape(64, 64, 32), TileShape(128, 128, 32)


def suits_tensor_cores(gemm: Gemm, target: Target) -> bool:
    """Whether a product is one of two narrow operands of a type, summed in float, on a card that multiplies them."""
    types = gemm.types
    narrow = types.left == types.right and types.left in (BF16, F16)
    return narrow and types.total == F32 and ARCHITECTURES[target.cpu].number >= LEAST


def emit_tensor_product(
    gemm: Gemm, target: Target, epilogue: Epilogue = PLAIN, shape: TileShape | None = None
) -> KernelCode:
    """The code of a product by tensor cores."""
    if shape is None:
        is_large = all(is_static(x) and x >= LARGE for x in (gemm.m, gemm.n))
        shape = LARGE_ONE if is_large else SMALL
    return TensorProduct(gemm, target, epilogue, shape).emit()


class TensorProduct(CudaProduct):
    """Writes one product's kernel."""

    def __init__(self, gemm: Gemm, target: Target, epilogue: Epilogue, shape: TileShape):
        super().__init__(gemm, target, epilogue, shape)
        strides = [gemm.row, gemm.n, *gemm.batch_out]
        self.lanes = 2 if all(isinstance(s, int) and s % 2 == 0 for s in strides) else 1
        self.element = gemm.types.left
        self.down, self.wide = shape.rows // WARPS[0] // M, shape.columns // WARPS[1] // N

    def fetched(self, x: Val) -> Val:
        return self.f.bits(x, I16)

    def _place_of_thread(self) -> tuple[Val, Val, Val, Val]:
        """(warp along rows, warp along columns, group of the lane, lane within the group)."""
        thread = self.f.thread
        warp, lane = thread // WARP, thread % WARP
        return warp // WARPS[1], warp % WARPS[1], lane // 4, lane % 4

    def _row_group(self) -> Val:
        down, _, group, _ = self._place_of_thread()
        return down * 8 + group

    def _rows_and_columns(self) -> tuple[list[Val], list[Val]]:
        down, wide, group, within = self._place_of_thread()
        row = self.first_row + down * (self.down * M) + group
        column = self.first_column + wide * (self.wide * N) + within * 2
        rows = [row + (i * M + h * 8) for i in range(self.down) for h in range(2)]
        steps = [0] if self.lanes == 2 else [0, 1]
        return rows, [column + (j * N + s) for j in range(self.wide) for s in steps]

    def _sums(self, fetch_a: Any, fetch_b: Any) -> list[Val]:
        f, shape = self.f, self.shape
        stride = shape.depth + PAD
        sizes = shape.rows * stride, shape.columns * stride
        rooms = [f.shared(2 * 2 * size) for size in sizes]
        zeros = [f.zero(F32)] * (self.down * self.wide * 4)

        def put(half: Any, found: list[list[Val]]) -> None:
            for fetch, room, size, values in zip(
                (fetch_a, fetch_b), rooms, sizes, found, strict=True
            ):
                for (cross, k), x in zip(fetch.places, values, strict=True):
                    f.store(x, room, word(f, half * size) + cross * stride + k)

        def step(k0: Val, half: Val, *sums: Val) -> tuple[Val, ...]:
            following = [fetch.load(k0 + shape.depth) for fetch in (fetch_a, fetch_b)]
            a, b = (f.at(room, half * size, I16) for room, size in zip(rooms, sizes, strict=True))
            found = self._products(list(sums), a, b, stride)
            put(half ^ 1, following)
            f.barrier()
            return half ^ 1, *found

        def steps() -> tuple[Val, ...]:
            put(0, [fetch.load(f.i64(0)) for fetch in (fetch_a, fetch_b)])
            f.barrier()
            return f.loop(0, self.depth, shape.depth, step, f.i64(0), *zeros)[1:]

        return self._in_rows(list(f.when(self.depth > 0, steps, lambda: tuple(zeros))))

    def _products(self, sums: list[Val], a: Val, b: Val, stride: int) -> list[Val]:
        """The sums with a step's products added: four for each instruction, tile by tile."""
        f = self.f
        down, wide, group, within = self._place_of_thread()
        row, column = down * (self.down * M) + group, wide * (self.wide * N) + group

        def pair(room: Val, line: Val, k: int) -> Val:
            """Two neighbors along the depth."""
            at = f.at(room, line * stride + within * 2 + k, I16)
            return f.emit(I32, f"load i32, ptr {at.s}, align 4")

        for k in range(0, self.shape.depth, K):
            columns = [[pair(b, column + j * N, k + h) for h in (0, 8)] for j in range(self.wide)]
            for i in range(self.down):
                line = row + i * M
                rows = [pair(a, line + h, k + d) for d in (0, 8) for h in (0, 8)]
                for j, given in enumerate(columns):
                    at = 4 * (i * self.wide + j)
                    sums[at : at + 4] = multiply_add(
                        f, self.element, rows, given, sums[at : at + 4]
                    )
        return sums

    def _in_rows(self, sums: list[Val]) -> list[Val]:
        """The sums row by row, in the order of `_rows_and_columns`."""
        f, found = self.f, []
        for i in range(self.down):
            for half in (0, 2):
                for j in range(self.wide):
                    at = 4 * (i * self.wide + j) + half
                    two = sums[at : at + 2]
                    if self.lanes == 1:
                        found += two
                        continue
                    one = f.insert(f.zero(vec(F32, 2)), two[0], 0)
                    found.append(f.insert(one, two[1], 1))
        return found
