"""What is computed on a contraction's register tiles.

cells    rows times columns are the contraction's elements, and those of what is stored; a column is what the
         emitter's tiles mean by one
reads    the contraction is read at its own cell only, other arrays within their bounds
sums     the element of a summed array that lies at a cell is added to the result that stands at the cell's column:
         reshapes between may not bring it elsewhere
"""

from __future__ import annotations

from math import prod

import numpy as np

from penstock._src.compiler.codegen.contraction.extents import number
from penstock._src.compiler.codegen.contraction.images.convolution import Convolution
from penstock._src.compiler.codegen.contraction.images.filter_gradient import FilterGradient
from penstock._src.compiler.codegen.contraction.products.description import Gemm
from penstock._src.compiler.plan.verify.domain import Domain, Extents, fail
from penstock._src.compiler.plan.verify.reads import verify_loads
from penstock._src.compiler.schedule.contraction import ContractKernel, Tail
from penstock._src.compiler.schedule.index import same_extent
from penstock._src.compiler.schedule.values import closure
from penstock._src.ir import dims
from penstock._src.ir.node import Node


def verify_contraction(kernel: ContractKernel, extent: Extents) -> None:
    """The rules of one contraction."""
    tail = kernel.tail
    if tail is None:
        return
    width = extent(tail.column.extent)
    if extent(kernel.node.size) and width != _width(kernel):
        fail(kernel, f"columns of {width} elements on tiles of rows of {_width(kernel)}")
    verify_tail(kernel, kernel.node, kernel.outputs[0], tail, extent)
    if len(kernel.summed) != len(tail.sums):
        fail(kernel, f"{len(tail.sums)} sums for {len(kernel.summed)} reductions")
    for root in kernel.summed:
        _verify_sum(kernel, root, tail, extent)


def verify_tail(kernel: object, root: Node, final: Node, tail: Tail, extent: Extents) -> None:
    """A tail over tiles of `root`: its cells, and what it reads."""
    for node in (root, final):
        if not same_extent(node.size, tail.row.extent * tail.column.extent):
            fail(kernel, f"{node!r} is not of {tail.row.extent} rows of {tail.column.extent}")
    domain = Domain([tail.row, tail.column], extent)
    if not domain.count:
        return
    cells = domain.at[tail.row] * extent(tail.column.extent) + domain.at[tail.column]
    values = closure([tail.value, *tail.sums])
    for v in values:
        if v.kind in ("reduce", "arg_reduce"):
            fail(kernel, f"{v!r} stands in a tail")
        if v.kind == "load" and v.attrs[0] == 0:
            elsewhere = np.flatnonzero(domain.index(v.attrs[1]) != cells)
            if v.args or len(elsewhere):
                fail(kernel, f"{root!r} is read at {v.attrs[1]}, not at its own cell")
    verify_loads(kernel, values, tail.slots, extent, skipped=0)


def _verify_sum(kernel: ContractKernel, root: Node, tail: Tail, extent: Extents) -> None:
    """Every cell's element is added to the sum that stands at the cell's column."""
    (x,) = root.args
    width, size = extent(tail.column.extent), extent(tail.row.extent) * extent(tail.column.extent)
    shape = [extent(e) for e in x.shape]
    if prod(shape) != size or extent(root.size) != width:
        fail(kernel, f"{root!r} sums {prod(shape)} elements of {size} into {width} columns")
    if not size:
        return
    domain = Domain([tail.row, tail.column], extent)
    cells = domain.at[tail.row] * width + domain.at[tail.column]
    kept = [a for a in range(len(shape)) if a not in root.attrs["axes"]]
    coordinates = np.unravel_index(cells, shape) if shape else ()
    result = np.zeros_like(cells)
    for a in kept:
        result = result * shape[a] + coordinates[a]
    wrong = np.flatnonzero(result != domain.at[tail.column])
    if len(wrong):
        at = wrong[0]
        fail(
            kernel,
            f"{root!r} sums element {cells[at]} into {result[at]}, its tiles into column"
            f" {domain.at[tail.column][at]}",
        )
    if dims.is_symbolic(tail.column.extent):
        fail(kernel, f"{root!r} is summed over columns of an extent that is not known")


def _width(kernel: ContractKernel) -> int:
    """How many elements a row of tiles has, as the emitter counts."""
    found = kernel.match.description
    if isinstance(found, Gemm):
        return int(number(found.n, tuple([int(s) for s in kernel.match.sizes])))
    if isinstance(found, Convolution):
        return found.outputs * found.groups
    return found.outputs if isinstance(found, FilterGradient) else found.channels
