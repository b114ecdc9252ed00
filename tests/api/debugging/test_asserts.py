"""Assertions in functions."""

import pytest

import penstock as tf


@pytest.mark.parametrize("holds", [True, False])
def test_a_variable_is_a_condition(holds):
    flag = tf.Variable(holds)

    @tf.function
    def toggled():
        tf.Assert(flag, ["the flag is not set"])
        flag.assign(tf.logical_not(flag))
        return tf.constant(1)

    if holds:
        assert toggled() == 1
    else:
        with pytest.raises(tf.errors.InvalidArgumentError):
            toggled()
    assert not flag


def test_the_message_shows_a_condition_as_text():
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        tf.debugging.Assert(tf.constant(False), [tf.constant(11)])
    assert caught.value.message == (
        "Expected 'tf.Tensor(False, shape=(), dtype=bool)' to be true. Summarized data: 11"
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match="Expected 'False' to be true"):
        tf.debugging.Assert(False, [11])


@pytest.mark.parametrize(("message", "begin"), [(None, "b''"), ("hello", "b'hello.  '")])
def test_a_message_of_near_values_is_that_of_tensorflow(message, begin):
    x = tf.constant([1.0, 2.0, 3.0])
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        tf.debugging.assert_near(x, x + 1, rtol=0.125, message=message, summarize=1)
    assert caught.value.message == (
        "Expected 'tf.Tensor(False, shape=(), dtype=bool)' to be true. Summarized data: "
        f"{begin}\nb'x and y not equal to tolerance rtol = tf.Tensor(0.125, shape=(), dtype=float32), "
        "atol = tf.Tensor(1.1920929e-06, shape=(), dtype=float32)'\n"
        "b'x (shape=(3,) dtype=float32) = '\n1.0, ...\n"
        "b'y (shape=(3,) dtype=float32) = '\n2.0, ..."
    )


def test_a_message_of_near_values_in_a_function_names_the_tolerances():
    @tf.function(input_signature=[tf.TensorSpec([None])])
    def check(x):
        tf.debugging.assert_near(x, x + 1, message="hello")

    pattern = (
        r"assertion failed: \[hello.  \] \[x and y not equal to tolerance rtol = "
        r'Tensor\(\\?"assert_near/rtol:0\\?", shape=\(\), dtype=float32\), atol = '
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match=pattern):
        check(tf.constant([1.0, 2.0]))


def test_tolerances_may_be_arguments_of_a_function():
    @tf.function
    def check(x, tolerance):
        tf.debugging.assert_near(x, x + 1, rtol=tolerance, atol=tolerance)
        return x

    assert check(tf.constant(1.0), tf.constant(5.0)) == 1
    with pytest.raises(tf.errors.InvalidArgumentError, match="not equal to tolerance"):
        check(tf.constant(1.0), tf.constant(0.1))


def test_a_tensor_of_unknown_rank_is_not_taken_for_a_scalar():
    function = tf.function(tf.debugging.assert_scalar, input_signature=[tf.TensorSpec(None)])
    with pytest.raises(ValueError, match="Expected scalar shape for .*saw shape: <unknown>"):
        function(tf.constant(1.0))
    with pytest.raises(ValueError, match=r"^m\.  Expected scalar shape, saw shape: \(1,\)"):
        tf.debugging.assert_scalar([1.0], message="m")


def test_messages_name_dtypes_as_tensorflow():
    x = tf.constant([1.0])
    with pytest.raises(TypeError, match="tensor of dtype <dtype: 'float32'>"):
        tf.debugging.assert_integer(x)
    with pytest.raises(ValueError, match=r"^tf.Tensor\(.*, type=<dtype: 'int32'>, must be of the"):
        tf.debugging.assert_same_float_dtype([x, tf.constant(1)])
    with pytest.raises(TypeError, match="minimum value of <dtype: 'string'> with type <dtype"):
        _ = tf.string.min
