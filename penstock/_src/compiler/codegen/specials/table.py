"""Kinds of nodes with their own kernels, and the functions that launch them."""

from penstock._src.compiler.codegen.specials.special import Special
from penstock._src.ir.node import Node
from penstock._src.ir.primitives import (
    exchanges,
    indexing,
    leaves,
    lines,
    matrices,
    packed,
    reduction,
)
from penstock._src.util.lazy import ByName

# Imported by name: a program loads only the files of the kinds that it contains.
SPECIALS: dict[str, Special] = {
    indexing.ArgWhere.kind: Special(ByName(f"{__package__}.argwhere", "launch")),
    exchanges.ExchangeStart.kind: Special(ByName(f"{__package__}.exchanges", "launch")),
    exchanges.ExchangeWait.kind: Special(ByName(f"{__package__}.exchanges", "launch_look")),
    matrices.Cholesky.kind: Special(ByName(f"{__package__}.matrices.cholesky", "launch")),
    matrices.Lu.kind: Special(ByName(f"{__package__}.matrices.lu", "launch")),
    matrices.Qr.kind: Special(ByName(f"{__package__}.matrices.qr", "launch")),
    matrices.TriangularSolve.kind: Special(ByName(f"{__package__}.matrices.triangular", "launch")),
    lines.Fft.kind: Special(ByName(f"{__package__}.fourier", "launch")),
    packed.LeafMasks.kind: Special(ByName(f"{__package__}.trees.masks", "launch")),
    leaves.RandomBits.kind: Special(ByName(f"{__package__}.random_bits", "launch")),
    reduction.Scan.kind: Special(ByName(f"{__package__}.scan", "launch")),
    indexing.Scatter.kind: Special(ByName(f"{__package__}.scatter", "launch"), updates_first=True),
    packed.RoundGroups.kind: Special(ByName(f"{__package__}.unpack", "launch_groups")),
    lines.Sort.kind: Special(ByName(f"{__package__}.sorts.sort", "launch")),
    packed.TreePaths.kind: Special(ByName(f"{__package__}.trees.paths", "launch")),
    packed.Unpack.kind: Special(ByName(f"{__package__}.unpack", "launch")),
}


def updates_first(node: Node) -> bool:
    """True if a node's kernel changes a copy of its first argument."""
    return node.kind in SPECIALS and SPECIALS[node.kind].updates_first
