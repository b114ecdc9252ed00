"""What conditions and loops record in graphs has TensorFlow's names, collections and errors."""

import pytest

import penstock as tf


def names(graph):
    return [op.name for op in graph.get_operations()]


@tf.function
def program(x, n):
    y = tf.cond(n > 0, lambda: x * 2.0, lambda: x)
    with tf.name_scope("outer"):
        return tf.while_loop(lambda i, _: i < n, lambda i, v: (i + 1, v + y), [0, x])


def test_operations_lie_in_the_scope_of_the_condition_or_loop():
    graph = program.get_concrete_function(tf.TensorSpec([]), tf.TensorSpec([], tf.int32)).graph
    assert names(graph)[2:-2] == [
        "Greater/y",
        "Greater",
        "cond",
        "cond/Identity",
        "outer/Const",
        "outer/while/maximum_iterations",
        "outer/while/loop_counter",
        "outer/while",
    ]
    body = graph.get_operation_by_name("outer/while").raw_op.attrs["body"].graph
    assert body.is_control_flow_graph and any(n.startswith("outer/while/add") for n in names(body))


def test_graphs_of_tensorflow_1_have_an_identity_for_each_variable_of_a_loop():
    with tf.Graph().as_default() as graph:
        result = tf.while_loop(lambda i: i < 3, lambda i: i + 1, [0], maximum_iterations=2)
    assert result[0].name == "while/Identity_2:0"
    loop = graph.get_operation_by_name("while")
    assert [t.op.name for t in loop.inputs] == [
        "while/loop_counter",
        "while/maximum_iterations",
        "Const",
    ]


def test_a_case_lies_in_the_scope_of_its_switch():
    with tf.Graph().as_default():
        result = tf.switch_case(tf.constant(1), [lambda: 1, lambda: 2])
    assert result.name == "switch_case/indexed_case/Identity:0"


def test_graphs_say_how_conditions_may_run_and_which_resources_they_read():
    v, w = tf.Variable(1.0), tf.Variable(2.0)

    @tf.function
    def f(x):
        return tf.cond(x > 0, lambda: v.assign_add(w), lambda: w.read_value())

    op = f.get_concrete_function(tf.TensorSpec([])).graph.get_operation_by_name("cond")
    assert op.get_attr("_lower_using_switch_merge") is True
    (read,) = op.get_attr("_read_only_resource_inputs")
    assert [
        w.handle is outer for outer, inner in op.graph.captures if inner is op.inputs[read]
    ] == [True]


def test_collections_are_those_of_the_graph_around():
    with tf.Graph().as_default() as graph:
        graph.add_to_collection("seen", 1)

        def branch():
            tf.compat.v1.add_to_collection("seen", len(tf.compat.v1.get_collection("seen")) + 1)
            return tf.constant(0)

        tf.cond(tf.constant(True), branch, branch)
        assert graph.get_collection("seen") == [1, 2, 3]


def test_a_tensor_of_another_branch_is_refused():
    made = []

    def first():
        made.append(tf.identity(1.0, name="inner"))
        return made[0]

    with pytest.raises(ValueError, match="cond/inner:0 in true_fn is accessed from false_fn"):
        tf.function(lambda: tf.cond(tf.constant(True), first, lambda: made[0] + 1.0))()


def test_slices_and_a_tensor_are_not_reconciled():
    slices = tf.IndexedSlices(tf.constant([1.0]), tf.constant([0]))
    with pytest.raises(TypeError, match="Cannot reconcile tf.cond 0-th outputs"):
        tf.function(lambda: tf.cond(tf.constant(True), lambda: slices, lambda: slices.values))()


def test_an_invariant_of_another_type_is_refused():
    spec = [tf.TensorSpec([], tf.int32), tf.SparseTensorSpec([None])]
    with pytest.raises(TypeError, match="does not describe the loop variable"):
        tf.function(
            lambda: tf.while_loop(
                lambda i, x: i < 3, lambda i, x: (i + 1, x), [0, tf.constant([1.0])], spec
            )
        )()


def test_results_are_named_like_nodes_of_tensorflow_1_without_its_new_control_flow():
    v1 = tf.compat.v1
    v1.disable_control_flow_v2()
    try:
        with tf.Graph().as_default():
            x = v1.placeholder(tf.float32, [2, 3])
            loop = v1.while_loop(lambda i, _: i < 2, lambda i, s: (i + 1, s * x), [0, x])
            branch = v1.cond(x[0, 0] > 0.0, lambda: x, lambda: -x)
            rows = v1.map_fn(tf.exp, x)
    finally:
        v1.enable_control_flow_v2()
    names = [t.name for t in (*loop, branch, rows)]
    stacked = "map/TensorArrayStack/TensorArrayGatherV3:0"
    assert names == ["while/Exit:0", "while/Exit_1:0", "cond/Merge:0", stacked]
