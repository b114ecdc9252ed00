"""Graphs as lines of operations in the `tf` dialect."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.shapes import UNKNOWN
from penstock._src.formats.graph_def.mlir import text
from penstock._src.graph.graph import Graph
from penstock._src.graph.needed_operations import needed_operations
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.graph.passes.fold_constants import known_results
from penstock._src.graph.serialize.exporter import node_def
from penstock._src.ops.tensor_proto import to_proto
from penstock._src.proto.graph import NodeDef
from penstock._src.util.dataclass import dataclass

# In GraphDefs the op's name states if control flow has effects; in MLIR it's an attribute.
_RENAMED = {
    "While": ("While", False),
    "StatelessWhile": ("While", True),
    "If": ("If", False),
    "StatelessIf": ("If", True),
    "Case": ("Case", False),
    "StatelessCase": ("Case", True),
}
# Loops of TensorFlow 1, whose operations have special forms.
_FRAMES = {"Enter", "Exit", "LoopCond", "Merge", "NextIteration", "Switch"}
_FRAMES |= {f"Ref{name}" for name in _FRAMES}


@dataclass
class Line:
    """An operation: its name in the dialect, the ids of its inputs, its attributes as text, and its outputs and control inputs."""

    name: str
    inputs: list[int]
    attributes: str
    outputs: list[SymbolicTensor]
    operation: Operation
    waits: Sequence[Operation] = ()


def type_of(tensor: SymbolicTensor) -> str:
    """Returns the type of a value."""
    return text.tensor_type(tensor.dtype, tensor.shape)


def argument_type(tensor: SymbolicTensor) -> str:
    """Returns the type of a function's argument; handles have no shape, as in TensorFlow."""
    is_handle = tensor.dtype in (dtypes.resource, dtypes.variant)
    return text.tensor_type(tensor.dtype, UNKNOWN if is_handle else tensor.shape)


def lines_of(graph: Graph, arguments: Sequence[SymbolicTensor]) -> list[Line]:
    """Returns all operations of a graph in an order they can run in.

    Raises:
      UnimplementedError: it has loops of TensorFlow 1.
    """
    operations = needed_operations(graph, arguments, [], graph._operations)
    argument_ids = {t._id for t in arguments}
    return [
        _line(op)
        for op in operations
        if not (op.outputs and all(t._id in argument_ids for t in op.outputs))
    ]


def simplified(
    graph: Graph, arguments: Sequence[SymbolicTensor], outputs: Sequence[SymbolicTensor]
) -> tuple[list[Line], dict[int, int]]:
    """Returns the operations after the standard pipeline, and the ids of tensors by those of equal ones that were left out.

    What follows from constants is computed, what has no effect and is not read is left out, equal operations are one, and constants
    come first.
    """
    roots = [op for op in graph._operations if _has_effect(op)]
    argument_ids = {t._id for t in arguments}
    folded: dict[int, Line] = {}
    known = known_results(graph)
    for op in graph._operations:
        value = known.get(op.name) if len(op.outputs) == 1 else None
        if value is not None and op.type not in ("Const", "Identity", "Placeholder"):
            folded[id(op)] = _constant(op, *value)
    same: dict[int, int] = {}
    first: dict[Any, Line] = {}
    constants: list[Line] = []
    others: list[Line] = []
    for op in _reached(graph, arguments, outputs, roots, folded):
        if op.outputs and all(t._id in argument_ids for t in op.outputs) or op.type == "NoOp":
            continue
        line = folded.get(id(op)) or _line(op)
        line.inputs = [same.get(i, i) for i in line.inputs]
        key = (line.name, tuple(line.inputs), line.attributes, *map(type_of, line.outputs))
        if not _has_effect(op) and op.type != "Placeholder" and op.type != "Identity":
            earlier = first.setdefault(key, line)
            if earlier is not line:
                pairs = zip(line.outputs, earlier.outputs, strict=True)
                same.update((old._id, new._id) for old, new in pairs)
                continue
        (constants if line.name == "tf.Const" else others).append(line)
    return constants + others, same


def _has_effect(op: Operation) -> bool:
    return bool(op.raw_op.stateful) and op.type not in ("Placeholder", "VarHandleOp")


def _reached(
    graph: Graph,
    arguments: Sequence[SymbolicTensor],
    outputs: Sequence[SymbolicTensor],
    roots: Sequence[Operation],
    folded: Collection[int],
) -> list[Operation]:
    """The operations that outputs and effects need, where folded ones need nothing."""
    order = needed_operations(graph, arguments, outputs, list(roots))
    argument_ids = {t._id for t in arguments}
    pending = [t.op for t in outputs if t._id not in argument_ids] + list(roots)
    reached: set[int] = set()
    while pending:
        op = pending.pop()
        if id(op) not in reached:
            reached.add(id(op))
            if id(op) not in folded:
                pending += [t.op for t in op._inputs if t._id not in argument_ids]
    return [op for op in order if id(op) in reached]


def _constant(op: Operation, value: Any, dtype: Any) -> Line:
    node = NodeDef(op="Const")
    node.attr["value"].tensor.CopyFrom(to_proto(value, dtype))
    return Line("tf.Const", [], _attributes(node, {}, op), list(op.outputs), op)


def _line(op: Operation) -> Line:
    node = node_def(op)
    if node.op in _FRAMES:
        raise UnimplementedError(
            f"tf.mlir.experimental: loops of TensorFlow 1 are not implemented: '{op.name}' is {node.op}."
        )
    more: dict[str, str] = {}
    name, is_stateless = _RENAMED.get(node.op, (node.op, None))
    if is_stateless is not None:
        more["is_stateless"] = "true" if is_stateless else "false"
    if name == "While":
        more["shape_invariant"] = ""
    inputs = [t._id for t in op.as_written()[1]]
    attributes = _attributes(node, more, op)
    return Line(f"tf.{name}", inputs, attributes, list(op.outputs), op, op._control_inputs)


def _attributes(node: Any, more: Mapping[str, str], op: Operation) -> str:
    """The dictionary of an operation's attributes; those that follow from the types of operands and results are left out."""
    derived = {
        name
        for argument in (*op.raw_op.inputs, *op.raw_op.outputs)
        for name in (argument.type_attr, argument.number_attr, argument.type_list_attr)
        if name
    }
    if op.raw_op.flow.control == "while":
        derived = set()  # TensorFlow's dialect keeps the types of loops as an attribute
    entries = dict(more)
    for name, value in node.attr.items():
        if name == "_output_shapes" or name in derived:
            continue
        entries[name] = text.attribute(value)
    entries["device"] = text.string((op.device or "").encode())
    written = (
        f"{text.attribute_name(name)} = {value}" if value else text.attribute_name(name)
        for name, value in sorted(entries.items())
    )
    return "{" + ", ".join(written) + "}"
