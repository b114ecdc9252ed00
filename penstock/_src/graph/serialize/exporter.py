"""Graphs as GraphDefs and graph functions as FunctionDefs."""

import re
from collections.abc import Callable, Collection, Sequence
from types import SimpleNamespace
from typing import Any

from penstock._src.core.dtypes import as_dtype, resource
from penstock._src.core.shapes import as_shape
from penstock._src.graph.control import bodies_of, read_only_resources
from penstock._src.graph.graph import Graph
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.graph.serialize import attributes, composed
from penstock._src.proto.graph import (
    AttrValue,
    FunctionDef,
    FunctionDefLibrary,
    GraphDef,
    NodeDef,
    VersionDef,
)
from penstock._src.version import GRAPH_DEF_VERSION

# The oldest version that can read graphs with functions.
MIN_CONSUMER = 12


class WrittenFunctions:
    """The functions that the written graph refers to, in the order they were found."""

    def __init__(self) -> None:
        self.functions: dict[str, GraphFunction] = {}

    def name(self, function: Any) -> str:
        """Returns the name of a function and queues the function for writing."""
        self.functions.setdefault(function.name, function)
        return function.name

    def write(self, target: Any, add_shapes: bool) -> None:
        """Appends a FunctionDef for every function, and for those that they refer to."""
        written: set[str] = set()
        while len(written) < len(self.functions):
            for name, function in list(self.functions.items()):
                if name not in written:
                    written.add(name)
                    definition = _function_def(function, self, add_shapes)
                    target.function.add().CopyFrom(definition)


def graph_def(
    graph: Graph, add_shapes: bool = False, functions: Sequence[GraphFunction] = ()
) -> Any:
    """Returns the GraphDef of a graph, with `functions`, those added to the graph, and all to which these and the graph refer."""
    definition = GraphDef()
    library = WrittenFunctions()
    for function in [*functions, *(added.function for added in graph._added_functions.values())]:
        library.name(function)
    for op in graph._operations:
        node = definition.node.add()
        fill_node(node, op, library, add_shapes)
        node.input.extend(_graph_input(t) for t in op.as_written()[1])
        node.input.extend(f"^{name}" for name in _control_names(op))
    _add_wait(graph, definition.node)
    library.write(definition.library, add_shapes)
    definition.versions.producer = GRAPH_DEF_VERSION
    if definition.library.function:
        definition.versions.min_consumer = MIN_CONSUMER
    return definition


def part_def(
    ops: Sequence[Operation],
    given_name: Callable[[SymbolicTensor], str | None],
    known: Collection[str] = (),
) -> Any:
    """Returns the GraphDef of some operations of a graph, with the functions to which they refer.

    Args:
      ops: the operations.
      given_name: the name for an input computed by an operation outside of `ops`; None: that operation's name.
      known: names of other operations that may be control inputs; control inputs outside `ops` and `known` are dropped.
    """
    definition, library = GraphDef(), WrittenFunctions()
    names = {op.name for op in ops}.union(known)
    for op in ops:
        node = definition.node.add()
        fill_node(node, op, library, False)
        node.input.extend(given_name(t) or _graph_input(t) for t in op.as_written()[1])
        node.input.extend(f"^{name}" for name in _control_names(op) if name in names)
    library.write(definition.library, False)
    definition.versions.producer = GRAPH_DEF_VERSION
    return definition


def function_def(function: GraphFunction) -> Any:
    """Returns the FunctionDef of a graph function."""
    return _function_def(function, WrittenFunctions(), False)


def function_library(function: GraphFunction) -> Any:
    """Return the FunctionDefLibrary of a function and all functions that it refers to. Arguments describe the contents of resources."""
    library, definitions = WrittenFunctions(), FunctionDefLibrary()
    library.name(function)
    library.write(SimpleNamespace(function=definitions.function), False)
    for definition in definitions.function:
        inputs = library.functions[definition.signature.name].inputs
        for argument, tensor in zip(definition.signature.input_arg, inputs, strict=True):
            for shape, dtype in tensor._handle_data or () if tensor.dtype is resource else ():
                argument.handle_data.add(
                    dtype=dtype.as_datatype_enum, shape=attributes.shape_to_proto(as_shape(shape))
                )
    return definitions


