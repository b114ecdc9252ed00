"""Products by tensor cores: mma.sync on bfloat16, float16, float32 as TF32, float64, int8.

All kinds but float64 have one layout in 32-bit words: an instruction takes eight words along the depth from a row of A, and from a column
of B. Tiles keep their memory order in shared memory: lines along the depth (rows of A, columns of B) or across. They are loaded by cp.async
in vectors, some steps ahead, if neighbors can be moved together; else element by element through registers (access.py). A warp has some
rows and columns of the tile; of each 16 x 8 of them a lane has two rows and two neighboring columns.
"""

from collections.abc import Callable
from typing import Any

from penstock._src.compiler.codegen.contraction.extents import is_static
from penstock._src.compiler.codegen.contraction.products.description import Gemm
from penstock._src.compiler.codegen.contraction.products.gathered import Gathered
from penstock._src.compiler.codegen.contraction.tile import word
from penstock._src.compiler.codegen.kernel_code import PLAIN, Epilogue, KernelCode
from penstock._src.devices.gpu.kernels.contractions.access import Access, access_of
from penstock._src.devices.gpu.kernels.contractions.matrices import (
    load_matrices,
    multiply_add,
    rounded_to_tf32,
)
from penstock._src.devices.gpu.kernels.contractions.schedule import (
    LARGE,
    THREADS,
    ProductSchedule,
    TileShape,
    lies_in_vectors,
)
from penstock._src.devices.gpu.kernels.contractions.writer import (
    Fetcher,
    Located,
    Place,
    ProductWriter,
    emit,
)
from penstock._src.devices.gpu.kernels.language import CudaFn, CudaModule
from penstock._src.devices.gpu.target import ARCHITECTURES, WARP
from penstock._src.native import Target
from penstock._src.native.language.types import (
    BF16,
    F16,
    F32,
    F64,
    FLOATS,
    I8,
    I16,
    I32,
    SIZE,
)
from penstock._src.native.language.value import Val
from penstock._src.util.dataclass import dataclass

LEAST = 80  # the first architecture that has the instructions
M, N = 16, 8  # shape of one instruction; for doubles it has half the rows
STEP = 32  # bytes of an instruction's depth
WARPS = (2, 4)  # warps of a block: along rows, along columns
GROUPS = WARPS[0] * 8  # lanes of four share a row
STAGES = 4  # steps whose tiles are in shared memory or in flight
PAD = 16  # bytes between lines in shared memory, so that lanes of a warp read different banks
# Types of elements -> types in shared memory.
KINDS = {
    BF16: I16,
    F16: I16,
    F32: F32,
    F64: F64,
    I8: I8,
}
ONES = 0x01010101  # four int8


@dataclass(frozen=True)
class Tile:
    """Lines of an operand in shared memory: along the depth or across it."""

    along_depth: bool
    lines: int
    stride: int  # bytes from line to line

    @property
    def bytes(self) -> int:
        """Bytes of one stage."""
        return self.lines * self.stride


@dataclass(frozen=True)
class TensorSchedule(ProductSchedule):
    """The choice for a product by tensor cores.

    access    of each operand: which neighbors are moved together
    """

    access: tuple[Access, ...] = ()

    @property
    def element(self) -> str:
        """The type of the operands."""
        return self.gemm.types.left

    @property
    def size(self) -> int:
        """Bytes of an element."""
        return SIZE[self.element]

    @property
    def tall(self) -> int:
        """Rows of an instruction."""
        return _tall(self.element)

    @property
    def halves(self) -> int:
        """Rows of a lane in an instruction."""
        return self.tall // 8

    @property
    def down(self) -> int:
        """Instructions of a warp along rows."""
        return self.shape.rows // WARPS[0] // self.tall

    @property
    def wide(self) -> int:
        """Instructions of a warp along columns."""
        return self.shape.columns // WARPS[1] // N

    @property
    def tiles(self) -> tuple[Tile, Tile]:
        """The operands' tiles in shared memory."""
        left, right = self.access
        return self._tile(left, self.shape.rows), self._tile(right, self.shape.columns)

    def _tile(self, access: Access, extent: int) -> Tile:
        if access.along_depth:
            return Tile(True, extent, self.shape.depth * self.size + PAD)
        # words of lines four apart are read together
        pad = 2 * PAD if self.size >= 4 else PAD
        return Tile(False, self.shape.depth, extent * self.size + pad)


def _tall(element: str) -> int:
    return N if element == F64 else M


