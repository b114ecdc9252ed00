"""What a variable is made of and what is scattered into it, and what TensorFlow refuses."""

import pytest

import penstock as tf


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"shape": [3]}, "not compatible with the explicitly supplied"),
        ({"name": 1}, "must be a string"),
        ({"aggregation": "x"}, "Invalid variable aggregation mode"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        tf.Variable([1.0, 2.0], **arguments)


def test_variables_synchronized_on_reading_are_not_trained():
    on_read = tf.VariableSynchronization.ON_READ
    assert not tf.Variable(1.0, synchronization=on_read).trainable
    assert tf.Variable(1.0, synchronization=on_read, trainable=True).trainable


@pytest.mark.parametrize("method", ["add", "sub", "min", "max", "update"])
def test_index_vectors_are_no_longer_than_the_rank(method):
    variable = tf.Variable([1.0, 2.0])
    with pytest.raises(tf.errors.InvalidArgumentError, match="inner dimension"):
        getattr(variable, f"scatter_nd_{method}")([[0, 0]], [1.0])


def test_assigned_shapes_are_checked_when_functions_run():
    fixed, free = tf.Variable([1.0, 1.0]), tf.Variable([1.0], shape=tf.TensorShape([None]))
    unknown = [tf.TensorSpec(None)]
    assign = tf.function(lambda x: fixed.assign(x), input_signature=unknown)
    assert assign(tf.constant([2.0, 3.0])).numpy().tolist() == [2.0, 3.0]
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"Expected \[2\] got \[3\]"):
        assign(tf.zeros([3]))
    assert fixed.numpy().tolist() == [2.0, 3.0]
    tf.function(lambda x: free.assign(x), input_signature=unknown)(tf.zeros([3]))
    assert free.numpy().tolist() == [0.0, 0.0, 0.0]


def test_variables_of_other_graphs_are_assigned_in_their_own():
    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph:
        variable = v1.Variable(1.0)
    with tf.Graph().as_default():
        assigned = [variable.assign(2.0), variable.assign_add(1.0), variable.assign_sub(1.0)]
    assert all(one.op.graph is graph for one in assigned)


def test_variables_of_one_call():
    @tf.function
    def function(x):
        variable = tf.Variable(3, experimental_enable_variable_lifting=False)
        variable.assign_add(x)
        return variable.read_value()

    assert [int(function(tf.constant(n))) for n in (5, 5, 6)] == [8, 8, 9]
    assert function.experimental_get_tracing_count() == 1