def node_def(op: Operation) -> Any:
    """Returns the NodeDef of an operation of a graph."""
    node = NodeDef()
    fill_node(node, op, WrittenFunctions(), False)
    node.input.extend(_graph_input(t) for t in op.as_written()[1])
    node.input.extend(f"^{name}" for name in _control_names(op))
    return node


def attribute_of(op: Operation, name: str) -> Any:
    """Returns an attribute in TensorFlow's form: types and numbers as they are, strings as bytes, others as messages.

    Raises:
      ValueError: the operation has no attribute of that name.
    """
    value = op.raw_op.attrs.get(name)
    noted = op.annotations.get(name) or _of_control_flow(op).get(name)
    if noted is not None:
        return _decoded(noted)
    if name == "_class" and op.colocation:
        return list(op.colocation)
    if name == "_user_specified_name" and _is_input(op):
        return _given_name(op).encode()
    if value is None:
        raise ValueError(f"Operation '{op.name}' has no attr named '{name}'.")
    return _decoded(attributes.encode(type(op.raw_op), name, value, WrittenFunctions().name))


def _decoded(attr_value: Any) -> Any:
    """Returns the value of an AttrValue."""
    kind = attr_value.WhichOneof("value")
    if kind != "list":
        return _plain(kind, getattr(attr_value, kind))
    for kind in ("s", "i", "f", "b", "type", "shape", "tensor", "func"):
        items = getattr(attr_value.list, kind)
        if items:
            return [_plain(kind, item) for item in items]
    return []


def _given_name(op: Operation) -> str:
    """The name that its caller chose for a function's input; empty if none did."""
    return op.name if op.given_name is None else op.given_name


def _is_input(op: Operation) -> bool:
    """True if a placeholder is an input of a function."""
    return op.type == "Placeholder" and any(
        op.outputs[0] is placeholder for placeholder in getattr(op.graph, "inputs", ())
    )


def _plain(kind: str, value: Any) -> Any:
    return as_dtype(value) if kind == "type" else value


def _control_names(
    op: Operation, name_of: Callable[[Operation], str] = lambda c: c.name
) -> list[str]:
    """The names of the control inputs, without those that an input implies."""
    implied = {c for t in op._inputs for c in (t.op, *t.op._control_inputs)}
    return sorted(name_of(c) for c in op._control_inputs if c not in implied)


def _add_wait(graph: Graph, nodes: Any, names: "BodyNames | None" = None) -> None:
    """Adds a NoOp that runs after all operations with effects, as a control input of the outputs of a function."""
    if not getattr(graph, "outputs_wait", False):
        return
    names = names or BodyNames()
    marks = {names.node(t.op) for t in graph.outputs}  # type: ignore[attr-defined]
    effects = sorted(names.node(op) for op in graph._operations if op.raw_op.stateful)
    if not marks or not effects:
        return
    name = graph.unique_name("NoOp", mark_as_used=False)
    for node in nodes:
        if node.name in marks:
            node.input.append(f"^{name}")
    nodes.add(name=name, op="NoOp").input.extend(f"^{effect}" for effect in effects)


def _graph_input(tensor: SymbolicTensor) -> str:
    return tensor.op.name if tensor.value_index == 0 else tensor.name


def fill_body_node(
    node: Any,
    op: Operation,
    names: "BodyNames",
    library: WrittenFunctions | None = None,
    add_shapes: bool = False,
) -> None:
    """Fills in the NodeDef of an operation in a FunctionDef.

    Args:
      node: the NodeDef.
      op: the operation.
      names: in the FunctionDef.
      library: takes the functions to which the operation refers.
      add_shapes: True to write the static shapes of its outputs.
    """
    fill_node(node, op, library or WrittenFunctions(), add_shapes)
    node.name = names.node(op)
    node.input.extend(names.input(t) for t in op.as_written()[1])
    node.input.extend(f"^{name}" for name in _control_names(op, names.node))


