"""Tests drawn from combinations of strategies, and names of devices."""

import unittest

import pytest
from absl.testing import parameterized

import penstock as tf
from penstock._src.bridge.python.distribute import (
    combinations,
    cross_device_utils,
    device_util,
    distribute_lib,
    distribute_utils,
    multi_worker_test_base,
)


def run(case):
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    assert not result.errors and not result.failures, result
    return result


def test_strategies_are_made_and_what_is_missing_is_skipped():
    one = combinations.NamedDistribution("one", lambda: tf.distribute.OneDeviceStrategy("/cpu:0"))
    two = combinations.NamedDistribution("two", lambda: None, num_workers=2)
    gpus = combinations.NamedDistribution("gpus", lambda: None, required_gpus=99)
    seen = []

    class Case(tf.test.TestCase, parameterized.TestCase):
        @combinations.generate(
            combinations.combine(strategy=[one, two, gpus], mode=["eager", "graph"])
        )
        def test_it(self, strategy, num_workers):
            seen.append((type(strategy).__name__, num_workers, tf.executing_eagerly()))

    result = run(Case)
    assert sorted(seen) == [("OneDeviceStrategy", 1, False), ("OneDeviceStrategy", 1, True)]
    assert len([test for test, _ in result.skipped if "test_it" in str(test)]) == 4


def test_devices_have_full_names():
    full = "/job:localhost/replica:0/task:0/device:CPU:0"
    assert device_util.canonicalize("/cpu:0") == device_util.resolve("/cpu:0") == full
    named = device_util.canonicalize("/job:worker/task:1", default="/gpu:0")
    assert named == "/job:worker/replica:0/task:1/device:GPU:0"
    assert device_util.get_host_for_device(named) == "/job:worker/replica:0/task:1/device:CPU:0"


def test_values_of_replicas():
    strategy = tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"])
    with strategy.scope():
        variable = tf.Variable(1.0)
        assert distribute_lib.get_cross_replica_context() is strategy
    assert distribute_lib.get_cross_replica_context() is None
    assert distribute_utils.is_mirrored(variable) and not distribute_utils.is_sync_on_read(variable)
    grouped = distribute_utils.regroup([{"a": 1}, {"a": 2}])
    assert distribute_utils.select_replica(1, grouped) == {"a": 2}
    with pytest.raises(TypeError, match="mirrored"):
        distribute_utils.select_replica_mirrored(1, grouped)


def test_sums_of_slices():
    first = tf.IndexedSlices(tf.constant([[1.0]]), tf.constant([0]), tf.constant([2, 1]))
    both = cross_device_utils.aggregate_tensors_or_indexed_slices([first, first])
    half = cross_device_utils.divide_by_n_tensors_or_indexed_slices(both, 2)
    assert tf.convert_to_tensor(half).numpy().tolist() == [[1.0], [0.0]]
    packs = cross_device_utils.group_by_size([tf.zeros([4]), tf.zeros([4]), tf.zeros([1])], 20)
    assert [len(pack) for pack in packs] == [2, 1]


def test_addresses_of_a_cluster():
    spec = multi_worker_test_base.create_cluster_spec(has_chief=True, num_workers=2)
    assert sorted(spec) == ["chief", "worker"] and len(set(spec["worker"])) == 2
