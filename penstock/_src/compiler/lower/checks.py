"""Assertions inside programs: the condition is computed with everything else, and looked at when the program has run.

An assertion that fails raises what the op itself raises on the host, with the values of its data. Operations that have
effects and wait for the assertion must not run before it holds: then it stays on the host. Inside of loops and branches
only the texts among the data are told.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.lower.context import Refusal
from penstock._src.compiler.lower.control_flow import truth
from penstock._src.compiler.lower.lowering import Lowering, handler
from penstock._src.compiler.lower.values import HostValue, Lowered
from penstock._src.core import dtypes
from penstock._src.graph.operation import Operation
from penstock._src.ir import interpreter
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.function import Function
from penstock._src.ir.node import Node


@handler("Assert")
def _assert(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    if _guards_effects(op):
        raise NotLowerable("operations with effects wait for the assertion")
    for arg in args:
        if not isinstance(arg, Node) and not (isinstance(arg, HostValue) and arg.value is not None):
            raise NotLowerable("the data of the assertion are held by the host")
    if isinstance(args[0], Node) and args[0].shape:
        raise NotLowerable("the host refuses conditions of several truth values")
    p = lowering.p
    if p.depth:
        p.check(truth(lowering, args[0]), f"assertion failed: {_shown(args[1:])}")
        return []
    message = f"assertion failed in '{op.name}' of {op.graph!r}"
    p.assertions[message] = Refusal(op, args)
    p.check(truth(lowering, args[0]), message)
    return []


def _shown(data: Sequence[Lowered]) -> str:
    """The strings among the data of an assertion; values inside of loops and branches are gone when it is checked."""
    texts = [np.asarray(d.value).reshape(-1) for d in data if isinstance(d, HostValue)]
    shown = [text.decode() for array in texts for text in array if isinstance(text, bytes)]
    return " ".join(f"[{text}]" for text in shown)


def _guards_effects(op: Operation) -> bool:
    operations = op.graph._operations
    waiting = [
        o for o in operations if op in o._control_inputs and o.type not in ("NoOp", "Assert")
    ]
    return bool(waiting) and any(
        o.raw_op.stateful and not o.raw_op.reads_only and o.type != "Assert" for o in operations
    )


def arguments_of(function: Function, refusal: Refusal, arguments: Sequence[Any]) -> list[Any]:
    """The host values of what an operation that failed takes, computed by the interpreter from the program's arguments.

    What the failed condition does not depend on is zeros: it may take long to compute.
    """
    args = refusal.args
    if refusal.condition is not None:
        matter = _ancestors(refusal.condition)
        args = [a if _is_needed(a, matter) else _zeros(a) for a in args]
    handles = {
        p.id: a
        for a, p in zip(arguments, function.parameters, strict=True)
        if p.dtype == dtypes.resource
    }
    nodes = [a for a in args if isinstance(a, Node) and a.id not in handles]
    given = [
        a.value if p.dtype == dtypes.resource else a
        for a, p in zip(arguments, function.parameters, strict=True)
    ]
    values = iter(interpreter.run(Function("data", function.parameters, tuple(nodes)), given)[0])

    def value(argument: Lowered) -> Any:
        if not isinstance(argument, Node):
            return getattr(argument, "value", None)
        return handles[argument.id] if argument.id in handles else next(values)

    return [value(argument) for argument in args]


def _is_needed(arg: Lowered, matter: set[int]) -> bool:
    """Whether an argument is to be computed: it matters, takes nothing to compute, or cannot be replaced."""
    if not isinstance(arg, Node) or arg.id in matter or arg.kind == "constant":
        return True
    return arg.dtype == dtypes.resource or not all(isinstance(d, int) for d in arg.shape)


def _zeros(node: Node) -> HostValue:
    return HostValue("does not matter", np.zeros(node.shape, node.dtype.np))


def _ancestors(node: Node) -> set[int]:
    """The ids of the nodes that a node depends on, its own among them."""
    found: set[int] = set()
    pending = [node]
    while pending:
        node = pending.pop()
        if node.id not in found:
            found.add(node.id)
            pending += node.args
    return found