def fill_node(
    node: Any, op: Operation, library: WrittenFunctions, add_shapes: bool = False
) -> None:
    """Fills in the NodeDef of an operation, without its inputs; `library` takes the functions to which it refers."""
    raw_op, _ = op.as_written()
    call = composed.call_of(op)
    if call is not None:
        composed.note(node, raw_op, library.name)
        raw_op = call
    node.name, node.op, node.device = op.name, raw_op.op_type, op.device or ""
    cls = type(raw_op)
    for name, value in raw_op.attrs.items():
        if value is not None:
            node.attr[name].CopyFrom(attributes.encode(cls, name, value, library.name))
    if op.colocation:
        node.attr["_class"].list.s.extend(op.colocation)
    for name, noted in {**_of_control_flow(op), **op.annotations}.items():
        node.attr[name].CopyFrom(noted)
    if _is_input(op) and _given_name(op):
        node.attr["_user_specified_name"].s = _given_name(op).encode()
    if op.gradient_kind:
        node.attr["_gradient_op_type"].s = op.gradient_kind.encode()
    if add_shapes:
        shapes = node.attr["_output_shapes"].list
        shapes.SetInParent()
        for t in op.outputs:
            shapes.shape.add().CopyFrom(attributes.shape_to_proto(t.shape))


def _of_control_flow(op: Operation) -> dict[str, Any]:
    """Returns TensorFlow's attributes of conditions, loops and calls: shapes, read-only resource inputs, allowed lowering."""
    kind = op.raw_op.flow.control
    if kind not in ("if", "case", "while", "call"):
        return {}
    read = AttrValue()
    read.list.i.extend(read_only_resources(op))
    read.list.SetInParent()
    extra = {"_read_only_resource_inputs": read}
    if kind == "call":
        extra.update(
            (key, value)
            for key, value in op.raw_op.attrs["f"].attributes.items()
            if key == "_XlaMustCompile"
        )
    elif not op.raw_op.attrs.get("output_shapes"):
        shapes = extra["output_shapes"] = AttrValue()
        shapes.list.SetInParent()
        for tensor in op.outputs:
            shapes.list.shape.add().CopyFrom(attributes.shape_to_proto(tensor.shape))
    if kind == "while":
        extra["_num_original_outputs"] = AttrValue(i=len(op.outputs))
    if op.may_be_lowered is not None:
        extra["_lower_using_switch_merge"] = AttrValue(b=op.may_be_lowered)
    return extra


def _function_def(function: GraphFunction, library: WrittenFunctions, add_shapes: bool) -> Any:
    definition = FunctionDef()
    signature = definition.signature
    signature.name = function.name
    signature.is_stateful = function.is_stateful
    for name, value in function.attributes.items():
        definition.attr[name].CopyFrom(value)
    # Where names collide, outputs have theirs, and arguments and operations others.
    names, outputs = BodyNames(), []
    for t in function.outputs:
        outputs.append(names.argument(t.op.name))
        signature.output_arg.add(name=outputs[-1], type=t.dtype.as_datatype_enum)
    _add_arguments(definition, function, names)
    operations = [op for op in function.graph._operations if not names.is_argument(op)]
    for op in operations:
        names.add_node(op)
    for op in operations:
        fill_body_node(definition.node_def.add(), op, names, library, add_shapes)
    _add_wait(function.graph, definition.node_def, names)
    for name, t in zip(outputs, function.outputs, strict=True):
        definition.ret[name] = names.input(t)
    for op in function.graph.control_outputs:
        signature.control_output.append(op.name)
        definition.control_ret[op.name] = names.node(op)
    if add_shapes:
        _add_shapes(definition, function)
    return definition


def _add_arguments(definition: Any, function: GraphFunction, names: "BodyNames") -> None:
    for index, t in enumerate(function.inputs):
        name = names.argument(t.op.name)
        names.add_input(t, name)
        definition.signature.input_arg.add(name=name, type=t.dtype.as_datatype_enum)
        said = definition.arg_attr[index].attr
        if _given_name(t.op):
            said["_user_specified_name"].s = _given_name(t.op).encode()
        if t.dtype is not resource:
            shape = said["_output_shapes"].list.shape.add()
            shape.CopyFrom(attributes.shape_to_proto(t.shape))


