"""Variables that are None at the end of a branch of a symbolic `if`: refused, as in TensorFlow."""

import pytest

import penstock as tf


def test_none_in_both_branches():
    @tf.function
    def returns(x):
        if x > 0:
            return None
        else:
            return None

    @tf.function
    def assigns(x):
        if x > 0:
            y = None
        else:
            y = None
        return y

    for function, name in ((returns, "retval_"), (assigns, "y")):
        with pytest.raises(ValueError, match=f"'{name}' is None at the end of the main branch"):
            function(tf.constant(1))
