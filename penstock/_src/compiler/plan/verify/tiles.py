"""Tiles: the computation of epilogues and sums on a contraction's register tiles.

cells    rows times columns are the elements of the contraction and of the stored result; columns are those of the
         emitter's tiles, and adjacent in the result
reads    the contraction is read at its own cell only, other arrays within their bounds
sums     the element of a summed array at a cell is added to the result of the cell's column: a reshape in between
         must not move it to another column
"""

from math import prod

import numpy as np

from penstock._src.compiler.codegen.contraction.images.convolution import Convolution
from penstock._src.compiler.kernels.contraction import ContractKernel, EpilogueExpression
from penstock._src.compiler.kernels.index import same_extent
from penstock._src.compiler.kernels.values import closure
from penstock._src.compiler.plan.verify.domain import Domain, Extents, fail
from penstock._src.compiler.plan.verify.ranges import verify_ranges
from penstock._src.compiler.plan.verify.reads import verify_loads
from penstock._src.ir.extents import dims
from penstock._src.ir.node import Node


def verify_contraction(kernel: ContractKernel, extent: Extents) -> None:
    """Verifies one contraction with an epilogue."""
    epilogue = kernel.epilogue
    if epilogue is None:
        return
    width = extent(epilogue.column.extent)
    if extent(kernel.node.size) and width != _width(kernel):
        fail(kernel, f"columns of {width} elements on tiles of rows of {_width(kernel)}")
    form = kernel.match.description
    if isinstance(form, Convolution) and form.groups > 1 and form.y.group != form.outputs:
        fail(kernel, f"groups of {form.outputs} columns lie {form.y.group} elements apart")
    verify_epilogue(kernel, kernel.node, kernel.outputs[0], epilogue, extent)
    if len(kernel.summed) != len(epilogue.sums):
        fail(kernel, f"{len(epilogue.sums)} sums for {len(kernel.summed)} reductions")
    for root in kernel.summed:
        _verify_sum(kernel, root, epilogue, extent)


def verify_epilogue(
    kernel: object, root: Node, final: Node, epilogue: EpilogueExpression, extent: Extents
) -> None:
    """Verifies an epilogue over tiles of `root`: its cells, and its reads."""
    for node in (root, final):
        if not same_extent(node.size, epilogue.row.extent * epilogue.column.extent):
            fail(
                kernel, f"{node!r} is not of {epilogue.row.extent} rows of {epilogue.column.extent}"
            )
    domain = Domain([epilogue.row, epilogue.column], extent)
    if not domain.count:
        return
    cells = domain.at[epilogue.row] * extent(epilogue.column.extent) + domain.at[epilogue.column]
    values = closure([epilogue.value, *epilogue.sums])
    for v in values:
        if v.kind in ("reduce", "arg_reduce"):
            fail(kernel, f"{v!r} stands in an epilogue")
        if v.kind == "load" and v.attrs[0] == 0:
            elsewhere = np.flatnonzero(domain.index(v.attrs[1]) != cells)
            if v.args or len(elsewhere):
                fail(kernel, f"{root!r} is read at {v.attrs[1]}, not at its own cell")
    verify_ranges(kernel, values, (), extent)
    verify_loads(kernel, values, epilogue.slots, extent, skipped=0)


def _verify_sum(
    kernel: ContractKernel, root: Node, epilogue: EpilogueExpression, extent: Extents
) -> None:
    """Verifies that the element at every cell is added to the sum of the cell's column."""
    (x,) = root.args
    width, size = (
        extent(epilogue.column.extent),
        extent(epilogue.row.extent) * extent(epilogue.column.extent),
    )
    shape = [extent(e) for e in x.shape]
    if prod(shape) != size or extent(root.size) != width:
        fail(kernel, f"{root!r} sums {prod(shape)} elements of {size} into {width} columns")
    if not size:
        return
    domain = Domain([epilogue.row, epilogue.column], extent)
    cells = domain.at[epilogue.row] * width + domain.at[epilogue.column]
    kept = [a for a in range(len(shape)) if a not in root.attrs["axes"]]
    coordinates = np.unravel_index(cells, shape) if shape else ()
    result = np.zeros_like(cells)
    for a in kept:
        result = result * shape[a] + coordinates[a]
    wrong = np.flatnonzero(result != domain.at[epilogue.column])
    if len(wrong):
        at = wrong[0]
        fail(
            kernel,
            f"{root!r} sums element {cells[at]} into {result[at]}, its tiles into column"
            f" {domain.at[epilogue.column][at]}",
        )
    if dims.is_symbolic(epilogue.column.extent):
        fail(kernel, f"{root!r} is summed over columns of an extent that is not known")


def _width(kernel: ContractKernel) -> int:
    """The number of elements in a row of tiles, as the emitter counts them."""
    return kernel.match.description.width(tuple([int(s) for s in kernel.match.sizes]))
