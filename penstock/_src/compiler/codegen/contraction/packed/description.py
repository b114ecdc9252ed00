"""The description of a product with packed weights. Equal descriptions are served by one kernel."""

from typing import ClassVar

from penstock._src.compiler.codegen.contraction.extents import Extent, is_static
from penstock._src.compiler.codegen.contraction.products.description import (
    Gemm,
    Matrix,
    PackedMatrix,
)
from penstock._src.compiler.codegen.contraction.tile import Types
from penstock._src.util.dataclass import dataclass

MOST_ROWS = 4  # rows of x that are multiplied in registers; more are multiplied by panels


@dataclass(frozen=True)
class PackedProduct:
    """m rows of x by the n rows of W over k, in a packed format; the output's columns are contiguous, the rest is as in a Gemm.

    With elements of bfloat16, W's numbers are rounded to that as they are unpacked.
    `group` is the number of neighbors of x that are rounded to int8 together; 0: none.
    `rounded` is that of an x that another kernel has rounded so, and stored as floats; 0: none.
    """

    form: ClassVar = "packed product"
    operands: ClassVar = ("left", "right")
    m: Extent
    n: int
    k: int
    left: Matrix
    right: PackedMatrix
    types: Types
    row: Extent
    batch: tuple[Extent, ...] = ()
    batch_out: tuple[Extent, ...] = ()
    sizes: int = 0
    group: int = 0
    rounded: int = 0

    def width(self, _sizes: tuple[int, ...]) -> int:
        """The number of output elements that the columns of a tile cover."""
        return self.n

    @property
    def few_rows(self) -> bool:
        """True if x has few rows, contiguous along the depth, so that blocks are multiplied in registers."""
        few = is_static(self.m) and self.m <= MOST_ROWS and not self.batch
        return few and self.left.depth == (1,) and self.k > 0

    @property
    def gemm(self) -> Gemm:
        """The product whose right operand is unpacked as it is copied into panels."""
        return Gemm(
            m=self.m,
            n=self.n,
            k=(self.k,),
            left=self.left,
            right=self.right,
            types=self.types,
            row=self.row,
            batch=self.batch,
            batch_out=self.batch_out,
            sizes=self.sizes,
        )
