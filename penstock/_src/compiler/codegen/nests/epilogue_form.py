"""The form of an epilogue: its values, and the words of the context that they read; everything on which its code depends."""

import dataclasses
from collections.abc import Iterable
from typing import Any

from penstock._src.compiler.kernels.contraction import EpilogueExpression
from penstock._src.compiler.kernels.index import Division, Index, extent_key
from penstock._src.compiler.kernels.values import closure
from penstock._src.ir.extents.dims import Dim


class EpilogueForm:
    """Operands: a pointer for each slot of the expression but the first, then the Dims that it needs.

    A task's statistics are the expression's sums, one after the other, each a float for every column.
    """

    def __init__(self, expression: EpilogueExpression) -> None:
        # Codes are kept long after the nodes that the expression reads, and must not hold them.
        self.expression = dataclasses.replace(expression, slots=[])
        self.operands = len(expression.slots) - 1
        self.values = closure([expression.value, *expression.sums])
        self.root = next(v for v in self.values if v.kind == "load" and v.attrs[0] == 0)
        sums = len(expression.sums)
        self.partial_bytes = 4 * int(expression.column.extent) * sums if sums else 0
        self.extents = _distinct(x for v in self.values for a in v.attrs for x in _extents(a))
        self.whole = [
            v for v in self.values
            if v.kind == "load" and v.attrs[0] != 0 and v.attrs[1].key == expression.place.key and not v.args
        ]  # fmt: skip


def _distinct(dims: Iterable[Dim]) -> list[Any]:
    """The expressions of Dims, each once, in order."""
    return list(dict.fromkeys(extent_key(x) for x in dims))


def _extents(attr: Any) -> list[Dim]:
    """The Dims in an attribute."""
    if type(attr) is Dim:
        return [attr]
    if not isinstance(attr, Index):
        return []
    extents = _extents(attr.const)
    for atom, c in attr.terms:
        extents += _extents(c)
        if isinstance(atom, Division):
            extents += _extents(atom.divisor) + _extents(atom.index)
    return extents
