"""Whole programs on XLA, as a device that one row of the table of devices names."""

import sys

import numpy as np
import pytest

import penstock as tf
from penstock._src.devices import table
from penstock._src.util import flags
from tests.formats.stablehlo import xla_device
from tests.formats.stablehlo.programs import trained


@pytest.fixture
def xla(monkeypatch):
    monkeypatch.setitem(sys.modules, "penstock._src.devices.xla.device", xla_device)
    monkeypatch.setitem(table.FOLDERS, "xla", "xla")
    table.find_device.cache_clear()
    yield
    table.find_device.cache_clear()


def test_a_training_step(xla):
    for made, expected in zip(trained("xla"), trained("CPU"), strict=True):
        np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-6)


def test_loops_over_what_grows_and_sorts(xla):
    @tf.function
    def program(x, count):
        rows = tf.TensorArray(tf.float32, 0, dynamic_size=True)
        for i in tf.range(count):
            rows = rows.write(i, tf.sort(x * tf.cast(i, tf.float32), direction="DESCENDING"))
            if tf.reduce_sum(x) > 100.0:
                break
            x = tf.cumsum(x, exclusive=True) + 1.0
        best, at = tf.math.top_k(rows.stack(), 2)
        return best, tf.gather(x, at), tf.math.unsorted_segment_max(x, [0, 1, 0, 1, 2], 3)

    x = tf.constant([3.0, -1.0, 4.0, 1.0, -5.0])
    with flags.override(device="xla"):
        made = program(x, 5)
    for result, wanted in zip(made, program.python_function(x, tf.constant(5)), strict=True):
        np.testing.assert_allclose(result, wanted, rtol=1e-5)


def test_a_check_that_does_not_hold_raises(xla):
    @tf.function
    def program(x):
        tf.debugging.assert_positive(x, "not positive")
        return x + 1.0

    with flags.override(device="xla"):
        assert program(tf.constant(1.0)).numpy() == 2.0
        with pytest.raises(tf.errors.InvalidArgumentError, match="not positive"):
            program(tf.constant(-1.0))
