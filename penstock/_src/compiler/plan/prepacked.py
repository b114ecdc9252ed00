"""Packed weights that are kept from call to call: made of a variable alone, and again only when it has changed."""

from typing import Any

from penstock._src.compiler.codegen.kernel_code import KernelCode, KernelStage
from penstock._src.compiler.plan.buffers import Buffer
from penstock._src.util.dataclass import dataclass

LEAST_BYTES = 16 << 10  # of weights that are worth keeping packed


@dataclass(frozen=True)
class PrepackedWeights:
    """What a plan says of one array of packed weights.

    key        equal for arrays of a variable that are packed alike, in whatever program
    variable   the number of the handle among the program's arguments
    start      bytes of it before the weights
    memory     its place in the plan; `memory.number` counts the plan's prepacked arrays
    """

    key: Any
    variable: int
    start: int
    memory: Buffer
    code: KernelCode
    sizes: tuple[int, ...]

    @property
    def stages(self) -> list[KernelStage]:
        """What packs it."""
        return [stage for stage in self.code.stages(self.sizes) if stage.prepacks]
