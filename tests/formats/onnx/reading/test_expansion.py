"""Functions of ONNX models that expand to too much are refused at once."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.formats.onnx.reading.model import read_proto
from penstock._src.formats.onnx.schema import AttributeProto
from tests.formats.onnx.models import graph, model, node, value


def _model(count, called=lambda i: f"f{i + 1}"):
    """A model whose functions each call another one twice, the last one none."""
    main = graph([node("f0", "x", "y", domain="own")], [value("x", [2])], [value("y", [2])])
    proto = model(main)
    proto.opset_import.add(domain="own", version=1)
    for i in range(count):
        made = proto.functions.add(name=f"f{i}", domain="own", input=["a"], output=["c"])
        made.opset_import.add(domain="own", version=1)
        calls = [node(called(i), n, m, domain="own") for n, m in ("ab", "bc")]
        made.node.extend(calls if i + 1 < count else [node("Neg", "a", "c")])
    return proto


def test_a_few_calls_are_read():
    found = read_proto(_model(4)).signatures["serving_default"](x=tf.constant([1.0, 2.0]))["y"]
    np.testing.assert_array_equal(found, [1.0, 2.0])


def test_two_calls_each_thirty_deep_are_refused():
    with pytest.raises(tf.errors.InvalidArgumentError, match="expand to more than"):
        read_proto(_model(31))


@pytest.mark.parametrize("called", [lambda i: "f0", lambda i: f"f{i ^ 1}"])
def test_functions_that_call_themselves_are_refused(called):
    with pytest.raises(tf.errors.InvalidArgumentError, match="calls itself"):
        read_proto(_model(4, called))


def test_long_chains_are_refused():
    proto = _model(3000)
    for function in proto.functions:
        del function.node[1:]
    with pytest.raises(tf.errors.InvalidArgumentError, match="nested too deeply"):
        read_proto(proto)


def _passing_on():
    """A node with the graph `g` of its function in both of its branches."""
    both = node("If", "c", "r")
    for branch in ("then_branch", "else_branch"):
        both.attribute.add(name=branch, type=5, ref_attr_name="g")
    return both


def test_graphs_that_double_with_each_call_are_refused():
    proto = _model(31)
    for i, function in enumerate(proto.functions):
        del function.node[:]
        function.attribute.append("g")
        if i < 30:
            call = node(f"f{i + 1}", "a", "c", domain="own")
            call.attribute.add(name="g", type=5, g=graph([_passing_on()], [], [value("r", [2])]))
            function.node.append(call)
    proto.functions[30].node.append(node("Neg", "a", "c"))
    first = graph([node("Neg", "x", "r")], [], [value("r", [2])])
    proto.graph.node[0].attribute.append(AttributeProto(name="g", type=5, g=first))
    with pytest.raises(tf.errors.InvalidArgumentError, match="expand to more than"):
        read_proto(proto)


def _nested(kind, depth):
    """The nodes that compute y from x in loops around one another, each of one step."""
    if not depth:
        return [node("Tanh", "x", "y")]
    inner = graph(
        [node("Identity", "s", "x"), *_nested(kind, depth - 1)],
        [value("s", [2])],
        [value("y", [2])],
    )
    if kind == "Loop":
        inner.input.insert(0, value("i", [], tf.int64))
        inner.input.insert(1, value("c", [], tf.bool))
        inner.output.insert(0, value("c", [], tf.bool))
        return [node("Loop", "one - x", "y", body=inner)]
    inner.input.append(value("row", [2]))
    inner.output.append(value("row", [2]))
    return [node("Scan", "x rows", "y again", body=inner, num_scan_inputs=1)]


@pytest.mark.parametrize("kind, depth", [("Loop", 22), ("Scan", 22)])
def test_loops_in_loops_cost_no_more_than_their_size(kind, depth):
    weights = {"one": np.array(1, np.int64), "rows": np.ones((1, 2), np.float32)}
    main = graph(_nested(kind, depth), [value("x", [2])], [value("y", [2])], **weights)
    found = read_proto(model(main)).signatures["serving_default"](x=tf.constant([1.0, 2.0]))["y"]
    np.testing.assert_allclose(found, np.tanh([1.0, 2.0]), rtol=1e-6)
