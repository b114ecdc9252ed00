"""The schedule of a product on a GPU, as a record: its tiles and vectors, and the facts that launches need."""

from penstock._src.compiler.codegen.contraction.extents import ceil_divide, number, product
from penstock._src.compiler.codegen.contraction.products.description import Gemm
from penstock._src.compiler.codegen.kernel_code import KernelStage, Sizes
from penstock._src.devices.gpu.kernels.contractions.split import may_be_split, parts_of
from penstock._src.native.language.types import SIZE
from penstock._src.util.dataclass import dataclass

SIDE = 16  # threads along each side of a tile
THREADS = SIDE * SIDE
LARGE = 1024  # least rows and columns for large tiles


@dataclass(frozen=True)
class TileShape:
    """Extents of a block's tile, and the depth of a step."""

    rows: int
    columns: int
    depth: int


@dataclass(frozen=True)
class ProductSchedule:
    """The choice for one product.

    gemm      the product
    shape     of a block's tile
    lanes     neighboring columns that a thread sums as a vector
    groups    groups of threads that each sum all of a tile's columns
    by        the instruction that multiplies; "" for that of plain threads
    """

    gemm: Gemm
    shape: TileShape
    lanes: int
    groups: int
    by: str = ""

    @property
    def total(self) -> str:
        """The type of sums."""
        return self.gemm.types.total

    @property
    def label(self) -> str:
        """A few words for reports."""
        tile = f"gemm {self.shape.rows}x{self.shape.columns}"
        return f"{tile} by {self.by}" if self.by else tile

    @property
    def is_split(self) -> bool:
        """True if there are sizes for which the depth is cut into parts."""
        return may_be_split(self.gemm, self.shape.rows, self.shape.columns)

    def tasks(self, sizes: Sizes) -> int:
        """The number of tiles."""
        columns = ceil_divide(number(self.gemm.n, sizes), self.shape.columns)
        return self._row_tiles(sizes) * columns

    def _row_tiles(self, sizes: Sizes) -> int:
        """The number of tiles of a column, over all matrices."""
        batches = product([number(b, sizes) for b in self.gemm.batch])
        return batches * ceil_divide(number(self.gemm.m, sizes), self.shape.rows)

    def parts(self, sizes: Sizes) -> int:
        """The number of parts into which the depth is cut."""
        return (
            parts_of(self.gemm, sizes, self.shape.rows, self.shape.columns) if self.is_split else 1
        )

    def stages(self, sizes: Sizes) -> tuple[KernelStage, ...]:
        """The launches."""
        parts = self.parts(sizes)
        if parts == 1:
            return (KernelStage("task", self.tasks),)
        return (
            KernelStage("sum_parts", lambda sizes: parts * self.tasks(sizes), parts),
            KernelStage("add_up", self.tasks, parts),
        )

    def scratch(self, sizes: Sizes) -> int:
        """Bytes of the parts' sums."""
        parts = self.parts(sizes)
        cells = self.shape.rows * self.shape.columns
        return parts * self.tasks(sizes) * cells * SIZE[self.total] if parts > 1 else 0

    def statistics(self, sizes: Sizes) -> int:
        """The number of partial sums of a column: one for the rows of each thread."""
        return self._row_tiles(sizes) * self.groups


def lies_in_vectors(gemm: Gemm, width: int) -> bool:
    """True if the result's rows and matrices start at multiples of this many elements."""
    # n as well: the last vector of a row must not reach into the next one.
    strides = [gemm.row, gemm.n, *gemm.batch_out]
    return all(isinstance(s, int) and s % width == 0 for s in strides)
