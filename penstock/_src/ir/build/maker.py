"""The interface of everything that makes nodes: the Builder, the context of a lowering, the builder that computes."""

from penstock._src.core.calls.placement import CPU
from penstock._src.ir.build.iteration import Iteration


class NodeMaker(Iteration):
    """Writes primitives, and returns known values of them. A subclass defines `make` and `known`."""

    device: int | None = None  # the number of the program's, where devices have numbers
    # True where XLA's rules hold, as in functions with `jit_compile`, where they differ from TensorFlow's kernels
    is_for_xla = False

    @property
    def is_for_cpu(self) -> bool:
        """True if the program's device is a CPU, as it is where devices have no numbers."""
        return self.device is None or self.device == CPU
