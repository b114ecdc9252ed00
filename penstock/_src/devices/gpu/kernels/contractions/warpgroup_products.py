"""Products by warpgroups (wgmma), with tiles loaded by bulk copies (TMA): sm_90a.

A block has two warpgroups that multiply, each 64 rows of the tile, and one in which a single thread copies tiles: some steps ahead, through boxes of the operands as stored. Of
each stage of shared memory there are two barriers: "full" ends a phase when the stage's bytes have come, "empty" when all warps that multiply are done with
it. Boxes that reach beyond an operand are zeros there.

`hindrance` is the rule that selects the products computed this way.
"""

from collections.abc import Callable
from typing import Any

from penstock._src.compiler.codegen.contraction.extents import (
    Extent,
    ceil_divide,
    is_static,
    product,
)
from penstock._src.compiler.codegen.contraction.products.description import Gemm, Matrix
from penstock._src.compiler.codegen.kernel_code import LEFT, PLAIN, RIGHT, Epilogue, KernelCode
from penstock._src.devices.gpu.kernels import asynchronous as bulk
from penstock._src.devices.gpu.kernels.contractions.schedule import (
    ProductSchedule,
    TileShape,
    lies_in_vectors,
)
from penstock._src.devices.gpu.kernels.contractions.warpgroups import (
    PRODUCTS,
    ROWS,
    STEP,
    SharedTile,
    close_products,
    fenced,
    multiply_add,
    wait_for_products,
)
from penstock._src.devices.gpu.kernels.contractions.warpgroups import THREADS as GROUP
from penstock._src.devices.gpu.kernels.contractions.writer import ProductWriter, emit
from penstock._src.devices.gpu.kernels.language import CudaFn, CudaModule
from penstock._src.devices.gpu.kernels.tensor_maps import ALIGNED, LINE, MOST_RANK, TensorMap
from penstock._src.devices.gpu.target import ARCHITECTURES, WARP
from penstock._src.native import Target
from penstock._src.native.language.types import F32, FLOATS, I8, I32, SIZE
from penstock._src.native.language.value import Val
from penstock._src.util.dataclass import dataclass

CONSUMERS = 2  # warpgroups that multiply
SUMMING = CONSUMERS * GROUP  # their threads
STAGES = 4  # steps whose tiles are in shared memory or in flight
LEAST = 128  # least rows and columns for these tiles
LEAST_DEPTH = 64
WIDE, NARROW = 256, 128  # columns of a tile
MANY = 128  # number of wide tiles that keep a GPU busy
REGISTERS = 168  # registers of each thread of a block of 384; the copying threads give most of theirs to the multiplying ones
OF_PRODUCER, OF_CONSUMERS = 40, 232
N = 8  # columns; a lane has two of them
GROUPS = SUMMING // WARP * 8  # lanes of four share a row


def hindrance(gemm: Any, target: Target) -> str | None:
    """The reason why a contraction is not a product for warpgroups; None if it is one."""
    architecture = ARCHITECTURES.get(target.cpu)
    if architecture is None or not architecture.is_specific:
        return "the GPU has no wgmma"
    if not isinstance(gemm, Gemm) or gemm.group != 1 or gemm.zero:
        return "it is not a plain product"
    types = gemm.types
    if types.left != types.right or types.left not in PRODUCTS:
        return f"wgmma does not multiply {types.left} by {types.right} here"
    if types.left == I8 and types.total != I32:
        return "bytes are summed in 32 bits"
    if types.left != I8 and (types.total != F32 or types.output not in FLOATS):
        return "sums are floats"
    if any(is_static(x) and x < LEAST for x in (gemm.m, gemm.n)) or not is_static(gemm.n):
        return f"it has fewer than {LEAST} rows or columns"
    if len(gemm.k) != 1 or (is_static(gemm.k[0]) and gemm.k[0] < LEAST_DEPTH):
        return f"its depth is less than {LEAST_DEPTH}, or of several letters"
    for operand, name in ((gemm.left, "left"), (gemm.right, "right")):
        if not isinstance(operand, Matrix):
            return f"the {name} operand is gathered"
        if _layout(operand) is None:
            return f"the {name} operand does not lie along a line in steps of {ALIGNED} bytes"
    return None


def _layout(x: Matrix) -> bool | None:
    """True if an operand is contiguous along the depth; None if boxes cannot reach it."""
    size = SIZE[x.element]
    along = x.depth[-1] == 1
    if not along and (x.cross != 1 or size != 2):  # only 16 bits are turned
        return None
    outer = [x.cross if along else x.depth[-1], *x.batch]
    if not all(is_static(s) and s * size % ALIGNED == 0 for s in [*outer, x.base]):
        return None
    is_deep = len([s for s in x.batch if s != 0]) + 2 > MOST_RANK
    return None if outer[0] == 0 or is_deep else along


