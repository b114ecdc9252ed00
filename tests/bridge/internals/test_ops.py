"""Operations that layers of Keras 2 add to graphs by their NodeDefs."""

import numpy as np
import pytest

import penstock as tf


def node_of(function):
    """The NodeDef of the operation that a function of a placeholder adds last."""
    with tf.Graph().as_default():
        return function(tf.compat.v1.placeholder(tf.float32, [None, 2], "x")).op.node_def


def added(node, inputs):
    graph = inputs[0].graph
    made = tf.__internal__.create_c_op(graph, node, inputs, control_inputs=[])
    operation = graph._create_op_from_tf_operation(made)
    operation._control_flow_post_processing()
    tf.__internal__.record_gradient(operation.type, operation.inputs, (), operation.outputs)
    return operation


def test_an_operation_of_a_node_has_gradients():
    node = node_of(lambda x: tf.math.multiply(x, x, name="product"))

    @tf.function
    def function(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = added(node, [x, x]).outputs[0]
        return y, tape.gradient(y, x)

    y, gradient = function(tf.constant([[1.0, 3.0]]))
    np.testing.assert_array_equal(y, [[1, 9]])
    np.testing.assert_array_equal(gradient, [[2, 6]])


def test_inputs_may_be_lists_and_the_name_is_that_of_the_node():
    node = node_of(lambda x: tf.concat([x, x], 1, name="joined"))
    with tf.Graph().as_default() as graph, tf.name_scope("scope"):
        x = tf.compat.v1.placeholder(tf.float32, [None, 2])
        axis = tf.constant(1)
        node.name = graph.unique_name("joined")
        operation = tf.__internal__.create_c_op(graph, node, [[x, x], axis], [axis.op])
        assert operation.name == "scope/joined"
        assert operation.outputs[0].shape.as_list() == [None, 4]
        assert operation.control_inputs == [axis.op]
        with pytest.raises(ValueError, match="Duplicate node name in graph: 'scope/joined'"):
            tf.__internal__.create_c_op(graph, node, [[x, x], axis], [])


def test_gradients_of_other_operations_are_refused():
    with pytest.raises(tf.errors.UnimplementedError, match="Relu was not made by Penstock"):
        tf.__internal__.record_gradient("Relu", [], (), [np.ones(2)])
