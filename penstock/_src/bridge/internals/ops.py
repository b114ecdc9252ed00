"""Small tensor functions below `tf.__internal__`."""

from __future__ import annotations

from typing import Any

from penstock._src.api.array.creation import shape_vector
from penstock._src.api.random.seeds import op_seeds
from penstock._src.autodiff.tape import variable_accessed
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.eager.variable import Variable
from penstock._src.proto.graph import GraphDef
from penstock._src.util import nest
from penstock._src.util.export import export


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
    """Returns the shape and type behind the handle of a variable."""
    return getattr(graph_op, "_handle_data", None)


@export("__internal__.train.assign_moving_average", v1=[])
def assign_moving_average(
    variable: Any, value: Any, decay: Any, zero_debias: bool = True, name: str | None = None
) -> Any:
    """Moves a variable towards `value`: it becomes `variable * decay + value * (1 - decay)`.

    Raises:
      UnimplementedError: `zero_debias`, which needs two more variables, is true.
    """
    if zero_debias:
        raise UnimplementedError("assign_moving_average: zero_debias=True is not implemented.")
    variable_accessed(variable)
    value = convert_to_tensor(value, dtype=variable.dtype.base_dtype)
    decay = convert_to_tensor(decay, dtype=variable.dtype.base_dtype)
    return variable.assign_sub((variable.read_value() - value) * (1 - decay), name=name)


@export("__internal__.graph_util.graph_defs_equal", v1=[])
def graph_defs_equal(graph_def_1: Any, graph_def_2: Any, treat_nan_as_equal: bool = False) -> bool:
    """Whether two GraphDefs have equal nodes, in any order, and equal functions."""
    del treat_nan_as_equal
    return _in_order(graph_def_1) == _in_order(graph_def_2)


def _in_order(graph_def: Any) -> bytes:
    made = GraphDef()
    made.CopyFrom(graph_def)
    nodes = sorted(made.node, key=lambda node: node.name)
    functions = sorted(made.library.function, key=lambda f: f.signature.name)
    ordered = GraphDef(node=nodes, versions=made.versions)
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
    """Raises UnimplementedError: graphs here have no operations of TensorFlow's runtime."""
    raise UnimplementedError(
        f"create_c_op: there is no TensorFlow runtime to make {node_def.name} in."
    )


@export("__internal__.record_gradient", v1=[])
def record_gradient(op_name: str, inputs: Any, attrs: Any, outputs: Any) -> None:
    """Raises UnimplementedError: tapes record operations when they run, not by name."""
    raise UnimplementedError(
        f"record_gradient: {op_name} was not made by Penstock, and has no gradient."
    )


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
