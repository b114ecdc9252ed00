"""Imports GraphDefs and FunctionDefs, including those that TensorFlow wrote."""

import importlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.calls.attributes import REQUIRED, convert_attribute
from penstock._src.core.calls.binding import complete
from penstock._src.core.calls.consent import Consent, guarded
from penstock._src.core.calls.loading_limits import DEEPEST, check_size
from penstock._src.core.dispatch import building_unrecorded
from penstock._src.core.errors import (
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    UnimplementedError,
)
from penstock._src.core.op import Op
from penstock._src.core.registry import lookup
from penstock._src.core.shapes import SCALAR, UNKNOWN, TensorShape
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.graph import Graph
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.graph.registered_gradients import NamedGradient
from penstock._src.graph.serialize import attributes, composed
from penstock._src.graph.serialize.v1_control import (
    JUMPS,
    ControlImporter,
    Structure,
    is_functional,
)
from penstock._src.proto.graph import NodeDef
from penstock._src.util.dataclass import dataclass
from penstock._src.util.device_spec import merged_device
from penstock._src.util.lazy import ByName
from penstock._src.util.locations import user_location

# Imported by name, with the ops that call functions: packed models run before any operation is imported.
_CHECK_FUNCTIONS = ByName("penstock._src.ops.control.functional", "check_functions")


_NODE_NAME = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_>./\\-]*$")


class BadNodeError(ValueError):
    """A node that cannot be imported; the message names it."""


class UnknownOpError(NotFoundError, UnimplementedError):  # type: ignore[misc, valid-type]
    """An op that is not implemented. TensorFlow raises NotFoundError for ops that it does not know."""


@dataclass(frozen=True)
class Origin:
    """Source of an imported graph: a digest of the model's file, and the function's name; `state` distinguishes later changes of the graph."""

    model: str
    function: str
    state: tuple[int, int]


class Library:
    """The functions of a GraphDef by name, each imported on first use.

    Args:
      library: the FunctionDefLibrary.
      known: functions that it may refer to as well.
      consent: the permissions of the graph; None for any.
      pack: has object code of the functions' kernels (native/cache/packs).
      model: a digest of the model's file, if it is one.
    """

    def __init__(
        self,
        library: Any = None,
        known: Mapping[str, GraphFunction] | None = None,
        *,
        consent: Consent | None,
        pack: Any = None,
        model: str = "",
    ) -> None:
        self.consent, self.pack, self.model = consent, pack, model
        self.location = user_location(2)
        self._known = {} if known is None else known
        self.definitions = {f.signature.name: f for f in library.function} if library else {}
        self.functions: dict[str, GraphFunction] = {}
        self.nodes = sum(len(f.node_def) for f in self.definitions.values())
        self._active: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self.definitions or name in self.functions or name in self._known

    def get(self, name: str) -> GraphFunction:
        """Returns the function called `name`.

        Raises:
          KeyError: there is none.
          UnimplementedError: it is recursive.
        """
        if name in self.functions:
            return self.functions[name]
        if name not in self.definitions and name in self._known:
            return self._known[name]
        if name not in self.definitions:
            raise KeyError(f"The graph refers to a function '{name}' that is not in its library.")
        if name in self._active:
            raise UnimplementedError(f"The function '{name}' calls itself.")
        if len(self._active) > DEEPEST:
            raise ValueError(f"The functions of the graph nest deeper than {DEEPEST}.")
        self._active.add(name)
        self.functions[name] = import_function(self.definitions[name], self)
        self._active.discard(name)
        return self.functions[name]


