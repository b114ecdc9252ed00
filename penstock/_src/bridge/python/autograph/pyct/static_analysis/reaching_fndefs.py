"""Functions that are defined before a statement: `tensorflow.python.autograph.pyct.static_analysis.reaching_fndefs`."""

from __future__ import annotations

from typing import Any

import gast

from penstock._src.bridge.python.autograph.pyct import anno, cfg


class Analyzer(cfg.GraphVisitor):
    """Finds the definitions of functions that may have run before each node.

    Args:
      graph: the graph of a function.
      external: the definitions around the function.
    """

    def __init__(self, graph: cfg.Graph, external: frozenset[Any]) -> None:
        self.external = external
        super().__init__(graph)

    def init_state(self, node: cfg.Node) -> Any:
        return frozenset()

    def visit_node(self, node: cfg.Node) -> bool:
        before = self.out[node]
        reaching = self.external.union(*(self.out[p] for p in node.prev))
        self.in_[node] = reaching
        if isinstance(node.ast_node, gast.FunctionDef | gast.Lambda):
            reaching = reaching | {node.ast_node}
        self.out[node] = reaching
        return before != reaching


def resolve(node: Any, source_info: Any, graphs: dict[Any, cfg.Graph]) -> Any:
    """Annotates the statements of a tree with the functions that are defined before them."""
    del source_info
    around: dict[Any, Any] = {node: frozenset()}
    _annotate(node, graphs, around)
    return node


def _annotate(function: Any, graphs: dict[Any, cfg.Graph], around: dict[Any, Any]) -> None:
    analyzer = Analyzer(graphs[function], around[function])
    analyzer.visit_forward()
    for ast_node, node in graphs[function].index.items():
        anno.setanno(ast_node, anno.Static.DEFINED_FNS_IN, analyzer.in_[node])
    for ast_node in graphs[function].index:
        for inner in [ast_node, *gast.walk(ast_node)]:
            if inner in graphs and inner is not function and inner not in around:
                around[inner] = analyzer.in_[graphs[function].index[ast_node]]
                _annotate(inner, graphs, around)
