"""Names that are read later: `tensorflow.python.autograph.pyct.static_analysis.liveness`."""

from __future__ import annotations

from typing import Any

import gast

from penstock._src.bridge.python.autograph.pyct import anno, cfg
from penstock._src.bridge.python.autograph.pyct.static_analysis.annos import NodeAnno


class Analyzer(cfg.GraphVisitor):
    """Finds the names that are read from each node on before they are assigned.

    Args:
      graph: the graph of a function.
      include_annotations: whether names in type annotations count.
    """

    def __init__(self, graph: cfg.Graph, include_annotations: bool) -> None:
        self.include_annotations = include_annotations
        super().__init__(graph)

    def init_state(self, node: cfg.Node) -> Any:
        return frozenset()

    def visit_node(self, node: cfg.Node) -> bool:
        before = self.in_[node]
        live_out = frozenset().union(*(self.in_[n] for n in node.next))
        live_in = live_out
        scope = anno.getanno(node.ast_node, anno.Static.SCOPE, None)
        if scope is not None:
            read = scope.read if self.include_annotations else scope.read - scope.annotations
            live_in = read | (live_out - scope.modified - scope.deleted)
            for function in anno.getanno(node.ast_node, anno.Static.DEFINED_FNS_IN, ()):
                # A lambda is taken to be called only where it is written.
                if not isinstance(function, gast.Lambda):
                    own_scope = anno.getanno(function, NodeAnno.ARGS_AND_BODY_SCOPE)
                    live_in = live_in | (own_scope.read - own_scope.bound)
        self.out[node], self.in_[node] = live_out, frozenset(live_in)
        return before != self.in_[node]


def resolve(
    node: Any, source_info: Any, graphs: dict[Any, cfg.Graph], include_annotations: bool = True
) -> Any:
    """Annotates control statements with the names that are live before and after them.

    Args:
      node: a tree with scopes and the definitions of functions.
      source_info: the context of the tree.
      graphs: those of `cfg.build`.
      include_annotations: whether names in type annotations count.
    """
    del source_info
    for graph in graphs.values():
        analyzer = Analyzer(graph, include_annotations)
        analyzer.visit_reverse()
        for statement, following in graph.stmt_next.items():
            live = frozenset().union(*(analyzer.in_[n] for n in following))
            anno.setanno(statement, anno.Static.LIVE_VARS_OUT, live)
            first = _first(statement, graph)
            if first is not None:
                anno.setanno(statement, anno.Static.LIVE_VARS_IN, analyzer.in_[first])
        for ast_node, cfg_node in graph.index.items():
            if isinstance(ast_node, gast.Expr):
                anno.setanno(ast_node, anno.Static.LIVE_VARS_OUT, analyzer.out[cfg_node])
            if isinstance(ast_node, gast.stmt):
                anno.setanno(ast_node, anno.Static.LIVE_VARS_IN, analyzer.in_[cfg_node])
    return node


def _first(statement: Any, graph: cfg.Graph) -> cfg.Node | None:
    """The first node of a statement."""
    for inner in _in_order(statement):
        if inner in graph.index:
            return graph.index[inner]
    return None


def _in_order(statement: Any) -> Any:
    if isinstance(statement, gast.For):
        parts = [statement.iter]
    elif isinstance(statement, gast.If | gast.While):
        parts = [statement.test]
    elif isinstance(statement, gast.With):
        parts = list(statement.items)
    else:
        parts = list(getattr(statement, "body", ()))
    for part in parts:
        yield part
        if isinstance(part, gast.stmt):
            yield from _in_order(part)
