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


def test_results_are_identities_in_the_scope_of_the_operation():
    graph = program.get_concrete_function(tf.TensorSpec([]), tf.TensorSpec([], tf.int32)).graph
    found = names(graph)
    wanted = [
        "cond",
        "cond/Identity",
        "outer/while",
        "outer/while/Identity_1",
        "outer/while/loop_counter",
    ]
    assert set(wanted) <= set(found)
    body = graph.get_operation_by_name("outer/while").raw_op.attrs["body"].graph
    assert body.is_control_flow_graph and any(n.startswith("outer/while/add") for n in names(body))


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