def import_function(
    definition: Any, library: Library, input_shapes: Sequence[Any] | None = None
) -> GraphFunction:
    """Returns the graph function of a FunctionDef.

    Args:
      definition: the FunctionDef.
      library: functions to which it refers.
      input_shapes: TensorShapes of the arguments, or None for what the definition says; an entry may be None.
    """
    graph = FuncGraph(definition.signature.name)
    graph.enclosing = None
    graph.pack, graph._imported_at = library.pack, library.location
    with building_unrecorded(graph):
        nodes = NodeImporter(graph, library, _function_input)
        for index, argument in enumerate(definition.signature.input_arg):
            shape = input_shapes[index] if input_shapes else _declared_shape(definition, index)
            placeholder = _add_argument(graph, argument, UNKNOWN if shape is None else shape)
            nodes.known[argument.name] = placeholder
            nodes.operations[argument.name] = placeholder.op
        nodes.add_all(definition.node_def)
        for argument in definition.signature.output_arg:
            graph.outputs.append(nodes.tensor(definition.ret[argument.name]))
    graph._imported_at = None
    graph.control_outputs = [
        nodes.operations[name]
        for name in definition.control_ret.values()
        if name in nodes.operations
    ]
    if library.model and not input_shapes:
        state = len(graph._operations), graph._edits
        graph._origin = Origin(library.model, definition.signature.name, state)
    function = GraphFunction(graph, name=definition.signature.name)
    function.attributes = dict(definition.attr)
    graph.runs_whole = any(k == "_XlaMustCompile" and v.b for k, v in definition.attr.items())
    function.expanded = nodes.expanded
    return function


def _declared_shape(definition: Any, index: int) -> Any:
    """The static shape that a FunctionDef declares for an argument, or None."""
    if "_input_shapes" in definition.attr:
        declared = definition.attr["_input_shapes"].list.shape
        if index < len(declared):
            return attributes.shape_from_proto(declared[index])
    extra = definition.arg_attr[index].attr if index in definition.arg_attr else {}
    if "_output_shapes" in extra and extra["_output_shapes"].list.shape:
        return attributes.shape_from_proto(extra["_output_shapes"].list.shape[0])
    return None


def _add_argument(graph: FuncGraph, argument: Any, shape: TensorShape) -> SymbolicTensor:
    placeholder = graph.placeholder(dtypes.as_dtype(argument.type), shape, argument.name)
    if argument.handle_data:
        placeholder.set_shape(SCALAR)
        placeholder._handle_data = [
            (attributes.shape_from_proto(data.shape), dtypes.as_dtype(data.dtype))
            for data in argument.handle_data
        ]
    graph.inputs.append(placeholder)
    return placeholder


def _function_input(text: str) -> tuple[str, str | None, int]:
    """Splits `node:argument:index` (in functions)."""
    parts = text.split(":")
    if len(parts) == 3:
        return parts[0], parts[1], int(parts[2])
    return parts[0], None, int(parts[1]) if len(parts) == 2 else 0


def graph_input(text: str) -> tuple[str, str | None, int]:
    """Splits `node:index` (in graphs)."""
    name, colon, index = text.partition(":")
    if colon and not index.removeprefix("-").isdecimal():
        raise ValueError(f"Unknown input node '{text}'.")
    return name, None, int(index or 0)