def suits_tensor_cores(gemm: Any, target: Target, tf32: bool) -> bool:
    """True if tensor cores can multiply a product's dtype, and the GPU has them. `tf32`: float32 may be rounded."""
    architecture = ARCHITECTURES.get(target.cpu)
    if architecture is None or architecture.number < LEAST:
        return False
    if not isinstance(gemm, Gemm) or gemm.group != 1:
        return False
    types = gemm.types
    if types.left != types.right or types.left not in KINDS:
        return False
    if types.left == I8:
        # Sums of B's columns hold for all rows only if no row leaves out a part of the depth.
        has_border = isinstance(gemm.left, Gathered) and any(
            a.low is not None or a.divisor != 1 for a in gemm.left.axes
        )
        return types.total == I32 and not (gemm.zero and has_border)
    if types.left == F64:
        return types.total == F64
    floats = types.total == F32 and types.output in FLOATS
    return floats and (types.left != F32 or tf32)


def choose(gemm: Gemm, shape: TileShape | None = None) -> TensorSchedule:
    """The schedule of a product, with the tile that suits it unless a shape is given."""
    element = gemm.types.left
    access = tuple(
        [
            access_of(operand, gemm.k, cross, element, may_lie_across=element != I8)
            for operand, cross in ((gemm.left, gemm.m), (gemm.right, gemm.n))
        ]
    )
    # The instruction leaves two neighboring columns in a lane: one store, if aligned.
    lanes = 2 if lies_in_vectors(gemm, 2) else 1
    return TensorSchedule(gemm, shape or _shape_of(gemm), lanes, GROUPS, "mma.sync", access)


def _shape_of(gemm: Gemm) -> TileShape:
    depth = STEP // SIZE[gemm.types.left]
    is_large = all(is_static(x) and x >= LARGE for x in (gemm.m, gemm.n))
    # For doubles there are not enough registers for these sums.
    if is_large and gemm.types.left != F64:
        return TileShape(128, 128, depth)
    return TileShape(32 if is_static(gemm.m) and gemm.m <= 32 else 64, 64, 2 * depth)


def emit_tensor_product(
    gemm: Gemm, target: Target, epilogue: Epilogue = PLAIN, shape: TileShape | None = None
) -> KernelCode:
    """The code of a product by tensor cores."""
    return emit(choose(gemm, shape), TensorProduct, CudaModule(target, THREADS), epilogue)


