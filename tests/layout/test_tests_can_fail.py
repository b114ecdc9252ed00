"""Tests can fail: each reaches an assertion, which compares something with something else."""

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.layout.sources import SourceFile, Tree, fact

CHECKS = re.compile(r"_?(assert\w*|expect|fail|warns|\w*[rR]aises\w*)")
COMPARISONS = re.compile(r"assert_(allclose|array_equal|equal|near|less|greater)")
# Tests that fail by an error of the package alone: what raises it.
RAISED_BY = {
    "compiler/check/test_check.py": {
        "test_rounding_is_no_difference": "PENSTOCK_CHECK",
        "test_what_follows_a_product_of_narrow_floats_takes_it_rounded": "PENSTOCK_CHECK",
        "test_terms_may_be_added_in_any_order_where_they_cancel": "PENSTOCK_CHECK",
    },
    "compiler/plan/test_verify.py": {"test_what_is_right_is_accepted": "the proofs of plans"},
    "compiler/plan/verify/test_kernels.py": {
        "test_an_array_without_elements_is_stored_nowhere": "the proof of kernels"
    },
    "compiler/plan/verify/test_overlap.py": {
        "test_elements_may_lie_over_those_that_they_are_made_of": "the proof of overlaps"
    },
    "compiler/plan/verify/test_order.py": {
        "test_what_was_written_may_be_read": "the proof of the order",
        "test_buffers_without_bytes_and_those_outside_are_not_watched": "the proof of the order",
    },
    "stablehlo/test_bytecode.py": {"test_damaged_bytes_are_told_apart": "the parser"},
    "util/files/test_hdf5.py": {"test_other_files_pass": "the check of HDF5 files"},
}
FUNCTION = ast.FunctionDef | ast.ClassDef
# The names that a function mentions, each with that of the module before it or ""; None if the function holds an assertion.
Mentions = frozenset[tuple[str, str]] | None


class Suite(NamedTuple):
    """A file of tests: its functions, what it imports from others, and what pytest collects."""

    functions: dict[str, Mentions]
    imports: dict[str, tuple[str, str]]  # name -> module and the name there
    tests: list[tuple[str, Mentions]]
    idle: list[int]  # lines of assertions that cannot fail


@fact("tests")
def suite(file: SourceFile) -> Suite:
    functions = [node for node in file.nodes if isinstance(node, FUNCTION)]
    imports = {
        alias.asname or alias.name: (node.module or "", alias.name)
        for node in file.of_kind(ast.ImportFrom)
        if (node.module or "").startswith("tests")
        for alias in node.names
    }
    known = {node: mentions(node) for node in functions}
    return Suite(
        {node.name: known[node] for node in functions},
        imports,
        [(node.name, known[node]) for node in collected(file)],
        [getattr(node, "lineno", 0) for node in file.nodes if is_idle(node)],
    )


def collected(file: SourceFile) -> Iterator[ast.FunctionDef]:
    """The functions that pytest collects."""
    for node in file.tree.body:
        is_class = isinstance(node, ast.ClassDef) and node.name.startswith("Test")
        for each in node.body if is_class else [node]:
            if isinstance(each, ast.FunctionDef) and each.name.startswith("test_"):
                yield each


def checks(node: ast.AST) -> bool:
    """Whether a node is an assertion, or a call or mention of one."""
    match node:
        case ast.Assert():
            return True
        case ast.Raise(exc=ast.expr() as error):
            return "AssertionError" in ast.unparse(error)
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return CHECKS.fullmatch(name) is not None
        case ast.keyword("check", ast.Constant(True)):  # of subprocess.run
            return True
    return False


def mentions(function: ast.AST) -> Mentions:
    """The names that a function mentions; None if it holds an assertion itself."""
    found = set()
    for node in ast.walk(function):
        if checks(node):
            return None
        match node:
            case ast.Attribute(ast.Name(owner), name):
                found.add((owner, name))
            case ast.Attribute(attr=name) | ast.Name(id=name) | ast.arg(name):
                found.add(("", name))
    return frozenset(found)