class NodeImporter:
    """Adds nodes to the current graph in topological order."""

    def __init__(
        self, graph: Graph, library: Library, split: Callable[[str], tuple[str, str | None, int]]
    ) -> None:
        self.graph, self.library, self.split = graph, library, split
        self.operations: dict[str, Operation] = {}
        self.names: set[str] = set()  # of all nodes
        self.known: dict[str, SymbolicTensor] = {}  # arguments, and tensors mapped by the caller
        self._back_edges: list[tuple[Operation, int, str]] = []  # (Merge, position, its input)
        # The names of the results of nodes whose op is a function.
        self._results_of_calls: dict[str, list[str]] = {}
        self.scalars_are_unknown = False  # of a graph from before FIRST_OF_SCALARS
        self.expanded = 0  # nodes, with those of functions as often as they are called
        self.device: str | None = None  # of the scope around the nodes
        self.replaced: set[str] = set()  # nodes that v1 control flow was made of: see v1_control.py

    def add_all(self, nodes: Sequence[Any], prefix: str = "") -> None:
        waiting: dict[str, Any] = {}
        for node in nodes:
            if node.name in waiting:
                raise ValueError(f"Node '{node.name}' is not unique{self._of_origin()}")
            waiting[node.name] = node
        self.names.update(waiting)
        self.expanded += len(waiting)
        if any(node.op in JUMPS for node in nodes):
            structure = Structure(nodes)
            if is_functional(structure, self.library):
                ControlImporter(structure, self, prefix).add_level(list(nodes), ())
                return
        self._add_in_order(waiting, prefix)
        for merge, index, text in self._back_edges:
            merge._update_input(index, self.tensor(text))
        self._back_edges = []

    def _add_in_order(self, waiting: dict[str, Any], prefix: str) -> None:
        back = {name for name, node in waiting.items() if node.op.endswith("NextIteration")}
        for node in waiting.values():
            stack = [node]
            while stack:
                top = stack[-1]
                missing = [
                    waiting[name]
                    for name in map(self._node_of, top.input)
                    if name in waiting and name not in self.operations and name != top.name
                    if name not in back or top.op not in ("Merge", "RefMerge")
                ]
                if f"^{top.name}" in top.input:
                    raise ValueError(f"1 nodes in a cycle: '{top.name}'{self._of_origin()}")
                if top.name in self.operations:
                    stack.pop()
                elif missing:
                    if len(stack) > len(waiting):
                        raise ValueError(f"The graph has a cycle{self._of_origin()}.")
                    stack.extend(missing)
                else:
                    self._add(stack.pop(), prefix)

    def _node_of(self, text: str) -> str:
        if text in self.known:
            return ""
        return text[1:] if text.startswith("^") else self.split(text)[0]

    def tensor(self, text: str) -> SymbolicTensor:
        """Returns the tensor that an input string names."""
        if text in self.known:
            return self.known[text]
        name, argument, index = self.split(text)
        mapped = self.known.get(f"{name}:{index}") if argument is None else None
        if mapped is not None:
            return mapped
        if name not in self.operations:
            raise ValueError(f"Unknown input node '{text}'{self._of_origin()}")
        op = self.operations[name]
        if argument == composed.OUTPUT and op.raw_op.composed is not None:
            argument = None
        results = self._results_of_calls.get(name, ())
        if argument is not None and argument in results:
            index += results.index(argument)
        elif argument is not None:
            for declared, dtype in zip(op.raw_op.outputs, op.raw_op.output_dtypes, strict=True):
                if declared.name == argument:
                    break
                index += len(dtype) if type(dtype) is tuple else 1
        if not 0 <= index < len(op.outputs):
            raise ValueError(
                f"Connecting to invalid output {index} of source node {name} which has {len(op.outputs)} "
                f"outputs{self._of_origin()}."
            )
        return op.outputs[index]

    def has(self, text: str) -> bool:
        """True if the graph has the tensor, or the operation after "^", that `text` names."""
        if text.startswith("^"):
            return text[1:] in self.operations
        name, _, index = self.split(text)
        if name in self.replaced:
            return True
        return name in self.operations and 0 <= index < len(self.operations[name].outputs)

    def returned(self, element: str) -> Any:
        """Returns the operation or tensor of the graph that `element` names.

        Raises:
          ValueError: it has none.
        """
        name, _, index = self.split(element)
        if name not in self.operations:
            kind = "tensor" if ":" in element else "node"
            raise ValueError(f"Requested return {kind} '{element}' not found in graph def")
        if ":" not in element:
            return self.operations[name]
        outputs = self.operations[name].outputs
        if f"{name}:{index}" not in self.known and not 0 <= index < len(outputs):
            raise ValueError(
                f"Invalid return output {index} of node '{name}', which has {len(outputs)} output(s)"
            )
        return self.tensor(element)

    def _of_origin(self) -> str:
        """Return the origin of the graph, to end a message."""
        consent = self.library.consent
        return f" (in {consent.origin})" if consent is not None else ""

    def _add(self, node: Any, prefix: str) -> None:
        """Add a node after its inputs.

        Raises:
          BadNodeError: it cannot be added.
          OpError: as the op's checks do, with the node's name.
        """
        try:
            self._add_checked(node, prefix)
        except BadNodeError:
            raise
        except _ODDITIES as error:
            raise BadNodeError(f"Node '{node.name}'{self._of_origin()}: {error}") from error

    def _add_checked(self, node: Any, prefix: str) -> None:
        texts = [text for text in node.input if not text.startswith("^")]
        if not _NODE_NAME.match(node.name):
            raise ValueError("Node name contains invalid characters")
        if self.split is graph_input and list(node.input[: len(texts)]) != texts:
            raise ValueError("Control dependencies must come after regular dependencies")
        used = self._known_before(texts)
        inputs = [self.tensor(text) for text in used]
        op = self.op_of(node, inputs)
        name = prefix + node.name if prefix else node.name
        _check_inputs(op, name, inputs)
        _CHECK_FUNCTIONS(op)
        operation = self.graph.add(op, inputs, name)
        operation._device = merged_device(self.device, node.device) if self.device else node.device
        self.graph._apply_device_functions(operation)
        if "_class" in node.attr:
            operation.colocation = tuple(
                [self._group(g, prefix) for g in node.attr["_class"].list.s]
            )
        if "_gradient_op_type" in node.attr:
            operation.gradient_kind = node.attr["_gradient_op_type"].s.decode()
            if not operation.raw_op.flow.control:  # calls differentiate their functions
                operation.gradient_override = NamedGradient(operation.gradient_kind)
        if "_lower_using_switch_merge" in node.attr:
            operation.may_be_lowered = node.attr["_lower_using_switch_merge"].b
        for text in node.input:
            if not text.startswith("^"):
                continue
            if text[1:] in self.operations:
                operation._add_control_input(self.operations[text[1:]])
            elif text[1:] not in self.names and text[1:] not in self.known:
                raise ValueError(f"Unknown input node '{text}'")
        if "_output_shapes" in node.attr:
            for t, proto in zip(
                operation.outputs, node.attr["_output_shapes"].list.shape, strict=False
            ):
                shape = attributes.shape_from_proto(proto)
                if shape._dims != t.shape._dims and shape.is_compatible_with(t.shape):
                    t.set_shape(shape)
        self.operations[node.name] = operation
        pairs = enumerate(zip(texts, used, strict=True))
        self._back_edges += [(operation, i, text) for i, (text, other) in pairs if text != other]

    def _known_before(self, texts: list[str]) -> list[str]:
        """Returns the inputs of a node; an input from the last iteration of a loop is replaced by the first other input."""
        missing = [self._is_missing(text) for text in texts]
        if not any(missing) or all(missing):
            return texts
        first = texts[missing.index(False)]
        return [first if late else text for text, late in zip(texts, missing, strict=True)]

    def _is_missing(self, text: str) -> bool:
        name, argument, index = self.split(text)
        is_known = text in self.known or argument is None and f"{name}:{index}" in self.known
        return not is_known and name in self.names and name not in self.operations

    def _group(self, group: bytes, prefix: str) -> bytes:
        """The name of a colocation group in the graph: that of an imported node has the prefix."""
        name = group.removeprefix(b"loc:@").decode()
        is_own = name != group.decode() and name in self.names
        return f"loc:@{prefix}{name}".encode() if is_own else group

    def op_of(self, node: Any, inputs: list[SymbolicTensor]) -> Op:
        """Returns the op of a node, with its attributes."""
        node = composed.as_noted(node)
        if node.op in self.library:
            called = self._function(node.op)
            if node.op in self.library.definitions:
                results = self.library.definitions[node.op].signature.output_arg
                self._results_of_calls[node.name] = [result.name for result in results]
            return self._call(called)
        if node.op == "_Arg":
            node = _as_placeholder(node)
        cls = lookup(node.op) or self._from_its_module(node)
        if cls is None:
            raise UnknownOpError(
                f"Op type not registered '{node.op}' in binary: this operation is not implemented: node '{node.name}'{self._of_origin()}."
            )
        attrs: dict[str, Any] = {}
        for name, value in node.attr.items():
            annotation = attributes.annotation_of(cls, name)
            if annotation is None:
                continue
            try:
                decoded = attributes.decode(annotation, value, self._function)
            except InvalidArgumentError as error:  # of a tensor, which knows no node
                raise ValueError(f"attribute {name}: {error}") from error
            attrs[name] = convert_attribute(cls.op_type, name, annotation, decoded)
        if self.scalars_are_unknown and node.op == "Placeholder" and "shape" in attrs:
            attrs["shape"] = attrs["shape"] if attrs["shape"].rank else TensorShape(None)
        _infer_types(cls, attrs, inputs)
        _check_attributes(cls, node, attrs)
        try:
            return complete(guarded(cls, node.name, self.library.consent), attrs, True)
        except InvalidArgumentError as error:  # of attributes, which know no node either
            raise ValueError(error.message) from error

    def _function(self, name: str) -> GraphFunction:
        """Returns a function that a node calls."""
        function = self.library.get(name)
        self.expanded += function.expanded
        check_size(self.expanded, self.library.nodes)
        return function

    def _from_its_module(self, node: Any) -> type[Op] | None:
        """The class of an op that a user's module makes, which is imported if the file's graphs may call Python."""
        module = node.attr["_module"].s.decode() if "_module" in node.attr else ""
        if not module:
            return None
        consent = self.library.consent
        if consent is not None and "python" not in consent.allowed:
            raise PermissionDeniedError(
                f"{node.op}: the operation '{node.name}'{self._of_origin()} is one of the Python module {module!r}, which has not "
                "been imported. Import it before loading, or, if you trust the file to name it, load with allow=['python']."
            )
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            raise UnimplementedError(
                f"{node.op}: the operation '{node.name}'{self._of_origin()} is one of the Python module {module!r}, which "
                f"cannot be imported here: {error}."
            ) from error
        return lookup(node.op)

    def _call(self, function: GraphFunction) -> Op:
        kind = lookup("StatefulPartitionedCall" if function.is_stateful else "PartitionedCall")
        assert kind is not None
        attrs = {
            "f": function,
            "Tin": tuple(function.input_types),
            "Tout": tuple(function.output_types),
        }
        return complete(kind, attrs, True)