def _add_shapes(definition: Any, function: GraphFunction) -> None:
    """Record the static shapes of a function's arguments, and the variables of its handles."""
    shapes = definition.attr["_input_shapes"].list
    shapes.SetInParent()
    for t in function.inputs:
        shapes.shape.add().CopyFrom(attributes.shape_to_proto(t.shape))
    signature = definition.signature
    tensors = [*function.inputs, *function.outputs]
    for t, argument in zip(tensors, [*signature.input_arg, *signature.output_arg], strict=True):
        for shape, dtype in t._handle_data or () if t.dtype is resource else ():
            entry = argument.handle_data.add(dtype=dtype.as_datatype_enum)
            entry.shape.CopyFrom(attributes.shape_to_proto(shape))


class BodyNames:
    """Names in a FunctionDef: outputs, arguments and operations have different ones, where those of an earlier kind come first."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}  # of each name: that which its next copy ends with
        self._nodes: dict[Operation, str] = {}
        self._arguments: dict[int, str] = {}

    def argument(self, text: str) -> str:
        """Returns a new name of lower case letters, digits and underscores for an argument or output."""
        name = re.sub(r"[^a-z0-9]", "_", text.lower()).lstrip("_0123456789")
        return self._unique(name or "unknown")

    def add_input(self, tensor: SymbolicTensor, name: str) -> None:
        """Gives an argument its name."""
        self._arguments[tensor._id] = self._nodes[tensor.op] = name

    def add_node(self, op: Operation) -> None:
        """Gives an operation a name: its own, if no argument or output has it."""
        self._nodes[op] = self._unique(op.name)

    def _unique(self, name: str) -> str:
        unique = name
        while unique in self._numbers:
            number = self._numbers[name]
            self._numbers[name] += 1
            unique = f"{name}_{number}"
        self._numbers[unique] = 0
        return unique

    def is_argument(self, op: Operation) -> bool:
        """True if everything that an operation makes is an argument."""
        return bool(op.outputs) and all(t._id in self._arguments for t in op.outputs)

    def node(self, op: Operation) -> str:
        """Returns the name of an operation, or of the argument that it makes."""
        return self._nodes.get(op, op.name)

    def input(self, tensor: SymbolicTensor) -> str:
        """Returns `argument`, or `node:output argument:index in it`."""
        if tensor._id in self._arguments:
            return self._arguments[tensor._id]
        op, index = tensor.op, tensor.value_index
        name = self.node(op)
        if op.raw_op.composed is not None:
            return f"{name}:{composed.OUTPUT}:{index}"
        for argument, dtype in zip(op.raw_op.outputs, op.raw_op.output_dtypes, strict=True):
            count = len(dtype) if type(dtype) is tuple else 1
            if index < count:
                return f"{name}:{argument.name}:{index}"
            index -= count
        raise AssertionError(f"{tensor!r} is not an output of its operation.")


def functions_of(graph: Graph) -> list[GraphFunction]:
    """Returns all functions that the graph's operations refer to, directly or through other functions."""
    by_name: dict[str, GraphFunction] = {}
    pending = [body for op in graph._operations for body in bodies_of(op)]
    while pending:
        function = pending.pop()
        if function.name not in by_name:
            by_name[function.name] = function
            pending += [body for op in function.graph._operations for body in bodies_of(op)]
    return list(by_name.values())


def functions_by_name(graph: Graph) -> dict[str, GraphFunction]:
    """Returns the functions that were added to a graph, and those to which its operations refer."""
    added = {name: function.function for name, function in graph._added_functions.items()}
    return {function.name: function for function in functions_of(graph)} | added


def versions(imported: Sequence[Any] = ()) -> Any:
    """The VersionDef of a graph to which GraphDefs of these versions were added."""
    return VersionDef(
        producer=min([GRAPH_DEF_VERSION, *(v.producer for v in imported)]),
        min_consumer=max((v.min_consumer for v in imported), default=0),
        bad_consumers=sorted({bad for v in imported for bad in v.bad_consumers}),
    )
