"""What the files of the package import."""

import ast
from collections.abc import Iterator
from typing import NamedTuple

from tests.layout.sources import SourceFile, fact

PREFIX = "penstock._src."


class Import(NamedTuple):
    """A name that a file imports."""

    line: int
    target: str  # dotted, without leading dots
    in_function: bool
    has_reason: bool  # a comment on the line, or above it and the imports beside it


@fact("penstock/_src")
def imports(file: SourceFile) -> list[Import]:
    """Every import, also inside functions, those for type checkers, and those of names (`ByName`)."""
    package = tuple(file.path.split("/")[:-1])
    lines = file.text.splitlines()

    def walk(node: ast.AST, in_function: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import | ast.ImportFrom):
                has_reason = in_function and _has_reason(lines, child.lineno - 1)
                for target in _targets(child, package):
                    yield Import(child.lineno, target, in_function, has_reason)
            elif isinstance(child, ast.Call) and ast.unparse(child.func) == "ByName":
                yield Import(child.lineno, _named(child, package), True, True)
            elif not isinstance(child, ast.expr) or isinstance(child, ast.Call | ast.Dict):
                enters = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
                yield from walk(child, in_function or enters)

    return list(walk(file.tree, False))


def _targets(node: ast.Import | ast.ImportFrom, package: tuple[str, ...]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    base = package[: len(package) - node.level + 1] if node.level else ()
    stem = ".".join((*base, *filter(None, [node.module])))
    yield from (f"{stem}.{alias.name}" for alias in node.names)


def _named(call: ast.Call, package: tuple[str, ...]) -> str:
    """What `ByName("package.module", "name")` imports; the module may be f"{__package__}.module"."""
    module, name = [ast.unparse(each).removeprefix("f").strip("'\"") for each in call.args]
    return f"{module.replace('{__package__}', '.'.join(package))}.{name}"


def _has_reason(lines: list[str], at: int) -> bool:
    while lines[at].lstrip().startswith(("import ", "from ")) and "  # " not in lines[at]:
        at -= 1
    return "# " in lines[at]
