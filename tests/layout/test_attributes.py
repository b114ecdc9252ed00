"""What modules of the package take from each other is there, also in code that no test runs."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "penstock" / "_src").rglob("*.py"))


def modules_of(tree: ast.AST) -> dict[str, ModuleType]:
    """The modules of the package that a file imports, by the names that it gives them."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("penstock"):
            for alias in node.names:
                value = getattr(importlib.import_module(node.module), alias.name, None)
                if isinstance(value, ModuleType):
                    found[alias.asname or alias.name] = value
    return found


def bound_names(tree: ast.AST) -> set[str]:
    """The names that a file binds otherwise: parameters and variables, which may hide a module."""
    stored = {
        n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    return stored | {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}


def missing(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text())
    modules = modules_of(tree)
    for name in bound_names(tree):
        modules.pop(name, None)
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(ast.Name(owner), name) if owner in modules:
                if not hasattr(modules[owner], name):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}: {owner}.{name}"


def test_attributes_of_modules_exist():
    assert [each for path in FILES for each in missing(path)] == []
