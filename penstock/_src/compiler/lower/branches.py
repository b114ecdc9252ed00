"""Branches: ops that run one of several graph functions, lowered into `case` nodes."""

import functools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.lower.control_flow import inline, truth
from penstock._src.compiler.lower.dynamic_rows import as_dynamic_rows, padded
from penstock._src.compiler.lower.loops import checked, effects, variables_of, within_branch
from penstock._src.compiler.lower.lowering import Lowering, handler, raw_op
from penstock._src.compiler.lower.packing import Packing
from penstock._src.compiler.lower.values import Absent, DynamicRows, ListValue, Lowered
from penstock._src.core import dtypes
from penstock._src.graph.operation import Operation
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.extents import dims
from penstock._src.ir.extents.dims import Extent
from penstock._src.ir.node import Node
from penstock._src.util.dataclass import dataclass


@handler("If", "StatelessIf", passes=True)
def _if(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p = lowering.p
    condition = truth(lowering, args[0])
    index = p.cast(condition, dtypes.int32)
    return branch(lowering, index, [raw_op(op).else_branch, raw_op(op).then_branch], args[1:])


@handler("Case", "StatelessCase", passes=True)
def _case(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    index = args[0]
    if not isinstance(index, Node):
        raise NotLowerable("the index of Case is held by the host")
    return branch(lowering, index, list(raw_op(op).branches), args[1:])


def branch(
    lowering: Lowering, index: Node, functions: Sequence[Any], args: Sequence[Lowered]
) -> list[Lowered]:
    """The results of functions[index](args), and its effects on variables."""
    p = lowering.p
    # A branch that is known needs no node, and its results keep what is known of them.
    known = p.known.numbers(index)
    if known is not None:
        return inline(lowering, functions[_chosen(known.reshape(-1)[0], len(functions))], args)
    operands = _Operands(lowering, args)
    # Each function is traced on parameters of its own, as the branches of a node share none.
    trials = [_Trial(operands, function) for function in functions]
    # Whatever any branch writes is a result of all.
    written = {i: h for trial in trials for i, h in trial.written.items()}
    checks = list(dict.fromkeys(check for trial in trials for check in trial.checks))
    results, packing = _common_results(p, [trial.results for trial in trials])
    traced = []
    for trial in trials:
        # All branches have one list of results: a check of one holds in the others.
        conditions = [trial.checks.get(check, p.constant(True)) for check in checks]
        # Also in branches that do not write it: there the variable keeps its value.
        after = [trial.after[i] for i in written]
        with p.deeper():
            packed = results.packed(trial.results).nodes
        traced.append((trial.parameters, [*packed, *after, *conditions]))
    nodes = checked(p, p.case_of(index, traced, operands.nodes), checks)
    nodes = _without_equal(p, traced, operands.nodes, nodes)
    split = len(nodes) - len(written)
    for handle, value in zip(written.values(), nodes[split:]):
        p.assign_variable(handle, value)
    return results.unpacked(packing, nodes[:split])


def _without_equal(
    p: LoweringContext,
    traced: Sequence[tuple[Sequence[Node], Sequence[Node]]],
    operands: Sequence[Node],
    nodes: Sequence[Node],
) -> list[Node]:
    """Return the results of a `case`, those that are one and the same value from outside in every branch replaced by that value.

    An example is the length of a list if the branches set its items: a loop that knows it can give the list memory.
    """
    results = []
    for parameters, values in traced:
        outside = {id(x): operand for x, operand in zip(parameters, operands, strict=True)}
        results.append([outside.get(id(x), x) for x in values])
    return [
        # Only a node of this function or one around it exists outside of the branches.
        column[0] if column[0].depth <= p.depth and all(x is column[0] for x in column) else node
        for node, *column in zip(nodes, *results)
    ]


def _chosen(index: Extent, count: int) -> int:
    """The number of the function that an index selects; the last one if it is out of range. Comparisons with an unknown extent stop at the first match."""
    return next((i for i in range(count - 1) if index == i), count - 1)


class _Operands:
    """The operands of a `case`: arguments and the values of variables. Arguments with known values are left out: they stay known."""

    def __init__(self, lowering: Lowering, args: Sequence[Lowered]) -> None:
        p = self.p = lowering.p
        self.lowering, self.args = lowering, args
        self.handles = variables_of(args)
        # A known value as an operand would become an unknown parameter.
        self.passed = [i for i, a in enumerate(args) if not _is_known(p, a)]
        self.packing = Packing([args[i] for i in self.passed])
        self.nodes = [*self.packing.nodes, *[p.read_variable(h) for h in self.handles]]

    def values_of_variables(self, nodes: Sequence[Node]) -> dict[int, Node]:
        """The values of variables, by the ids of their handles."""
        return dict(zip([h.id for h in self.handles], nodes[len(self.packing.nodes) :]))

    def run(self, function: Any, nodes: Sequence[Node]) -> Any:
        """The results of a function, and the values of variables after it."""
        values = list(self.args)
        for i, value in zip(self.passed, self.packing.unpack(nodes)):
            values[i] = self._with_known_length(value, self.args[i])
        return effects(
            self.lowering,
            self.values_of_variables(nodes),
            lambda: inline(self.lowering, function, values),
        )

    def _with_known_length(self, value: Lowered, outside: Lowered) -> Lowered:
        """The value inside of a function; a list keeps the length that is known outside."""
        if not isinstance(value, ListValue) or not isinstance(outside, ListValue):
            return value
        return replace(value, length=outside.length) if _is_known(self.p, outside.length) else value


class _Trial:
    """One function, traced on fresh parameters: its results, the variables that it assigns, its checks."""

    def __init__(self, operands: _Operands, function: Any) -> None:
        p = operands.p
        self.parameters = p.parameters_like(operands.nodes)
        for parameter, node in zip(self.parameters, operands.nodes, strict=True):
            # What is known of a loop's counter holds in its branches.
            p.assume_like(parameter, node)
        before = operands.values_of_variables(self.parameters)
        with within_branch(p), p.collected() as self.checks:
            self.results, self.after = operands.run(function, self.parameters)
        self.written = {h.id: h for h in operands.handles if self.after[h.id] is not before[h.id]}


@dataclass(frozen=True)
class _Results:
    """The common form of the results of all functions.

    present   for each result a value of its type, which no function leaves out
    known     results that are one known value, by their position
    like      common capacities of dynamic rows and lists
    """

    p: LoweringContext
    present: Sequence[Lowered]
    known: dict[int, Lowered]
    like: Sequence[Any]

    def packed(self, values: Sequence[Lowered]) -> Packing:
        """One function's results as nodes."""
        values = _filled(self.p, values, self.present)
        changing = [i for i in range(len(values)) if i not in self.known]
        return Packing(
            _allocated(self.p, [values[i] for i in changing], [self.like[i] for i in changing])
        )

    def unpacked(self, packing: Packing, nodes: Sequence[Node]) -> list[Lowered]:
        """The results that these nodes are; `packing` is of those that are not known."""
        values = iter(packing.unpack(nodes))
        count = len(self.present)
        return [self.known[i] if i in self.known else next(values) for i in range(count)]


def _common_results(
    p: LoweringContext, outputs: Sequence[Sequence[Lowered]]
) -> tuple[_Results, Packing]:
    """(the types common to the results of all functions, the packings of results without known values).

    Raises:
      NotLowerable: they have different types.
    """
    present = [_present(column) for column in zip(*outputs)]
    columns = list(zip(*[_filled(p, values, present) for values in outputs]))
    known = {
        i: column[0]
        for i, column in enumerate(columns)
        if _is_known(p, column[0]) and all(value is column[0] for value in column)
    }
    results = _Results(p, present, known, [_common_list(p, column) for column in columns])
    # Written to in one branch counts for all: the loop around gives the list memory once.
    first = [_with_notes(column) for column in columns]
    packed = [results.packed(values) for values in (first, *list(zip(*columns))[1:])]
    if any(not packed[0].is_like(other) for other in packed[1:]):
        raise NotLowerable("the branches return lists of different shapes")
    return results, packed[0]


def _filled(
    p: LoweringContext, values: Sequence[Lowered], present: Sequence[Lowered]
) -> list[Lowered]:
    """One function's results, with zeros in place of absent ones."""
    pairs = zip(values, present)
    return [_zeros(p, other) if isinstance(v, Absent) else v for v, other in pairs]


def _is_known(p: LoweringContext, value: Lowered) -> bool:
    """True if an argument is a number or shape that is known while lowering."""
    if not isinstance(value, Node) or value.kind not in ("constant", "size"):
        return False
    return p.known.symbolic(value) is not None


def _present(column: Sequence[Lowered]) -> Lowered:
    """The first value of one result that is not absent, among all branches."""
    return next((value for value in column if not isinstance(value, Absent)), column[0])


def _zeros(p: LoweringContext, like: Lowered) -> Lowered:
    if isinstance(like, Node) and like.dtype != dtypes.resource:
        zeros: Node = p.full(like.shape, 0, like.dtype)
        return zeros
    if isinstance(like, DynamicRows):
        return DynamicRows(p.full(like.rows.shape, 0, like.dtype), p.constant(0, dtypes.int32))
    raise NotLowerable("a branch does not give a value of an unknown shape")


def _common_list(p: LoweringContext, column: Sequence[Lowered]) -> Any:
    """Dynamic rows with room for those of all branches, the first list that waits for the memory of a loop, or the first list with memory,
    among the values of one result in all branches."""
    if any(isinstance(value, DynamicRows) for value in column):
        extents = [v.capacity if isinstance(v, DynamicRows) else _rows(v) for v in column]
        # As an expression: which branch has more rows depends on the extents of the call.
        return padded(p, as_dynamic_rows(p, column[0]), functools.reduce(dims.maximum, extents))
    lists = [v for v in column if isinstance(v, ListValue)]
    for value in lists:
        if value.buffer is None and value.awaits and value.noted:
            return value
    return next((value for value in lists if value.buffer is not None), None)


def _rows(value: Lowered) -> int:
    if not isinstance(value, Node) or not value.rank:
        raise NotLowerable("the branches return different sorts of values")
    return value.shape[0]


def _with_notes(column: Sequence[Lowered]) -> Lowered:
    """The first branch's value; a list is marked as written to if it is in another branch."""
    first = column[0]
    noted = any(isinstance(value, ListValue) and value.noted for value in column)
    return replace(first, noted=True) if noted and isinstance(first, ListValue) else first


def _allocated(p: LoweringContext, values: Sequence[Lowered], like: Sequence[Any]) -> list[Lowered]:
    """The values of one branch, with lists allocated and rows padded to the capacity that they have in another branch."""
    result: list[Lowered] = []
    for value, other in zip(values, like):
        if isinstance(other, (DynamicRows, Node)):
            extent = other.capacity if isinstance(other, DynamicRows) else other.shape[0]
            value = padded(p, as_dynamic_rows(p, value), extent)
        if isinstance(value, ListValue) and isinstance(other, ListValue) and other.buffer is None:
            value = replace(other, length=value.length)
        elif isinstance(value, ListValue) and value.buffer is None and other is not None:
            value = ListValue(
                other.dtype,
                p.full(other.buffer.shape, 0, other.dtype),
                value.length,
                other.capacity,
            )
        result.append(value)
    return result
