"""Freezing: variables become constants, also in called functions, branches and loops."""

import pytest

import penstock as tf
from penstock._src.v1.saving.freezing import constants as freezing
from penstock._src.v1.saving.freezing.constants import convert_variables_to_constants_v2

v1 = tf.compat.v1


def types_of(concrete):
    return {op.type for op in concrete.graph.get_operations()}


def test_variables_become_constants_and_calls_are_inlined():
    v = tf.Variable([1.0, 2.0])
    inner = tf.function(lambda x: x * v)

    @tf.function
    def f(x):
        return {"y": inner(x) + v}

    frozen = convert_variables_to_constants_v2(f.get_concrete_function(tf.TensorSpec([2])))
    v.assign([0.0, 0.0])
    assert frozen(tf.constant([3.0, 4.0]))[0].numpy().tolist() == [4.0, 10.0]
    assert not types_of(frozen) & {"ReadVariableOp", "PartitionedCall", "StatefulPartitionedCall"}
    assert frozen.captured_inputs == []


def test_operations_that_no_result_needs_are_left_out():
    inner = tf.function(lambda x: (x + 1.0, tf.exp(x)))

    @tf.function
    def f(x):
        tf.debugging.assert_all_finite(x, "finite")
        tf.math.sin(x)
        return inner(x)[0]

    frozen = convert_variables_to_constants_v2(f.get_concrete_function(tf.TensorSpec([2])))
    assert types_of(frozen) == {"Placeholder", "CheckNumerics", "Const", "AddV2", "Identity"}
    assert frozen(tf.constant([1.0, 2.0]))[0].numpy().tolist() == [2.0, 3.0]


def test_variables_in_control_flow():
    v = tf.Variable(2.0)

    @tf.function
    def f(x, n):
        for _ in tf.range(n):
            if x > 0:
                x = x * v
            else:
                x = x - v
        return x

    specs = tf.TensorSpec([]), tf.TensorSpec([], tf.int32)
    frozen = convert_variables_to_constants_v2(f.get_concrete_function(*specs))
    v.assign(100.0)
    assert frozen(tf.constant(1.0), tf.constant(3))[0].numpy() == 8.0
    assert frozen(tf.constant(-1.0), tf.constant(3))[0].numpy() == -7.0
    assert frozen.captured_inputs == []


def test_no_loop_in_a_branch_asks_to_be_lowered():
    # Grappler lowers a loop in the function of a branch, where tf2onnx does not find its parts.
    def looped(x):
        return tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * 2.0), (0, x))[1]

    f = tf.function(lambda x: tf.cond(x > 0.0, lambda: looped(x), lambda: x))
    frozen = convert_variables_to_constants_v2(f.get_concrete_function(tf.TensorSpec([])))
    graph_def = frozen.graph.as_graph_def()
    nodes = [node for function in graph_def.library.function for node in function.node_def]
    lowered = [n.attr["_lower_using_switch_merge"].b for n in nodes if n.op == "StatelessWhile"]
    assert lowered == [False] and frozen(tf.constant(1.0))[0].numpy() == 8.0


def test_variables_that_are_assigned_cannot_be_frozen():
    v = tf.Variable(2.0)
    f = tf.function(lambda x: v.assign_add(x))
    with pytest.raises(tf.errors.UnimplementedError, match="AssignAddVariableOp"):
        convert_variables_to_constants_v2(f.get_concrete_function(tf.constant(1.0)))


def test_functions_of_a_session_are_frozen_with_its_values():
    with tf.Graph().as_default(), v1.Session() as session:
        variable = tf.Variable(3.0)
        concrete = tf.function(lambda x: variable * x).get_concrete_function(tf.constant(2.0))
        v1.add_to_collection(freezing.VAR_ASSIGN_COLLECTION, variable.assign(4.0))
        frozen = freezing.convert_variables_in_session(concrete)
        assert not any(node.op == "VarHandleOp" for node in frozen.graph.as_graph_def().node)
        assert session.run(frozen(tf.constant(2.0))) == [8.0]


def test_freezing_in_a_session_needs_one():
    variable = tf.Variable(3.0)
    concrete = tf.function(lambda x: variable * x).get_concrete_function(tf.constant(2.0))
    with pytest.raises(RuntimeError, match="Session"):
        freezing.convert_variables_in_session(concrete)


def _cond(x, y, p):
    return tf.cond(p > 0, lambda: tf.cond(x > 0, lambda: x * 2 + y, lambda: y), lambda: y + 1)


def _loop(x, y, p):
    return tf.while_loop(lambda i, a: i < p, lambda i, a: (i + 1, a * x), [0, y])[1]


def _case(x, y, p):
    return tf.switch_case(p, [lambda: x.read_value(), lambda: tf.gather([x, y], 1), lambda: y])


@pytest.mark.parametrize("build", [_cond, _loop, _case], ids=["cond", "loop", "case"])
def test_functions_of_frozen_graphs_take_values(build):
    with tf.Graph().as_default(), v1.Session() as session:
        x, y = v1.get_variable("x", initializer=3.0), v1.get_variable("y", initializer=2.0)
        number = v1.placeholder(tf.int32, [], name="number")
        tf.identity(build(x, y, number), name="out")
        session.run(v1.global_variables_initializer())
        expected = [session.run("out:0", {number: n}) for n in (0, 1, 2)]
        frozen = v1.graph_util.convert_variables_to_constants(
            session, session.graph.as_graph_def(), ["out"]
        )
    copies = [f for f in frozen.library.function if "_frozen_" in f.signature.name]
    assert copies and not any("Variable" in node.op for f in copies for node in f.node_def)
    with tf.Graph().as_default(), v1.Session() as session:
        tf.import_graph_def(frozen, name="")
        assert [session.run("out:0", {"number:0": n}) for n in (0, 1, 2)] == expected


def test_functions_that_assign_are_not_frozen():
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.get_variable("x", initializer=3.0)
        tf.identity(tf.cond(x > 0, lambda: x.assign_add(1.0), lambda: x.read_value()), name="out")
        session.run(v1.global_variables_initializer())
        graph_def = session.graph.as_graph_def()
        with pytest.raises(tf.errors.UnimplementedError, match="AssignAddVariableOp"):
            v1.graph_util.convert_variables_to_constants(session, graph_def, ["out"])


def test_captured_values_become_constants():
    x = tf.constant([1.0, 2.0])
    f = tf.function(lambda b: tf.cond(b, lambda: x, lambda: x + 2))
    concrete = f.get_concrete_function(tf.TensorSpec([], tf.bool))
    assert len(convert_variables_to_constants_v2(concrete).inputs) == 1