class Search:
    """Follows the names that tests mention, from file to file."""

    def __init__(self, files: dict[str, Suite]) -> None:
        self.files = files

    def module(self, name: str) -> str | None:
        """The path of a module of tests."""
        path = name.replace(".", "/").removeprefix("tests/")
        return next((p for p in (f"{path}.py", f"{path}/__init__.py") if p in self.files), None)

    def definition(self, path: str, name: str) -> tuple[str, Mentions] | None:
        """The function or class that a name means in a file: its own, an imported one, or a fixture."""
        file = self.files[path]
        if name in file.functions:
            return path, file.functions[name]
        if name in file.imports:
            module, original = file.imports[name]
            other = self.module(module)
            return self.definition(other, original) if other else None
        folders = path.split("/")[:-1]
        for depth in range(len(folders), -1, -1):
            fixtures = "/".join([*folders[:depth], "conftest.py"])
            if fixtures != path and name in getattr(self.files.get(fixtures), "functions", ()):
                return fixtures, self.files[fixtures].functions[name]
        return None

    def of_mention(self, path: str, owner: str, name: str) -> tuple[str, Mentions] | None:
        imports = self.files[path].imports
        module = self.module(".".join(imports[owner])) if owner in imports else None
        return self.definition(module or path, name)

    def reaches_one(self, path: str, test: Mentions) -> bool:
        """Whether a test, or a function that it mentions, holds an assertion."""
        waiting, seen = [(path, test)], {(path, test)}
        while waiting:
            path, mentioned = waiting.pop()
            if mentioned is None:
                return True
            found = {self.of_mention(path, *mention) for mention in mentioned} - {None} - seen
            waiting.extend(found)
            seen |= found
        return False


def unasserted(tree: Tree) -> set[tuple[str, str]]:
    files = tree.facts(suite, "tests")
    search = Search(files)
    return {
        (path, name)
        for path, file in files.items()
        if path.split("/")[-1].startswith("test_")
        for name, test in file.tests
        if not search.reaches_one(path, test)
    }


def test_every_test_reaches_an_assertion(tree):
    raised = {(path, name) for path, tests in RAISED_BY.items() for name in tests}
    assert unasserted(tree) == raised


def test_tests_without_an_assertion_are_reported(plant):
    files = plant(
        {
            "tests/conftest.py": "def agree():\n  assert 1 + 1 == 2\n",
            "tests/help/__init__.py": "from tests.help.each import run\n",
            "tests/help/each.py": "def run(): go()\ndef go(): pass\ndef check(x): assert x\n",
            "tests/util/test_a.py": """
from tests import help
from tests.help import each

def test_by_a_fixture(agree): pass
def test_by_a_module(): each.check(1)
def test_by_nothing(): help.run()
class TestAll:
  def test_by_itself(self): raise AssertionError
  def test_by_neither(self): self.x = each
""",
        }
    )
    assert unasserted(files) == {
        ("util/test_a.py", "test_by_nothing"),
        ("util/test_a.py", "test_by_neither"),
    }


def is_pure(node: ast.AST) -> bool:
    return not any(isinstance(each, ast.Call) for each in ast.walk(node))


def is_idle(node: ast.AST) -> bool:
    """Whether a node asserts what always holds, or accepts whatever is raised."""
    match node:
        case ast.Assert(ast.Constant(True) | ast.JoinedStr() | ast.Tuple() | ast.List()):
            return True
        case ast.Assert(ast.BoolOp(ast.Or(), values)):
            return any(isinstance(value, ast.Constant) and value.value for value in values)
        case ast.Assert(ast.Compare(left, [ast.Eq() | ast.Is() | ast.LtE() | ast.GtE()], [right])):
            return ast.dump(left) == ast.dump(right) and is_pure(left)
        case ast.Call(ast.Attribute(ast.Attribute(ast.Name("np")), name), [left, right, *_]):
            same = ast.dump(left) == ast.dump(right) and is_pure(left)
            return same and COMPARISONS.match(name) is not None
        case ast.Call(ast.Attribute(attr="raises"), [kind, *_]):
            return ast.unparse(kind) in ("Exception", "BaseException")
    return False


def test_assertions_can_fail(tree):
    files = tree.facts(suite, "tests")
    assert {path: file.idle for path, file in files.items() if file.idle} == {}


@pytest.mark.parametrize(
    "statement, expected",
    [
        ("assert True", True),
        ("assert (x == 1, 'text')", True),
        ("assert x or 'text'", True),
        ("assert x == x", True),
        ("np.testing.assert_allclose(x, x, rtol=1)", True),
        ("with pytest.raises(Exception): f()", True),
        ("assert draw() != draw()", False),
        ("assert x == y", False),
        ("np.testing.assert_allclose(x, y)", False),
    ],
)
def test_idle_assertions_are_recognized(statement, expected):
    assert suite(SourceFile("a.py", statement)).idle == ([1] if expected else [])
