"""Dates of compatibility."""

import penstock as tf


def test_the_horizon_is_that_of_its_context():
    assert tf.compat.forward_compatible(2026, 1, 15)
    assert not tf.compat.forward_compatible(2026, 1, 16)
    with tf.compat.forward_compatibility_horizon(2030, 1, 2):
        assert tf.compat.forward_compatible(2030, 1, 1)
        assert not tf.compat.forward_compatible(2030, 1, 2)
    assert not tf.compat.forward_compatible(2026, 1, 16)
