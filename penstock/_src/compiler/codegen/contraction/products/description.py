"""The description of a product: extents, operands, types. Equal descriptions are served by one kernel."""

from typing import ClassVar

from penstock._src.compiler.codegen.contraction.extents import Extent, is_static, number, product
from penstock._src.compiler.codegen.contraction.tile import Types
from penstock._src.compiler.codegen.processors import Blocking
from penstock._src.ir.meaning.packed import FORMATS, PackedFormat
from penstock._src.util.dataclass import dataclass

from .gathered import Gathered


@dataclass(frozen=True)
class Matrix:
    """An operand: element (batch, cross, depth) lies at base + the sum of index times stride.

    `cross` is the row of A or the column of B; several `depth` strides go with several extents of k.
    """

    element: str
    cross: Extent
    depth: tuple[Extent, ...]
    batch: tuple[Extent, ...] = ()
    base: Extent = 0
    second: int | None = None  # for groups (pairs.py): the distance between neighboring elements

    @property
    def steps(self) -> tuple[Extent, ...]:
        """Its strides."""
        return (self.cross, *self.depth, *self.batch)


@dataclass(frozen=True)
class PackedMatrix(Matrix):
    """A right operand of rows of packed blocks, in a format of ir/meaning/packed.py; steps are in unpacked elements."""

    format: str = ""

    @property
    def form(self) -> PackedFormat:
        return FORMATS[self.format]

    @property
    def row_bytes(self) -> int:
        """From a row to the next."""
        assert is_static(self.cross)
        return self.form.row_bytes(self.cross)


@dataclass(frozen=True)
class Gemm:
    """A product: extents and operands. The output's columns are contiguous; `row`, `batch_out` are its strides.

    `zero` is subtracted from each element of an int8 A.
    `sizes` is the number of run-time sizes, which Args index.
    """

    form: ClassVar = "product"  # its name in reports
    operands: ClassVar = ("left", "right")
    m: Extent
    n: Extent
    k: tuple[Extent, ...]
    left: Matrix | Gathered
    right: Matrix | Gathered
    types: Types
    row: Extent
    batch: tuple[Extent, ...] = ()
    batch_out: tuple[Extent, ...] = ()
    sizes: int = 0
    group: int = 1  # neighbors that are multiplied together (pairs.py)
    zero: int = 0
    is_prepacked: bool = False  # True if packed panels of B are cached between calls
    blocking: Blocking | None = None  # a tuner's choice; None: the blocking of the target's class

    def width(self, sizes: tuple[int, ...]) -> int:
        """The number of output elements that the columns of a tile cover."""
        return number(self.n, sizes)

    @property
    def depth(self) -> Extent:
        """All of k if that is one number, or any Arg if it is only known at run time."""
        return (
            product(self.k)
            if all(map(is_static, self.k))
            else next(x for x in self.k if not is_static(x))
        )