def _as_placeholder(node: Any) -> Any:
    """Returns an argument, as graphs exported from MLIR hold them, as a placeholder."""
    placeholder = NodeDef(name=node.name, op="Placeholder")
    placeholder.attr["dtype"].type = node.attr["T"].type
    shapes = node.attr["_output_shapes"].list.shape if "_output_shapes" in node.attr else ()
    if shapes:
        placeholder.attr["shape"].shape.CopyFrom(shapes[0])
    else:
        placeholder.attr["shape"].shape.unknown_rank = True
    return placeholder


def _check_attributes(cls: type[Op], node: Any, attrs: dict[str, Any]) -> None:
    """Refuses a node without attributes that have no default."""
    missing = sorted(
        n for n, value in cls.attributes.items() if value is REQUIRED and n not in attrs
    )
    if missing:
        names = ", ".join(f"'{name}'" for name in missing)
        raise ValueError(
            f"NodeDef missing attr{'s' * (len(missing) > 1)} {names} from Op<name={cls.op_type}>; "
            f"NodeDef: {{{{node {node.name}}}}}"
        )


def _check_inputs(op: Op, name: str, inputs: list[SymbolicTensor]) -> None:
    """Raises ValueError unless the number and dtypes of inputs match the attributes of an op."""
    expected: list[Any] = []
    for types in map(op._dtype_of, op.inputs):
        expected += types if isinstance(types, tuple) else [types]
    if len(expected) != len(inputs):
        types = ", ".join(_shown(dtype) for dtype in expected)
        raise ValueError(
            f"NodeDef expected inputs '{types}' do not match {len(inputs)} inputs specified; Op<name={op.op_type}>; "
            f"NodeDef: {{{{node {name}}}}}"
        )
    for at, (tensor, dtype) in enumerate(zip(inputs, expected, strict=True)):
        if tensor.dtype.base_dtype != dtype.base_dtype:
            raise ValueError(
                f"Input {at} of node {name} was passed {_shown(tensor.dtype)} from {tensor.name} "
                f"incompatible with expected {_shown(dtype)}."
            )


def _shown(dtype: dtypes.DType) -> str:
    """A type as messages of graphs spell it."""
    return {"float32": "float", "float64": "double"}.get(dtype.name, dtype.name)


# Exceptions that malformed nodes cause in the code below.
_ODDITIES = (ValueError, TypeError, KeyError, IndexError, AttributeError)


def _infer_types(cls: type[Op], attrs: dict[str, Any], inputs: list[SymbolicTensor]) -> None:
    """Fills in type attributes that the graph omits: defaults, or types inferred from the inputs."""
    position = 0
    for argument in cls.inputs:
        if argument.is_list:
            count = attrs.get(
                argument.number_attr or "", len(attrs.get(argument.type_list_attr or "", ()))
            )
            position += count
            continue
        if argument.type_attr and argument.type_attr not in attrs and position < len(inputs):
            attrs[argument.type_attr] = inputs[position].dtype
        position += 1
