"""A program that asks for more memory than there is."""

import pytest

import penstock as tf
from penstock._src.util.flags import override


@pytest.mark.parametrize("device", ["CPU", "reference"])
def test_a_program_without_memory_says_that_it_is_exhausted(device):
    ones = tf.function(lambda n: tf.ones(n[None]), input_signature=[tf.TensorSpec([], tf.int64)])
    with override(device=device), pytest.raises(tf.errors.ResourceExhaustedError):
        ones(tf.constant(2**50, tf.int64))
