"""A function as a plain list of raw ops, the input of writers of graph formats."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dispatch import building_unrecorded
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.core.values.resources import DividedHandle, Resource, VariableHandle
from penstock._src.eager.tensor import EagerTensor
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.graph.control import resources_written
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.needed_operations import needed_operations
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.graph.passes.fold_constants import fold_constants
from penstock._src.graph.passes.fold_scales import fold_scales
from penstock._src.graph.passes.freeze import freeze as without_variables
from penstock._src.graph.passes.rebuilding import copied, known_as, rebuilt, with_bodies
from penstock._src.graph.passes.unpack_weights import unpack_weights
from penstock._src.ops.lookup.table_resources import StaticTable
from penstock._src.saving.saved_model.signatures import named_results

# Adds operations to the current graph and returns their results, one for each of an operation's; None keeps the operation.
Rewrite = Callable[[Operation, Sequence[SymbolicTensor]], list[SymbolicTensor] | None]
# Names that operations can have.
_NAME = re.compile("[A-Za-z0-9.][A-Za-z0-9_.\\\\/>-]*")
# Types without constants.
_HELD = (dtypes.resource, dtypes.variant)


@dataclass(frozen=True)
class State:
    """A variable that a function assigns.

    Attributes:
      variable: the variable.
      before: its value when the function is called, an input.
      after: its value when the function returns.
    """

    variable: VariableHandle
    before: SymbolicTensor
    after: SymbolicTensor


@dataclass(frozen=True)
class FrozenFunction:
    """Operations without variables and calls.

    Attributes:
      name: that of the signature.
      function: the graph function; its bodies of conditions and loops are frozen as well.
      inputs: placeholders by name, in the order of the function's arguments.
      outputs: tensors by name, in the order of the flat results. Each is the output of an Identity of its own, named after it
        as far as names of operations allow.
      held: the variables that the function assigns, and tables. The last inputs are their values and handles; the last outputs
        are the variables' new values.
    """

    name: str
    function: GraphFunction
    inputs: Mapping[str, SymbolicTensor]
    outputs: Mapping[str, SymbolicTensor]
    held: tuple[Resource, ...] = ()

    @property
    def states(self) -> list[State]:
        """The variables that the function assigns."""
        before = [(t, each) for t, each in self._handles if isinstance(each, VariableHandle)]
        after = self.function.outputs[len(self.function.outputs) - len(before) :]
        return [State(each, t, new) for (t, each), new in zip(before, after, strict=True)]

    @property
    def tables(self) -> list[tuple[SymbolicTensor, StaticTable]]:
        """The handles of tables, which are inputs, and the tables."""
        return [(t, each) for t, each in self._handles if isinstance(each, StaticTable)]

    @property
    def _handles(self) -> list[tuple[SymbolicTensor, Resource]]:
        first = len(self.function.inputs) - len(self.held)
        return list(zip(self.function.inputs[first:], self.held, strict=True))

    @property
    def operations(self) -> list[Operation]:
        """The operations that the outputs need, constants among them, in an order they can run in, without placeholders."""
        return operations_of(self.function)


def operations_of(function: GraphFunction) -> list[Operation]:
    """Returns the operations that the outputs of a frozen function (or body) need, in an order they can run in."""
    return needed_operations(function.graph, function.inputs, function.outputs, [])


def captured_values(function: ConcreteFunction) -> dict[int, Any]:
    """Returns the values of what a function captures by the positions of its inputs; what has none is not among them.

    Args:
      function: the function. If its variables are divided among processes, all of these must ask for them.
    """
    values: dict[int, Any] = {}
    for position, tensor in enumerate(function.captured_inputs, function.arity):
        value = tensor._value if isinstance(tensor, EagerTensor) else None
        if isinstance(value, VariableHandle | DividedHandle):
            values[position] = value.read()
        elif isinstance(value, np.ndarray) and tensor.dtype not in _HELD:
            values[position] = value
    return values


def assigned_variables(functions: Iterable[ConcreteFunction]) -> list[VariableHandle]:
    """Returns the variables that functions assign."""
    variables: dict[int, VariableHandle] = {}
    for function in functions:
        written = resources_written(function.graph)
        captures = function.graph_function.inputs[function.arity :]
        for inner, tensor in zip(captures, function.captured_inputs, strict=True):
            value = tensor._value if isinstance(tensor, EagerTensor) else None
            if inner._id in written and isinstance(value, VariableHandle):
                variables[id(value)] = value
    return list(variables.values())


def freeze(
    function: ConcreteFunction,
    name: str = "",
    folds_scales: bool = False,
    assigned: Collection[VariableHandle] | None = None,
) -> FrozenFunction:
    """Returns a function as operations alone.

    Variables have their present values, packed weights are unpacked, calls are replaced by what they call, what follows from constants is computed, and
    what only gradients or checks need is left out.

    Args:
      function: the function.
      name: that of its signature, for messages.
      folds_scales: multiply weights of products and convolutions by the constants (of batch norms) that scale their results:
        results differ by rounding.
      assigned: variables that are `held` by the new function, as tables are. None: it may have neither.

    Raises:
      UnimplementedError: the function changes a variable, or holds something else than tensors.
    """
    values = captured_values(function)
    held = _held(function, assigned) if assigned is not None else {}
    for position, tensor in enumerate(function.captured_inputs, function.arity):
        if position in held:
            values.pop(position, None)
        elif position not in values:
            folded = tensor.op.name if isinstance(tensor, SymbolicTensor) else repr(tensor._value)
            raise UnimplementedError(
                f"Signature {name!r} reads {folded}, which is not a tensor: only variables and constants can be written."
            )
    states = {i: each for i, each in held.items() if isinstance(each, VariableHandle)}
    plain = unpack_weights(without_variables(function.graph_function, values, states=states))
    folded_function = fold_constants(plain)
    if folds_scales:
        folded_function = fold_constants(fold_scales(folded_function))
    names = output_names(function, name)
    folded_function = _with_own_outputs(folded_function, names)
    return FrozenFunction(
        name,
        folded_function,
        dict(zip(function.argument_names, folded_function.inputs)),
        dict(zip(names, folded_function.outputs)),
        tuple(held.values()),
    )


def _held(function: ConcreteFunction, assigned: Collection[VariableHandle]) -> dict[int, Resource]:
    """The variables and tables that a function holds, by the positions of its inputs."""
    ids = set(map(id, assigned))
    held: dict[int, Resource] = {}
    for position, tensor in enumerate(function.captured_inputs, function.arity):
        value = tensor._value if isinstance(tensor, EagerTensor) else None
        if isinstance(value, StaticTable) or (isinstance(value, Resource) and id(value) in ids):
            held[position] = value
    if len(set(map(id, held.values()))) < len(held):
        raise UnimplementedError(
            f"{function.name!r} has two handles of a variable that it assigns."
        )
    return held


def rewrite(frozen: FrozenFunction, replaced: Rewrite) -> FrozenFunction:
    """Returns a frozen function in which operations are replaced, also those of branches and loops.

    Args:
      frozen: the function.
      replaced: called with each operation and the new tensors that it reads.
    """
    function = _rewritten(frozen.function, replaced)
    return FrozenFunction(
        frozen.name,
        function,
        dict(zip(frozen.inputs, function.inputs)),
        dict(zip(frozen.outputs, function.outputs)),
        frozen.held,
    )


def _rewritten(function: GraphFunction, replaced: Rewrite) -> GraphFunction:
    def outputs_of(
        graph: FuncGraph, node: Operation, inputs: list[SymbolicTensor]
    ) -> Sequence[SymbolicTensor]:
        results = replaced(node, inputs)
        if results is not None:
            return known_as(node, results)
        return copied(graph, node, with_bodies(node, lambda f: _rewritten(f, replaced)), inputs)

    return rebuilt(function, operations_of(function), outputs_of)


def output_names(function: ConcreteFunction, name: str = "") -> list[str]:
    """Returns names for a function's flat outputs: the keys of a dict, else output_0, output_1, ...

    Raises:
      ValueError: the results have no such names.
      UnimplementedError: one is sparse or ragged.
    """
    named = named_results(name, function)
    names: dict[int, list[str]] = {}
    for key, value in named.items():
        if not isinstance(value, SymbolicTensor):
            raise UnimplementedError(
                f"Signature {name!r} returns {key!r} as a {type(value).__name__}: only dense tensors can be written."
            )
        names[value._id] = [*names.get(value._id, []), key]
    return [names[t._id].pop(0) for t in function.outputs]


def _with_own_outputs(function: GraphFunction, names: Sequence[str]) -> GraphFunction:
    """Returns a function in which each named output is computed by a separate operation."""
    with building_unrecorded(function.graph):
        outputs = [
            raw.Identity(input=t, name=name if _NAME.fullmatch(name) else None)
            for t, name in zip(function.outputs, names)
        ]
    return function.with_outputs([*outputs, *function.outputs[len(outputs) :]])
