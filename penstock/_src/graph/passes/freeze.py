"""Inlines calls and replaces variables by their values.

Before: y = PartitionedCall(x, v)  with  f(x, v) = x * ReadVariableOp(v)
After:  y = x * Const(value of v)
"""

from collections.abc import Mapping, Sequence
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.calls.binding import complete
from penstock._src.core.dispatch import building_unrecorded
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.op import Op
from penstock._src.core.registry import find, raw
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import Operation, SymbolicTensor


class _Variable:
    """Placeholder for the handle of a variable with a known value."""

    def __init__(self, value: Any) -> None:
        self.value = value


def freeze(
    function: GraphFunction, values: Mapping[int, Any], inline_calls: bool = True
) -> GraphFunction:
    """Returns `function` without the inputs in `values`.

    Args:
      function: a graph function.
      values: {position of an input: its value, that of the variable if it is a variable's handle}.
      inline_calls: inline called functions.

    Raises:
      UnimplementedError: a variable is used other than by reading it.
    """
    graph = FuncGraph(function.graph.name)
    graph.enclosing = None
    with building_unrecorded(graph):
        arguments: list[Any] = []
        for index, t in enumerate(function.inputs):
            if index in values:
                is_handle = t.dtype is dtypes.resource
                value = values[index]
                arguments.append(
                    _Variable(value) if is_handle else graph.constant(value, t.dtype, t.op.name)
                )
                continue
            placeholder = graph.placeholder(t.dtype, t.shape, t.op.name)
            placeholder._handle_data = t._handle_data
            graph.inputs.append(placeholder)
            arguments.append(placeholder)
        copier = _Copier(graph, inline_calls)
        results = copier.copy(function, arguments)
        graph.outputs = [copier.tensor(r) for r in results]
    return GraphFunction(graph)


class _Copier:
    """Copies operations into a graph, with variables replaced."""

    def __init__(self, graph: FuncGraph, inline_calls: bool) -> None:
        self.graph, self.inline_calls = graph, inline_calls

    def tensor(self, value: Any) -> SymbolicTensor:
        """Returns `value` as a tensor of the new graph."""
        if isinstance(value, _Variable):
            raise UnimplementedError("freeze: the function returns the handle of a variable.")
        return value

    def copy(self, function: GraphFunction, arguments: Sequence[Any]) -> list[Any]:
        """Copies the body of `function`; returns the copies of its outputs."""
        table = {t._id: a for t, a in zip(function.inputs, arguments, strict=True)}
        wanted = {t._id for node in function.graph._operations for t in node.as_written()[1]}
        wanted.update(t._id for t in function.outputs)
        copies: dict[int, Operation] = {}
        for node in function.graph._operations:
            if node.outputs and all(t._id in table for t in node.outputs):
                continue
            if node.type.startswith("Placeholder") and not node._inputs:
                continue  # not an input of this function
            raw_op, inputs = node.as_written()
            if raw_op.effects.reads_only and not any(t._id in wanted for t in node.outputs):
                continue  # of a part of a variable
            if any(t._id not in table for t in inputs):
                continue
            outputs = self._node(node, raw_op, [table[t._id] for t in inputs])
            table.update((t._id, new) for t, new in zip(node.outputs, outputs, strict=True))
            copied = self.graph._operations[-1]
            copies[id(node)] = copied
            copied._add_control_inputs(
                copies[id(c)]
                for c in node._control_inputs
                if id(c) in copies and copies[id(c)] is not copied
            )
        return [table[t._id] for t in function.outputs]

    def _node(self, node: Operation, raw_op: Op, inputs: list[Any]) -> list[Any]:
        attrs, control = raw_op.attrs, raw_op.flow.control
        are_variables = [isinstance(value, _Variable) for value in inputs]
        if control == "call" and (self.inline_calls or any(are_variables)):
            return self.copy(attrs["f"], inputs)
        if not any(are_variables):
            return self._add(node, raw_op, inputs)
        if raw_op.op_type == "ReadVariableOp":
            return [self.graph.constant(inputs[0].value, node.outputs[0].dtype, node.name)]
        if node.type == "ResourceGather":
            table = self.graph.constant(inputs[0].value, node.outputs[0].dtype, None)
            batch = raw_op.batch_dims
            return [raw.GatherV2(params=table, indices=inputs[1], axis=batch, batch_dims=batch)]
        if node.type == "Identity":
            return inputs
        if control in ("if", "case"):
            return self._conditional(node, inputs)
        if control == "while":
            return self._loop(node, inputs)
        raise UnimplementedError(
            f"freeze: {node.type} '{node.name}' does not read a variable but assigns it or uses its handle."
        )

    def _add(self, node: Operation, op: Op, inputs: Sequence[Any]) -> list[Any]:
        copy = self.graph.add(op, [self.tensor(t) for t in inputs], node.name)
        for old, new in zip(node.outputs, copy.outputs, strict=False):
            new._handle_data = old._handle_data
        return copy.outputs

    def _conditional(self, node: Operation, inputs: list[Any]) -> list[Any]:
        attrs = dict(node.raw_op.attrs)
        rest = inputs[1:]
        values = {i: v.value for i, v in enumerate(rest) if isinstance(v, _Variable)}
        if "branches" in attrs:
            attrs["branches"] = tuple(
                freeze(b, values, self.inline_calls) for b in attrs["branches"]
            )
        else:
            for key in ("then_branch", "else_branch"):
                attrs[key] = freeze(attrs[key], values, self.inline_calls)
        kept = [v for v in rest if not isinstance(v, _Variable)]
        attrs["Tin"] = tuple(t.dtype for t in kept)
        return self._add(node, complete(find(node.type), attrs, True), [inputs[0], *kept])

    def _loop(self, node: Operation, inputs: list[Any]) -> list[Any]:
        attrs = dict(node.raw_op.attrs)
        values = {i: v.value for i, v in enumerate(inputs) if isinstance(v, _Variable)}
        kept = [i for i in range(len(inputs)) if i not in values]
        body = attrs["body"]
        attrs["body"] = freeze(
            body.with_outputs([body.outputs[i] for i in kept]), values, self.inline_calls
        )
        attrs["cond"] = freeze(attrs["cond"], values, self.inline_calls)
        attrs["T"] = tuple(inputs[i].dtype for i in kept)
        if attrs.get("output_shapes"):
            attrs["output_shapes"] = tuple(attrs["output_shapes"][i] for i in kept)
        results = iter(
            self._add(node, complete(find(node.type), attrs, True), [inputs[i] for i in kept])
        )
        return [inputs[i] if i in values else next(results) for i in range(len(inputs))]
