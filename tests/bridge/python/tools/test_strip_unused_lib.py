"""Graphs without the nodes that outputs do not need; expected values are TensorFlow's."""

import pytest

import penstock as tf
from penstock._src.bridge.python.tools import strip_unused_lib


@pytest.fixture
def graph_def():
    with tf.Graph().as_default() as graph:
        product = tf.multiply(tf.constant(1.0, name="in"), 2.0, name="mul")
        tf.add(product, 1.0, name="out")
        tf.add(product, 5.0, name="unused")
    return graph.as_graph_def()


def test_inputs_become_placeholders(graph_def):
    stripped = strip_unused_lib.strip_unused(graph_def, ["mul"], ["out"], 1)
    assert [(n.name, n.op) for n in stripped.node if n.op != "Const"] == [
        ("mul", "Placeholder"),
        ("out", "AddV2"),
    ]


@pytest.mark.parametrize("name, error", [("mul:0", ValueError), ("other", KeyError)])
def test_inputs_are_nodes_of_the_graph(graph_def, name, error):
    with pytest.raises(error):
        strip_unused_lib.strip_unused(graph_def, [name], ["out"], 1)


def test_files_are_binary_or_text(graph_def, tmp_path, capsys):
    binary, text = tmp_path / "graph.pb", tmp_path / "graph.pbtxt"
    binary.write_bytes(graph_def.SerializeToString())
    strip_unused_lib.strip_unused_from_files(str(binary), True, str(text), False, "mul", "out", 1)
    assert 'op: "Placeholder"' in text.read_text()
    assert capsys.readouterr().out == "3 ops in the final graph.\n"
    missing = str(tmp_path / "none")
    assert strip_unused_lib.strip_unused_from_files(missing, True, "", True, "", "out", 1) == -1
