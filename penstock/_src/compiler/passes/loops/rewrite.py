"""Finds loops and replaces them by rewritten ones."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from penstock._src.compiler.passes.loops.counters import count_steps
from penstock._src.compiler.passes.loops.loop import OpenLoop
from penstock._src.compiler.passes.loops.rows import move_rows_out
from penstock._src.ir.function import Function, reachable
from penstock._src.ir.node import Node


def loops(function: Function) -> Function:
    """Rewrites the counted loops of a function, and rebuilds the nodes that depend on them."""
    if not any(n.kind == "while" for n in function.nodes()):
        return function
    p = function.roots[0].builder
    origin, p.origin = p.origin, None
    roots = rewritten(p, function.roots, 0)
    p.origin = origin
    results, updates = len(function.results), len(function.updates)
    checked = results + updates + len(function.checks)
    return replace(
        function,
        results=tuple(roots[:results]),
        updates=tuple(
            [(h, v) for (h, _), v in zip(function.updates, roots[results : results + updates])]
        ),
        checks=tuple(
            [replace(c, condition=v) for c, v in zip(function.checks, roots[results + updates :])]
        ),
        exchanges=tuple(roots[checked:]),
    )


def rewritten(p: Any, roots: Sequence[Node], depth: int) -> list[Node]:
    """The roots, with the loops that they depend on rewritten; nodes of functions further out than `depth` stay."""
    nodes = reachable(roots)
    used: dict[int, list[int]] = {}
    for node in nodes:
        if node.kind == "item" and node.args[0].kind == "while":
            used.setdefault(node.args[0].id, []).append(node.attrs["index"])
    replacements: dict[int, Node] = {}
    finals: dict[int, dict[int, Node]] = {}
    for node in nodes:
        # A node of an enclosing function is rewritten there.
        if node.depth < depth:
            replacements[node.id] = node
            continue
        if node.kind == "item" and node.args[0].id in finals:
            replacements[node.id] = finals[node.args[0].id][node.attrs["index"]]
            continue
        args = [replacements[a.id] for a in node.args]
        same = all(a is b for a, b in zip(args, node.args))
        p.origin = node.origin
        remade = node if same else p.make(node.kind, args, **node.attrs)
        replacements[node.id] = remade
        if node.kind == "while":
            finals[node.id] = _rewrite(p, remade, sorted(used.get(node.id, [])))
    return [replacements[r.id] for r in roots]


def _rewrite(p: Any, node: Node, used: list[int]) -> dict[int, Node]:
    """The values after a loop with the indices `used`."""
    loop = OpenLoop.of(p, node)
    with p.deeper():
        roots = [loop.condition, *[s.result for s in loop.states]]
        # Inner loops first, so that a product moved out of one may move further out.
        if any(n.kind == "while" for n in loop.nodes()):
            roots = rewritten(p, roots, p.depth)
            loop.condition = roots[0]
            for state, result in zip(loop.states, roots[1:]):
                state.result = result
    if count_steps(loop):
        move_rows_out(loop, used)
    return loop.emit(used)
