"""`make test-changed` chooses the tests nearest to what changed."""

import pytest

from tests.harness.tables import is_of_another_op
from tools.changed_tests import ALWAYS, OF_OPS, RANDOM, ROOT, nearest_to, ops_of

BINARY = "penstock/_src/ops/math/binary.py"
MERGE = "penstock/_src/compiler/fusion/merge.py"


@pytest.fixture
def tree(tmp_path):
    files = {
        "tests/util/test_a.py": "from penstock._src.util import a, b\n",
        "tests/util/deep/test_d.py": "",
        "tests/core/test_c.py": "from penstock._src.util.a import f\n",
        "tests/core/test_e.py": "from penstock._src.util.another import f\n",
        "tests/harness/case.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("penstock/_src/util/a.py", {"tests/util/test_a.py", "tests/core/test_c.py"}),
        ("penstock/_src/util/b.py", {"tests/util/test_a.py"}),
        ("penstock/_src/util/deep/x/y.py", {"tests/util/deep/test_d.py"}),
        ("penstock/_src/attic/x.py", set()),
        ("tests/core/test_e.py", {"tests/core/test_e.py"}),
        ("tests/util/data.json", {"tests/util"}),
        ("tests/conftest.py", set()),
        ("README.md", set()),
    ],
)
def test_files_and_their_tests(tree, file, expected):
    assert set(nearest_to([file], tree)) == {*ALWAYS, *expected}


def test_files_in_a_folder_that_runs_are_not_named_again(tree):
    files = ["tests/util/data.json", "tests/util/test_a.py", "tests/util/deep/test_d.py"]
    assert set(nearest_to(files, tree)) == {*ALWAYS, "tests/util"}


def test_ops_have_the_tables_of_recorded_calls():
    assert {"AddV2", "Pow"} <= set(ops_of([BINARY])) and not ops_of([MERGE])
    assert {*OF_OPS, "tests/ops/math/test_binary.py"} <= set(nearest_to([BINARY]))
    assert {RANDOM, "tests/compiler/fusion/test_storing.py"} <= set(nearest_to([MERGE]))
    assert [t for t in (*ALWAYS, *OF_OPS, RANDOM) if not (ROOT / t).exists()] == []


@pytest.mark.parametrize(
    ("name", "is_left_out"),
    [
        ("tests/conformance/test_recorded.py::test_op[AddV2-eager]", False),
        ("tests/conformance/edges/test_edges.py::test_eager[AddV2 float32]", False),
        ("tests/conformance/test_recorded.py::test_op[AddN-eager]", True),
        ("tests/conformance/test_fuzz.py::test_every_op_with_a_lowering_is_drawn", False),
        ("tests/ops/math/test_binary.py::test_complex[Sub]", False),
    ],
)
def test_of_the_tables_only_ops_that_changed_are_run(name, is_left_out):
    assert is_of_another_op(name, {"AddV2"}) is is_left_out
