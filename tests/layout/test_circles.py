"""Files import one another in one direction, those for type checkers included; imports inside functions give their reason."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SRC = Path(__file__).resolve().parents[2] / "penstock" / "_src"
PREFIX = "penstock._src."


class Import(NamedTuple):
    """An import of one of our files by another, by their paths below `_src`."""

    source: str
    target: str
    line: int
    in_function: bool


def module_of(path: Path) -> str:
    parts = path.relative_to(SRC).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_of(path): path for path in SRC.rglob("*.py")}


def targets(node: ast.Import | ast.ImportFrom, source: str) -> Iterator[str]:
    """The modules that a statement in `source` imports, as far as they are ours."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    else:
        package = PREFIX + (source if FILES[source].name == "__init__.py" else parent(source))
        for _ in range(node.level - 1):
            package = parent(package)
        stem = ".".join(filter(None, [package if node.level else "", node.module]))
        names = [f"{stem}.{alias.name}" for alias in node.names]
    for name in names:
        if name.startswith(PREFIX):
            name = name.removeprefix(PREFIX)
            found = name if name in FILES else parent(name)
            if found in FILES and found != source:
                yield found


def parent(module: str) -> str:
    return module.rpartition(".")[0]


def imports_of(source: str) -> Iterator[Import]:
    def walk(node: ast.AST, in_function: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import | ast.ImportFrom):
                for target in targets(child, source):
                    yield Import(source, target, child.lineno, in_function)
            enters = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from walk(child, in_function or enters)

    yield from walk(ast.parse(FILES[source].read_text()), False)


IMPORTS = [found for source in sorted(FILES) for found in imports_of(source)]


def circles(graph: dict[str, set[str]]) -> list[set[str]]:
    """The strongly connected components of more than one node (Tarjan 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[set[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph.get(node, ())):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            at = stack.index(node)
            component = set(stack[at:])
            del stack[at:]
            if len(component) > 1:
                found.append(component)

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def test_no_files_import_in_a_circle():
    graph: dict[str, set[str]] = {}
    for found in IMPORTS:
        if not found.in_function:
            graph.setdefault(found.source, set()).add(found.target)
    assert circles(graph) == []


def test_imports_inside_functions_give_their_reason():
    """In a comment on the line of the import, or above it and the imports beside it."""
    bare = []
    for found in IMPORTS:
        if found.in_function:
            lines = FILES[found.source].read_text().splitlines()
            at = found.line - 1
            while lines[at].lstrip().startswith(("import ", "from ")) and "  # " not in lines[at]:
                at -= 1
            if "# " not in lines[at]:
                bare.append(f"{found.source}:{found.line} imports {found.target}")
    assert not bare
