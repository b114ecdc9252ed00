"""Removes unused results: of conditions and loops, with their effects, and those for which a run has other values.

In a graph of TensorFlow 1 a run has only the effects that its fetches depend on. A branch or loop may have others, those of results
that are not fetched; they are removed here. Functions keep all effects.
"""

import copy
from collections.abc import Collection, Sequence
from typing import Any

from penstock._src.core.calls.binding import complete
from penstock._src.core.op import Op
from penstock._src.graph.control import bodies_of, has_effect
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.needed_operations import needed_operations
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.util.lazy import ByName

# Imported by name: programs without exchanges load no transports.
_WITH_EXCHANGES = ByName(f"{__package__}.gathered_weights", "with_exchanges")


def operations_to_run(
    graph: Any,
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    control_outputs: Sequence[Operation],
    already_run: Collection[Operation] = (),
) -> list[Operation]:
    """Returns the operations of `needed_operations`, with conditions and loops replaced by ones with fewer results if that removes effects.

    Operations that run although a result of theirs is an input are replaced, too.
    The replacements are in no graph.
    """
    needed = needed_operations(graph, inputs, outputs, control_outputs, already_run)
    needed = with_fed_results(needed, inputs)
    if any(op.raw_op.effects.is_collective for op in needed):
        needed = _WITH_EXCHANGES(needed, outputs)
    if graph.keeps_program_order:
        return needed
    return without_unread_effects(needed, outputs, control_outputs)


def with_fed_results(needed: list[Operation], inputs: Sequence[Any]) -> list[Operation]:
    """Returns operations that do not replace the fed value of an input by their own.

    a, b = Split(x)              unread, b = Split(x)
    c = Add(a, b)           ->   c = Add(a, b)                 a is fed
    """
    fed = {t._id for t in inputs if len(t.op._outputs) > 1}
    if not fed:
        return needed
    return [_without(op, fed) if any(t._id in fed for t in op._outputs) else op for op in needed]


def _without(op: Operation, fed: set[int]) -> Operation:
    """Returns the operation with new tensors, which nothing reads, for its results of these ids."""
    replacement = copy.copy(op)
    replacement.state_owner = op.state_owner or op
    replacement._outputs = [
        SymbolicTensor(replacement, i, t._dtype, t._shape) if t._id in fed else t
        for i, t in enumerate(op._outputs)
    ]
    return replacement


def without_unread_effects(
    needed: list[Operation], outputs: Sequence[Any], control_outputs: Sequence[Operation]
) -> list[Operation]:
    """Returns operations with conditions and loops reduced to the results that these operations or `outputs` read."""
    if not any(_may_lose_effects(op) for op in needed):
        return needed
    read = {t._id for t in outputs}
    awaited = {id(op) for op in control_outputs}
    kept = []
    for op in reversed(needed):
        if _may_lose_effects(op) and id(op) not in awaited:
            op = _with_results(op, [t._id in read for t in op._outputs])
        read.update(t._id for t in op._inputs)
        awaited.update(map(id, op._control_inputs))
        kept.append(op)
    return kept[::-1]


def _may_lose_effects(op: Operation) -> bool:
    return op.raw_op.flow.control in ("if", "case", "while") and has_effect(op)


def _with_results(op: Operation, is_read: list[bool]) -> Operation:
    """Returns an operation with those results of a condition or loop that are read, or on which these depend."""
    raw = op.raw_op
    reduced = copy.copy(op)
    if raw.flow.control == "while":
        cond, body = raw.attrs["cond"], raw.attrs["body"]
        is_read = _variables_needed(cond, body, is_read)
        attrs = {
            "T": tuple(_chosen(raw.attrs["T"], is_read)),
            "cond": _part(cond, is_read, [True]),
            "body": _part(body, is_read, is_read),
        }
        reduced._inputs = _chosen(op._inputs, is_read)
    else:
        branches = bodies_of(op)
        is_given = _inputs_needed(branches, is_read)
        attrs = {
            "Tin": tuple(_chosen(raw.attrs["Tin"], is_given)),
            "Tout": tuple(_chosen(raw.attrs["Tout"], is_read)),
            **_as_attributes(raw, [_part(branch, is_given, is_read) for branch in branches]),
        }
        reduced._inputs = [op._inputs[0], *_chosen(op._inputs[1:], is_given)]
    if raw.attrs.get("output_shapes"):
        attrs["output_shapes"] = tuple(_chosen(raw.attrs["output_shapes"], is_read))
    reduced.raw_op = complete(type(raw), {**raw.attrs, **attrs}, True)
    reduced._outputs = _chosen(op._outputs, is_read)
    return reduced


def _as_attributes(raw: Op, branches: Sequence[GraphFunction]) -> dict[str, Any]:
    """Returns the attributes of an If or Case that hold its branches, in the order in which `bodies_of` finds them."""
    if "branches" in raw.attrs:
        return {"branches": tuple(branches)}
    names = [name for name in raw.attrs if name in ("then_branch", "else_branch")]
    return dict(zip(names, branches, strict=True))


def _chosen(items: Sequence[Any], is_chosen: Sequence[bool]) -> list[Any]:
    return [item for item, chosen in zip(items, is_chosen, strict=True) if chosen]


def _part(
    function: GraphFunction, is_given: Sequence[bool], is_read: Sequence[bool]
) -> GraphFunction:
    """Returns a function over the same graph with some of the inputs and outputs."""
    inputs, outputs = _chosen(function.inputs, is_given), _chosen(function.outputs, is_read)
    return GraphFunction(function.graph, inputs, outputs, why_host=function.why_host)


def _inputs_needed(functions: Sequence[GraphFunction], is_read: Sequence[bool]) -> list[bool]:
    """Returns for each input of functions with equal inputs True if one of them needs it for the results that are read."""
    needed = [False] * len(functions[0].inputs)
    for function in functions:
        outputs, graph = _chosen(function.outputs, is_read), function.graph
        needed_ops = operations_to_run(graph, function.inputs, outputs, graph.control_outputs)
        ids = {t._id for t in outputs}
        for op in needed_ops:
            ids.update(t._id for t in op._inputs)
            ids.update(t._id for awaited in op._control_inputs for t in awaited._outputs)
        needed = [n or t._id in ids for n, t in zip(needed, function.inputs, strict=True)]
    return needed


def _variables_needed(
    condition: GraphFunction, body: GraphFunction, is_read: Sequence[bool]
) -> list[bool]:
    """Returns for each variable of a loop whether it is read, decides how long the loop goes on, or flows into one that is."""
    needed = _inputs_needed([condition], [True])
    needed = [a or b for a, b in zip(needed, is_read, strict=True)]
    while True:
        more = _inputs_needed([body], needed)
        more = [a or b for a, b in zip(needed, more, strict=True)]
        if more == needed:
            return needed
        needed = more