class TensorProduct(ProductWriter[TensorSchedule]):
    """Writes a kernel whose warps multiply."""

    def __init__(
        self, f: CudaFn, schedule: TensorSchedule, epilogue: Epilogue, place: Place
    ) -> None:
        super().__init__(f, schedule, epilogue, place)
        self.element, self.size, self.tiles = schedule.element, schedule.size, schedule.tiles
        self.tall, self.halves = schedule.tall, schedule.halves
        self.down, self.wide = schedule.down, schedule.wide

    def fetched(self, x: Val) -> Val:
        return self.f.bits(x, KINDS[self.element])

    def fetched_left(self, x: Val) -> Val:
        return self.fetched(x)  # the zero point is subtracted from sums

    # -- elements of each lane
    def _place_of_thread(self) -> tuple[Val, Val, Val, Val]:
        """(warp along rows, warp along columns, group of the lane, lane within the group)."""
        thread = self.f.thread
        warp, lane = thread // WARP, thread % WARP
        return warp // WARPS[1], warp % WARPS[1], lane // 4, lane % 4

    def row_group(self) -> Val:
        down, _, group, _ = self._place_of_thread()
        return down * 8 + group

    def rows_and_columns(self) -> tuple[list[Val], list[Val]]:
        down, wide, group, within = self._place_of_thread()
        row = self.place.first_row + down * (self.down * self.tall) + group
        column = self.place.first_column + wide * (self.wide * N) + within * 2
        rows = [row + (i * self.tall + h * 8) for i in range(self.down) for h in range(self.halves)]
        steps = [0] if self.lanes == 2 else [0, 1]
        return rows, [column + (j * N + s) for j in range(self.wide) for s in steps]

    # -- tiles
    def _mover(self, side: int, pointer: Val) -> "_Mover":
        g, place = self.g, self.place
        operand, first, limit, extent = (
            (g.left, place.first_row, place.m, self.shape.rows),
            (g.right, place.first_column, place.n, self.shape.columns),
        )[side]
        access, tile = self.schedule.access[side], self.tiles[side]
        # cp.async moves four bytes at least.
        if access.vector * self.size < 4:
            fetch = self.fetcher(operand, pointer, first, limit, extent)
            return _Mover(self, fetch, None, tile, self.f.shared(STAGES * tile.bytes))
        locate = self.locator(operand)
        copier = _Copier(self, access, pointer, locate, first, limit, extent)
        return _Mover(self, None, copier, tile, self.f.shared(STAGES * tile.bytes))

    def with_sums(self, action: Callable[[list[Val]], None]) -> None:
        action(self._sums_of_tile(*self.operands()))

    def _sums_of_tile(self, left: Val, right: Val) -> list[Val]:
        movers = [self._mover(side, p) for side, p in enumerate((left, right))]
        f, depth, place = self.f, self.shape.depth, self.place
        # With a zero point, four more for each instruction's columns: sums of B alone.
        count = self.down * self.wide * self.halves * 2 + (self.wide * 4 if self.g.zero else 0)
        zeros = [f.zero(self.total)] * count

        def steps() -> tuple[Val, ...]:
            for stage in range(STAGES - 1):
                for mover in movers:
                    k0 = f.i64(place.begin) + stage * depth
                    mover.finish(mover.start(k0, f.i64(stage)), f.i64(stage))
                # A group for every step, also an empty one, as waiting counts groups.
                f.close_copies()
            return f.loop(place.begin, place.depth, depth, step, f.i64(0), *zeros)[1:]

        def step(k0: Val, stage: Val, *sums: Val) -> tuple[Val, ...]:
            f.wait_for_copies(STAGES - 2)
            f.barrier()  # all threads see this stage, and have read the previous one
            # The stage read in the previous step: the barrier says that all have finished with it.
            free = (stage + (STAGES - 1)) % STAGES
            totals = [mover.start(k0 + depth * (STAGES - 1), free) for mover in movers]
            f.close_copies()
            result = self._products(list(sums), *[m.at(stage) for m in movers])
            for mover, x in zip(movers, totals, strict=True):
                mover.finish(x, free)
            return (stage + 1) % STAGES, *result

        totals = list(f.when(place.depth > place.begin, steps, lambda: tuple(zeros)))
        return self._in_rows(totals)

    def _products(self, sums: list[Val], a: Val, b: Val) -> list[Val]:
        """The sums with a step's products added, instruction by instruction."""
        f = self.f
        down, wide, _, _ = self._place_of_thread()
        row, column = down * (self.down * self.tall), wide * (self.wide * N)
        each = 2 * self.halves
        # Rows of ones times B: the sums of its columns, by the same instruction.
        ones = [f.const(ONES, I32)] * 4
        for k in range(0, self.shape.depth * self.size, STEP):
            columns: list[list[Val]] = []
            for j in range(0, self.wide, 2):
                words = self._columns_of(b, column + j * N, k)
                half = len(words) // 2
                columns += [words[:half], words[half:]]
            for i in range(self.down):
                rows = self._rows_of(a, row + i * self.tall, k)
                for j, column_words in enumerate(columns):
                    at, end = (each * (i * self.wide + j + n) for n in (0, 1))
                    sums[at:end] = multiply_add(f, self.element, rows, column_words, sums[at:end])
            if self.g.zero:  # besides, the sums of the columns of B
                for j, column_words in enumerate(columns):
                    at = 4 * (self.down * self.wide + j)
                    sums[at : at + 4] = multiply_add(
                        f, self.element, ones, column_words, sums[at : at + 4]
                    )
        return sums

    def _rows_of(self, a: Val, row: Val, k: int) -> list[Val]:
        """A lane's part of an instruction's rows, starting at byte k of the step's depth."""
        f, tile = self.f, self.tiles[0]
        lane = f.thread % WARP
        if self.element == F64:
            return [self._double(a, tile, row, k)]
        if tile.along_depth:
            place = (row + lane % 16) * tile.stride + lane // 16 * 16 + k
            return self._given(load_matrices(f, f.at(a, place)))
        if self.size == 2:
            line = lane // 16 * 8 + lane % 8 + k // 2
            place = line * tile.stride + (row + lane // 8 % 2 * 8) * 2
            return load_matrices(f, f.at(a, place), turned=True)
        return self._given(
            [self._word(a, tile, row + 8 * h, k + 16 * d) for d in (0, 1) for h in (0, 1)]
        )

    def _columns_of(self, b: Val, column: Val, k: int) -> list[Val]:
        """A lane's part of two times 8 columns."""
        f, tile = self.f, self.tiles[1]
        lane = f.thread % WARP
        if self.element == F64:
            return [self._double(b, tile, column + N * j, k) for j in (0, 1)]
        if tile.along_depth:
            line = column + lane // 16 * 8 + lane % 8
            return self._given(
                load_matrices(f, f.at(b, line * tile.stride + lane // 8 % 2 * 16 + k))
            )
        if self.size == 2:
            place = (lane % 16 + k // 2) * tile.stride + (column + lane // 16 * 8) * 2
            return load_matrices(f, f.at(b, place), turned=True)
        return self._given(
            [self._word(b, tile, column + N * j, k + 16 * d) for j in (0, 1) for d in (0, 1)]
        )

    def _word(self, room: Val, tile: Tile, cross: Val, k: int) -> Val:
        """A word of the lane's line of a tile whose lines are not contiguous."""
        lane = self.f.thread % WARP
        place = (lane % 4 + k // 4) * tile.stride + (cross + lane // 4) * 4
        return self.f.load(self.f.at(room, place), 0, I32)

    def _double(self, room: Val, tile: Tile, cross: Val, k: int) -> Val:
        """A number of the lane's line and depth."""
        lane = self.f.thread % WARP
        line, deep = cross + lane // 4, lane % 4 + k // 8
        where = (line, deep) if tile.along_depth else (deep, line)
        return self.f.load(self.f.at(room, where[0] * tile.stride + where[1] * 8), 0, F64)

    def _given(self, words: list[Val]) -> list[Val]:
        """Words as the instruction takes them."""
        return [rounded_to_tf32(self.f, x) for x in words] if self.element == F32 else words

    def _in_rows(self, sums: list[Val]) -> list[Val]:
        """The sums row by row, in the order of `rows_and_columns`."""
        f, rows = self.f, []
        for i in range(self.down):
            for half in range(0, 2 * self.halves, 2):
                for j in range(self.wide):
                    at = 2 * self.halves * (i * self.wide + j) + half
                    two = sums[at : at + 2]
                    if self.g.zero:
                        extra = 4 * (self.down * self.wide + j)
                        two = [x - sums[extra + s] * self.g.zero for s, x in enumerate(two)]
                    rows += two if self.lanes == 1 else [f.vector_of(*two)]
        return rows


class _Mover:
    """Loads tiles of an operand into a stage: by asynchronous copies, or element by element."""

    def __init__(
        self,
        of: TensorProduct,
        fetch: Fetcher | None,
        copier: "_Copier | None",
        tile: Tile,
        room: Val,
    ):
        self.of, self.fetch, self.copier, self.tile, self.room = of, fetch, copier, tile, room

    def at(self, stage: Val) -> Val:
        """The address of a stage's tile."""
        return self.of.f.at(self.room, stage * self.tile.bytes)

    def start(self, k0: Val, stage: Val) -> list[Val]:
        """Begins to load the tile of a step; returns the values that must still be stored."""
        if self.copier is None:
            return self.fetch.load(k0)
        self.copier.start(k0, self.at(stage), self.tile)
        return []

    def finish(self, fetched: list[Val], stage: Val) -> None:
        """Stores it."""
        f, room, size = self.of.f, self.at(stage), self.of.size
        for (cross, k), x in zip(self.fetch.places if self.fetch else [], fetched, strict=True):
            f.store(x, f.at(room, cross * self.tile.stride + k * size))


class _Copier:
    """A thread's copies of a step's tile: vectors of neighbors, zeros where there is nothing."""

    def __init__(
        self, of: TensorProduct, access: Access, pointer: Val, locate: Callable[[Val, Val], Located], first: Val, limit: Any, extent: int
    ) -> None:  # fmt: skip
        f, depth = of.f, of.shape.depth
        self.f, self.of, self.access, self.pointer, self.locate = f, of, access, pointer, locate
        self.first, self.limit = first, limit
        n = access.vector
        wide = (depth if access.along_depth else extent) // n
        self.count = extent * depth // n
        self.places: list[tuple[Val, Val]] = []
        for i in range(-(-self.count // THREADS)):
            at = f.thread + i * THREADS
            line, along = word(f, at // wide), word(f, at % wide) * n
            self.places.append((line, along) if access.along_depth else (along, line))

    def start(self, k0: Val, room: Val, tile: Tile) -> None:
        """Begins to copy the tile of a step to a room."""
        # Small tiles have fewer vectors than the block has threads.
        if self.count < THREADS:
            f = self.f
            f.when(f.thread < self.count, lambda: self._start(k0, room, tile))
        else:
            self._start(k0, room, tile)

    def _start(self, k0: Val, room: Val, tile: Tile) -> None:
        f, of, n = self.f, self.of, self.access.vector
        last = 1 if self.access.along_depth else n
        deep = n if self.access.along_depth else 1
        for cross, k in self.places:
            # Clamped to the last whole vector; what lies past the end is copied as zeros.
            line = f.min(self.first + cross, f.i64(self.limit) - last)
            place, inside = self.locate(line, f.min(k0 + k, f.i64(of.place.depth) - deep))
            there = k0 + k < of.place.depth
            if inside is not None:
                there = there & inside
                place = f.select(inside, place, 0)
            own = (cross, k) if self.access.along_depth else (k, cross)
            to = f.at(room, own[0] * tile.stride + own[1] * of.size)
            f.copy_to_shared(to, f.at(self.pointer, place, of.element), n * of.size, there)
