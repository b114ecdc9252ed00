"""Results that are to be used: what is said, and raised in functions, if they are not."""

from unittest import mock

import pytest

import penstock as tf
from penstock._src.bridge.python.util import tf_should_use


@tf_should_use.should_use_result(warn_in_eager=True, error_in_function=True)
def made():
    return tf.constant(1)


def test_forgotten_results_are_logged():
    with mock.patch.object(tf_should_use.tf_logging, "error") as error:
        made()
    assert "never used" in error.call_args[0][0] and __file__ in error.call_args[0][0]


@pytest.mark.parametrize("use", [lambda x: x + 1, lambda x: x.shape, tf.negative, len, repr])
def test_used_results_are_not(use):
    with mock.patch.object(tf_should_use.tf_logging, "error") as error:
        if use is not len:
            use(made())
        else:
            made().mark_used()
    error.assert_not_called()


def test_functions_fail_that_forget_results():
    def forgets():
        made()

    with pytest.raises(RuntimeError, match="never used"):
        tf.function(forgets)()
    assert tf.function(lambda: made() + 1)().numpy() == 2
