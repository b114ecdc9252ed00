"""Prepacked weights: packed once, and cached between calls.

Those of a variable are packed again after it has changed. Those of a constant are packed when a program is loaded, which then holds
them in place of the constant.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from penstock._src.compiler.plan.buffers import Buffer
from penstock._src.util.dataclass import dataclass

if TYPE_CHECKING:
    from penstock._src.compiler.codegen.kernel_code import KernelCode, KernelStage

LEAST_BYTES = 16 << 10  # minimum size of weights whose packed form is worth caching


@dataclass(frozen=True)
class PackedForm:
    """The packing of an array of weights.

    key          equal for arrays with the same packed form, in any program
    start        offset of the weights in the array, in bytes
    code, sizes  of the kernel whose stages pack it
    """

    key: Any
    start: int
    code: "KernelCode"
    sizes: tuple[int, ...]

    @property
    def stages(self) -> "list[KernelStage]":
        """The stages of the kernel that pack the weights."""
        return [stage for stage in self.code.stages(self.sizes) if stage.prepacks]


@dataclass(frozen=True)
class PrepackedWeights(PackedForm):
    """A variable's array, packed, in a plan.

    variable   the index of the handle among the program's arguments
    memory     its buffer; `memory.number` counts the plan's prepacked arrays
    """

    variable: int
    memory: Buffer


@dataclass(frozen=True, eq=False)
class PackedConstant(PackedForm):
    """The `array` of a constant, packed: the content of a buffer in a plan."""

    array: np.ndarray