@dataclass(frozen=True)
class WarpgroupSchedule(ProductSchedule):
    """The choice for a product by warpgroups: besides, the operands' tiles and boxes."""

    sides: tuple["Side", ...] = ()


def choose(gemm: Gemm, shape: TileShape | None = None) -> WarpgroupSchedule:
    """The schedule of a product without a hindrance, with the best tile unless a shape is given."""
    shape = shape or _shape_of(gemm)
    lanes = 2 if lies_in_vectors(gemm, 2) else 1
    sides = (
        side_of(gemm, LEFT, shape.rows, shape.depth),
        side_of(gemm, RIGHT, shape.columns, shape.depth),
    )
    return WarpgroupSchedule(gemm, shape, lanes, GROUPS, "wgmma", sides)


def _shape_of(gemm: Gemm) -> TileShape:
    depth = LINE // SIZE[gemm.types.left]
    batches = product([b for b in gemm.batch if is_static(b)])
    rows = gemm.m if is_static(gemm.m) else LEAST
    # Wide tiles read each operand less often, but few of them would leave processors idle.
    is_large = ceil_divide(rows, LEAST) * ceil_divide(gemm.n, WIDE) * batches >= MANY
    return TileShape(CONSUMERS * ROWS, WIDE if is_large else NARROW, depth)


def emit_warpgroup_product(
    gemm: Gemm, target: Target, epilogue: Epilogue = PLAIN, shape: TileShape | None = None
) -> KernelCode:
    """The code of a product without a hindrance."""
    schedule = choose(gemm, shape)
    module = CudaModule(target, SUMMING + GROUP, [side.map for side in schedule.sides])
    return emit(schedule, WarpgroupProduct, module, epilogue)


