"""No error is swallowed: who catches everything raises or tells what it was, and no accident makes compiled code slow code."""

import ast
import builtins
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.layout.sources import SourceFile, fact

WATCHED = {"suppress", "simplefilter", "filterwarnings"}
BROAD = {"Exception", "BaseException", ""}  # "" is `except:`
SWALLOWED = {  # files that go on after any error, and why
    "api/test/comparisons.py": "tensors that cannot be compared as objects are compared by value",
    "core/tracking/trackable.py": "an attribute whose property raises is missing, as in TensorFlow",
    "eager/variable.py": "showing a variable never fails",
    "v1/monitored/layers.py": "whatever ended the inner session ends this one",
}
IGNORED_WARNINGS = {  # files that ignore warnings of all kinds, and why
    "penstock/_src/core/tracking/trackable.py": "of properties that nobody asked for",
    "tests/fuzz/calls/running.py": "absurd arguments; what comes out is judged",
    "tests/fuzz/programs/worker.py": "absurd numbers; what comes out is judged",
    "tests/fuzz/test_models.py": "absurd numbers; what comes out is judged",
    "tests/fuzz/test_programs.py": "absurd numbers; what comes out is judged",
    "tools/op_evidence.py": "only names are looked at",
}


def caught(handler: ast.ExceptHandler) -> set[str]:
    """The names of the classes that a handler catches."""
    kind = handler.type
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind] if kind else []
    return {ast.unparse(each) for each in kinds} or {""}


def swallows(node: ast.AST) -> bool:
    """Whether a handler, or `suppress`, takes any error and tells nobody."""
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
        return bool(BROAD & {ast.unparse(argument) for argument in node.args})
    if not isinstance(node, ast.ExceptHandler) or not BROAD & caught(node):
        return False
    inside = [each for statement in node.body for each in ast.walk(statement)]
    tells = any(isinstance(each, ast.Name) and each.id == node.name for each in inside)
    return not tells and not any(isinstance(each, ast.Raise) for each in inside)


def by_accident(node: ast.AST) -> Iterator[ast.Raise]:
    """Where a handler of Python's own errors says that an operation is one for the host."""
    if isinstance(node, ast.ExceptHandler):
        own = {name for name in caught(node) if hasattr(builtins, name)} - {"MemoryError"}
        for each in ast.walk(node):
            if own and isinstance(each, ast.Raise) and "NotLowerable" in ast.unparse(each):
                yield each


def ignores_all(node: ast.AST) -> bool:
    """Whether a call ignores warnings of all kinds and texts."""
    if not isinstance(node, ast.Call) or len(node.args) != 1 or node.keywords:
        return False
    name = ast.unparse(node.func).rpartition(".")[2]
    return name in ("simplefilter", "filterwarnings") and ast.unparse(node.args[0]) == "'ignore'"


class Handling(NamedTuple):
    """What a file does with errors and warnings."""

    swallows: bool
    accidents: list[int]
    ignores_all: bool


@fact("penstock", "tests", "tools", "bench")
def handling(file: SourceFile) -> Handling:
    nodes: list[ast.AST] = [
        *file.of_kind(ast.ExceptHandler),
        *[
            node
            for node in file.of_kind(ast.Call)
            if WATCHED & {getattr(node.func, "attr", None), getattr(node.func, "id", None)}
        ],
    ]
    return Handling(
        any(map(swallows, nodes)),
        [each.lineno for node in nodes for each in by_accident(node)],
        any(map(ignores_all, nodes)),
    )


def test_errors_are_not_swallowed(tree):
    files = tree.facts(handling, "penstock")
    found = {path.removeprefix("_src/") for path, held in files.items() if held.swallows}
    assert found == set(SWALLOWED)


def test_errors_of_python_are_no_reason_to_leave_an_operation_to_the_host(tree):
    files = tree.facts(handling, "penstock")
    assert {path: held.accidents for path, held in files.items() if held.accidents} == {}


def test_warnings_are_not_ignored(tree):
    found = {path for path, held in tree.facts(handling).items() if held.ignores_all}
    assert found == set(IGNORED_WARNINGS)


@pytest.mark.parametrize(
    "handler, expected",
    [
        ("except: pass", True),
        ("except Exception: x = None", True),
        ("except (KeyError, Exception) as e: continue", True),
        ("except Exception as e: log(e)", False),
        ("except BaseException: raise", False),
        ("except KeyError: pass", False),
    ],
)
def test_swallowing_is_recognized(handler, expected):
    file = SourceFile("a.py", f"while x:\n try: f()\n {handler}")
    assert handling(file).swallows is expected


@pytest.mark.parametrize(
    "handler, expected",
    [
        ("except ValueError as e: raise NotLowerable(str(e)) from None", True),
        ("except RefusedValue as e: raise NotLowerable(str(e)) from None", False),
        ("except MemoryError: raise NotLowerable('no memory')", False),
        ("except ValueError: raise self.invalid('x')", False),
    ],
)
def test_accidents_are_recognized(handler, expected):
    found = handling(SourceFile("a.py", f"try: f()\n{handler}"))
    assert found.accidents == ([2] if expected else [])


@pytest.mark.parametrize(
    "statement, expected",
    [
        ("warnings.simplefilter('ignore')", True),
        ("warnings.filterwarnings('ignore')", True),
        ("simplefilter('ignore', RuntimeWarning)", False),
        ("warnings.filterwarnings('ignore', message='odd')", False),
        ("warnings.simplefilter('error')", False),
        ("contextlib.suppress(Exception)", False),
    ],
)
def test_ignoring_all_warnings_is_recognized(statement, expected):
    assert handling(SourceFile("a.py", statement)).ignores_all is expected


@pytest.mark.parametrize("errors, expected", [("Exception", True), ("KeyError", False)])
def test_suppressing_is_recognized(errors, expected):
    file = SourceFile("a.py", f"with contextlib.suppress({errors}): f()")
    assert handling(file).swallows is expected
