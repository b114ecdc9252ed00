"""The runner of libraries' own tests: what it reports, counts and extracts, on a small library of one test file."""

import ast
import importlib.util
import sys
from pathlib import Path

import pytest

from tests.ecosystem.suites import comparison, running
from tests.ecosystem.suites.environments import Environment
from tests.ecosystem.suites.libraries import SUITES, Suite

CHILD = Path(__file__).parent / "suites" / "child"


class Installed(Environment):
    """This interpreter, with tests in a folder."""

    def __init__(self, folder, suite):
        super().__init__(folder, suite)
        self.python = Path(sys.executable)

    @property
    def tests(self):
        return self.folder


def run(folder, **suite):
    environment = Installed(folder, Suite(alone=(), files=("*_test.py",), **suite))
    return running.run(environment, running.files_of(environment), folder / "out.json")["files"]


def test_each_outcome_is_recorded(tmp_path):
    (tmp_path / "a_test.py").write_text(
        "import pytest, tensorflow as tf\n"
        "import os\n"
        "def test_passes(): assert 'penstock' in tf.add.__module__\n"
        "def test_has_a_folder(): assert os.listdir(os.environ['TEST_TMPDIR']) == []\n"
        "def test_fails(): tf.reshape(tf.zeros([3]), [2])\n"
        "def test_skipped(): pytest.skip('no GPU')\n"
        "@pytest.mark.xfail\ndef test_known(): assert False\n"
    )
    (tmp_path / "b_test.py").write_text("import missing_module\n")
    found = run(tmp_path)
    tests = found["a_test.py"]["tests"]
    assert tests["test_passes"] == tests["test_has_a_folder"] == tests["test_known"] == "passed"
    assert tests["test_skipped"] == ["skipped", "Skipped: no GPU"]
    assert tests["test_fails"][0] == "failed"
    assert "InvalidArgumentError" in tests["test_fails"][1]
    assert "missing_module" in found["b_test.py"]["tests"]["<file>"][1]


def test_a_crash_costs_one_test_and_no_other_file(tmp_path):
    (tmp_path / "a_test.py").write_text(
        "import os\ndef test_before(): pass\ndef test_dies(): os._exit(3)\ndef test_after(): pass\n"
    )
    (tmp_path / "b_test.py").write_text("def test_other(): pass\n")
    found = run(tmp_path, batch=2)
    tests = found["a_test.py"]["tests"]
    assert tests["test_before"] == found["b_test.py"]["tests"]["test_other"] == "passed"
    assert "exit code 3" in tests["test_dies"][1]
    assert "in this test" in tests["test_dies"][1]
    assert tests["test_after"][0] == "failed"


def result(**tests):
    return {"files": {"a/f.py": {"tests": tests}}}


def test_only_what_passes_on_tensorflow_counts():
    theirs = result(one="passed", two="passed", three=["failed", "x", ""], four="passed")
    ours = result(one="passed", two=["failed", "size 3", ""], three="passed")
    outcomes = comparison.of_baseline(ours, theirs)
    assert comparison.by_folder(outcomes) == ["    1 of     3  a"]
    assert [line.split()[0] for line in comparison.reasons(outcomes, most=0)] == ["1", "1"]


@pytest.mark.parametrize(
    ("value", "same"), [(["1.0"], True), (["1.0005"], True), (["1.1"], False), (["nan"], False)]
)
def test_numbers_of_examples_are_compared(value, same):
    reference = ["float32", [1], ["1.0"]]
    assert comparison.agree(["float32", [1], value], reference) is same
    assert not comparison.agree(["float64", [1], value], reference)


def test_examples_are_the_statements_in_docstrings_without_what_is_no_python():
    spec = importlib.util.spec_from_file_location("examples", CHILD / "docstring_examples.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    source = (
        'class C:\n  """C.\n\n  ```python\n  x = f(\n      1)\n  ==> 3\n  ```\n'
        '  and\n\n  ```\n  x + 1  # [4.\n  ```\n\n  >>> with y:\n  ...   z()\n  3\n  """\n'
    )
    ((name, line, statements),) = module.examples_of(source)
    assert (name, line) == ("C", 1)
    assert [ast.unparse(statement) for statement in statements] == [
        "x = f(1)",
        "x + 1",
        "with y:\n    z()",
    ]


def test_every_row_names_its_files():
    assert all(suite.alone and suite.files for suite in SUITES.values())
