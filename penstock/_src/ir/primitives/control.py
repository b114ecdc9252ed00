"""Control: functions as attributes, with outer values passed in as arguments; and the order of computation."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from penstock._src.ir.errors import MalformedFunction
from penstock._src.ir.meaning.intervals import Range
from penstock._src.ir.meaning.rows import MixedRows, RowFlow, State, infer_rows
from penstock._src.ir.node import Node
from penstock._src.ir.primitives.base import (
    PRIMITIVES,
    Args,
    Arrays,
    Attrs,
    Bounds,
    Primitive,
    Result,
    SameType,
)


def total_flops(nodes: Iterable[Node]) -> int:
    """Floating point operations of nodes; what the compiler puts between primitives, such as partial sums, counts as none."""
    return sum([PRIMITIVES[node.kind].flops(node) for node in nodes if node.kind in PRIMITIVES])


def _results(function: Any, flow: RowFlow, states: Sequence[State]) -> list[State]:
    """The states of the results of a nested function, given those of its arguments."""
    known = {p.id: state for p, state in zip(function.parameters, states, strict=True)}
    return infer_rows(function.results, PRIMITIVES, flow.count, known)


def _is_like(a: State, b: State) -> bool:
    return a is b or (a is not None and b is not None and a.is_like(b))


class While(Primitive):
    """Carried values stepped by body while cond holds; arguments past `carried` stay as they are.

    The interpreter runs it (interpreter.py), as it runs functions.
    """

    form = "while(...; cond, body, carried)"
    is_folded = False

    def rows(self, flow: RowFlow, node: Node) -> list[State]:
        states, carried = [flow.of(arg) for arg in node.args], node.attrs["carried"]
        while True:  # uniform rows become exact ones at most once each
            after = _results(node.attrs["body"], flow, states)
            joined = [flow.joined(pair) for pair in zip(states[:carried], after, strict=True)]
            if all(map(_is_like, joined, states)):
                break
            states[:carried] = joined
        (condition,) = _results(node.attrs["cond"], flow, states)
        if condition is not None:
            raise MixedRows("rows decide how often it runs")
        return joined

    def infer(self, args: Args, attrs: Attrs) -> list[Result]:
        return [(r.shape, r.dtype) for r in attrs["body"].results]

    def flops(self, node: Node) -> int:
        return total_flops(node.attrs["body"].nodes()) * int(node.attrs.get("max_trips") or 1)


class Case(Primitive):
    """The results of branches[index](operands); an index outside means the last branch. The interpreter runs it."""

    form = "case(index, ...; branches)"
    is_folded = False

    def rows(self, flow: RowFlow, node: Node) -> list[State]:
        index, *states = [flow.of(arg) for arg in node.args]
        if index is not None:
            raise MixedRows("rows decide which branch runs")
        of_branches = [_results(branch, flow, states) for branch in node.attrs["branches"]]
        return [flow.joined(each) for each in zip(*of_branches, strict=True)]

    def infer(self, args: Args, attrs: Attrs) -> list[Result]:
        return [(r.shape, r.dtype) for r in attrs["branches"][0].results]

    def flops(self, node: Node) -> int:
        return max(total_flops(branch.nodes()) for branch in node.attrs["branches"])


class Item(Primitive):
    """One result of a node with several (get_tuple_element)."""

    form = "item(x; index)"

    def rows(self, flow: RowFlow, node: Node) -> State:
        return flow.of(node.args[0])[node.attrs["index"]]

    def infer(self, args: Args, attrs: Attrs) -> Result:
        results = args[0].results
        if results is None:
            raise MalformedFunction("item: the argument has one result only.")
        return results[attrs["index"]]

    def evaluate(self, args: Arrays, node: Node) -> Any:
        return args[0][node.attrs["index"]]


class OptimizationBarrier(SameType):
    """x, computed once more although an equal node exists, after the further arguments."""

    form = "optimization_barrier(x, ...)"

    def rows(self, flow: RowFlow, node: Node) -> State:
        return flow.of(node.args[0])

    def evaluate(self, args: Arrays, node: Node) -> np.ndarray:
        return args[0]

    def value_range(self, bounds: Bounds, node: Node) -> Range | None:
        return bounds(node.args[0])
