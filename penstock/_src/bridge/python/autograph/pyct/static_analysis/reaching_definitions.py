"""Definitions that a name may refer to: `tensorflow.python.autograph.pyct.static_analysis.reaching_definitions`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gast

from penstock._src.bridge.python.autograph.pyct import anno, cfg


class Definition:
    """A definition of a name; `param_of` is a weak reference to the function whose parameter it is."""

    def __init__(self) -> None:
        self.param_of: Any = None
        self.directives: dict[Any, Any] = {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}[{id(self)}]"


class Analyzer(cfg.GraphVisitor):
    """Finds the definitions of names that may hold before and after each node.

    Args:
      graph: the graph of a function.
      definition_factory: makes a definition.
    """

    def __init__(self, graph: cfg.Graph, definition_factory: Callable[[], Any]) -> None:
        self.factory = definition_factory
        self.made: dict[cfg.Node, dict[Any, Any]] = {}
        super().__init__(graph)

    def init_state(self, node: cfg.Node) -> Any:
        return {}

    def _generated(self, node: cfg.Node, scope: Any) -> dict[Any, Any]:
        """The definitions that a node makes, the same at each visit."""
        if node not in self.made:
            definitions = self.made[node] = {}
            for name in sorted(scope.modified - scope.deleted, key=str):
                definitions[name] = self.factory()
            if isinstance(node.ast_node, gast.Global | gast.Nonlocal):
                definitions.update(
                    {name: self.factory() for name in scope.globals | scope.nonlocals}
                )
            for name, owner in scope.params.items():
                definitions[name] = self.factory()
                definitions[name].param_of = owner
        return self.made[node]

    def visit_node(self, node: cfg.Node) -> bool:
        before = self.out[node]
        arriving: dict[Any, frozenset[Any]] = {}
        for previous in node.prev:
            for name, definitions in self.out[previous].items():
                arriving[name] = arriving.get(name, frozenset()) | definitions
        leaving = dict(arriving)
        scope = anno.getanno(node.ast_node, anno.Static.SCOPE, None)
        if scope is not None:
            for name in scope.modified | scope.deleted:
                leaving.pop(name, None)
            for name, definition in self._generated(node, scope).items():
                leaving[name] = frozenset((definition,))
        self.in_[node], self.out[node] = arriving, leaving
        return before != leaving


class _Annotator(gast.NodeVisitor):
    """Annotates the names of one function's statements."""

    def __init__(self, analyzer: Analyzer) -> None:
        self.analyzer = analyzer
        self.node: cfg.Node | None = None

    def annotate(self) -> None:
        for ast_node, node in self.analyzer.graph.index.items():
            self.node = node
            self.visit(ast_node)

    def visit_Name(self, node: Any) -> None:
        assert self.node is not None
        state = self.analyzer.in_ if isinstance(node.ctx, gast.Load) else self.analyzer.out
        name = anno.getanno(node, anno.Basic.QN)
        definitions = state[self.node].get(name, ())
        anno.setanno(node, anno.Static.DEFINITIONS, tuple(definitions))

    def visit_FunctionDef(self, node: Any) -> None:
        for part in (*node.decorator_list, *node.args.defaults):
            self.visit(part)

    def visit_Lambda(self, node: Any) -> None:
        for part in node.args.defaults:
            self.visit(part)

    def visit_ClassDef(self, node: Any) -> None:
        for part in (*node.decorator_list, *node.bases):
            self.visit(part)


def resolve(
    node: Any,
    source_info: Any,
    graphs: dict[Any, cfg.Graph],
    definition_factory: Callable[[], Any] = Definition,
) -> Any:
    """Annotates names with their definitions, and control statements with the names that are defined before them.

    Args:
      node: a tree with scopes.
      source_info: the context of the tree.
      graphs: those of `cfg.build`.
      definition_factory: makes a definition.
    """
    del source_info
    for graph in graphs.values():
        analyzer = Analyzer(graph, definition_factory)
        analyzer.visit_forward()
        annotator = _Annotator(analyzer)
        annotator.annotate()
        for statement, preceding in graph.stmt_prev.items():
            names = frozenset(name for n in preceding for name in analyzer.out[n])
            anno.setanno(statement, anno.Static.DEFINED_VARS_IN, names)
            if isinstance(statement, gast.For):
                annotator.node = graph.index[statement.iter]
                annotator.visit(statement.target)
    return node
