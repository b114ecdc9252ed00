"""Tests can fail: each reaches an assertion, which compares something with something else."""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
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


class File:
    """A file of tests, with its functions and what it imports from others."""

    def __init__(self, path: Path) -> None:
        self.path, self.tree = path, ast.parse(path.read_text())
        self.nodes = list(ast.walk(self.tree))
        self.functions = {n.name: n for n in self.nodes if isinstance(n, FUNCTION)}
        self.imports = {
            alias.asname or alias.name: (node.module, alias.name)
            for node in self.nodes
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tests")
            for alias in node.names
        }

    def tests(self) -> Iterator[ast.FunctionDef]:
        """What pytest collects."""
        for node in self.tree.body:
            is_class = isinstance(node, ast.ClassDef) and node.name.startswith("Test")
            for each in node.body if is_class else [node]:
                if isinstance(each, ast.FunctionDef) and each.name.startswith("test_"):
                    yield each


@functools.cache
def file_of(path: Path) -> File:
    return File(path)


def module(name: str) -> File | None:
    path = ROOT / name.replace(".", "/")
    found = [p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()]
    return file_of(found[0]) if found else None


def definition(file: File, name: str) -> tuple[File, ast.AST] | None:
    """The function or class that a name means in a file: its own, an imported one, or a fixture."""
    if name in file.functions:
        return file, file.functions[name]
    if name in file.imports:
        source, original = file.imports[name]
        other = module(source)
        return definition(other, original) if other else None
    for folder in file.path.parents:
        if folder.is_relative_to(ROOT / "tests") and (folder / "conftest.py").is_file():
            fixtures = file_of(folder / "conftest.py")
            if name in fixtures.functions and fixtures is not file:
                return fixtures, fixtures.functions[name]
    return None


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


def names(file: File, node: ast.AST) -> Iterator[tuple[File, str]]:
    """The names that a node may mean, and in which file."""
    match node:
        case ast.Attribute(ast.Name(owner), name) if owner in file.imports:
            other = module(".".join(file.imports[owner]))
            yield other or file, name
        case ast.Attribute(attr=name) | ast.Name(id=name) | ast.arg(name):
            yield file, name


@functools.cache
def parts(file: File, function: ast.AST) -> set[tuple[File, ast.AST]] | None:
    """The functions that a function names; None if it holds an assertion itself."""
    inside = list(ast.walk(function))
    if any(map(checks, inside)):
        return None
    named = {found for node in inside for found in names(file, node)}
    return set(filter(None, (definition(*each) for each in named)))


def reaches_one(file: File, function: ast.AST) -> bool:
    """Whether a function, or one that it names, holds an assertion."""
    waiting, seen = [(file, function)], {(file, function)}
    while waiting:
        found = parts(*waiting.pop())
        if found is None:
            return True
        waiting.extend(found - seen)
        seen |= found
    return False


def test_every_test_reaches_an_assertion():
    files = [file_of(path) for path in sorted((ROOT / "tests").rglob("test_*.py"))]
    found = {
        (file.path.relative_to(ROOT / "tests").as_posix(), test.name)
        for file in files
        for test in file.tests()
        if not reaches_one(file, test)
    }
    assert found == {(path, name) for path, tests in RAISED_BY.items() for name in tests}


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


def test_assertions_can_fail():
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (ROOT / "tests").rglob("*.py")
        for node in file_of(path).nodes
        if is_idle(node)
    ]
    assert found == []


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
    assert any(map(is_idle, ast.walk(ast.parse(statement)))) is expected
