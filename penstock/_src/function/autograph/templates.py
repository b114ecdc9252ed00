"""Code templates: syntax trees parsed from text."""

import ast
import functools


@functools.lru_cache(maxsize=256)
def _parsed(text: str) -> ast.Module:
    return ast.parse(text)


class _Fill(ast.NodeTransformer):
    """Replaces placeholder names by nodes."""

    def __init__(self, nodes: dict[str, ast.expr], blocks: dict[str, list[ast.stmt]]):
        self.nodes = nodes
        self.blocks = blocks

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self.nodes.get(node.id, node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST | list[ast.stmt]:
        if isinstance(node.value, ast.Name) and node.value.id in self.blocks:
            return self.blocks[node.value.id] or [ast.Pass()]
        return self.generic_visit(node)


def statements(
    text: str,
    at: ast.AST,
    blocks: dict[str, list[ast.stmt]] | None = None,
    **nodes: ast.expr,
) -> list[ast.stmt]:
    """Parses `text`; names in `nodes` and lone names in `blocks` are replaced; all on the line of `at`."""
    tree = _Copy().visit(_parsed(text))
    filled = _Fill(nodes, blocks or {}).visit(tree).body
    for statement in filled:
        _locate(statement, at)
    return filled


def expression(text: str, at: ast.AST, **nodes: ast.expr) -> ast.expr:
    """Like `statements`, for one expression."""
    (statement,) = statements(text, at, None, **nodes)
    assert isinstance(statement, ast.Expr)
    return statement.value


class _Copy(ast.NodeTransformer):
    def generic_visit(self, node: ast.AST) -> ast.AST:
        fields = {}
        for name, value in ast.iter_fields(node):
            if isinstance(value, list):
                value = [self.visit(item) if isinstance(item, ast.AST) else item for item in value]
            elif isinstance(value, ast.AST):
                value = self.visit(value)
            fields[name] = value
        return type(node)(**fields)


def _locate(node: ast.AST, at: ast.AST) -> None:
    """Sets the source location of nodes without one to the line where `at` begins."""
    if "lineno" in node._attributes and not hasattr(node, "lineno"):
        ast.copy_location(node, at)
        # Python counts the call of a method as of the line where its name ends: with the end of a loop, as of the loop's last line.
        node.end_lineno, node.end_col_offset = node.lineno, node.col_offset  # type: ignore[attr-defined]
    for child in ast.iter_child_nodes(node):
        _locate(child, at)


def load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


class Namer:
    """Makes names that are unused in the function."""

    def __init__(self, taken: set[str]):
        self.taken = taken
        self.made: set[str] = set()

    def new(self, root: str) -> str:
        name, count = root, 0
        while name in self.taken:
            count += 1
            name = f"{root}_{count}"
        self.taken.add(name)
        self.made.add(name)
        return name
