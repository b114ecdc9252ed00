"""Graphs with TensorFlow 1's Switch, Merge, Enter and Exit run after importing (recorded/ has the recorder)."""

import pathlib

import pytest

import penstock as tf
import penstock.compat.v1 as v1

RECORDED = pathlib.Path(__file__).parent / "recorded" / "v1_control_flow.pb"


@pytest.fixture(scope="module")
def graph():
    made = tf.Graph()
    with made.as_default():
        tf.import_graph_def(v1.GraphDef.FromString(RECORDED.read_bytes()), name="")
    return made


@pytest.mark.parametrize(
    "x, n, expected",
    [
        (1.0, 3, [2.0, 4.0, -1.0]),
        (2.0, 4, [4.0, 27.0, 4.0]),
        (-3.0, 2, [3.0, 10.0, 0.0]),
        (-7.0, 5, [-8.0, -17069.0, 70.0]),
    ],
)
def test_conditionals_loops_and_both_nested(graph, x, n, expected):
    with v1.Session(graph=graph) as session:
        assert session.run(["c:0", "w:0", "nn:0"], {"x:0": x, "n:0": n}) == expected


def test_only_functional_control_flow_is_left(graph):
    types = {op.type for op in graph.get_operations()}
    assert "StatelessWhile" in types and not types & {"Switch", "Merge", "Enter", "Exit"}
