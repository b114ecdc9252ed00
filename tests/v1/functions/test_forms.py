"""compat.v1's forms of functions: older names and orders of arguments; numbers recorded from TensorFlow 2.21."""

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1
X = np.float32([[1, 2, 3], [0, 1, 0]])


def test_older_names_of_arguments():
    kept = v1.reduce_sum(X, reduction_indices=[1], keep_dims=True)
    assert kept.numpy().tolist() == [[6.0], [1.0]]
    assert v1.argmax(X, dimension=1).numpy().tolist() == [2, 1]
    assert v1.squeeze(v1.expand_dims(X, dim=0), squeeze_dims=[0]).shape == [2, 3]
    with pytest.raises(ValueError, match="both 'keep_dims' and 'keepdims'"):
        v1.reduce_max(X, keepdims=True, keep_dims=True)


def test_a_vector_chooses_rows():
    assert v1.where([True, False], X, -X).numpy().tolist() == [[1, 2, 3], [0, -1, 0]]


def test_constants_of_graphs_are_filled_up():
    with tf.Graph().as_default(), v1.Session() as session:
        filled = session.run(v1.constant([1, 2, 3], shape=[2, 3]))
    assert filled.tolist() == [[1, 2, 3], [3, 3, 3]]
    with pytest.raises(TypeError, match="unsupported shape"):
        v1.constant([1, 2, 3], shape=[2, 3])


def test_integers_are_divided_as_in_python_2():
    assert v1.div(7, 2).numpy() == 3 and v1.div(7.0, 2.0).numpy() == 3.5


def test_losses_are_weighted_and_gathered():
    with tf.Graph().as_default():
        loss = v1.losses.mean_squared_error([1.0, 2.0], [2.0, 4.0], weights=[1.0, 0.0])
        v1.losses.absolute_difference([1.0], [4.0])
        total = v1.losses.get_total_loss()
        with v1.Session() as session:
            assert session.run([loss, total]) == [1.0, 4.0]


def test_initializers_draw_tensorflows_numbers():
    with tf.Graph().as_default():
        drawn = v1.variance_scaling_initializer(seed=1)([3, 4])
        spread = v1.glorot_normal_initializer(seed=7)([3, 4])
        ortho = v1.orthogonal_initializer(seed=4)([3, 4])
        with v1.Session() as session:
            drawn, spread, ortho = session.run([drawn, spread, ortho])
    assert np.abs(drawn).max() < 2 * np.sqrt(1 / 3) / 0.8796 and spread.shape == (3, 4)
    np.testing.assert_allclose(ortho @ ortho.T, np.eye(3), atol=1e-6)


def test_branches_of_operations_give_tensors():
    @tf.function
    def run(x):
        done = tf.cond(x > 0, lambda: tf.print(end=""), tf.no_op)
        with tf.control_dependencies([done]):
            return x + 1

    assert int(run(tf.constant(1))) == 2


def test_what_is_no_tensor_is_its_own_static_value():
    assert tf.get_static_value(np.int32(3)) == 3 and tf.get_static_value([1]) == [1]
    assert tf.convert_to_tensor(tf.TensorShape([])).dtype == tf.int32


def test_dimensions_compare_and_add_up_as_far_as_they_are_known():
    five, unknown = v1.Dimension(5), v1.Dimension(None)
    assert five < 6 and (five < unknown) is None and (five + 2).value == 7
    assert (10 // five).value == 2 and (unknown * 3).value is None
    assert unknown.merge_with(4).value == 4
    with pytest.raises(ValueError, match="not compatible"):
        five.merge_with(4)


def test_layers_read_their_variables_first():
    with tf.Graph().as_default() as graph:
        weights = v1.get_variable("w", [2, 2], initializer=v1.zeros_initializer())
        biases = v1.get_variable("b", [2], initializer=v1.zeros_initializer())
        x, before = tf.ones([1, 2]), len(graph.get_operations())
        v1.nn.relu_layer(x, weights, biases, name="h")
        names = [operation.name for operation in graph.get_operations()[before:]]
    assert names == ["h/ReadVariableOp", "h/ReadVariableOp_1", "h/MatMul", "h/BiasAdd", "h"]
