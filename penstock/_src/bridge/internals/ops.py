"""Small tensor functions below `tf.__internal__`."""

from __future__ import annotations

import itertools
from typing import Any

from penstock._src.api.array.creation import shape_vector
from penstock._src.api.math.elementwise import cast
from penstock._src.api.random.seeds import op_seeds
from penstock._src.autodiff.tape import variable_accessed
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE, record, scope_in_graph
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.eager.variable import Variable
from penstock._src.graph.operation import Operation
from penstock._src.graph.rewriting import require_graph_def
from penstock._src.graph.serialize.op_definitions import add_from_node_def
from penstock._src.proto.graph import GraphDef
from penstock._src.util import nest
from penstock._src.util.export import export
from penstock._src.v1.variables.initializers import Zeros
from penstock._src.v1.variables.scopes import get_variable, variable_scope


def convert_variables_to_tensors(values: Any) -> Any:
    """Returns the structure with every variable replaced by its value.

    A composite with a method `_convert_variables_to_tensors` is converted by that method.
    """
    return nest.map_structure(_without_variables, values)


def _without_variables(value: Any) -> Any:
    if isinstance(value, Variable):
        return convert_to_tensor(value)
    if nest.is_composite(value) and hasattr(value, "_convert_variables_to_tensors"):
        return value._convert_variables_to_tensors()
    return value


def replace_variables_with_atoms(values: Any) -> Any:
    """Returns the structure with every variable replaced by 0."""
    return nest.map_structure(lambda value: 0 if isinstance(value, Variable) else value, values)


@export("__internal__.ops.get_resource_handle_data", v1=[])
def get_resource_handle_data(graph_op: Any) -> Any:
    """Returns the shape and type behind the handle of a variable.

    Args:
      graph_op: the handle of a variable, a tensor.

    Returns:
      A message, or None if it is not known.
    """
    return getattr(graph_op, "_handle_data", None)


@export("__internal__.train.assign_moving_average", v1=[])
def assign_moving_average(
    variable: Any, value: Any, decay: Any, zero_debias: bool = True, name: str | None = None
) -> Any:
    """Moves a variable towards `value`: it becomes `variable * decay + value * (1 - decay)`.

    Args:
      variable: the average.
      value: what it moves towards.
      decay: how much of the average is kept.
      zero_debias: whether the average counts from the first value instead of from zero; two more
        variables, "biased" and "local_step" below the variable's name, hold what that takes.
      name: of the operations.

    Returns:
      What `variable.assign` returns.
    """
    variable_accessed(variable)
    kind = variable.dtype.base_dtype
    with scope_in_graph(name, "AssignMovingAvg"):
        rate = cast(convert_to_tensor(1.0 - decay, name="decay"), kind)
        value = convert_to_tensor(value, dtype=kind)
        if not zero_debias:
            return variable.assign_sub((variable.read_value() - value) * rate)
        biased, steps = _debiasing_variables(variable)
        sums = biased.assign_sub((biased.read_value() - value) * rate)
        factor = 1 - raw.Pow(x=1 - rate, y=convert_to_tensor(steps.assign_add(1)))
        return variable.assign(convert_to_tensor(sums) / factor)


def _debiasing_variables(variable: Any) -> list[Any]:
    """Returns new variables with zeros of the shape of another one, and with the number of steps."""
    variables = []
    with variable_scope(variable.name.removesuffix(":0")) as scope:
        for label, shape in (("biased", variable.shape), ("local_step", [])):
            taken = {v.op.name for v in scope.global_variables()} if STATE.graph else set()
            names = (label if at == 0 else f"{label}_{at}" for at in itertools.count())
            free = next(
                name for name in names if scope.reuse or f"{scope.name}/{name}" not in taken
            )
            kind = variable.dtype.base_dtype
            variables.append(get_variable(free, shape, kind, initializer=Zeros(), trainable=False))
    return variables


@export("__internal__.graph_util.graph_defs_equal", v1=[])
def graph_defs_equal(graph_def_1: Any, graph_def_2: Any, treat_nan_as_equal: bool = False) -> bool:
    """True if two GraphDefs have equal nodes, in any order, and equal functions.

    Args:
      graph_def_1, graph_def_2: GraphDefs.
      treat_nan_as_equal: accepted; constants are compared by their bytes.

    Returns:
      A bool.

    Raises:
      TypeError: one of them is no GraphDef.
    """
    del treat_nan_as_equal
    require_graph_def(graph_def_1, "graph_def_1")
    require_graph_def(graph_def_2, "graph_def_2")
    return _in_order(graph_def_1) == _in_order(graph_def_2)


def _in_order(graph_def: Any) -> bytes:
    copy = GraphDef()
    copy.CopyFrom(graph_def)
    nodes = sorted(copy.node, key=lambda node: node.name)
    functions = sorted(copy.library.function, key=lambda f: f.signature.name)
    ordered = GraphDef(node=nodes, versions=copy.versions)
    ordered.library.function.extend(functions)
    return ordered.SerializeToString(deterministic=True)


@export("__internal__.create_c_op", v1=[])
def create_c_op(
    graph: Any,
    node_def: Any,
    inputs: Any,
    control_inputs: Any,
    op_def: Any = None,
    extract_traceback: bool = True,
) -> Any:
    """Adds the operation of a NodeDef to a graph, as layers of Keras 2 that wrap operations do.

    Args:
      graph: to add it to.
      node_def: a NodeDef; its name must be free in the graph.
      inputs: its inputs; those of an argument that is a list may be a list.
      control_inputs: operations that run before.
      op_def, extract_traceback: found from the op itself.

    Returns:
      The Operation: graphs here have no other kind.
    """
    del op_def, extract_traceback
    return add_from_node_def(node_def, graph, nest.flatten(inputs), control_inputs)


@export("__internal__.record_gradient", v1=[])
def record_gradient(op_name: str, inputs: Any, attrs: Any, outputs: Any) -> None:
    """Records on tapes an operation that `create_c_op` added.

    Args:
      op_name, inputs, attrs: known from the operation.
      outputs: of the operation.

    Raises:
      UnimplementedError: the outputs are not those of an operation of a graph.
    """
    del inputs, attrs
    operation = getattr(outputs[0], "op", None) if outputs else None
    if outputs and not isinstance(operation, Operation):
        raise UnimplementedError(
            f"record_gradient: {op_name} was not made by Penstock, and has no gradient."
        )
    if operation is not None:
        record(operation.raw_op, operation._inputs, operation.outputs)


def parameterized_truncated_normal(
    shape: Any,
    means: Any = 0.0,
    stddevs: Any = 1.0,
    minvals: Any = -2.0,
    maxvals: Any = 2.0,
    dtype: Any = dtypes.float32,
    seed: Any = None,
    name: str | None = None,
) -> Any:
    """Draws samples of truncated normal distributions, one distribution for each row of `shape`."""
    return raw.ParameterizedTruncatedNormal(
        shape=shape_vector(shape),
        means=means,
        stdevs=stddevs,
        minvals=minvals,
        maxvals=maxvals,
        name=name,
        **op_seeds(seed),
    )
