"""Inlines calls and replaces variables by their values.

Before: y = PartitionedCall(x, v)  with  f(x, v) = x * ReadVariableOp(v)
After:  y = x * Const(value of v)

The values that branches and loops read are constants inside of these, or, as in TensorFlow, inputs that the graph around them passes.

A variable that the function assigns may become an input and an output instead, of branches and loops as well:

Before: AssignAddVariableOp(v, x); y = ReadVariableOp(v)
After:  y = AddV2(v, x), returned as a result and as the new value of v
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.binding import complete
from penstock._src.core.dispatch import building_unrecorded
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.op import Op
from penstock._src.core.registry import find, raw
from penstock._src.graph.control import bodies_of, resources_written
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.needed_operations import needed_operations
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.graph.passes.rebuilding import known_as


class _Variable:
    """Placeholder for the handle of a variable with a known value.

    Args:
      value: the value.
      tensor: the value in the new graph, if it is an input there.
      writes: the assignments to the variable that were left out; copies of the handle share them.
    """

    def __init__(
        self,
        value: Any,
        tensor: SymbolicTensor | None = None,
        writes: list[Operation] | None = None,
    ) -> None:
        self.value, self.tensor = value, tensor
        self.writes = [] if writes is None else writes


class _State(_Variable):
    """Placeholder for the handle of a variable whose value is `tensor` after the operations that were copied so far."""

    tensor: SymbolicTensor

    def __init__(self, tensor: SymbolicTensor) -> None:
        super().__init__(None, tensor)


class UnfrozenVariableError(UnimplementedError, ValueError):  # type: ignore[misc, valid-type]
    """A variable is not only read. TensorFlow raises ValueError."""


def freeze(
    function: GraphFunction,
    values: Mapping[int, Any],
    as_inputs: bool = False,
    leaves_out_writes: bool = False,
    states: Mapping[int, Any] | None = None,
    returned: Sequence[int] | None = None,
) -> GraphFunction:
    """Returns `function` without the inputs in `values`, and without calls.

    Operations keep their names; those of a called function are in the scope of the call.

    Args:
      function: a graph function.
      values: {position of an input: its value, that of the variable if it is a variable's handle}.
      as_inputs: pass values to branches and loops as inputs. By default they are constants inside.
      leaves_out_writes: leave out assignments, outside of branches and loops, of what no result depends on.
      states: {position of a variable's handle: something of the variable's dtype and shape}: inputs that become the variable's value.
      returned: positions of states whose last values are returned after the results; by default all.

    Raises:
      UnfrozenVariableError: a variable is used other than by reading it.
    """
    graph = _new_graph(function)
    graph.outputs_wait &= not leaves_out_writes
    with building_unrecorded(graph):
        reserved = {node.name for node in function.graph._operations}
        copier = _Copier(graph, as_inputs, reserved, leaves_out_writes)
        arguments: list[Any] = []
        states = states or {}
        used = {t._id for _, _, inputs in _needed(function) for t in inputs}
        used.update(t._id for t in function.outputs)
        for index, t in enumerate(function.inputs):
            if index in states:
                arguments.append(_State(_add_input(graph, t, states[index])))
            elif index not in values:
                arguments.append(_add_input(graph, t))
            elif t.dtype is dtypes.resource:
                arguments.append(copier.variable(values[index], t, t._id in used))
            else:
                arguments.append(graph.constant(values[index], t.dtype, t.op.name))
        last = [arguments[i] for i in (states if returned is None else returned)]
        copier.finish(function, arguments, last)
    return GraphFunction(graph)


def _needed(function: GraphFunction) -> Iterator[tuple[Operation, Op, Sequence[SymbolicTensor]]]:
    """Yields operations with their ops and inputs as written, but for reads of parts of variables, whose results nothing takes."""
    written = [(node, *node.as_written()) for node in function.graph._operations]
    wanted = {t._id for _, _, inputs in written for t in inputs}
    wanted.update(t._id for t in function.outputs)
    for node, raw_op, inputs in written:
        if not raw_op.effects.reads_only or any(t._id in wanted for t in node.outputs):
            yield node, raw_op, inputs


def _new_graph(function: GraphFunction) -> FuncGraph:
    graph = FuncGraph(function.graph.name)
    graph.enclosing = None
    graph.outputs_wait = function.graph.outputs_wait
    return graph


def _add_input(graph: FuncGraph, like: SymbolicTensor, value: Any = None) -> SymbolicTensor:
    """Adds an argument like that of another graph, or for the value of the variable whose handle that is."""
    source = like if value is None else value
    placeholder = graph.placeholder(source.dtype, source.shape, like.op.name, like.op.given_name)
    placeholder._handle_data = like._handle_data if value is None else None
    graph.inputs.append(placeholder)
    return placeholder


class _Copier:
    """Copies operations into a graph, with variables replaced.

    Args:
      graph: the new graph.
      as_inputs: see `freeze`.
      reserved: names of operations of the function itself, which no operation of a called function gets.
      leaves_out_writes: see `freeze`.
    """

    def __init__(
        self,
        graph: FuncGraph,
        as_inputs: bool,
        reserved: set[str],
        leaves_out_writes: bool = False,
    ) -> None:
        self.graph, self.as_inputs, self.reserved = graph, as_inputs, reserved
        self.leaves_out_writes = leaves_out_writes
        # (operation that reads the value that a variable had before, assignment that was left out)
        self.outdated: list[tuple[Operation, Operation]] = []

    def variable(self, value: Any, handle: SymbolicTensor, is_used: bool) -> _Variable:
        """Returns what stands for the handle of a variable, with a constant if anything uses it."""
        if not (self.as_inputs and is_used):
            return _Variable(value)
        known = handle._handle_data
        dtype = known[0][1] if known else dtypes.as_dtype(value.dtype)
        return _Variable(value, self.graph.constant(value, dtype, handle.op.name))

    def finish(
        self, function: GraphFunction, arguments: Sequence[Any], last: Sequence[_State] = ()
    ) -> None:
        """Copies a function, whose results and the last values of states become the outputs of the graph.

        What none of them needs is removed: readers of frozen graphs take results that nothing reads for outputs.
        """
        results = self.copy(function, arguments, "")
        self.graph.outputs = [self.tensor(t) for t in (*results, *last)]
        graph = self.graph
        needed = set(needed_operations(graph, graph.inputs, graph.outputs, graph.control_outputs))
        for read, write in self.outdated:
            if read in needed:
                raise _refusal(write)
        needed.update(t.op for t in graph.inputs)
        graph._operations = [op for op in graph._operations if op in needed]
        graph._by_name = {op.name: op for op in graph._operations}
        for position, op in enumerate(graph._operations):
            op.position = position

    def tensor(self, value: Any) -> SymbolicTensor:
        """Returns `value` as a tensor of the new graph."""
        if not isinstance(value, _Variable):
            return value
        if value.tensor is None:
            raise UnimplementedError("freeze: the function returns the handle of a variable.")
        return value.tensor

    def copy(self, function: GraphFunction, arguments: Sequence[Any], prefix: str) -> list[Any]:
        """Copies the body of `function`; returns the copies of its outputs."""
        table = {t._id: a for t, a in zip(function.inputs, arguments, strict=True)}
        copies: dict[int, Operation] = {}
        for node, raw_op, inputs in _needed(function):
            if node.outputs and all(t._id in table for t in node.outputs):
                continue
            if node.type.startswith("Placeholder") and not node._inputs:
                continue  # not an input of this function
            if any(t._id not in table for t in inputs):
                continue
            before = len(self.graph._operations)
            arguments = [table[t._id] for t in inputs]
            outputs = self._node(node, raw_op, arguments, prefix)
            table.update((t._id, new) for t, new in zip(node.outputs, outputs, strict=True))
            if len(self.graph._operations) == before:
                continue
            copied = copies[id(node)] = self.graph._operations[-1]
            writes = [w for a in arguments if isinstance(a, _Variable) for w in a.writes]
            self.outdated += [(copied, write) for write in writes]
            copied._add_control_inputs(
                copies[id(c)]
                for c in node._control_inputs
                if id(c) in copies and copies[id(c)] is not copied
            )
        targets = [op for op in function.targets if op.raw_op.flow.control != "call"]
        self.graph.control_outputs += [copies[id(op)] for op in targets if id(op) in copies]
        return [table[t._id] for t in function.outputs]

    def _node(self, node: Operation, raw_op: Op, inputs: list[Any], prefix: str) -> list[Any]:
        control, name = raw_op.flow.control, self._name(node, prefix)
        are_variables = [isinstance(value, _Variable) for value in inputs]
        if control == "call":
            return self.copy(raw_op.attrs["f"], inputs, f"{name}/")
        if control in ("if", "case", "while") and (any(are_variables) or _changes(node)):
            lead = 0 if control == "while" else 1
            return self._functional(node, raw_op, inputs, name, lead)
        if not any(are_variables):
            return self._add(node, raw_op, inputs, name)
        if node.type == "Identity":
            return [self._copied_handle(inputs[0], name)]
        return self._reader(node, raw_op, inputs, name)

    def _name(self, node: Operation, prefix: str) -> str:
        name = unique = prefix + node.name
        number = 0
        while prefix and unique in self.reserved:
            number += 1
            unique = f"{name}_{number}"
        return unique

    def _copied_handle(self, variable: _Variable, name: str) -> _Variable:
        if variable.tensor is None or isinstance(variable, _State):
            return variable
        copy = raw.Identity(input=variable.tensor, name=name)
        return _Variable(variable.value, copy, variable.writes)

    def _reader(self, node: Operation, raw_op: Op, inputs: list[Any], name: str) -> list[Any]:
        """What stands for an operation on a variable: one on its value."""
        variable, *others = inputs
        tensor, dtype = variable.tensor, node.outputs[0].dtype if node.outputs else dtypes.resource
        if self.leaves_out_writes and raw_op.effects.updates and not node.outputs:
            for each in inputs:  # an optimizer's step writes its slots, too
                if isinstance(each, _Variable):
                    each.writes.append(node)
            return []
        if isinstance(variable, _State) and raw_op.value_after is not None:
            updated = raw_op.value_after(variable.tensor, *others)
            if updated is None:
                raise _refusal(node)
            variable.tensor = updated
            return []
        if raw_op.op_type == "ReadVariableOp":
            if tensor is None:
                return [self.graph.constant(variable.value, dtype, name)]
            return [raw.Identity(input=tensor, name=name)]
        if raw_op.op_type == "VariableShape":
            tensor = self._value(variable, name)
            return [raw.Shape(input=tensor, out_type=dtype, name=name)]
        if raw_op.op_type == "ResourceGather":
            params, batch = self._value(variable, name), raw_op.batch_dims
            axis = self.graph.constant(np.asarray(batch, np.int32), dtypes.int32, f"{name}/axis")
            read = raw.GatherV2(params, others[0], axis, batch_dims=batch, name=name)
            return [read]
        if raw_op.op_type == "ResourceGatherNd":
            return [raw.GatherNd(self._value(variable, name), others[0], name=name)]
        raise _refusal(node)

    def _value(self, variable: _Variable, name: str) -> SymbolicTensor:
        if variable.tensor is not None:
            return variable.tensor
        dtype = dtypes.as_dtype(variable.value.dtype)
        return self.graph.constant(variable.value, dtype, f"{name}/params")

    def _add(self, node: Operation, op: Op, inputs: Sequence[Any], name: str) -> list[Any]:
        copy = self.graph.add(op, [self.tensor(t) for t in inputs], name)
        copy.may_be_lowered = False if node.may_be_lowered is not None else None
        if len(copy.outputs) == len(node.outputs):
            known_as(node, copy.outputs)
        return copy.outputs

    def _functional(
        self, node: Operation, raw_op: Op, inputs: list[Any], name: str, lead: int
    ) -> list[Any]:
        """A condition or loop, whose functions read values; `lead` inputs are not passed to them."""
        given = inputs[lead:]
        variables = {i: v for i, v in enumerate(given) if isinstance(v, _Variable)}
        states = {i: v for i, v in variables.items() if isinstance(v, _State)}
        kept = [i for i in range(len(given)) if self.as_inputs or i in states or i not in variables]
        written = _written(node, states)
        attrs = {
            key: self._converted(key, value, variables, kept, written if lead else ())
            for key, value in raw_op.attrs.items()
        }
        passed = [self.tensor(given[i]) for i in kept]
        attrs["Tin" if lead else "T"] = tuple(t.dtype for t in passed)
        if lead:
            attrs["Tout"] = (*attrs["Tout"], *(states[i].tensor.dtype for i in written))
            if written:
                attrs["output_shapes"] = ()
            op = complete(find(node.type), attrs, True)
            branched = self._add(node, op, [*inputs[:lead], *passed], name)
            count = len(node.outputs)
            for i, tensor in zip(written, branched[count:], strict=True):
                states[i].tensor = tensor
            return known_as(node, branched[:count])
        if attrs.get("output_shapes"):
            attrs["output_shapes"] = tuple(t.shape for t in attrs["body"].outputs)
        added = self.graph.add(complete(find(node.type), attrs, True), passed, name)
        added.may_be_lowered = False if node.may_be_lowered is not None else None
        results: list[Any] = list(given)
        for i, tensor in zip(kept, added.outputs, strict=True):
            if i in states:
                states[i].tensor = tensor
            elif i in variables:
                results[i] = _Variable(variables[i].value, tensor, variables[i].writes)
            else:
                results[i] = tensor
                tensor._handle_data = node.outputs[i]._handle_data
        return results

    def _converted(
        self,
        key: str,
        value: Any,
        variables: Mapping[int, _Variable],
        kept: Sequence[int],
        returned: Sequence[int],
    ) -> Any:
        """An attribute, with functions converted; a loop's body returns the variables that are kept alone."""
        if isinstance(value, tuple) and value and isinstance(value[0], GraphFunction):
            return tuple(self._converted(key, each, variables, kept, returned) for each in value)
        if not isinstance(value, GraphFunction):
            return value
        if key == "body":
            value = value.with_outputs([value.outputs[i] for i in kept])
        if not self.as_inputs:
            states = {i: v.tensor for i, v in variables.items() if isinstance(v, _State)}
            values = {i: v.value for i, v in variables.items() if i not in states}
            return freeze(value, values, states=states, returned=returned)
        graph = _new_graph(value)
        with building_unrecorded(graph):
            arguments: list[Any] = []
            for i, t in enumerate(value.inputs):
                variable = variables.get(i)
                placeholder = _add_input(graph, t, variable.tensor if variable else None)
                arguments.append(
                    _Variable(variable.value, placeholder) if variable else placeholder
                )
            reserved = {op.name for op in value.graph._operations}
            _Copier(graph, True, reserved).finish(value, arguments)
        return GraphFunction(graph, name=graph.name_for_frozen())


def _written(node: Operation, states: Mapping[int, _State]) -> list[int]:
    """The positions of the states that a condition or loop assigns.

    Raises:
      UnfrozenVariableError: it assigns a variable that it has twice, or whose handle it exchanges for another.
    """
    bodies = bodies_of(node)
    written = [
        i
        for i in states
        if any(body.inputs[i]._id in resources_written(body.graph) for body in bodies)
    ]
    unchanged = states.keys()
    if node.raw_op.flow.control == "while":
        unchanged = node.raw_op.attrs["body"].unchanged
    if written and (len(set(states.values())) < len(states) or not unchanged >= states.keys()):
        raise _refusal(node)
    return written


def _refusal(node: Operation) -> UnfrozenVariableError:
    return UnfrozenVariableError(
        f"freeze: {node.type} '{node.name}' does not read a variable but assigns it or uses its handle: its input is "
        "incompatible with expected resource."
    )


def _changes(node: Operation) -> bool:
    """True if a function of a condition or loop, or one in it, calls a function or has what TensorFlow would lower."""
    return any(
        inner.raw_op.flow.control == "call" or inner.may_be_lowered or _changes(inner)
        for body in bodies_of(node)
        for inner in body.graph._operations
    )
