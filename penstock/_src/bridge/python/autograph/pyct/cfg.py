"""Control flow graphs of functions: `tensorflow.python.autograph.pyct.cfg`.

A graph's nodes are simple statements and the expressions that control statements evaluate. Statements of a `try` are taken to be
followed by its handlers at their end, and where they raise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Any

import gast

from penstock._src.bridge.python.autograph.pyct import parser


class Node:
    """A node: its neighbors, and its statement or expression."""

    def __init__(self, ast_node: Any) -> None:
        self.ast_node = ast_node
        self.next: set[Node] = set()
        self.prev: set[Node] = set()

    def __repr__(self) -> str:
        node = self.ast_node
        if isinstance(node, gast.FunctionDef):
            return f"def {node.name}({parser.unparse(node.args, include_encoding_marker=False)})"
        if isinstance(node, gast.ClassDef):
            return f"class {node.name}"
        if isinstance(node, gast.withitem):
            node = node.context_expr
        return parser.unparse(node, include_encoding_marker=False).strip()


class Graph:
    """The control flow of one function.

    Args:
      entry: its arguments.
      exit: the nodes after which it ends.
      error: those of them that raise.
      index: {statement or expression: node}.
      stmt_prev: {control statement: nodes that come before it}.
      stmt_next: {control statement: nodes that come after it}.
    """

    def __init__(
        self,
        entry: Node,
        exit: frozenset[Node],
        error: frozenset[Node],
        index: dict[Any, Node],
        stmt_prev: dict[Any, frozenset[Node]],
        stmt_next: dict[Any, frozenset[Node]],
    ) -> None:
        self.entry, self.exit, self.error, self.index = entry, exit, error, index
        self.stmt_prev, self.stmt_next = stmt_prev, stmt_next

    def __repr__(self) -> str:
        return self.as_dot()

    def as_dot(self) -> str:
        """Returns the graph in the language of Graphviz."""
        nodes = list(self.index.values())
        lines = [f'  {id(n)} [label="{n}"];' for n in nodes]
        lines += [f"  {id(n)} -> {id(after)};" for n in nodes for after in n.next]
        return "digraph CFG {\n" + "\n".join(lines) + "\n}"


class _WalkMode(Enum):
    FORWARD = 1
    REVERSE = 2


class GraphVisitor:
    """An analysis over a graph: `visit_node` says whether the neighbors are visited again.

    Args:
      graph: the graph.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.reset()

    def init_state(self, node: Node) -> Any:
        """Returns the state of a node before the first visit."""
        raise NotImplementedError("Subclasses must implement this.")

    def visit_node(self, node: Node) -> bool:
        """Visits a node; returns True if the result differs from the previous visit."""
        raise NotImplementedError("Subclasses must implement this.")

    def reset(self) -> None:
        """Forgets all states."""
        nodes = self.graph.index.values()
        self.in_ = {node: self.init_state(node) for node in nodes}
        self.out = {node: self.init_state(node) for node in nodes}

    def can_ignore(self, node: Node) -> bool:
        """True if a node neither reads nor defines anything."""
        return isinstance(
            node.ast_node, gast.Break | gast.Continue | gast.Pass | gast.Global | gast.Nonlocal
        )

    def _visit(self, mode: _WalkMode) -> None:
        forward = mode is _WalkMode.FORWARD
        pending = [self.graph.entry] if forward else list(self.graph.exit)
        visited: set[Node] = set()
        while pending:
            node = pending.pop(0)
            visited.add(node)
            again = self.visit_node(node)
            for neighbor in node.next if forward else node.prev:
                if (again or neighbor not in visited) and neighbor not in pending:
                    pending.append(neighbor)

    def visit_forward(self) -> None:
        """Visits the nodes from the entry on."""
        self._visit(_WalkMode.FORWARD)

    def visit_reverse(self) -> None:
        """Visits the nodes from the exits on, against the flow."""
        self._visit(_WalkMode.REVERSE)


class _Loop:
    """A loop around statements: the nodes that break out of it, and its node, to which `continue` leads."""

    def __init__(self, start: Node) -> None:
        self.start = start
        self.broken: set[Node] = set()


class _Handlers:
    """The handlers of a `try` around statements: the nodes that raise there."""

    def __init__(self) -> None:
        self.raising: set[Node] = set()


class _Finally:
    """A `finally` around statements: the nodes that jump out of them, by kind."""

    def __init__(self) -> None:
        self.jumps: dict[str, set[Node]] = {}


