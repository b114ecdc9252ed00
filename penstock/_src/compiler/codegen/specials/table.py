"""Kinds of nodes that are kernels of their own, and what launches them."""

from penstock._src.compiler.codegen.specials import (
    exchanges,
    fourier,
    random_bits,
    scan,
    scatter,
    sort,
    unpack,
)
from penstock._src.compiler.codegen.specials.special import Special
from penstock._src.ir.node import Node

SPECIALS: dict[str, Special] = {
    "exchange_start": Special(exchanges.launch),
    "exchange_wait": Special(exchanges.launch_look),
    "fft": Special(fourier.launch),
    "random_bits": Special(random_bits.launch),
    "scan": Special(scan.launch),
    "scatter": Special(scatter.launch, updates_first=True),
    "round_groups": Special(unpack.launch_groups),
    "sort": Special(sort.launch),
    "unpack": Special(unpack.launch),
}


def updates_first(node: Node) -> bool:
    """True if a node's kernel changes a copy of its first argument."""
    return node.kind in SPECIALS and SPECIALS[node.kind].updates_first
