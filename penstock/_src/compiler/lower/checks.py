"""Assertions inside programs: the condition is computed with everything else, and read after the program has run.

An assertion that fails raises the error of the op's host kernel, with the values of its data. Variables that are assigned
after it keep their values then (plan/early_checks.py). A loop or branch in which an operation fails is run once more by
the host, operation by operation, on copies of its variables. An assertion stays on the host if it is a control input of an effect in a
loop or branch, or if variables were assigned before it there: a program gives a variable one new value.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.lower.context import HeldVariable, Refusal
from penstock._src.compiler.lower.control_flow import truth
from penstock._src.compiler.lower.lowering import Lowering, handler
from penstock._src.compiler.lower.values import DynamicRows, HostValue, ListValue, Lowered
from penstock._src.core import dtypes
from penstock._src.core.shapes import UNKNOWN
from penstock._src.core.values.resources import VariableHandle
from penstock._src.graph.operation import Operation
from penstock._src.ir import interpreter
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.function import Function
from penstock._src.ir.node import Node
from penstock._src.ops.control.list_value import TensorList


@handler("Assert")
def _assert(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    if (lowering.p.depth or lowering.p.written) and _guards_effects(op):
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
    p.assertions[message] = Refusal(op, args, message=f"assertion failed: {_shown(args[1:])}")
    p.check(truth(lowering, args[0]), message)
    return []


def _shown(data: Sequence[Lowered]) -> str:
    """The strings among the data of an assertion inside of a loop or branch: its message where that cannot be run again."""
    texts = [np.asarray(d.value).reshape(-1) for d in data if isinstance(d, HostValue)]
    shown = [text.decode() for array in texts for text in array if isinstance(text, bytes)]
    return " ".join(f"[{text}]" for text in shown)


def _guards_effects(op: Operation) -> bool:
    operations = op.graph._operations
    waiting = [
        o for o in operations if op in o._control_inputs and o.type not in ("NoOp", "Assert")
    ]
    return bool(waiting) and any(
        o.raw_op.stateful and not (o.raw_op.effects.reads_only or o.raw_op.effects.leaves_nothing)
        for o in operations
    )


def arguments_of(
    function: Function,
    refusal: Refusal,
    arguments: Sequence[Any],
    written: Collection[int] | None = (),
) -> list[Any] | None:
    """The host values of the arguments of a failed operation, computed by the interpreter from the program's arguments.

    Values that the failed condition does not depend on are zeros: they may take long to compute. Variables are copies.

    Args:
      function: the program's.
      refusal: the operation.
      arguments: of the program, as they are after the run.
      written: indices of the variables that already have new values; None if that is not known.

    Returns:
      None if the values depend on data that is gone: old values of variables, or arrays from other processes.
    """
    args = refusal.args
    if refusal.condition is not None:
        matter = _ancestors([refusal.condition])
        args = [a if _is_needed(a, matter) else _zeros(a) for a in args]
    nodes = list({n.id: n for arg in args for n in _nodes_of(arg)}.values())
    numbers = {p.id: i for i, p in enumerate(function.parameters)}
    changed = [
        (handle, new_value)
        for handle, new_value in function.updates
        # Without knowing which variables have their new values, all of them count as changed.
        if written is None or numbers[handle.id] in written
    ]
    known = () if written is None else [new_value for _, new_value in changed]
    handles = {handle.id for handle, _ in changed}
    if any(n.kind == "exchange_start" for n in _ancestors(nodes, {n.id for n in known}).values()):
        return None  # the arrays received from other processes do not exist any more
    if handles & _variables_read(nodes, {n.id for n in known}):
        return None
    values = [getattr(a, "value", a) for a in arguments]
    # The program has written the new value over the old one.
    values += [values[numbers[handle.id]] for handle, _ in changed[: len(known)]]
    data = Function("data", (*function.parameters, *known), tuple(nodes))
    results = dict(zip([n.id for n in nodes], interpreter.run(data, values)[0]))
    return [_value(argument, results) for argument in args]


def _variables_read(nodes: Sequence[Node], known: Collection[int]) -> set[int]:
    """The ids of the handles of variables whose values nodes depend on, apart from nodes that are known."""
    ancestors = _ancestors(nodes, known)
    return {node.args[0].id for node in ancestors.values() if node.kind == "read"}


def nodes_of(refusal: Refusal) -> list[Node]:
    """The nodes of a refusal's condition and arguments."""
    conditions = [] if refusal.condition is None else [refusal.condition]
    return [*conditions, *[node for arg in refusal.args for node in _nodes_of(arg)]]


def _nodes_of(argument: Any) -> list[Node]:
    """The nodes that an argument consists of."""
    if isinstance(argument, Node):
        return [argument]
    if isinstance(argument, HeldVariable):
        return [argument.value]
    if isinstance(argument, ListValue):
        parts = argument.buffer, argument.length, argument.pushed
        return [part for part in parts if part is not None]
    if isinstance(argument, DynamicRows):
        return [argument.rows, argument.count]
    return []


def _value(argument: Any, values: Mapping[int, Any]) -> Any:
    """The host value of an argument whose nodes have these values."""
    if isinstance(argument, Node):
        return values[argument.id]
    if isinstance(argument, HeldVariable):
        shape, dtype = argument.handle.attrs["variable"]
        return VariableHandle(shape, dtype, value=np.array(values[argument.value.id]))
    if isinstance(argument, DynamicRows):
        return values[argument.rows.id][: int(values[argument.count.id])]
    if not isinstance(argument, ListValue):
        return argument.value
    length = int(values[argument.length.id])
    items: list[Any] = [None] * length
    if argument.buffer is not None:
        items = list(values[argument.buffer.id][:length])
    elif argument.pushed is not None:
        items = [values[argument.pushed.id]] * length
    return TensorList(argument.dtype, UNKNOWN, items)


def _is_needed(arg: Any, matter: Collection[int]) -> bool:
    """True if an argument is to be computed: it matters, takes nothing to compute, or cannot be replaced."""
    if not isinstance(arg, Node) or arg.id in matter or arg.kind == "constant":
        return True
    if arg.kind == "reshape":  # the condition may have been simplified to one of what is reshaped
        return _is_needed(arg.args[0], matter)
    return arg.dtype == dtypes.resource or not all(isinstance(d, int) for d in arg.shape)


def _zeros(node: Node) -> HostValue:
    return HostValue("does not matter", np.zeros(node.shape, node.dtype.np))


def _ancestors(nodes: Sequence[Node], known: Collection[int] = ()) -> dict[int, Node]:
    """The nodes that nodes depend on, their own among them, by id; not those through nodes that are known."""
    ancestors: dict[int, Node] = {}
    pending = list(nodes)
    while pending:
        node = pending.pop()
        if node.id not in ancestors and node.id not in known:
            ancestors[node.id] = node
            pending += node.args
    return ancestors
