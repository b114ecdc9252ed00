"""Counters and gauges by labels."""

import pytest

from penstock._src.bridge.python.eager import monitoring


def test_cells_are_found_by_labels():
    counter = monitoring.Counter("a", "what it is", "kind")
    counter.get_cell("x").increase_by(3)
    counter.get_cell("x").increase_by(2)
    assert (counter.get_cell("x").value(), counter.get_cell("y").value()) == (5, 0)
    with pytest.raises(ValueError, match="expects taking 1 labels"):
        counter.get_cell()
    gauge = monitoring.StringGauge("b", "what it is")
    gauge.get_cell().set("on")
    assert gauge.get_cell().value() == "on"


def test_samples_are_counted_by_buckets():
    sampler = monitoring.Sampler("c", monitoring.ExponentialBuckets(1.0, 2.0, 2), "what it is")
    for value in (0.5, 1.0, 5.0):
        sampler.get_cell().add(value)
    assert sampler.get_cell().value()["bucket"] == [1, 1, 1]
    assert sampler.get_cell().value()["sum"] == 6.5


def test_calls_are_timed():
    cell = monitoring.Counter("d", "what it is").get_cell()
    assert monitoring.monitored_timer(cell)(lambda x: x + 1)(1) == 2
    assert cell.value() >= 0
