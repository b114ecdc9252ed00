"""Vectorizer: converts the operations of a row's graph, in order, to operations on all rows."""

from collections.abc import Sequence
from typing import Any

from penstock._src.api.mapping.functional import map_fn
from penstock._src.api.vectorized import control, draws, effects, layers, lists, movement, selection
from penstock._src.api.vectorized.inputs import by_words, elementwise
from penstock._src.api.vectorized.reductions import Reduction
from penstock._src.api.vectorized.rules import (
    NoRows,
    NotVectorizable,
    Rule,
    Value,
    rule_of,
)
from penstock._src.api.vectorized.step import Step, whole
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE, in_v1_graph
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.specs import TensorSpec
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.needed_operations import needed_operations
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.ops.rules import maps_elements
from penstock._src.util import nest

assert all((draws, effects, layers, lists, movement, selection))  # imported for their rules


class Vectorizer:
    """Computes the tensors of a graph for all rows.

    Args:
      graph: the graph of one row.
      values: those of its inputs, by their ids.
      count: the number of rows: an int, or a scalar int32 tensor.
      by_rows: whether operations without a rule run row by row.
      reductions: the placeholders, by their ids, of what is reduced over all rows.
    """

    def __init__(
        self,
        graph: FuncGraph,
        values: dict[int, Value],
        count: Any,
        by_rows: bool = True,
        reductions: dict[int, Reduction] | None = None,
    ) -> None:
        self.graph, self.values, self.count, self.by_rows = graph, dict(values), count, by_rows
        self.reductions = reductions or {}
        # Replacements of operations without outputs in the TensorFlow 1 graph that is being built, by id.
        self.operations: dict[int, Operation] = {}

    def outputs(
        self, tensors: Sequence[SymbolicTensor], operations: Sequence[Operation] = ()
    ) -> list[Value]:
        """Returns the values of these tensors; also runs these operations.

        Raises:
          ValueError: an operation has no rule, and `by_rows` is False.
        """
        inputs = [t for t in self.graph.inputs if t._id in self.values]
        nodes = needed_operations(self.graph, inputs, tensors, operations)
        if sum(node.raw_op.effects.draws_from_generator for node in nodes) > 1:
            nodes = in_conversion_order(nodes, tensors, operations)
        for node in nodes:
            if node._outputs and node._outputs[0]._id in self.reductions:
                self._reduce(node._outputs[0]._id)
            elif not (node._outputs and all(t._id in self.values for t in node._outputs)):
                self._take(node)
        return [self.values[t._id] for t in tensors]

    def _reduce(self, placeholder: int) -> None:
        """Computes values that are the same for all rows from their stacked values."""
        function, operands, position = self.reductions[placeholder]
        stacked = [whole(self.values[t._id], self.count) for t in operands]
        result = nest.flatten(function(*stacked))[position]
        self.values[placeholder] = Value(convert_to_tensor(result), False)

    def _take(self, node: Operation) -> None:
        values = [self.values[t._id] for t in node._inputs]
        step = Step(node, values, self.count, self._nested)
        graph = STATE.graph
        known = 0 if graph is None else len(graph._operations)
        results = self._made(step)
        if in_v1_graph() and not node._outputs:
            with graph.control_dependencies(graph._operations[known:]):
                self.operations[id(node)] = raw.NoOp()
        for tensor, value in zip(node._outputs, results, strict=True):
            value = value if isinstance(value, Value) else Value(value, True)
            if value.stacked and STATE.graph is not None and tensor.dtype is not dtypes.variant:
                first = self.count if isinstance(self.count, int) else None
                value.tensor.set_shape(TensorShape([first]).concatenate(tensor.shape))
            self.values[tensor._id] = value

    def _made(self, step: Step) -> list[Any]:
        op = step.op
        differs = any(value.stacked for value in step.values)
        if not differs and (not op.stateful or op.effects.reads_only):
            return [Value(t, False) for t in step.run_flat([v.tensor for v in step.values])]
        if op.flow.control == "call":
            return self._nested(op.attrs["f"], step.values, self.count)
        rule = self._rule(step)
        why = "it has no rule"
        if rule is not None:
            try:
                return rule(step)
            except NotVectorizable as error:
                why = str(error)
        if not (self.by_rows or op.elements.vectorizes_one_by_one):
            raise ValueError(
                f"No pfor vectorization defined for {step.node.type}\n{step.node.name}: {why}. "
                "fallback_to_while_loop=True lets such operations run row by row."
            )
        return row_by_row(step)

    def _rule(self, step: Step) -> Rule | None:
        """Returns the rule that turns an operation on one row into operations on all of them."""
        op = step.op
        if (op.vectorize or op.elements.is_elementwise) and is_on_lists(step):
            return control.on_lists
        if op.vectorize:
            return by_words
        if op.elements.is_elementwise:
            return elementwise if maps_elements(step.node) else None
        return rule_of(type(op))

    def _nested(self, function: Any, values: Sequence[Value], count: Any) -> list[Value]:
        """Computes a function that an operation calls, for `count` rows."""
        arguments = {t._id: value for t, value in zip(function.inputs, values, strict=True)}
        nested = Vectorizer(function.graph, arguments, count, self.by_rows)
        return nested.outputs(function.outputs, function.graph.control_outputs)


