"""Names of operations in graphs, as TensorFlow gives them."""

import pytest

import penstock as tf


def test_what_belongs_to_a_variable_stands_under_its_name():
    with tf.Graph().as_default() as graph:
        with tf.compat.v1.variable_scope("net"):
            ones = tf.compat.v1.ones_initializer()
            weights = tf.compat.v1.get_variable("w", [3], initializer=ones)
        tf.nn.relu(weights)
    assert [op.name for op in graph.get_operations()] == [
        "net/w/Initializer/ones",
        "net/w",
        "net/w/IsInitialized/VarIsInitializedOp",
        "net/w/Assign",
        "net/w/Read/ReadVariableOp",
        "Relu/ReadVariableOp",
        "Relu",
    ]


def test_tensors_of_graphs_are_keys_anywhere():
    with tf.Graph().as_default() as graph:
        given = tf.compat.v1.placeholder(tf.float32)
        doubled = given * 2.0
    with tf.compat.v1.Session(graph=graph) as session:
        assert session.run(doubled, {given: 3.0}) == 6.0


def test_a_scope_of_values_has_a_name():
    with tf.Graph().as_default(), pytest.raises(ValueError, match="At least one of name"):
        tf.compat.v1.name_scope(None, None, [tf.constant(1)]).__enter__()


def test_pools_and_convolutions_have_the_names_of_their_ranks():
    @tf.function
    def called(x, w):
        transposed = tf.nn.conv_transpose(x, w, [tf.shape(x)[0], 9, 2], 2)
        return tf.nn.max_pool(x, 2, 2, "VALID"), tf.nn.pool(x, [2], "AVG"), transposed

    specs = tf.TensorSpec([None, 4, 3]), tf.TensorSpec([3, 2, 3])
    names = {op.name: op.type for op in called.get_concrete_function(*specs).graph.get_operations()}
    assert names["MaxPool1d"] == "MaxPool"
    assert names["avg_pool"] == "AvgPool"
    assert names["conv_transpose"] == "Conv2DBackpropInput"
