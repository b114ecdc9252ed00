"""Kinds of nodes with their own kernels, and the functions that launch them."""

from penstock._src.compiler.codegen.specials.special import Special
from penstock._src.ir.node import Node
from penstock._src.util.lazy import ByName

# Imported by name: a program loads only the files of the kinds that it contains.
SPECIALS: dict[str, Special] = {
    "exchange_start": Special(ByName(f"{__package__}.exchanges", "launch")),
    "exchange_wait": Special(ByName(f"{__package__}.exchanges", "launch_look")),
    "fft": Special(ByName(f"{__package__}.fourier", "launch")),
    "leaf_masks": Special(ByName(f"{__package__}.trees.masks", "launch")),
    "random_bits": Special(ByName(f"{__package__}.random_bits", "launch")),
    "scan": Special(ByName(f"{__package__}.scan", "launch")),
    "scatter": Special(ByName(f"{__package__}.scatter", "launch"), updates_first=True),
    "round_groups": Special(ByName(f"{__package__}.unpack", "launch_groups")),
    "sort": Special(ByName(f"{__package__}.sort", "launch")),
    "tree_paths": Special(ByName(f"{__package__}.trees.paths", "launch")),
    "unpack": Special(ByName(f"{__package__}.unpack", "launch")),
}


def updates_first(node: Node) -> bool:
    """True if a node's kernel changes a copy of its first argument."""
    return node.kind in SPECIALS and SPECIALS[node.kind].updates_first
