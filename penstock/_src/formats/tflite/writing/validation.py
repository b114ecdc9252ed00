"""The check of a written file: it can be read, and its graphs fit one another."""

from collections.abc import Sequence

from penstock._src.core import dtypes
from penstock._src.core.errors import InternalError
from penstock._src.formats.tflite.reading.contents import Contents, Graph, Operation, read_contents
from penstock._src.formats.tflite.schema import ModelFileError

# Builtin ops whose tensors may be handles of variables and tables. Lists, which are variants, are for TensorFlow's ops alone.
_WITH_HANDLES = set(
    "VAR_HANDLE READ_VARIABLE ASSIGN_VARIABLE HASHTABLE HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_SIZE IF WHILE".split()
)


def validated(data: bytes) -> bytes:
    """Returns a written file after a check of its content.

    Args:
      data: the file's bytes. Each tensor that an operator or an output reads must be a constant, an input, or the result of one
        operator before it, and builtin ops must read arrays, of the types that the graphs of branches and loops have.

    Raises:
      InternalError: the file is wrong.
    """
    try:
        contents = read_contents(data, "the file")
        for graph in contents.graphs:
            _check_writers(graph)
            for operation in graph.operations:
                _check_operation(contents, graph, operation)
    except ModelFileError as error:
        raise InternalError(f"TFLite: what was written is not valid: {error}") from None
    return data


def _check_writers(graph: Graph) -> None:
    """Checks that each tensor has one source."""
    written = set(graph.inputs)
    written.update(info.index for info in graph.tensors if info.constant is not None)
    for operation in graph.operations:
        for index in operation.outputs:
            if index in written:
                raise _wrong(graph, operation, f"tensor {index} has a value before it.")
            written.add(index)


def _check_operation(contents: Contents, graph: Graph, operation: Operation) -> None:
    if operation.name == "CUSTOM":
        return
    refused = [dtypes.variant]
    if operation.name not in _WITH_HANDLES:
        refused.append(dtypes.resource)
    for index in (*operation.inputs, *operation.outputs):
        if index >= 0 and graph.tensors[index].dtype in refused:
            raise _wrong(
                graph, operation, f"tensor {index} is a {graph.tensors[index].dtype.name}."
            )
    options, inputs, outputs = operation.options, operation.inputs, operation.outputs
    if operation.name == "IF":
        for number in (options.then_subgraph_index, options.else_subgraph_index):
            body = _graph(contents, graph, operation, number)
            _check_types(graph, operation, inputs[1:], body, body.inputs)
            _check_types(graph, operation, outputs, body, body.outputs)
    elif operation.name == "WHILE":
        condition = _graph(contents, graph, operation, options.cond_subgraph_index)
        _check_types(graph, operation, inputs, condition, condition.inputs)
        body = _graph(contents, graph, operation, options.body_subgraph_index)
        for own, others in ((inputs, body.inputs), (outputs, body.outputs), (inputs, outputs)):
            _check_types(graph, operation, own, graph if others is outputs else body, others)


def _graph(contents: Contents, graph: Graph, operation: Operation, number: int) -> Graph:
    if not 0 <= number < len(contents.graphs):
        raise _wrong(graph, operation, f"there is no subgraph {number}.")
    return contents.graphs[number]


def _check_types(
    graph: Graph, operation: Operation, own: Sequence[int], other: Graph, indices: Sequence[int]
) -> None:
    """Checks that tensors of two graphs have the same types, one by one."""
    types = [graph.tensors[index].dtype.name for index in own]
    wanted = [other.tensors[index].dtype.name for index in indices]
    if types != wanted:
        raise _wrong(graph, operation, f"{types} meet {wanted} of '{other.name}'.")


def _wrong(graph: Graph, operation: Operation, message: str) -> ModelFileError:
    where = f"subgraphs[{graph.index}].operators[{operation.index}]"
    return ModelFileError(f"{where}: {operation.name}: {message}")