def run_once(graph: FuncGraph, values: dict[int, Any], operations: Sequence[Operation]) -> None:
    """Runs operations of a graph, and what they need, once.

    Args:
      graph: the graph of one row.
      values: the tensors of its inputs, by their ids.
      operations: those to run.
    """
    tensors = dict(values)
    inputs = [t for t in graph.inputs if t._id in tensors]
    for node in needed_operations(graph, inputs, [], operations):
        if node._outputs and all(t._id in tensors for t in node._outputs):
            continue
        step = Step(node, [Value(tensors[t._id], False) for t in node._inputs], 1, _no_function)
        results = step.run_flat([value.tensor for value in step.values])
        tensors.update({t._id: r for t, r in zip(node._outputs, results, strict=True)})


def _no_function(*_: Any) -> list[Value]:
    raise NotImplementedError("operations that run once compute no function for all rows")


def in_conversion_order(
    nodes: list[Operation], tensors: Sequence[SymbolicTensor], operations: Sequence[Operation]
) -> list[Operation]:
    """Returns operations in the order in which TensorFlow converts them: the last input of each first.

    Draws of several generator operations depend on it. `nodes` are in an order in which they can run.
    """
    needed = {id(node) for node in nodes}
    ordered: dict[int, Operation] = {}
    for root in [*(t.op for t in tensors), *operations]:
        pending = [root] if id(root) in needed else []
        while pending:
            node = pending[-1]
            before = [*(t.op for t in node._inputs), *node._control_inputs]
            left = [op for op in before if id(op) in needed and id(op) not in ordered]
            if left:
                pending += left
            else:
                ordered[id(pending.pop())] = node
    return list(ordered.values())


def is_on_lists(step: Step) -> bool:
    """True if an operation has tensor lists as inputs."""
    return any(t.dtype is dtypes.variant for t in step.node._inputs)


def row_by_row(step: Step) -> list[Any]:
    """Runs an operation once for each row, in a loop."""
    tensors = [*step.node._inputs, *step.node._outputs]
    is_draw = step.op.effects.draws_from_generator and not step.is_stacked(0)
    if not is_draw and any(t.dtype in (dtypes.variant, dtypes.resource) for t in tensors):
        raise NoRows(f"{step.node.type} '{step.node.name}'")
    differing = [i for i, value in enumerate(step.values) if value.stacked]
    tensors = [step.values[i].tensor for i in differing]
    specs = [TensorSpec(t.shape, t.dtype) for t in step.node._outputs]
    if not tensors:
        tensors = [raw.Range(start=0, limit=step.count, delta=1)]

    def row(parts: list[Any]) -> list[Any]:
        flat = [value.tensor for value in step.values]
        for i, part in zip(differing, parts):
            flat[i] = part
        return step.run_flat(flat)

    if not specs:
        map_fn(
            lambda parts: (row(parts), 0)[1], tensors, fn_output_signature=TensorSpec([], "int32")
        )
        return []
    return map_fn(row, tensors, fn_output_signature=specs)
