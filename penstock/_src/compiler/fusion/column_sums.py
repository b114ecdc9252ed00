"""Sums over the rows of what a contraction stores, added up on its register tiles: the gradient of a bias, what a batch
norm sums.

    before    y = contraction;  partial = sums of parts of y;  s = sum of partial
    after     y, partial = contraction, whose tasks each add up their elements;  s = sum of partial

The number of tasks is known when a kernel is planned; until then it is the symbol TASKS. Tasks are added up in
order, so results are equal from run to run.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from penstock._src.compiler.fusion.groups import FusionGroup
from penstock._src.compiler.kernels.contraction import ContractKernel, write_epilogue
from penstock._src.compiler.kernels.index import same_extent
from penstock._src.compiler.kernels.kernel import NestKernel
from penstock._src.compiler.kernels.reductions import Partials, cut_of, finish
from penstock._src.compiler.recognize.streams import common_stream
from penstock._src.core import dtypes
from penstock._src.ir.extents import dims
from penstock._src.ir.extents.dims import Dim, is_one
from penstock._src.ir.node import Node

TASKS = "tasks"
MOST_SUMS = 4
WIDEST = 1 << 14  # columns


def sum_on_tiles(
    groups: Sequence[FusionGroup], is_leaf: Callable[[Node], bool], streams: Mapping[int, int]
) -> list[FusionGroup]:
    """The groups in the same order, with column sums moved into the contractions whose results they sum, if both are in the same stream."""
    merged = list(groups)
    place = {n.id: i for i, group in enumerate(groups) for n in group.nodes}
    for number, group in enumerate(groups):
        if group.kind != "reduction" or len(group.nodes) > MOST_SUMS or _is_small(group):
            continue
        at = max((place[i] for i in group.reads if i in place), default=None)
        kernel = None if at is None else merged[at].kernel
        if at is None or not isinstance(kernel, ContractKernel):
            continue
        # The sums read the cells of a tile while it is in registers: there is one output, and it is read once.
        if len(kernel.outputs) > 1 or sum(place.get(i) == at for i in group.reads) != 1:
            continue
        if common_stream(streams, group.nodes) != common_stream(streams, kernel.outputs):
            continue
        roots = list(dict.fromkeys(group.reduced))
        if not all(_sums_columns(root, kernel) for root in roots):
            continue
        summed = _summed(kernel, group, roots, is_leaf)
        if summed is not None:
            merged[at] = replace(merged[at], kernel=summed[0])
            merged[number] = replace(group, kind="kernel", kernel=summed[1])
    return merged


def _is_small(group: FusionGroup) -> bool:
    """True if the reduction is small enough for one task."""
    return cut_of(group.reduced[0])[0] is None


def _sums_columns(root: Node, kernel: ContractKernel) -> bool:
    """True if a node sums, over all rows, an array with the contraction's elements in the contraction's order.

    Rows and columns are those of the tiles, so of the contraction itself: between it and the summed array may be
    reshapes. The axes that are not summed must be the columns for every size, not just for the current one.
    """
    (x,) = root.args
    shape = kernel.node.shape
    width = dims.product(shape[len(shape) - kernel.match.columns :])
    kept = [a for a, e in enumerate(x.shape) if not is_one(e)]
    inner = [a for a in kept if a not in root.attrs["axes"]]
    return (
        root.op == "sum"
        and x.dtype == kernel.outputs[0].dtype == dtypes.float32
        and type(width) is int
        and width <= WIDEST
        and inner == kept[len(kept) - len(inner) :]
        and same_extent(dims.product([x.shape[a] for a in inner]), width)
        and same_extent(x.size, kernel.node.size)
    )


def _summed(
    kernel: ContractKernel, group: FusionGroup, roots: list[Node], is_leaf: Callable[[Node], bool]
) -> tuple[ContractKernel, NestKernel] | None:
    """The contraction with sums, and the nest that adds up the sums of its tasks; None if the summed arrays are read at
    other positions than the contraction's own cell."""
    final, match = kernel.outputs[0], kernel.match
    summed = [root.args[0] for root in roots]
    epilogue = write_epilogue(kernel.node, final, match.columns, is_leaf, summed)
    if epilogue is None:
        return None
    # A row of sums for each task, added up in order by the second kernel: no two tasks write to one sum.
    shape: Any = (Dim.symbol(TASKS), len(roots), *roots[0].shape)
    partial = Node(final.builder, "partial", (), {}, shape, dtypes.float32)
    operands = epilogue.slots[1:]
    sources = kernel.inputs[:2]
    with_sums = replace(
        kernel, outputs=[final, partial], inputs=[*sources, *operands], epilogue=epilogue,
        operands=operands, partial=partial, summed=roots,
    )  # fmt: skip
    partials: Partials = {root.id: (partial, (k,)) for k, root in enumerate(roots)}
    return with_sums, replace(finish(group.nodes, partials, is_leaf), adds_up=with_sums)
