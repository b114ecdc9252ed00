"""Results with more elements than an int64 counts are refused by TensorFlow's error."""

import numpy as np
import pytest

import penstock as tf

HUGE = 2**31 - 1

REFUSED = {
    "tiles": (lambda: tf.tile(np.ones((1, 1, 1)), [100_000_000] * 3), "Encountered overflow"),
    "a reshape": (lambda: tf.reshape([1], [HUGE] * 3), "too many elements"),
    "one value": (lambda: tf.fill([HUGE] * 3, 1.0), "more than 2\\*\\*63 - 1 elements"),
    "random numbers": (lambda: tf.random.uniform([HUGE] * 3), "Encountered overflow"),
    "counts": (lambda: tf.random.poisson([HUGE, HUGE], np.ones([7])), "Encountered overflow"),
    "images": (
        lambda: tf.image.resize(np.ones((2, 2, 2, 2)), [HUGE, HUGE]),
        "Encountered overflow",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_too_many_elements_are_refused(case):
    make, message = REFUSED[case]
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        make()


def test_counts_of_an_infinite_rate_are_infinite():
    np.testing.assert_array_equal(tf.random.poisson([2], np.inf), [np.inf, np.inf])
