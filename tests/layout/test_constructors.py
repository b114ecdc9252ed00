"""Objects of the compiler are whole once they are made: constructors set every attribute, and call no method of their own.

What a kernel's code is chosen by is a record, so that it can be printed, compared and tested without writing code.
"""

import ast
import importlib
from collections.abc import Iterator
from typing import NamedTuple

from tests.layout.sources import SourceFile, Tree, fact

SRC = "penstock/_src"
FOLDERS = ("compiler", "devices", "native")
NAMED_ATTRIBUTES = ("ir", "compiler", "runtime", "devices", "native")
UNCHECKED = {"__dict__", "__setattr__", "vars"}  # set or read attributes past the rules


class Class(NamedTuple):
    """What a class says of its attributes."""

    declared: frozenset[str]  # those that an object has from the beginning
    sets: dict[str, frozenset[str]]  # method -> the attributes of itself that it sets
    constructor_calls: frozenset[str]  # the methods of itself that `__init__` calls


def of_self(nodes: list[ast.expr]) -> Iterator[ast.Attribute]:
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "self":
                yield node


def attributes_set(function: ast.AST) -> frozenset[str]:
    """The attributes of itself that a method sets."""
    nodes = [node for node in ast.walk(function) if isinstance(node, ast.Attribute)]
    return frozenset(each.attr for each in of_self(nodes) if isinstance(each.ctx, ast.Store))


def methods_called(function: ast.AST) -> frozenset[str]:
    """The attributes of itself that a method calls."""
    called = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
    return frozenset(each.attr for each in of_self(called))


def class_of(node: ast.ClassDef) -> Class:
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
    methods = {f.name: f for f in node.body if isinstance(f, ast.FunctionDef)}
    sets = {name: attributes_set(method) for name, method in methods.items()}
    constructor = methods.get("__init__")
    calls = methods_called(constructor) if constructor else frozenset()
    return Class(frozenset(fields | names) | sets.get("__init__", frozenset()), sets, calls)


@fact("penstock")
def classes(file: SourceFile) -> dict[str, Class]:
    """The classes of a module, by name."""
    return {node.name: class_of(node) for node in file.of_kind(ast.ClassDef)}


def bases_of(module: str, name: str, known: dict[str, dict[str, Class]]) -> list[Class]:
    """A class and those of its bases that the package has."""
    kind = getattr(importlib.import_module(module), name, None)
    bases = [
        known.get(base.__module__, {}).get(base.__name__) for base in getattr(kind, "__mro__", ())
    ]
    return [base for base in bases if base is not None]


def offences(name: str, held: Class, family: list[Class]) -> Iterator[str]:
    """What the methods of a class do that leaves its objects in parts."""
    declared = frozenset().union(*[base.declared for base in family])
    own = frozenset().union(*[base.sets for base in family])
    for method, attributes in held.sets.items():
        late = attributes - declared - own
        if late:
            yield f"{name}.{method} sets {sorted(late)} first"
    called = held.constructor_calls & own
    if called:
        yield f"{name}.__init__ calls {sorted(called)}"


def unfinished_objects(tree: Tree) -> list[str]:
    known = {
        path.removesuffix(".py").removesuffix("/__init__").replace("/", "."): held
        for path, held in tree.facts(classes).items()
    }
    return [
        offence
        for folder in FOLDERS
        for path, of_module in tree.facts(classes, f"{SRC}/{folder}").items()
        if not path.endswith("__init__.py")
        for module in [f"penstock._src.{folder}.{path.removesuffix('.py').replace('/', '.')}"]
        for name, held in of_module.items()
        for offence in offences(f"{module}.{name}", held, bases_of(module, name, known) or [held])
    ]


@fact("penstock")
def unchecked_attributes(file: SourceFile) -> list[int]:
    """The lines that read or set attributes of objects by `__dict__`, `object.__setattr__` or `vars`; of classes, they may."""
    accesses = [
        n.lineno
        for n in file.of_kind(ast.Attribute)
        if n.attr in UNCHECKED - {"vars"} and ast.unparse(n.value) != "cls"
    ]
    calls = [
        n.lineno
        for n in file.of_kind(ast.Call)
        if isinstance(n.func, ast.Name) and n.func.id in UNCHECKED
    ]
    return sorted(accesses + calls)


def test_attributes_are_named(tree):
    found = {
        f"{folder}/{path}": lines
        for folder in NAMED_ATTRIBUTES
        for path, lines in tree.facts(unchecked_attributes, f"{SRC}/{folder}").items()
        if lines
    }
    assert found == {}


def test_unnamed_attributes_are_reported():
    text = 'self.__dict__["a"] = 1\nobject.__setattr__(self, "a", 1)\nvars(self)\nindex.vars\n'
    assert unchecked_attributes(SourceFile("plan.py", text)) == [1, 2, 3]


def test_constructors_make_whole_objects(tree):
    assert unfinished_objects(tree) == []


def test_unfinished_objects_are_reported():
    text = """
class Plan:
    size: int
    kind = 3

    def __init__(self):
        self.names = self.find()

    def find(self):
        self.names, self.size, self.kind = [], 1, 2
        self.late = 3
"""
    (held,) = classes(SourceFile("plan.py", text)).values()
    assert list(offences("Plan", held, [held])) == [
        "Plan.find sets ['late'] first",
        "Plan.__init__ calls ['find']",
    ]
