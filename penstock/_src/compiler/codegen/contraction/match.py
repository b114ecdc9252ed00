"""Match: a `contract` node as recognized by recognize/contractions, the input of code generation."""

from dataclasses import replace

from penstock._src.compiler.codegen.contraction.description import Description
from penstock._src.compiler.codegen.contraction.images.any_size.description import (
    AnySizeDepthwise,
    AnySizeFilterGradient,
)
from penstock._src.compiler.codegen.contraction.images.convolution import Depthwise, FilterGradient
from penstock._src.compiler.codegen.contraction.packed.description import PackedProduct
from penstock._src.ir.node import Node
from penstock._src.util.dataclass import dataclass

# Descriptions of kernels that do not pack their right operand.
_NOT_PACKED = (
    FilterGradient,
    AnySizeFilterGradient,
    Depthwise,
    AnySizeDepthwise,
    PackedProduct,
)


@dataclass(frozen=True)
class Match:
    """A recognized contraction. Contractions with equal descriptions and epilogues share a kernel.

    left, right  the operands in the kernel's order, which may differ from the node's
    starts       the indices of the operands' first elements, from which the kernel's addresses are computed
    columns      the number of the output's last axes that form the columns of a tile
    """

    node: Node
    left: Node
    right: Node
    description: Description
    sizes: tuple[int, ...]
    columns: int
    starts: tuple[int, int] = (0, 0)

    def prepacked(self) -> "Match":
        """The match with the right operand packed once for all calls, for the kernels that pack it."""
        if isinstance(self.description, _NOT_PACKED):
            return self
        return replace(self, description=replace(self.description, is_prepacked=True))
