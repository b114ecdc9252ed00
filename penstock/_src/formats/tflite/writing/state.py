"""The state of written files: variables that functions assign, tables, and the graph that fills both once.

The graph of a signature reads its variables first and assigns them last: in between they are tensors, see `formats/frozen.py`.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.values.resources import Resource, VariableHandle
from penstock._src.formats.frozen import FrozenFunction
from penstock._src.formats.tflite.schema import SCHEMA
from penstock._src.formats.tflite.types import TYPES
from penstock._src.ops.lookup.table_resources import StaticTable

_TABLES = ((dtypes.string, dtypes.int64), (dtypes.int64, dtypes.string))


def fill_once(graph: Any, resources: Iterable[Resource]) -> None:
    """Declares the variables and tables of a file, and adds the graph that fills them to its bodies.

    Args:
      graph: a new GraphWriter, of that graph.
      resources: the variables, which begin with their present values, and tables.
    """
    file, names = graph.file, set()
    for number, resource in enumerate(resources, 1):
        if isinstance(resource, VariableHandle):
            base = resource.name or "Variable"
            name = base if base not in names else f"{base}_{number}"
            names.add(name)
            options = SCHEMA["VarHandleOptions"](container="", shared_name=name)
            file.resources[id(resource)] = options
            value = resource.read()
            if resource.dtype == dtypes.string or not value.size:
                # TFLite's interpreter would abort the process.
                raise UnimplementedError(f"TFLite: the variable '{name}' has no numbers.")
            if not resource.shape.is_fully_defined():
                # TFLite's interpreter would read values of the first shape.
                raise UnimplementedError(
                    f"TFLite: the variable '{name}' has the unknown shape {resource.shape}."
                )
            value = graph.constant(value, name, resource.dtype)
            graph.append("ASSIGN_VARIABLE", [_handle(graph, resource), value], [], None)
        elif isinstance(resource, StaticTable):
            file.resources[id(resource)] = _table_options(resource, number)
            entries = [graph.constant(each, "entries") for each in resource.export()]
            graph.append("HASHTABLE_IMPORT", [_handle(graph, resource), *entries], [], None)
    file.filler = file.body(graph.record([], [], "NoOp"))


def _table_options(table: StaticTable, number: int) -> Any:
    if (table.key_dtype, table.value_dtype) not in _TABLES:
        types = f"from {table.key_dtype.name} to {table.value_dtype.name}"
        raise UnimplementedError(f"TFLite: {table!r} is a table {types}.")
    types = TYPES[table.key_dtype], TYPES[table.value_dtype]
    return SCHEMA["HashtableOptions"](table_id=number, key_dtype=types[0], value_dtype=types[1])


def _handle(graph: Any, resource: Resource) -> int:
    """Adds the operator of a resource's handle; returns its index."""
    options = graph.file.resources[id(resource)]
    if isinstance(resource, VariableHandle):
        return graph.emit("VAR_HANDLE", [], dtypes.resource, [], resource.name, options)
    return graph.emit("HASHTABLE", [], dtypes.resource, [1], resource.name, options)


def read_state(graph: Any, function: FrozenFunction) -> Sequence[int]:
    """Adds the operators that a signature begins with: they fill the state once, and read it.

    Args:
      graph: the GraphWriter.
      function: the signature's function.

    Returns:
      The indices of the handles of its variables.
    """
    if function.held:
        options = SCHEMA["CallOnceOptions"](init_subgraph_index=graph.file.filler)
        graph.append("CALL_ONCE", [], [], options)
    for tensor, table in function.tables:
        graph.alias(tensor, _handle(graph, table))
    handles = [_handle(graph, state.variable) for state in function.states]
    for handle, state in zip(handles, function.states, strict=True):
        value, name = state.before, state.variable.name
        graph.alias(value, graph.emit("READ_VARIABLE", [handle], value.dtype, value.shape, name))
    return handles


def assign_state(graph: Any, function: FrozenFunction, handles: Sequence[int]) -> None:
    """Adds the operators that a signature ends with: they assign the variables.

    Args:
      graph: the GraphWriter.
      function: the signature's function.
      handles: see `read_state`.
    """
    for handle, state in zip(handles, function.states, strict=True):
        if state.after is not state.before:
            graph.append("ASSIGN_VARIABLE", [handle, graph.place(state.after)], [], None)
