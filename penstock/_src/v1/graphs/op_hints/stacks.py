"""Removes stacks of values that were just unstacked, as consecutive fused parts leave them."""

from __future__ import annotations

from typing import Any

from penstock._src.proto.graph import GraphDef

from .calls import Summary, base_name


def without_redundant_stacks(graph_def: Any) -> Any:
    """Returns the GraphDef without pairs of unstack and stack that only identities stand between."""
    current: Any = None
    following = graph_def
    while following is not None:
        current, following = following, _without_one(following)
    return current


def _without_one(graph_def: Any) -> Any:
    """Return the GraphDef without the first such pair; None if there is no pair."""
    summary = Summary(graph_def)
    for node in graph_def.node:
        if node.op == "Pack":
            pair = _pair(base_name(node.name), summary)
            if pair is not None:
                return _removed(graph_def, summary, *pair)
    return None


def _pair(stack: str, summary: Summary) -> tuple[str, str, set[str]] | None:
    """The stack, the node that takes its input apart, and all nodes from there to here."""
    pending, visited, unstacks = [stack], set(), set()
    while pending:
        name = pending.pop(0)
        visited.add(name)
        op = summary.nodes[name].op
        if op in ("Identity", "Pack"):
            pending += [source for source in summary.sources[name] if source not in visited]
        elif op == "Unpack":
            unstacks.add(name)
        else:
            return None
    if len(unstacks) != 1 or not _is_private(visited, stack, summary):
        return None
    return stack, unstacks.pop(), visited


def _is_private(names: set[str], stack: str, summary: Summary) -> bool:
    """True if only the stack reads these nodes."""
    inner = names - {stack}
    return all(
        name in names or inner.isdisjoint(sources) for name, sources in summary.sources.items()
    )


def _removed(graph_def: Any, summary: Summary, stack: str, unstack: str, gone: set[str]) -> Any:
    source = summary.nodes[unstack].input[0]
    result = GraphDef(library=graph_def.library, versions=graph_def.versions)
    for node in graph_def.node:
        if base_name(node.name) not in gone:
            copy = result.node.add()
            copy.CopyFrom(node)
            copy.input[:] = [source if base_name(text) == stack else text for text in node.input]
    return result
