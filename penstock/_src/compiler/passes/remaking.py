"""Functions rebuilt with some nodes replaced."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from penstock._src.ir.function import Function
from penstock._src.ir.node import Node

# (the builder, a node, its arguments as they are now) -> what stands in its place; None: the node over these arguments
Replace = Callable[[Any, Node, Sequence[Node]], Node | None]


def remade(function: Function, parameters: Sequence[Node], instead: Replace) -> Function:
    """Return a function over other parameters. The first of them replace its own."""
    p: Any = function.roots[0].builder
    copies = {old.id: new for old, new in zip(function.parameters, parameters)}
    origin = p.origin
    for node in function.nodes():
        if node.id in copies:
            continue
        args = [copies[a.id] for a in node.args]
        p.origin = node.origin
        copy = instead(p, node, args)
        if copy is None:
            is_same = all(a is b for a, b in zip(args, node.args))
            copy = node if is_same else p.make(node.kind, args, **node.attrs)
        copies[node.id] = copy
    p.origin = origin
    return replace(
        function,
        parameters=tuple(parameters),
        results=tuple([copies[r.id] for r in function.results]),
        updates=tuple([(copies[h.id], copies[v.id]) for h, v in function.updates]),
        checks=tuple([replace(c, condition=copies[c.condition.id]) for c in function.checks]),
        exchanges=tuple([copies[e.id] for e in function.exchanges]),
    )
