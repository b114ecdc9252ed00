"""Functions of parallel maps that are compiled for values as well as shapes."""

import numpy as np

import penstock as tf


def test_elements_do_not_take_programs_of_other_values():
    """More values than a block keeps programs for: it changes to the host while other threads make theirs."""
    starts = tf.constant(np.arange(0, 120, 3))
    for _ in range(10):
        data = tf.data.Dataset.range(40).map(
            lambda i: tf.range(starts[i], starts[i] + 9), num_parallel_calls=tf.data.AUTOTUNE
        )
        for i, element in enumerate(data):
            np.testing.assert_array_equal(element, np.arange(3 * i, 3 * i + 9))
