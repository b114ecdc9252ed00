"""The architectures that kernels are written for, and the sizes of their parts."""

import functools

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.native import Target
from penstock._src.util.dataclass import dataclass

TRIPLE = "nvptx64-nvidia-cuda"
WARP = 32  # threads that go together
WITHOUT_ASKING = 48 << 10  # bytes of shared memory that a block may have anyway
THREADS = 256  # threads of a block, by default
# Blocks of one thread each that kernels without a schedule of their own run at once.
CONCURRENT = 64


@dataclass(frozen=True)
class Architecture:
    """A generation of GPUs.

    name           the name for ptxas
    ptx            the PTX version that introduced it
    most_shared    maximum bytes of dynamic shared memory of a block
    """

    name: str
    ptx: int
    most_shared: int

    @property
    def number(self) -> int:
        """75 of sm_75."""
        return int(self.name.removeprefix("sm_").removesuffix("a"))

    @property
    def is_specific(self) -> bool:
        """True if its code runs only on GPUs of exactly this number: sm_90a, which has the instructions of warpgroups."""
        return self.name.endswith("a")

    def runs_on(self, number: int) -> bool:
        """True if GPUs of a number run its code."""
        return self.number == number if self.is_specific else self.number <= number


ARCHITECTURES = {
    a.name: a
    for a in (
        Architecture("sm_75", 63, 64 << 10),
        Architecture("sm_80", 70, 163 << 10),
        Architecture("sm_90a", 80, 227 << 10),
        Architecture("sm_100", 86, 227 << 10),
    )
}
DEFAULT = "sm_80"


def architecture_of(major: int, minor: int) -> Architecture:
    """The newest architecture whose code runs on a GPU of a compute capability.

    Raises:
      InvalidArgumentError: the GPU is older than all of them.
    """
    fitting = [a for a in ARCHITECTURES.values() if a.runs_on(10 * major + minor)]
    if not fitting:
        raise InvalidArgumentError(
            None,
            None,
            f"GPU: compute capability 7.5 or more is required. Received {major}.{minor}.",
        )
    return max(fitting, key=lambda a: a.number)


@functools.cache
def target_of(name: str = DEFAULT) -> Target:
    """An architecture as a target of code generation; a vector is the widest load of one thread."""
    architecture = ARCHITECTURES[name]
    return Target(TRIPLE, name, f"+ptx{architecture.ptx}", vector_bytes=16, registers=128)
