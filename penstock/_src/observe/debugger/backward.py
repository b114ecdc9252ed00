"""Lines of gradients: operations that differentiate a line of the user's program belong to that line, run backward."""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from penstock._src.core.calls.lines import Activation, Line, calls_of, with_inner
from penstock._src.core.composite import IndexedSlices
from penstock._src.graph.operation import Operation, SymbolicTensor

# {id of a tensor: the call and the line that made it}
Owners = Mapping[int, tuple[Activation, Line]]


@dataclasses.dataclass(eq=False)
class Lines:
    """The gradient of some lines of one call, in the order in which they are differentiated."""

    of: Activation
    groups: list[tuple[Line, list[Operation]]] = dataclasses.field(default_factory=list)
    operations_of: dict[int, list[Operation]] = dataclasses.field(default_factory=dict)

    def activation(self) -> Activation:
        """The gradient as a call: the names of the forward call, and `d_h` for the gradient of the tensor named `h`."""
        name = f"gradient of {self.of.code.co_name}"
        code = self.of.code.replace(co_name=name, co_qualname=name)
        graph = self.groups[0][1][0].graph
        backward = Activation(code, self.of.names, graph, self.of.caller)
        names = _names_at_end(self.of)
        gradients = _gradients_of(names, graph)
        bound = dict(names)
        end = self.groups[-1][1][-1].moment + 1
        moments = [operations[0].moment for _, operations in self.groups] + [end]
        numbers = [line.number for line, _ in self.groups]
        for number, moment in zip([*numbers, numbers[-1]], moments, strict=True):
            ready = {n: g for n, g in gradients.items() if _moment(g) < moment}
            for key in ready:
                gradients.pop(key)
            backward.lines.append(Line(number, moment, 0, {**bound, **ready}))
            bound = {}
        for line, (_, operations) in zip(backward.lines, self.groups):
            self.operations_of[id(line)] = operations
        return backward


def owners(graph: Any) -> Owners:
    """The calls and lines that made the tensors of a graph, and of the graphs in it."""
    known: dict[int, tuple[Activation, Line]] = {}
    for inner in with_inner(graph):
        operations = sorted(inner._operations, key=_made)
        for call in calls_of(inner):  # callers before those they call
            for line, following in zip(call.lines, call.lines[1:]):
                begin = bisect.bisect_left(operations, line.moment, key=_made)
                end = bisect.bisect_left(operations, following.moment, key=_made)
                for op in operations[begin:end]:
                    known.update((t._id, (call, line)) for t in op.outputs)
    return known


def by_lines(
    operations: Sequence[Operation], made_by: Owners
) -> list[tuple[Lines | None, list[Operation]]]:
    """Divides operations into those of gradients, with their lines, and others, with None."""
    parts: list[tuple[Lines | None, list[Operation]]] = []
    waiting: list[Operation] = []  # sums of gradients, perhaps
    for op in operations:
        owner = None if op.gradient_of is None else made_by.get(op.gradient_of)
        if owner is None:
            waiting.append(op)
            continue
        activation, line = owner
        last = parts[-1][0] if parts else None
        if last is not None and all(_may_be_sum(each) for each in waiting):
            parts[-1][1].extend(waiting)
            last.groups[-1][1].extend(waiting)
        elif waiting:
            parts.append((None, waiting))
            last = None
        waiting = []
        if last is None or last.of is not activation:
            last = Lines(activation)
            parts.append((last, []))
        if not last.groups or last.groups[-1][0] is not line:
            last.groups.append((line, []))
        last.groups[-1][1].append(op)
        parts[-1][1].append(op)
    if waiting:
        parts.append((None, waiting))
    return parts


def _may_be_sum(op: Operation) -> bool:
    """True if an operation that no line makes may add gradients."""
    return op.gradient_of is None and not op.raw_op.stateful


def _names_at_end(activation: Activation) -> dict[str, Any]:
    names: dict[str, Any] = {}
    for line in activation.lines:
        names.update(line.bound)
        for name in line.unbound:
            names.pop(name, None)
    return names


def _gradients_of(names: Mapping[str, Any], graph: Any) -> dict[str, Any]:
    """The gradients of named tensors: {"d_" + name: tensor of the graph}."""
    gradients = {}
    for name, value in names.items():
        key = getattr(getattr(value, "handle", value), "_id", None)
        gradient = graph.gradients.get(key)
        if _moment(gradient) is not None:
            gradients[f"d_{name}"] = gradient
    return gradients


def _moment(gradient: Any) -> Any:
    """When the operation that makes a gradient was added; None if none is."""
    tensor = gradient.values if isinstance(gradient, IndexedSlices) else gradient
    return tensor.op.moment if isinstance(tensor, SymbolicTensor) else None


def _made(op: Operation) -> int:
    return op.moment
