"""The advice of OperatorNotAllowedInGraphError fits the place."""

import pytest

import penstock as tf

X = tf.constant([1.0, 2.0])


def advice(call):
    with pytest.raises(tf.errors.OperatorNotAllowedInGraphError) as caught:
        call()
    return str(caught.value)


def test_autograph_is_off():
    def positive(x):
        return x if x[0] > 0 else -x

    function = tf.function(positive, autograph=False)
    assert "autograph=False: leave that out" in advice(lambda: function(X))


def test_comprehensions():
    function = tf.function(lambda x: [2 * row for row in x])
    assert "not comprehensions" in advice(lambda: function(X))


def test_code_that_autograph_does_not_convert():
    @tf.autograph.experimental.do_not_convert
    def helper(x):
        return 1 if x[0] > 0 else 0

    message = advice(lambda: tf.function(lambda x: helper(x))(X))
    assert "has not converted 'helper'" in message and "do_not_convert" in message


def test_graphs_of_sessions():
    with tf.Graph().as_default():
        x = tf.compat.v1.placeholder(tf.bool)
        assert "This is a tf.Graph" in advice(lambda: bool(x))
