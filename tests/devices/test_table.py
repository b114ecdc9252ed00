"""Devices: every row of the table loads and runs, and a further one is a folder and a row."""

import sys
import types

import numpy as np
import pytest

import penstock as tf
from penstock._src.compiler.device import find_device
from penstock._src.devices import table
from penstock._src.util.flags import override


def tripled():
    """A new function, so that it is compiled for the device at hand."""
    return tf.function(lambda x: x * 3.0)


@pytest.mark.parametrize(
    "name", sorted(table.FOLDERS.keys() - {"GPU", "PJRT"})
)  # which not all machines have
def test_each_device_runs_what_it_loads(name):
    device = find_device(name)
    assert device.name == name
    with override(device=name):
        result = tripled()(tf.constant([1.0, 2.0])).numpy()
    np.testing.assert_array_equal(result, [3.0, 6.0] if device.computes else [0.0, 0.0])


def test_a_device_that_is_not_in_the_table_is_refused():
    with override(device="TPU"), pytest.raises(tf.errors.InvalidArgumentError, match="reference"):
        tripled()(tf.constant(1.0))


def test_a_new_device_is_a_row_of_the_table(monkeypatch):
    """It plans for one thread, by the generator of CPUs, and wraps its programs."""

    class Counting:
        name, computes, threads, overlaps_streams, load_open = "counting", True, 1, False, None
        generator = find_device("CPU").generator
        plans, runs = [], []

        def load(self, plan):
            self.plans.append(plan)
            program = find_device("CPU").load(plan)

            def run(arguments):
                self.runs.append(len(arguments))
                return program.run(arguments)

            return types.SimpleNamespace(run=run)

    module = types.ModuleType("penstock._src.devices.counting.device")
    module.DEVICE = Counting()
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(table.FOLDERS, "counting", "counting")
    with override(device="counting"):
        result = tripled()(tf.constant([1.0, 2.0])).numpy()
    np.testing.assert_array_equal(result, [3.0, 6.0])
    (plan,) = module.DEVICE.plans
    assert plan.threads == 1 and len(plan.launches) == 1 and module.DEVICE.runs == [1]
