"""Counterpart of `tensorflow/python/framework/function_def_to_graph.py`: FunctionDefs as graphs and as GraphDefs."""

from collections.abc import Iterator, Sequence
from typing import Any

from penstock._src.core.calls.consent import consent_of_program
from penstock._src.core.dispatch import STATE
from penstock._src.core.shapes import as_shape
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.library import FUNCTIONS, GraphFunction
from penstock._src.graph.serialize import exporter
from penstock._src.graph.serialize.attributes import shape_to_proto
from penstock._src.graph.serialize.importer import Library, import_function
from penstock._src.graph.serialize.op_definitions import op_def_named
from penstock._src.proto.graph import GraphDef


def function_def_to_graph(
    fdef: Any,
    structured_input_signature: Any = None,
    structured_outputs: Any = None,
    input_shapes: Any = None,
    propagate_device_spec: bool = False,
    include_library_functions: bool = False,
) -> FuncGraph:
    """Returns the FuncGraph of a FunctionDef.

    Args:
      fdef: the function; those that it calls are found by their names.
      structured_input_signature, structured_outputs: attributes of the result.
      input_shapes: the static shapes of the inputs, each a TensorShape or None; by default those that `fdef` declares.
      propagate_device_spec, include_library_functions: accepted: devices are kept, and GraphDefs of the result have the functions
        that it calls.

    Raises:
      ValueError: there is another number of shapes than of inputs.
    """
    del propagate_device_spec, include_library_functions
    shapes = _checked(fdef, input_shapes)
    graph = import_function(
        fdef, Library(known=known_functions(), consent=consent_of_program()), shapes
    ).graph
    graph.structured_input_signature = structured_input_signature
    if structured_outputs is not None:
        graph.structured_outputs = structured_outputs
    return graph


def function_def_to_graph_def(
    fdef: Any, input_shapes: Any = None, include_library_functions: bool = False
) -> tuple[Any, dict[str, str]]:
    """Returns the nodes of a FunctionDef as a GraphDef, and the names of its tensors there.

    Args:
      fdef: the function.
      input_shapes: the static shapes of the inputs, each a TensorShape or None.
      include_library_functions: whether the GraphDef has the functions to which the nodes refer.

    Returns:
      The GraphDef, in which a placeholder stands for each argument; and {tensor or control input in `fdef`: the same there}.

    Raises:
      ValueError: there is another number of shapes than of inputs, or a function is not known.
    """
    graph_def = GraphDef(versions=exporter.versions())
    shapes = _checked(fdef, input_shapes)
    for index, argument in enumerate(fdef.signature.input_arg):
        node = graph_def.node.add(name=argument.name, op="Placeholder")
        node.attr["dtype"].type = argument.type
        if shapes and shapes[index] is not None:
            node.attr["shape"].shape.CopyFrom(shape_to_proto(shapes[index]))
        _copy_attributes(fdef.arg_attr[index].attr if index in fdef.arg_attr else {}, node)
    graph_def.node.extend(fdef.node_def)
    copied: set[str] = set()
    for name, called in _referred(fdef):
        if not is_function(name, STATE.graph):
            raise ValueError(
                f"Function {name} was not found. Please make sure the FunctionDef `fdef` is correct."
            )
        if include_library_functions or called:
            copy_function_def_to_graph_def_recursively(name, graph_def, copied, STATE.graph)
    names = _flat_names(fdef)
    for node in graph_def.node:
        node.input[:] = [names[text] for text in node.input]
    return graph_def, names


def is_function(fname: str, graph: Any) -> bool:
    """True if there is a function of this name: eagerly, anywhere; else in a graph or the graphs around it."""
    return fname in known_functions(graph)


def get_function_def(fname: str, graph: Any) -> Any:
    """Returns the FunctionDef of the function of this name, or None."""
    function = known_functions(graph).get(fname)
    return None if function is None else exporter.function_def(function)


