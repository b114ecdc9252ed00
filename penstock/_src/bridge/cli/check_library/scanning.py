"""The names of TensorFlow in Python files, found in their syntax trees."""

from __future__ import annotations

import ast
import collections
from collections.abc import Iterable, Mapping
from typing import NamedTuple

ROOT = "tensorflow"


class Place(NamedTuple):
    """A position at which a name is used.

    Attributes:
      file: its path.
      line: from 1.
      is_guarded: whether it is in the body of a `try`, so that the library goes on without it.
    """

    file: str
    line: int
    is_guarded: bool

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def parsed(files: Iterable[tuple[str, bytes]]) -> tuple[dict[str, ast.Module], list[str]]:
    """Returns the trees of files by their paths, and why others have none: those that are not Python of this version.

    Args:
      files: (path, contents).
    """
    trees, unread = {}, []
    for path, contents in files:
        try:
            trees[path] = ast.parse(contents)
        except (SyntaxError, ValueError, RecursionError) as error:
            line = getattr(error, "lineno", None)
            unread.append(f"{path}{f':{line}' if line else ''}: {getattr(error, 'msg', error)}")
    return trees, unread


def uses_in(trees: Mapping[str, ast.Module]) -> dict[str, list[Place]]:
    """Returns the full names that files use, such as `tensorflow.nn.relu`, and where.

    Args:
      trees: of the files, by their paths.
    """
    places: dict[str, list[Place]] = collections.defaultdict(list)
    for path, tree in trees.items():
        _Scan(path, places).visit(tree)
    return dict(places)


class _Scan(ast.NodeVisitor):
    """Walks a file; `names` maps its variables to the full names of TensorFlow that are assigned to them."""

    def __init__(self, path: str, places: dict[str, list[Place]]) -> None:
        self.path, self.found = path, places
        self.names: dict[str, str] = {}
        self.depth = 0  # nesting depth of bodies of `try`

    def generic_visit(self, node: ast.AST) -> None:
        """Visits the children of a node in order; without recursion, since a sum of hundreds of terms is hundreds of nodes deep."""
        pending = [node]
        while pending:
            for each in reversed(list(ast.iter_child_nodes(pending.pop()))):
                pending.append(each)
            while pending and hasattr(self, f"visit_{type(pending[-1]).__name__}"):
                self.visit(pending.pop())

    def use(self, name: str, node: ast.AST) -> None:
        self.found[name].append(Place(self.path, getattr(node, "lineno", 0), self.depth > 0))

    def visit_Import(self, node: ast.Import) -> None:
        for each in node.names:
            if each.name.split(".")[0] == ROOT:
                self.use(each.name, node)
                self.names[each.asname or ROOT] = each.name if each.asname else ROOT
            else:
                self.names.pop(each.asname or each.name.partition(".")[0], None)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        is_theirs = not node.level and module.split(".")[0] == ROOT
        for each in node.names:
            if is_theirs and each.name == "*":
                self.use(module, node)
            elif is_theirs:
                self.use(f"{module}.{each.name}", node)
                self.names[each.asname or each.name] = f"{module}.{each.name}"
            else:  # a compatibility module of the library's own may have this name
                self.names.pop(each.asname or each.name, None)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        chain: list[str] = []
        inner: ast.expr = node
        while isinstance(inner, ast.Attribute):
            chain.append(inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name) and inner.id in self.names:
            if isinstance(node.ctx, ast.Load):
                self.use(".".join([self.names[inner.id], *reversed(chain)]), node)
            return
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        """`keras = tf.keras` binds a name, and any other value of it hides one."""
        self.visit(node.value)
        for target in node.targets:
            if isinstance(target, ast.Name):
                value = self._full_name(node.value)
                if value is not None:
                    self.names[target.id] = value
                else:
                    self.names.pop(target.id, None)
            else:
                self.visit(target)

    def _full_name(self, value: ast.expr) -> str | None:
        chain: list[str] = []
        while isinstance(value, ast.Attribute):
            chain.append(value.attr)
            value = value.value
        if isinstance(value, ast.Name) and value.id in self.names:
            return ".".join([self.names[value.id], *reversed(chain)])
        return None

    def visit_Try(self, node: ast.Try) -> None:
        self.depth += bool(node.handlers)
        for each in node.body:
            self.visit(each)
        self.depth -= bool(node.handlers)
        for each in [*node.handlers, *node.orelse, *node.finalbody]:
            self.visit(each)
