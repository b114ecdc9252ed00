"""Names of tensors in GraphDefs; values and messages are TensorFlow 2.21's."""

import subprocess
import sys

import pytest

from penstock._src.bridge.python.framework import importer


@pytest.mark.parametrize("name, expected", [("a", False), ("a:1", False), ("^a", True)])
def test_control_dependencies_are_known_by_their_mark(name, expected):
    assert importer._IsControlInput(name) is expected


@pytest.mark.parametrize(
    "name, expected", [("a", ("a", 0)), ("scope/a:10", ("scope/a", 10)), ("^a:0", ("^a", 0))]
)
def test_names_have_an_operation_and_an_output(name, expected):
    assert importer._ParseTensorName(name) == expected


@pytest.mark.parametrize(
    "name, reason",
    [("a:b", "should be an int. Got b."), ("a:1:2", "more than 1 `:`. Obtained 2")],
)
def test_malformed_names_are_refused(name, reason):
    with pytest.raises(ValueError, match=reason):
        importer._ParseTensorName(name)


def test_the_private_module_has_the_public_function_too():
    program = (
        "import penstock; penstock.install_as_tensorflow()\n"
        "from tensorflow.python.framework.importer import _IsControlInput, import_graph_def\n"
        "assert _IsControlInput('^a')\n"
        "assert import_graph_def is penstock.import_graph_def\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