class _Builder:
    """Builds the graph of one function. `leaves` are the nodes that the next one follows."""

    def __init__(self, graphs: dict[Any, Graph]) -> None:
        self.graphs = graphs
        self.index: dict[Any, Node] = {}
        self.leaves: set[Node] = set()
        self.around: list[Any] = []
        self.exits: set[Node] = set()
        self.errors: set[Node] = set()
        self.inside: dict[Any, set[Node]] = {}  # nodes within control statements
        self.open: list[set[Node]] = []

    def function(self, function: Any) -> None:
        """Adds the graph of a function or lambda."""
        entry = self._add(function.args)
        if isinstance(function, gast.Lambda):
            self._expression(function.body)
        else:
            self._block(function.body)
        exits = frozenset(self.exits | self.leaves)
        before, after = {}, {}
        for statement, nodes in self.inside.items():
            before[statement] = frozenset(p for n in nodes for p in n.prev if p not in nodes)
            after[statement] = frozenset(p for n in nodes for p in n.next if p not in nodes)
        self.graphs[function] = Graph(
            entry, exits, frozenset(self.errors), self.index, before, after
        )

    def _add(self, ast_node: Any) -> Node:
        """Adds a node after the leaves, and makes it the only leaf."""
        node = self.index[ast_node] = Node(ast_node)
        for leaf in self.leaves:
            self._connect(leaf, node)
        self.leaves = {node}
        for nodes in self.open:
            nodes.add(node)
        return node

    @staticmethod
    def _connect(before: Node, after: Node) -> None:
        before.next.add(after)
        after.prev.add(before)

    def _expression(self, expression: Any) -> Node:
        """Adds a node for an expression or simple statement, after those of the lambdas in it."""
        for function in _lambdas(expression):
            if function is not expression:
                self._add(function)
            _Builder(self.graphs).function(function)
        return self._add(expression)

    def _block(self, statements: Iterable[Any]) -> None:
        for statement in statements:
            self._statement(statement)

    def _statement(self, statement: Any) -> None:
        method = getattr(self, f"_{type(statement).__name__.lower()}", None)
        if method is not None:
            method(statement)
            return
        node = self._expression(statement)
        if isinstance(statement, gast.Return):
            self._jump("return", {node})
        elif isinstance(statement, gast.Raise):
            self._jump("raise", {node})
        elif isinstance(statement, gast.Break):
            self._jump("break", {node})
        elif isinstance(statement, gast.Continue):
            self._jump("continue", {node})

    def _jump(self, kind: str, nodes: set[Node]) -> None:
        """Leads nodes out of the statements around them, through every `finally` there."""
        if self.leaves <= nodes:
            self.leaves = set()
        for place in reversed(self.around):
            if isinstance(place, _Finally):
                place.jumps.setdefault(kind, set()).update(nodes)
                return
            if isinstance(place, _Handlers) and kind == "raise":
                place.raising |= nodes
            elif isinstance(place, _Loop) and kind == "break":
                place.broken |= nodes
                return
            elif isinstance(place, _Loop) and kind == "continue":
                for node in nodes:
                    self._connect(node, place.start)
                return
        self.exits |= nodes
        if kind == "raise":
            self.errors |= nodes

    def _control(self, statement: Any) -> set[Node]:
        """Begins a control statement; returns the set that the nodes in it are added to."""
        nodes = self.inside[statement] = set()
        self.open.append(nodes)
        return nodes

    def _functiondef(self, statement: Any) -> None:
        self._add(statement)
        _Builder(self.graphs).function(statement)

    def _classdef(self, statement: Any) -> None:
        self._add(statement)

    def _if(self, statement: Any) -> None:
        self._control(statement)
        test = self._expression(statement.test)
        self._block(statement.body)
        after = self.leaves
        self.leaves = {test}
        self._block(statement.orelse)
        self.leaves = self.leaves | after
        self.open.pop()

    def _loop(self, statement: Any, tested: Any) -> None:
        self._control(statement)
        start = self._expression(tested)
        loop = _Loop(start)
        self.around.append(loop)
        self._block(statement.body)
        self.around.pop()
        for leaf in self.leaves:
            self._connect(leaf, start)
        self.leaves = {start}
        self._block(statement.orelse)
        self.leaves = self.leaves | loop.broken
        self.open.pop()

    def _while(self, statement: Any) -> None:
        self._loop(statement, statement.test)

    def _for(self, statement: Any) -> None:
        self._loop(statement, statement.iter)

    def _with(self, statement: Any) -> None:
        self._control(statement)
        for item in statement.items:
            self._expression(item)
        self._block(statement.body)
        self.open.pop()

    def _try(self, statement: Any) -> None:
        self._control(statement)
        last = _Finally()
        if statement.finalbody:
            self.around.append(last)
        handlers = _Handlers()
        self.around.append(handlers)
        self._block(statement.body)
        self.around.pop()
        before = self.leaves | handlers.raising
        self._block(statement.orelse)
        after = self.leaves
        for handler in statement.handlers:
            self.leaves = set(before)
            self._control(handler)
            self._block(handler.body)
            self.open.pop()
            after = after | self.leaves
        self.leaves = after
        if statement.finalbody:
            self.around.pop()
            self.leaves = after.union(*last.jumps.values())
            self._block(statement.finalbody)
            ends = self.leaves
            for kind, nodes in last.jumps.items():
                if nodes:
                    self._jump(kind, set(ends))
            self.leaves = set(ends) if after else set()
        self.open.pop()


def _lambdas(node: Any) -> Iterator[Any]:
    """The outermost lambdas in an expression."""
    if isinstance(node, gast.Lambda):
        yield node
        return
    for child in gast.iter_child_nodes(node):
        yield from _lambdas(child)


class _Functions(gast.NodeVisitor):
    def __init__(self) -> None:
        self.graphs: dict[Any, Graph] = {}

    def visit_FunctionDef(self, node: Any) -> None:
        _Builder(self.graphs).function(node)

    visit_Lambda = visit_FunctionDef


def build(node: Any) -> dict[Any, Graph]:
    """Returns {function: its graph} for all functions and lambdas in a tree."""
    visitor = _Functions()
    visitor.visit(node)
    return visitor.graphs
