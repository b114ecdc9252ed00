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
