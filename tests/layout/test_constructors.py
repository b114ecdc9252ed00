"""Objects of the compiler are whole once they are made: constructors set every attribute, and call no method of their own.

What a kernel's code is chosen by is a record, so that it can be printed, compared and tested without writing code.
"""

import ast
import importlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("compiler", "devices", "native")


@cache
def classes_of(module: str) -> dict[str, ast.ClassDef]:
    """The classes of a module, by name."""
    path = Path(importlib.import_module(module).__file__ or "")
    tree = ast.parse(path.read_text())
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}


def methods_of(node: ast.ClassDef) -> dict[str, ast.FunctionDef]:
    return {f.name: f for f in node.body if isinstance(f, ast.FunctionDef)}


def attributes_set(function: ast.AST) -> set[str]:
    """The attributes of itself that a method sets."""
    return {
        node.attr
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    }


def methods_called(function: ast.AST) -> set[str]:
    """The attributes of itself that a method calls."""
    return {
        node.func.attr
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "self"
    }


def bases_of(module: str, name: str) -> Iterator[ast.ClassDef]:
    """A class and those of its bases that the package has."""
    kind = getattr(importlib.import_module(module), name, None)
    for base in getattr(kind, "__mro__", ()):
        if base.__module__.startswith("penstock"):
            found = classes_of(base.__module__).get(base.__name__)
            if found is not None:
                yield found


def declared(node: ast.ClassDef) -> set[str]:
    """The attributes that a class has from the beginning."""
    fields = {
        s.target.id
        for s in node.body
        if isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name)
    }
    names = {
        target.id
        for s in node.body
        if isinstance(s, ast.Assign)
        for target in s.targets
        if isinstance(target, ast.Name)
    }
    constructor = methods_of(node).get("__init__")
    return fields | names | (attributes_set(constructor) if constructor else set())


def offences(module: str) -> Iterator[str]:
    for name, node in classes_of(module).items():
        family = list(bases_of(module, name)) or [node]
        known = set().union(*map(declared, family))
        own = set().union(*[methods_of(base) for base in family])
        for method in methods_of(node).values():
            late = attributes_set(method) - known - own
            if late:
                yield f"{module}.{name}.{method.name} sets {sorted(late)} first"
        constructor = methods_of(node).get("__init__")
        called = methods_called(constructor) & own if constructor else set()
        if called:
            yield f"{module}.{name}.__init__ calls {sorted(called)}"


def test_constructors_make_whole_objects():
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for folder in FOLDERS
        for path in sorted((ROOT / "penstock" / "_src" / folder).rglob("*.py"))
        if path.name != "__init__.py"
    ]
    assert [offence for module in modules for offence in offences(module)] == []
