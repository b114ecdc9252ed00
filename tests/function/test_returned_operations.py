"""Functions that return operations: only tensors, None and structures of them can be returned."""

import pytest

import penstock as tf

SAYS = "must return zero or more Tensors or ExtensionTypes or None values.*of type Operation"


@pytest.mark.parametrize(
    "body",
    [
        lambda x: tf.group(tf.identity(x)),
        lambda x: (x, tf.no_op()),
        lambda x: {"a": tf.identity(x).op},
    ],
)
def test_operations_are_refused(body):
    with pytest.raises(TypeError, match=SAYS):
        tf.function(body)(tf.constant(1.0))
    with pytest.raises(TypeError, match=SAYS):
        tf.compat.v1.wrap_function(body, [tf.TensorSpec([])])


def test_branches_may_return_operations():
    variable = tf.Variable(0)

    @tf.function
    def add(wanted):
        tf.cond(wanted, lambda: tf.group(variable.assign_add(1)), lambda: tf.no_op())

    add(tf.constant(True))
    add(tf.constant(False))
    assert variable.numpy() == 1
