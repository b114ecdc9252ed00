"""Contractions as kernels, and the elementwise nodes computed on their tiles.

A contraction absorbs the elementwise nodes that alone consume it (bias, activation, residual, the mask of a relu's
gradient): its `final` node is stored. The expression has two variables, the output's row and the
column within the row, as register tiles have. Sums over rows of the result are also accumulated on the tiles (fusion/column_sums.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import field
from typing import Any

from penstock._src.compiler.kernels.index import Index, Position, Var, of_atom
from penstock._src.compiler.kernels.inline import Inliner
from penstock._src.compiler.kernels.kernel import Kernel
from penstock._src.compiler.kernels.values import Scope, Value, closure
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InternalError
from penstock._src.ir.extents import dims
from penstock._src.ir.node import Node
from penstock._src.util.dataclass import dataclass


@dataclass(frozen=True, eq=False)
class EpilogueExpression:
    """The computation on a register tile: `value` at (row, column). A load of slot 0 at `place` is the contraction's own result.

    `sums` are added up over the rows, for each column.
    """

    scope: Scope
    row: Var
    column: Var
    place: Index
    value: Value
    slots: list[Node]
    dtype: DType
    sums: list[Value] = field(default_factory=list)

    def signature(self) -> tuple:
        """A key of everything on which the code depends."""
        return (
            self.place.key, self.value.number, tuple([v.number for v in self.sums]), tuple(self.scope.values), tuple(self.scope.atoms),
            tuple([n.dtype for n in self.slots]), self.dtype,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class ContractKernel(Kernel):
    """A contraction, with an epilogue or without.

    match      a Match of recognize/contractions
    operands   the epilogue's leaves
    partial    its sums, task by task, of the reduce nodes `summed`
    """

    node: Node
    match: Any
    epilogue: EpilogueExpression | None
    operands: list[Node]
    partial: Node | None = None
    summed: list[Node] = field(default_factory=list)

    @property
    def label(self) -> str:
        epilogue = " + epilogue" if self.epilogue is not None else ""
        return f"{self.match.description.form}{list(map(dims.settled, self.outputs[0].shape))}{epilogue}"


def write_epilogue(
    root: Node,
    final: Node,
    columns: int,
    is_leaf: Callable[[Node], bool],
    summed: Sequence[Node] = (),
) -> EpilogueExpression | None:
    """The expressions of `final`, and of nodes that are summed, over tiles of `root`.

    None if one of them reads the contraction at any other position than the current one.
    """
    width = dims.product(root.shape[len(root.shape) - columns :])
    rows = dims.product(root.shape[: len(root.shape) - columns])
    inliner = Inliner(lambda n: n is root or (n is not final and is_leaf(n)), [root])
    row, column = inliner.scope.var(rows), inliner.scope.var(width)
    # Row-major, like all stored results, so that a cell of a tile is the same element of every operand.
    place = of_atom(row) * width + of_atom(column)
    value, *sums = [
        inliner.value(node, Position(inliner.scope, node.shape, None, place))
        for node in (final, *summed)
    ]
    # A tile holds one row by one column of the result at a time: a reduction, or another element, is not at hand.
    for v in closure([value, *sums]):
        if v.kind in ("reduce", "arg_reduce"):
            return None
        if v.kind == "load" and v.attrs[0] == 0 and (v.attrs[1].key != place.key or v.args):
            return None
    return EpilogueExpression(
        scope=inliner.scope,
        row=row,
        column=column,
        place=place,
        value=value,
        slots=inliner.slots,
        dtype=final.dtype,
        sums=sums,
    )


def epilogue_between(
    root: Node, final: Node, columns: int, is_leaf: Callable[[Node], bool]
) -> EpilogueExpression | None:
    """The epilogue on tiles of `root` that computes `final`; None if that is the same node."""
    if final is root:
        return None
    epilogue = write_epilogue(root, final, columns, is_leaf)
    if epilogue is None:
        raise InternalError(None, None, f"{final!r} does not fit the tiles of {root!r}.")
    return epilogue


def operands_of_epilogues(epilogues: Sequence[EpilogueExpression | None]) -> list[Node]:
    """The nodes that epilogues read in addition to their root."""
    return [n for epilogue in epilogues if epilogue is not None for n in epilogue.slots[1:]]
