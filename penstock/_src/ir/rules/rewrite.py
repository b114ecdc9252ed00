"""Rules, and their application while nodes are made."""

from collections.abc import Callable, Iterable
from typing import Any

from penstock._src.ir.build.maker import NodeMaker
from penstock._src.ir.node import Node
from penstock._src.ir.rules.pattern import Bindings, Pattern
from penstock._src.util.dataclass import dataclass


@dataclass(frozen=True)
class Rule:
    """One simplification, named by its equation. `build(p, node, **variables)` makes the right-hand side, or None."""

    name: str
    pattern: Pattern
    build: Callable[..., Node | None]
    when: Callable[..., bool] | None = None

    def apply(self, p: NodeMaker, node: Node) -> Node | None:
        """The replacement of the node, or None if the rule does not apply."""
        bindings: Bindings = {}
        if not self.pattern.match(node, bindings):
            return None
        if self.when is not None and not self.when(node, **bindings):
            return None
        return self.build(p, node, **bindings)


def rule(
    name: str,
    pattern: Pattern,
    build: Callable[..., Node | None],
    when: Callable[..., bool] | None = None,
) -> Rule:
    """A rule; its name is its equation, such as "x + 0 -> x"."""
    return Rule(name, pattern, build, when)


class RuleSet:
    """Rules found by the kind and operation of the node they start with."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        self.by_head: dict[tuple[str, Any], list[Rule]] = {}
        for each in self.rules:
            if each.pattern.heads is None:
                raise ValueError(f"the rule {each.name!r} must start with a kind")
            for head in each.pattern.heads:
                self.by_head.setdefault(head, []).append(each)

    def __call__(self, p: NodeMaker, node: Node, hits: dict[str, int]) -> Node | None:
        """The node's replacement by the first rule that applies, or None. `hits` counts applications by rule."""
        op = node.attrs.get("op")
        for head in (
            ((node.kind, op), (node.kind, None)) if op is not None else ((node.kind, None),)
        ):
            for each in self.by_head.get(head, ()):
                result = each.apply(p, node)
                if result is not None and result is not node:
                    hits[each.name] = hits.get(each.name, 0) + 1
                    return result
        return None
