"""A contraction as code generation takes it: what recognize/contractions makes of a `contract` node."""

from dataclasses import replace

from penstock._src.compiler.codegen.contraction.description import Description
from penstock._src.compiler.codegen.contraction.images.convolution import Depthwise, FilterGradient
from penstock._src.compiler.codegen.contraction.packed.description import PackedProduct
from penstock._src.ir.node import Node
from penstock._src.util.dataclass import dataclass


@dataclass(frozen=True)
class Match:
    """A recognized contraction.

    Two with equal descriptions (and equal hooks) are served by one kernel. `left`, `right` are sources in the kernel's order (not always
    the node's), of which it is given the addresses of the elements numbered `starts`; `columns` is how many of the output's last axes a tile's column runs over.
    """

    node: Node
    left: Node
    right: Node
    description: Description
    sizes: tuple[int, ...]
    columns: int
    starts: tuple[int, int] = (0, 0)

    def prepacked(self) -> "Match":
        """The same with its right operand packed once for all calls, if it is packed."""
        if isinstance(self.description, (FilterGradient, Depthwise, PackedProduct)):
            return self
        return replace(self, description=replace(self.description, is_prepacked=True))
