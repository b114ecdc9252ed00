"""Runs a Function in NumPy: the reference for every later stage, and the device `reference`.

Denormal numbers stay, unless the caller has them taken for zeros (`slots.CALL_FLUSHING`), as computations are.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.ir.function import Function
from penstock._src.ir.node import Node
from penstock._src.ir.primitives import PRIMITIVES
from penstock._src.util.process.quiet import quiet


@quiet
def evaluate_node(node: Node, args: Sequence[Any]) -> Any:
    """The value of one node, given its arguments' values."""
    if node.kind == "while":
        return _while(node, args)
    if node.kind == "case":
        index, branches = int(args[0]), node.attrs["branches"]
        chosen = branches[index] if 0 <= index < len(branches) else branches[-1]
        return run(chosen, args[1:])[0]
    result = PRIMITIVES[node.kind].evaluate(args, node)
    return result if isinstance(result, list) else np.asarray(result)


def run(function: Function, arguments: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """The function's results, and the new values of the variables in `function.updates`, for these arguments.

    For a parameter of dtype resource the argument is the variable's array.
    """
    values: dict[int, Any] = {}
    for parameter, argument in zip(function.parameters, arguments, strict=True):
        values[parameter.id] = argument
    for node in function.nodes():
        if node.id in values:
            continue
        if node.kind == "read":
            values[node.id] = values[node.args[0].id]
        else:
            try:
                values[node.id] = evaluate_node(node, [values[a.id] for a in node.args])
            except InvalidArgumentError as error:
                error._origin = error._origin or node.origin
                raise
    for check in function.checks:
        if not values[check.condition.id]:
            raise check.error()
    results = [values[r.id] for r in function.results]
    return results, [values[v.id] for _, v in function.updates]


def _while(node: Node, args: Sequence[Any]) -> list[Any]:
    carried = node.attrs["carried"]
    state, outer = list(args[:carried]), list(args[carried:])
    while run(node.attrs["cond"], [*state, *outer])[0][0]:
        state = run(node.attrs["body"], [*state, *outer])[0]
    return state
