"""What is put into a lower layer from above is listed: `util/slots.py`, and the operators of tensors."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from penstock._src.util import slots
from penstock._src.util.lazy import resolve
from tests.layout.sources import SourceFile, fact

SRC = "penstock/_src"
SLOTS = [name for name, held in vars(slots).items() if name.isupper() and callable(held)]
GRAFTS = {  # files that give attributes to classes or modules of other files, and why
    "api/operators.py": "operators of Tensor and Variable are public functions, with their conversions and dispatch",
    "api/variables.py": "methods of Variable that are public functions",
    "api/ragged_overrides/table.py": "operators of RaggedTensor are public functions",
    "api/extending/reads.py": "a tensor notes its reads only while a call is recorded, and costs nothing otherwise",
    "api/ragged/indexing.py": "indexing makes ragged tensors, so the class cannot import it",
    "api/linalg/operators/functions.py": "functions on operators need every kind of them",
    "api/numpy_behavior/behavior.py": "done when the user asks for NumPy's behavior",
    "api/numpy_behavior/functions.py": "assignments convert once the user asks for it",
    "distribute/dtensor/scopes.py": "ops pass the hook once there are DTensors",
}

DICTS = {  # files that use the `__dict__` of other objects than `self`, and why
    "api/extending/extension_type.py": "fields of a value that no constructor makes, which refuses assignments",
    "core/op.py": "ops are made there, and refuse assignments",
    "distribute/mirrored/replicas.py": "what is current in a thread goes to another one",
    "function/autograph/convert.py": "a converted function has the attributes of the function",
    "saving/saved_model/load.py": "attributes of restored objects become dependencies",
}
OTHERS = re.compile(
    r"\b(?!self\b|cls\b|base\b)\w+\.__dict__(?:\[|\.(?:get|setdefault|pop|update)\()"
)


def _imported(file: SourceFile) -> set[str]:
    nodes = file.of_kind(ast.Import, ast.ImportFrom)
    return {(a.asname or a.name).split(".")[0] for node in nodes for a in node.names}


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _at_import(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run when a module is imported."""
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        yield statement
        for part in ("body", "orelse", "finalbody"):
            yield from _at_import(getattr(statement, part, []))


@fact(SRC)
def grafts(file: SourceFile) -> list[str]:
    """What the module assigns to attributes of what it imports: while it is imported, or by `setattr` at any time."""
    imported = _imported(file) - {"slots"}
    found = []
    for statement in _at_import(file.tree.body):
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                if isinstance(target, ast.Attribute) and _root(target) in imported:
                    found.append(f"{statement.lineno}: {ast.unparse(target)}")
    for node in file.of_kind(ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id == "setattr":
            if _root(node.args[0]) in imported - {"self", "sys"}:
                found.append(f"{node.lineno}: {ast.unparse(node)}")
    return found


@fact(SRC)
def uses_other_dicts(file: SourceFile) -> bool:
    return OTHERS.search(file.text) is not None


@pytest.fixture(scope="module")
def fillers():
    """Slot -> the module that fills it, in a process where nothing else was done (DTensors replace one)."""
    code = (
        "import json, penstock as tf; from penstock._src.util import slots; tf.function(lambda: 0);"
        f"print(json.dumps({{name: getattr(slots, name).__module__ for name in {SLOTS}}}))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


@pytest.mark.parametrize("name", SLOTS)
def test_slots_are_filled_by_the_module_that_they_name(name, fillers):
    row = next(line for line in slots.__doc__.splitlines() if re.search(rf"\b{name}\b", line))
    filler = fillers[name].replace(".", "/")
    assert any(word.removesuffix(".py") in filler for word in row.split() if "/" in word), filler


def test_the_table_of_names_above_finds_them():
    for name, module in slots.TABLE.items():
        assert resolve(f"penstock._src.{module}", name) is not None


def test_nothing_else_is_given_to_other_modules(tree):
    found = tree.facts(grafts, SRC)
    assert not {name: lines for name, lines in found.items() if lines and name not in GRAFTS}
    assert not [name for name in GRAFTS if not found[name] and name not in AT_CALL]


# These assign when a function is called.
AT_CALL = {"distribute/dtensor/scopes.py"}


def test_fields_are_declared(tree):
    """Nothing is kept in the `__dict__` of another object, where nobody looks for it."""
    found = {path for path, does in tree.facts(uses_other_dicts, SRC).items() if does}
    assert found == set(DICTS)


def test_attributes_given_to_others_are_reported():
    text = """
import os
from penstock._src.core import tensor as t

if t.EAGER:
    t.Tensor.shape = property(os.path)

def f(self):
    setattr(t, "hook", self)
    setattr(self, "own", t)
    t.later = 1
"""
    found = grafts(SourceFile("a.py", text))
    assert found == ["6: t.Tensor.shape", "9: setattr(t, 'hook', self)"]


@pytest.mark.parametrize(
    "statement, expected",
    [
        ("x = other.__dict__['field']", True),
        ("other.__dict__.setdefault('field', 1)", True),
        ("self.__dict__['field'] = 1", False),
        ("names = other.__dict__.keys()", False),
    ],
)
def test_fields_kept_in_others_are_recognized(statement, expected):
    assert uses_other_dicts(SourceFile("a.py", statement)) is expected
