"""Dates of compatibility."""

import datetime

import penstock as tf
from penstock._src.api import compat


def test_the_horizon_is_that_of_its_context():
    assert tf.compat.forward_compatible(2026, 1, 15)
    assert not tf.compat.forward_compatible(2026, 1, 16)
    with tf.compat.forward_compatibility_horizon(2030, 1, 2):
        assert tf.compat.forward_compatible(2030, 1, 1)
        assert not tf.compat.forward_compatible(2030, 1, 2)
    assert not tf.compat.forward_compatible(2026, 1, 16)


def test_horizons_of_the_past_are_ignored():
    with tf.compat.forward_compatibility_horizon(2018, 1, 2):
        assert tf.compat.forward_compatible(2026, 1, 15)


def test_days_of_the_environment_move_the_horizon(monkeypatch):
    monkeypatch.setenv("TF_FORWARD_COMPATIBILITY_DELTA_DAYS", "2")
    assert compat.horizon() == compat.HORIZON + datetime.timedelta(days=2)
