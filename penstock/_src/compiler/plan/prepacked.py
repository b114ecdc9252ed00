"""Prepacked weights: packed from a variable once, cached between calls, and packed again only after it has changed."""

from typing import Any

from penstock._src.compiler.codegen.kernel_code import KernelCode, KernelStage
from penstock._src.compiler.plan.buffers import Buffer
from penstock._src.util.dataclass import dataclass

LEAST_BYTES = 16 << 10  # minimum size of weights whose packed form is worth caching


@dataclass(frozen=True)
class PrepackedWeights:
    """One array of packed weights in a plan.

    key        equal for arrays of a variable with the same packed form, in any program
    variable   the index of the handle among the program's arguments
    start      offset of the weights in the variable, in bytes
    memory     its buffer; `memory.number` counts the plan's prepacked arrays
    """

    key: Any
    variable: int
    start: int
    memory: Buffer
    code: KernelCode
    sizes: tuple[int, ...]

    @property
    def stages(self) -> list[KernelStage]:
        """The stages of the kernel that pack the weights."""
        return [stage for stage in self.code.stages(self.sizes) if stage.prepacks]