class WarpgroupProduct(ProductWriter[WarpgroupSchedule]):
    """Writes a kernel whose warpgroups multiply."""

    # -- elements of each lane
    def by_those_who_sum(self, action: Callable[[], None]) -> None:
        self.f.when(self.f.thread < SUMMING, action)

    def row_group(self) -> Val:
        return self.f.thread // 4

    def rows_and_columns(self) -> tuple[list[Val], list[Val]]:
        f = self.f
        row = self.place.first_row + f.thread // WARP * 16 + f.thread % WARP // 4
        column = self.place.first_column + f.thread % 4 * 2
        steps = [0] if self.lanes == 2 else [0, 1]
        columns = [column + (j + s) for j in range(0, self.shape.columns, N) for s in steps]
        return [row, row + 8], columns

    # -- the kernel
    def with_sums(self, action: Callable[[list[Val]], None]) -> None:
        f = self.f
        rooms = [
            bulk.shared_address(f, f.shared(STAGES * side.bytes)) for side in self.schedule.sides
        ]
        barriers = bulk.shared_address(f, f.shared(2 * STAGES * bulk.BARRIER_BYTES))
        self._begin_barriers(barriers)
        group = f.i64(f.shuffled_from(f.thread // GROUP, 0))  # as a number of the whole warp

        def multiply() -> None:
            # A block's registers are fixed: what the copying threads give up, the others take.
            bulk.set_registers(f, OF_CONSUMERS, REGISTERS)
            action(self._multiply(rooms, barriers, group))

        def bring() -> None:
            bulk.set_registers(f, OF_PRODUCER, REGISTERS)
            # One thread starts all copies; the hardware moves the boxes.
            f.when(f.thread.eq(SUMMING), lambda: self._bring(rooms, barriers))

        f.when(group < CONSUMERS, multiply, bring)

    def _begin_barriers(self, barriers: Val) -> None:
        f = self.f

        def begin() -> None:
            for stage in range(STAGES):
                bulk.begin_barrier(f, _full(barriers, stage), 1)
                # One arrival of each warp that multiplies.
                bulk.begin_barrier(f, _empty(barriers, stage), SUMMING // WARP)
            bulk.fence_barriers(f)

        f.when(f.thread.eq(0), begin)
        f.barrier()

    def _stage(self, step: Val) -> tuple[Val, Val]:
        """(the stage of a step, the parity of the phase in which it is that step's)."""
        f = self.f
        return step % STAGES, f.cast("trunc", step // STAGES % 2, I32)

    def _bring(self, rooms: list[Val], barriers: Val) -> None:
        """One thread's work: tiles, each when its stage is empty."""
        f = self.f

        def step(k0: Val, number: Val) -> tuple[Val]:
            stage, parity = self._stage(number)
            full = _full(barriers, stage)
            # The opposite parity passes at once the first time, when no stage has been used.
            bulk.wait_for_phase(f, _empty(barriers, stage), parity ^ 1)
            bulk.arrive_and_expect(f, full, sum(side.bytes for side in self.schedule.sides))
            starts = self.place.first_row, self.place.first_column
            for number_, (side, room, first) in enumerate(
                zip(self.schedule.sides, rooms, starts, strict=True)
            ):
                to = room + stage * side.bytes
                side.copy(f, number_, to, f.i64(k0), f.i64(first), self.place.coordinates, full)
            return (number + 1,)

        f.loop(self.place.begin, self.place.depth, self.shape.depth, step, f.i64(0))

    def _multiply(self, rooms: list[Val], barriers: Val, group: Val) -> list[Val]:
        """The sums of a thread that multiplies."""
        f, (a, b) = self.f, self.schedule.sides
        zeros = [f.zero(self.total)] * (self.shape.columns // 2)
        own = group * (ROWS * LINE)  # bytes to the warpgroup's rows

        def leave(number: Val) -> None:
            """The warp is done with a step's stage."""
            empty = _empty(barriers, number % STAGES)
            f.when((f.thread % WARP).eq(0), lambda: bulk.arrive(f, empty))

        def step(_k0: Val, number: Val, *sums: Val) -> tuple[Val, ...]:
            stage, parity = self._stage(number)
            bulk.wait_for_phase(f, _full(barriers, stage), parity)
            left = a.tile.descriptor(f, rooms[0] + stage * a.bytes + own)
            right = b.tile.descriptor(f, rooms[1] + stage * b.bytes)
            totals = fenced(f, sums)
            for i in range(LINE // STEP):
                at = left + i * a.tile.step(), right + i * b.tile.step()
                totals = multiply_add(f, (a.tile, b.tile), *at, totals)
            close_products(f)
            # The products just begun go on: only those of the step before must have ended.
            totals = wait_for_products(f, 1, totals)
            # So its stage is free now, one step after it was read.
            f.when(number > 0, lambda: leave(number - 1))
            return number + 1, *totals

        totals = f.loop(
            self.place.begin, self.place.depth, self.shape.depth, step, f.i64(0), *zeros
        )[1:]
        return self._in_rows(wait_for_products(f, 0, totals))

    def _in_rows(self, sums: list[Val]) -> list[Val]:
        """The sums row by row, in the order of `rows_and_columns`."""
        f, ordered = self.f, []
        for half in (0, 2):
            for j in range(half, len(sums), 4):
                two = sums[j : j + 2]
                ordered += [f.vector_of(*two)] if self.lanes == 2 else two
        return ordered


def _full(barriers: Val, stage: Any) -> Val:
    return barriers + stage * bulk.BARRIER_BYTES


def _empty(barriers: Val, stage: Any) -> Val:
    return barriers + (stage * bulk.BARRIER_BYTES + STAGES * bulk.BARRIER_BYTES)


@dataclass(frozen=True)
class Side:
    """An operand: its tensor map, and its tile in shared memory.

    along     it lies along the depth
    extent    rows or columns of the tile
    line      elements of a box's line
    bytes     of the tile
    batches   axes of the batch that it has; an operand shared by the whole batch has none
    """

    along: bool
    extent: int
    line: int
    bytes: int
    tile: SharedTile
    batches: tuple[int, ...]
    map: TensorMap

    def copy(
        self, f: CudaFn, number: int, to: Val, k0: Val, first: Val, batch: list, barrier: Val
    ) -> None:
        """Begins to copy the tile at a depth and a row or column."""
        rest = [f.i64(batch[i]) for i in self.batches]
        if self.along:
            self._copy(f, number, to, [k0, first, *rest], barrier)
            return
        for box in range(self.extent // self.line):
            start = [first + box * self.line, k0, *rest]
            self._copy(f, number, to + box * self.tile.box, start, barrier)

    @staticmethod
    def _copy(f: CudaFn, number: int, to: Val, first: list[Val], barrier: Val) -> None:
        bulk.copy_box(f, to, number, [f.cast("trunc", x, I32) for x in first], barrier)


def side_of(gemm: Gemm, which: int, extent: int, depth: int) -> Side:
    """The LEFT or RIGHT operand, with a tile of this many rows or columns and a step's depth."""
    x, cross = (gemm.left, gemm.m) if which == LEFT else (gemm.right, gemm.n)
    assert isinstance(x, Matrix)
    along, size = bool(_layout(x)), SIZE[x.element]
    line = LINE // size
    (k,) = gemm.k
    inner: tuple[Extent, Extent] = (k, cross) if along else (cross, k)
    # Axes along which the operand is the same need no dimension of its map.
    batches = tuple([i for i, s in enumerate(x.batch) if s != 0])
    strides = [x.cross if along else x.depth[-1], *[x.batch[i] for i in batches]]
    extents = (*inner, *[gemm.batch[i] for i in batches])
    box = (line, extent if along else depth, *[1] * len(batches))
    assert is_static(x.base) and all(map(is_static, strides))
    in_bytes = tuple([int(s) * size for s in strides])  # type: ignore[arg-type]
    tensor_map = TensorMap(which, x.base * size, x.element, extents, in_bytes, box)
    tile = SharedTile(along, x.element, depth)
    return Side(along, extent, line, extent * depth * size, tile, batches, tensor_map)
