"""The form of an epilogue: its values, and the words of the context that they read; everything on which its code depends."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from penstock._src.compiler.kernels.contraction import EpilogueExpression
from penstock._src.compiler.kernels.costs import cost_of_value
from penstock._src.compiler.kernels.index import Division, Index, extent_key
from penstock._src.compiler.kernels.values import Value, closure
from penstock._src.ir.extents.dims import Dim

DIVISION = 6  # cost of dividing an index


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
        self.sums = len(expression.sums)
        self.partial_bytes = 4 * int(expression.column.extent) * self.sums if self.sums else 0
        self.work = sum(map(_work, self.values))
        self.extents = _distinct(x for v in self.values for a in v.attrs for x in _extents(a))
        self.of_rows = _values_of_rows(self.values, expression, self.root)
        self.whole = [
            v for v in self.values
            if v.kind == "load" and v.attrs[0] != 0 and v.attrs[1].key == expression.place.key and not v.args
        ]  # fmt: skip


def _values_of_rows(
    values: Sequence[Value], expression: EpilogueExpression, product: Value
) -> list[Value]:
    """The values that are the same in all columns of a row, and known without the product."""
    row, column, of_products = expression.row, expression.column, {product.number}
    for v in values:
        if any(x.number in of_products for x in v.inputs):
            of_products.add(v.number)
    return [
        v for v in values
        if row in v.vars and column not in v.vars and v.number not in of_products
    ]  # fmt: skip


def _distinct(dims: Iterable[Dim]) -> list[Any]:
    """The expressions of Dims, each once, in order."""
    return list(dict.fromkeys(extent_key(x) for x in dims))


def _work(value: Value) -> int:
    """The approximate cost of a value for each element."""
    indices = [a for a in value.attrs if isinstance(a, Index)]
    divisions = sum(isinstance(atom, Division) for index in indices for atom, _ in index.terms)
    return cost_of_value(value.kind) + DIVISION * divisions


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
