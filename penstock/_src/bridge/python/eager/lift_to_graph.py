"""Counterpart of `tensorflow/python/eager/lift_to_graph.py`: copies of tensors, and of the operations that compute them, in another graph."""

from collections.abc import Iterable, MutableMapping, Sequence
from typing import Any

from penstock._src.autodiff.control_flow import copy_operations
from penstock._src.bridge.python.util.object_identity import ObjectIdentityDictionary
from penstock._src.core.registry import raw
from penstock._src.eager.variable import Variable
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.graph import Graph
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.util.export import export
from penstock._src.v1.saving.wrapped import UnliftableError

__all__ = ["UnliftableError", "lift_to_graph"]


@export("__internal__.lift_to_graph", v1=[])
def lift_to_graph(
    tensors: Sequence[Any],
    graph: Graph,
    sources: Iterable[SymbolicTensor] | None = None,
    disallowed_placeholders: Any = None,
    add_sources: bool = False,
    handle_captures: bool = False,
    base_graph: Graph | None = None,
    op_map: MutableMapping[Any, Any] | None = None,
) -> MutableMapping[Any, Any]:
    """Copies tensors, and the operations that compute them, into another graph.

    Args:
      tensors: tensors or operations of a graph; variables stay as they are.
      graph: where the copies are made.
      sources: tensors at which copying ends: placeholders take their places.
      disallowed_placeholders: operations that must not be copied; by default all placeholders.
      add_sources: whether placeholders that are not among `sources` are copied.
      handle_captures: whether `graph` captures what the function around `tensors` does, rather than have placeholders for it.
      base_graph: the graph of `tensors`.
      op_map: {tensor or operation: its copy} of what has been copied before.

    Returns:
      `op_map`, with the copies made.

    Raises:
      UnliftableError: the tensors depend on a placeholder that is not to be copied.
    """
    copies = ObjectIdentityDictionary() if op_map is None else op_map
    wanted = [t for t in tensors if not isinstance(t, Variable)]
    ends = list(sources or ())
    needed = _needed(wanted, {t.op for t in ends})
    for op in needed:
        is_placeholder = op.type == "Placeholder"
        refused = is_placeholder and disallowed_placeholders is None and not add_sources
        if refused or op in (disallowed_placeholders or ()):
            raise UnliftableError(
                f"Unable to lift tensors {wanted!r}: they depend on the placeholder {op!r}, which is not among "
                "the sources."
            )
        ends += op.outputs if is_placeholder else []
    base = wanted[0].graph if base_graph is None and wanted else base_graph
    captured = _captures(base, graph)
    with graph.as_default():
        copies.update((t, t) for t in tensors if isinstance(t, Variable))
        for end in _in_order(ends, captured):
            if end not in copies:
                outer = captured.get(end._id) if handle_captures else None
                _add_source(end, outer, graph, copies)
        _copy([op for op in needed if op not in copies], graph, copies)
    return copies


def _needed(wanted: Sequence[Any], stops: set[Operation]) -> list[Operation]:
    """The operations that compute tensors, without those in `stops` and their exclusive inputs, inputs first."""
    operations: dict[Operation, None] = {}
    entered = set(stops)
    pending = [(t if isinstance(t, Operation) else t.op, False) for t in reversed(wanted)]
    while pending:
        op, is_ready = pending.pop()
        if is_ready:
            operations[op] = None
        elif op not in entered:
            entered.add(op)
            pending.append((op, True))
            before = [*(t.op for t in op.inputs), *op.control_inputs]
            pending += [(other, False) for other in reversed(before)]
    return list(operations)


def _captures(base: Any, graph: Graph) -> dict[int, Any]:
    """{id of a tensor of the function `base`: the outer tensor that it captures}, if both graphs are of functions."""
    if not isinstance(base, FuncGraph) or not isinstance(graph, FuncGraph):
        return {}
    return {inner._id: outer for outer, inner in base.captures}


def _in_order(ends: Sequence[Any], captured: dict[int, Any]) -> list[Any]:
    """Sources, each once: captures in the order of the function, then the others."""
    each = {t._id: t for t in ends}
    return [each[i] for i in captured if i in each] + [
        t for i, t in each.items() if i not in captured
    ]


def _add_source(
    source: Any, outer: Any, graph: Any, replacements: MutableMapping[Any, Any]
) -> None:
    """Adds the replacement of a source: a capture of `outer`, or a placeholder."""
    op = source.op
    if outer is not None:
        copy = graph.capture(outer, name=op.name)
    elif op.type == "PlaceholderWithDefault" and op.inputs[0].op.type == "Const":
        _copy([op.inputs[0].op], graph, replacements)
        default = replacements[op.inputs[0]]
        copy = raw.PlaceholderWithDefault(input=default, shape=source.shape, name=op.name)
    else:
        copy = raw.Placeholder(dtype=source.dtype, shape=source.shape, name=op.name)
    copy._handle_data = source._handle_data
    copy.op._device = op.device
    replacements[source] = copy
    replacements[op] = copy.op


def _copy(ops: Sequence[Operation], graph: Any, replacements: MutableMapping[Any, Any]) -> None:
    """Copies operations whose inputs have been copied, without their colocation."""
    table = {t._id: replacements[t] for op in ops for t in op.inputs if t in replacements}
    copies = copy_operations(ops, graph, table)
    for op in ops:
        copy = replacements[op] = copies[id(op)]
        copy._device = op.device
        copy.annotations = {k: v for k, v in op.annotations.items() if k != "_class"}
        copy._add_control_inputs(replacements[c] for c in op.control_inputs if c in replacements)
        replacements.update(zip(op.outputs, copy.outputs, strict=True))
