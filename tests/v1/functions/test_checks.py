"""What failing assertions of TensorFlow 1 print."""

import pytest

import penstock as tf

v1 = tf.compat.v1


def test_data_stand_in_place_of_the_values():
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        v1.assert_equal(tf.constant([1, 2]), tf.constant([1, 3]), data=["what", tf.constant(7)])
    assert str(caught.value).split("\n")[:2] == ["what", "7"]
    x = tf.constant([1.0, 2.0])
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        v1.assert_equal(x, x + 1, data=["what", x], summarize=1)
    assert str(caught.value) == "what\n['1.0', '...']"


def test_a_message_comes_before_the_data():
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        v1.assert_positive(tf.constant([-1]), data=["what"], message="first")
    assert str(caught.value).split("\n")[:2] == ["first", "what"]


def test_data_are_printed_when_a_session_runs():
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.int32, [None], name="x")
        check = v1.assert_less(x, [0, 0], data=["limits of", x])
        session.run(check, {x: [-1, -2]})
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[limits of\] \[1 -2\]"):
            session.run(check, {x: [1, -2]})


def test_the_same_tensor_is_equal_to_itself():
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.int32, [None], name="x")
        assert v1.assert_equal(x, x).name == "assert_equal/NoOp"
        v1.assert_equal(x, [1])
        assert "assert_equal_2/Equal" in {op.name for op in graph.get_operations()}
