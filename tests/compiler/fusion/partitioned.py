"""The kernels that a function becomes."""

from penstock._src.compiler.codegen.contraction.match import match
from penstock._src.compiler.fusion.partition import Options, Partition


def kernels_of(function):
    """The kernels of a function, in launch order."""
    return Partition(function, Options.from_flags(match)).kernels
