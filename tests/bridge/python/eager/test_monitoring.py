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
    histogram = sampler.get_cell().value()
    assert list(histogram.bucket) == [1, 1, 1] and list(histogram.bucket_limit[:2]) == [1, 2]
    assert (histogram.min, histogram.max, histogram.num) == (0.5, 5.0, 3)
    assert (histogram.sum, histogram.sum_squares) == (6.5, 26.25)


def test_calls_are_timed():
    cell = monitoring.Counter("d", "what it is").get_cell()
    assert monitoring.monitored_timer(cell)(lambda x: x + 1)(1) == 2
    assert cell.value() >= 0
