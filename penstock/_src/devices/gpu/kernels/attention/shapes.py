"""Extents of a block's tiles of scores: the largest that fit shared memory and registers."""

from collections.abc import Sequence

from penstock._src.compiler.codegen.attention.form import ContextLayout, Form
from penstock._src.compiler.codegen.kernel_code import round_up
from penstock._src.devices.gpu.target import ARCHITECTURES, WARP, WITHOUT_ASKING
from penstock._src.native import Target
from penstock._src.native.language.types import BF16, F16, F32, SIZE
from penstock._src.util.dataclass import dataclass

CAPABILITY_OF_TENSOR_CORES = 80
SIDE = 16  # threads along each side of a plain tile, unless rows are very wide; lines of a warp of tensor cores
BYTES = 16  # that one thread moves at once, at most
REGISTERS = 112  # registers of a thread for sums and loads in flight: addresses and exponentials need as many
TILES = ((64, 64), (64, 32), (32, 64), (32, 32), (32, 16), (16, 16))  # owned, others
NARROWEST = (8, 8)  # smallest plain tiles
NARROW = (BF16, F16)


@dataclass(frozen=True)
class Shape:
    """The shape of a block's tiles.

    owned, others   rows and columns of its tile of scores, if it owns rows
    by_tensor_cores True if tiles are multiplied by mma.sync
    vector          neighboring elements of an operand's row that are moved at once
    prefetches      True if the next tile is loaded into registers while one is multiplied
    """

    owned: int
    others: int
    by_tensor_cores: bool
    vector: int
    prefetches: bool

    @property
    def side(self) -> int:
        """Threads along each side of a plain tile."""
        return min(SIDE, self.owned)

    @property
    def threads(self) -> int:
        """Threads of a block."""
        return self.owned // SIDE * WARP if self.by_tensor_cores else self.side**2

    def padded(self, extent: int) -> int:
        """Elements of a row in shared memory, those after the last being zeros."""
        return round_up(extent, SIDE if self.by_tensor_cores else self.side * self.features(extent))

    def features(self, extent: int) -> int:
        """Neighboring elements of a thread's vector of sums, in plain tiles."""
        return 4 if extent > 2 * self.side else 2 if extent > self.side else 1

    def stride(self, extent: int, element: str) -> int:
        """From row to row in shared memory: vectors stay aligned, and rows begin in different banks."""
        return self.padded(extent) + BYTES // SIZE[element]


@dataclass(frozen=True)
class Operands:
    """Widths of the rows that a kernel keeps in shared memory, of each owned row and each other one, and its sums."""

    owned: tuple[int, ...]
    others: tuple[int, ...]
    sums: tuple[int, ...]
    scores: int  # tiles of scores at a time


def operands_of(form: Form, direction: str) -> Operands:
    """The operands of the kernel of a direction: forward, queries or keys."""
    depth, width = form.depth, form.width
    if direction == "forward":
        return Operands((depth,), (depth, width), (width,), 1)
    sums = (depth,) if direction == "queries" else (depth, width)
    return Operands((depth, width), (depth, width), sums, 2)


def shape_of(form: Form, direction: str, vector: int, target: Target) -> Shape | None:
    """The shape of a kernel's tiles; None if rows are too wide for shared memory."""
    narrow = len(set(form.elements[:3])) == 1 and form.elements[0] in NARROW
    architecture = ARCHITECTURES.get(target.cpu)
    has_cores = architecture is not None and architecture.number >= CAPABILITY_OF_TENSOR_CORES
    cores = narrow and form.total == F32 and has_cores
    element = form.elements[0] if cores else form.total
    operands = operands_of(form, direction)
    shapes = [
        Shape(owned, others, cores, vector if cores else min(vector, 4), prefetches)
        for owned, others in (TILES if cores else (*TILES, NARROWEST))
        for prefetches in (True, False)
    ]
    needed = {s: _bytes(s, operands, element, form.total) for s in shapes}
    # more shared memory than the default leaves room for fewer blocks
    limits = [WITHOUT_ASKING, architecture.most_shared if architecture else WITHOUT_ASKING]
    choices = [[s for s in shapes if needed[s] <= limit] for limit in limits]
    fitting = choices[0] or choices[1]
    if not fitting:
        return None
    registers = {s: _registers(s, operands, form.total) for s in fitting}
    return next(
        (s for s in fitting if registers[s] <= REGISTERS), min(fitting, key=registers.__getitem__)
    )


def _bytes(shape: Shape, operands: Operands, element: str, total: str) -> int:
    """Shared memory of a block."""
    rows = [(shape.owned, w) for w in operands.owned] + [(shape.others, w) for w in operands.others]
    size = sum(n * shape.stride(w, element) * SIZE[element] for n, w in rows)
    if not shape.by_tensor_cores:  # scores lie in shared memory too
        size += shape.owned * (shape.others * SIZE[total] + BYTES)
    return size + 3 * shape.others * SIZE[total] * (operands.scores - 1)


def _registers(shape: Shape, operands: Operands, total: str) -> int:
    """Words of a thread for sums, scores and loads in flight."""
    words = SIZE[total] // 4
    cells = shape.owned * sum(shape.padded(w) for w in operands.sums)
    cells += shape.owned * shape.others * operands.scores
    sums = cells // shape.threads * words
    moved = shape.others * sum(shape.padded(w) for w in operands.others) // shape.threads
    moved = moved // 2 if shape.by_tensor_cores else moved * words
    return sums + (moved if shape.prefetches else 0)


class CudaLayout(ContextLayout):
    """Words of the context alone: a block's memory is its own."""

    def __init__(self, form: Form, target: Target, arrays: Sequence[str]):
        super().__init__(form, target, arrays)
        left_out = {"each", "per", "chunks"} | ({"scratch"} if not self.backward else set())
        self.names = tuple([n for n in self.names if n not in left_out])
        self.places = {name: i for i, name in enumerate(self.names)}

    def sections(self, rows: int, columns: int) -> dict[str, int]:
        return {}

    def scratch_of_launch(self, rows: int, columns: int, batches: int, threads: int) -> int:
        """A share of each row."""
        return batches * rows * SIZE[self.form.total] if self.backward else 0
