"""Graphs with the values of a checkpoint in place of variables; expected values are TensorFlow's."""

import pytest

import penstock as tf
from penstock._src.bridge.python.tools import freeze_graph

v1 = tf.compat.v1


@pytest.fixture
def model(tmp_path):
    with tf.Graph().as_default() as graph, v1.Session() as session:
        variable = v1.get_variable("v", initializer=[1.0, 2.0])
        with tf.device("/cpu:0"):
            tf.multiply(variable, 3.0, name="out")
        session.run(variable.initializer)
        saver = v1.train.Saver()
        path = saver.save(session, str(tmp_path / "model"))
    return graph.as_graph_def(), saver.as_saver_def(), path


def frozen(graph_def, saver_def, path, outputs="out", **options):
    with tf.Graph().as_default():
        return freeze_graph.freeze_graph_with_def_protos(
            graph_def, saver_def, path, outputs, "", "", "", initializer_nodes="",
            **{"clear_devices": False, **options},
        )  # fmt: skip


def output_of(graph_def):
    with tf.Graph().as_default(), v1.Session() as session:
        (out,) = tf.import_graph_def(graph_def, return_elements=["out:0"])
        return session.run(out).tolist()


@pytest.mark.parametrize("with_saver", [True, False])
def test_variables_become_constants(model, with_saver):
    graph_def, saver_def, path = model
    made = frozen(graph_def, saver_def if with_saver else None, path)
    assert output_of(made) == [3, 6]
    assert "VarHandleOp" not in {node.op for node in made.node}
    assert {node.device for node in made.node} != {""}
    cleared = frozen(graph_def, saver_def, path, clear_devices=True)
    assert {node.device for node in cleared.node} == {""}


def test_graphs_are_read_from_files(model, tmp_path):
    graph_def, saver_def, path = model
    (tmp_path / "graph").write_bytes(graph_def.SerializeToString())
    (tmp_path / "saver").write_bytes(saver_def.SerializeToString())
    with tf.Graph().as_default():
        freeze_graph.freeze_graph(
            str(tmp_path / "graph"), str(tmp_path / "saver"), True, path, "out", "", "",
            str(tmp_path / "frozen"), False, "",
        )  # fmt: skip
    made = v1.GraphDef.FromString((tmp_path / "frozen").read_bytes())
    assert output_of(made) == [3, 6]


def test_what_is_missing_is_named(model):
    graph_def, _, path = model
    with pytest.raises(ValueError, match="Input checkpoint '/none' doesn't exist"):
        frozen(graph_def, None, "/none")
    with pytest.raises(ValueError, match="supply the name of a node"):
        frozen(graph_def, None, path, outputs="")
    with pytest.raises(ValueError, match="cannot freeze a graph twice"):
        frozen(frozen(graph_def, None, path), None, path)
    with pytest.raises(OSError, match="Input graph file '/none' does not exist"):
        freeze_graph.freeze_graph("/none", "", True, path, "out", "", "", "", False, "")
