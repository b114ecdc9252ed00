"""What modules of the package take from each other is there, also in code that no test runs."""

import ast
import importlib
from types import ModuleType
from typing import NamedTuple

from tests.layout.sources import SourceFile, Tree, fact

SRC = "penstock/_src"
FORKS = "_src/util/process/forks.py"  # whose properties are free in a child of a fork


class Uses(NamedTuple):
    """The names that a file imports from modules of the package, and the attributes that it takes from them."""

    modules: set[str]
    names: dict[str, tuple[str, str]]  # name -> module and the name there
    attributes: dict[tuple[str, str], int]  # name and attribute -> line


@fact(SRC)
def uses(file: SourceFile) -> Uses:
    """Leaves out names that the file binds otherwise: parameters and variables, which may hide a module."""
    ours = [
        (node.module, alias)
        for node in file.of_kind(ast.ImportFrom)
        if node.module and node.module.startswith("penstock")
        for alias in node.names
    ]
    stored = {n.id for n in file.of_kind(ast.Name) if isinstance(n.ctx, ast.Store)}
    bound = stored | {n.arg for n in file.of_kind(ast.arg)}
    names = {alias.asname or alias.name: (module, alias.name) for module, alias in ours}
    names = {name: source for name, source in names.items() if name not in bound}
    attributes: dict[tuple[str, str], int] = {}
    for node in file.of_kind(ast.Attribute):
        if isinstance(node.value, ast.Name) and node.value.id in names:
            attributes.setdefault((node.value.id, node.attr), node.lineno)
    return Uses({module for module, _ in ours}, names, attributes)


def missing_attributes(tree: Tree) -> list[str]:
    """The attributes of modules that files use and that the modules lack."""
    found = []
    for path, held in tree.facts(uses, SRC).items():
        modules = {module: importlib.import_module(module) for module in held.modules}
        for (owner, name), line in held.attributes.items():
            module, original = held.names[owner]
            value = getattr(modules[module], original, None)
            if isinstance(value, ModuleType) and not hasattr(value, name):
                found.append(f"{path}:{line}: {owner}.{name}")
    return found


def test_attributes_of_modules_exist(tree):
    assert missing_attributes(tree) == []


def test_a_missing_attribute_is_reported(plant):
    text = """
from penstock._src.util import nest
from penstock._src.core import dtypes as kinds, shapes

def f(shapes):
    return nest.flatten, nest.flattened, kinds.float33, shapes.no_module
"""
    files = plant({f"{SRC}/util/a.py": text})
    assert missing_attributes(files) == [
        "util/a.py:6: nest.flattened",
        "util/a.py:6: kinds.float33",
    ]


@fact("penstock")
def locked_properties(file: SourceFile) -> list[int]:
    """Lines that name functools.cached_property, which holds a lock in Python 3.11."""
    named = [
        node.lineno
        for node in file.of_kind(ast.Attribute)
        if ast.unparse(node) == "functools.cached_property"
    ]
    imported = [
        node.lineno
        for node in file.of_kind(ast.ImportFrom)
        if node.module == "functools" and any(each.name == "cached_property" for each in node.names)
    ]
    return named + imported


def test_properties_that_are_computed_once_are_those_of_forks(tree):
    found = {path for path, lines in tree.facts(locked_properties, "penstock").items() if lines}
    assert found == {FORKS}
