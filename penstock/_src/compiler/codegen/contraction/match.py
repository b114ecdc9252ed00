"""A contraction as code generation takes it: what recognize/contractions makes of a `contract` node."""

from dataclasses import dataclass, replace
from typing import Any

from penstock._src.compiler.codegen.contraction.emit import Description
from penstock._src.compiler.codegen.contraction.images.convolution import Convolution
from penstock._src.compiler.codegen.contraction.images.depthwise import (
    Depthwise,
    DepthwiseFilterGradient,
)
from penstock._src.compiler.codegen.contraction.images.filter_gradient import FilterGradient
from penstock._src.compiler.codegen.contraction.products.description import Gemm
from penstock._src.ir.node import Node

FORMS = {
    Gemm: "product", Convolution: "convolution", Depthwise: "depthwise convolution", FilterGradient: "filter gradient",
    DepthwiseFilterGradient: "depthwise filter gradient",
}  # fmt: skip


@dataclass(frozen=True)
class Match:
    """A recognized contraction.

    `left`, `right` are sources in the kernel's order (not always the node's); `columns` is how many of the output's last axes a tile's column runs over.
    """

    node: Node
    left: Node
    right: Node
    description: Description
    sizes: tuple[int, ...]
    columns: int

    @property
    def form(self) -> str:
        """Its name in reports."""
        return FORMS[type(self.description)]

    @property
    def key(self) -> Any:
        """Two matches with equal keys (and equal hooks) are served by one kernel."""
        return self.description

    def prepacked(self) -> "Match":
        """The same with its right operand packed once for all calls, if it is packed."""
        if not isinstance(self.description, (Gemm, Convolution)):
            return self
        return replace(self, description=replace(self.description, is_prepacked=True))