def copy_function_def_to_graph_def_recursively(
    func_name: str, graph_def: Any, copied_functions: set[str], default_graph: Any = None
) -> None:
    """Copies the definition of a function, and of those that it calls, to the library of a GraphDef.

    Args:
      func_name: the name of the function.
      graph_def: the GraphDef.
      copied_functions: the names of functions that it has; those copied are added.
      default_graph: the graph that has the functions, unless executing eagerly.

    Raises:
      ValueError: a function is not known.
    """
    if func_name in copied_functions:
        return
    definition = get_function_def(func_name, default_graph)
    if definition is None:
        raise ValueError(
            f"Function {func_name} was not found. Please make sure the FunctionDef `fdef` is correct."
        )
    copied_functions.add(func_name)
    graph_def.library.function.add().CopyFrom(definition)
    for name, _ in _referred(definition):
        copy_function_def_to_graph_def_recursively(name, graph_def, copied_functions, default_graph)


def known_functions(graph: Any = None) -> dict[str, GraphFunction]:
    """The functions by name: eagerly, all there are; else those of a graph, the current one by default, and those around it."""
    if STATE.graph is None:
        return dict(FUNCTIONS)
    graph = STATE.graph if graph is None else graph
    functions: dict[str, GraphFunction] = {}
    while graph is not None:
        for name, function in graph._added_functions.items():
            functions.setdefault(name, function.function)
        for function in exporter.functions_of(graph):
            functions.setdefault(function.name, function)
        graph = getattr(graph, "enclosing", None)
    return functions


def _checked(fdef: Any, shapes: Any) -> Sequence[Any] | None:
    """The shapes of the inputs as TensorShapes or None."""
    if not shapes:
        return None
    count = len(fdef.signature.input_arg)
    if len(shapes) != count:
        raise ValueError(
            f"Length of `input_shapes` must match the number of `input_arg`s in `fdef`. Got {len(shapes)} "
            f"`input_shapes` and {count} `input_arg`s."
        )
    return [None if shape is None else as_shape(shape) for shape in shapes]


def _copy_attributes(attributes: Any, node: Any) -> None:
    """Copies the internal attributes of an argument to its placeholder, and what they say of its shape."""
    for name in attributes:
        if name != "_output_shapes":
            if name.startswith("_"):
                node.attr[name].CopyFrom(attributes[name])
        elif attributes[name].WhichOneof("value") == "list":
            node.attr["shape"].shape.CopyFrom(attributes[name].list.shape[0])
        else:
            node.attr["shape"].shape.CopyFrom(attributes[name].shape)


def _referred(fdef: Any) -> Iterator[tuple[str, bool]]:
    """The functions to which the nodes of a definition refer, and whether they do as the op of a node."""
    for node in fdef.node_def:
        if is_function(node.op, STATE.graph):
            yield node.op, True
        for value in node.attr.values():
            functions = value.list.func if value.WhichOneof("value") == "list" else [value.func]
            for function in functions:
                if function.name:
                    yield function.name, False


def _flat_names(fdef: Any) -> dict[str, str]:
    """{a name as nodes of a FunctionDef have it: as nodes of a GraphDef have it}."""
    names = {}
    for argument in fdef.signature.input_arg:
        names[argument.name] = f"{argument.name}:0"
        names[f"^{argument.name}"] = f"^{argument.name}"
    for node in fdef.node_def:
        called = get_function_def(node.op, STATE.graph)
        outputs = (op_def_named(node.op) if called is None else called.signature).output_arg
        tensors = [f"{o.name}:{i}" for o in outputs for i in range(_count(o, node))]
        names |= {f"{node.name}:{name}": f"{node.name}:{at}" for at, name in enumerate(tensors)}
        names[f"^{node.name}"] = f"^{node.name}"
    return names


def _count(output: Any, node: Any) -> int:
    """The number of tensors of an output of a node."""
    if output.number_attr:
        return node.attr[output.number_attr].i
    if output.type_list_attr:
        return len(node.attr[output.type_list_attr].list.type)
    return 1
