"""Tests with strategies by name run with those that this process has the devices for."""

import unittest

from absl.testing import parameterized

import penstock as tf
from penstock._src.bridge.python.distribute import strategy_combinations as strategies

combinations = tf.__internal__.distribute.combinations


def test_strategies_without_devices_are_skipped():
    seen = []

    class Case(tf.test.TestCase, parameterized.TestCase):
        @combinations.generate(
            tf.__internal__.test.combinations.combine(
                distribution=[
                    *strategies.all_strategies,
                    *strategies.four_replica_strategies,
                    strategies.mirrored_strategy_with_one_cpu,
                ],
                mode="eager",
            )
        )
        def test_step(self, distribution):
            seen.append((type(distribution).__name__, float(distribution.run(lambda: 1.0))))

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(Case).run(result)
    assert not result.errors and not result.failures, result
    names = ("MirroredStrategy", "OneDeviceStrategy", "_DefaultDistributionStrategy")
    assert sorted(seen) == [(name, 1.0) for name in names] and len(result.skipped) >= 10


def test_names_are_those_of_the_public_namespace():
    assert combinations.one_device_strategy is strategies.one_device_strategy
    assert repr(strategies.mirrored_strategy_with_gpu_and_cpu) == "MirroredCPUAndGPU"
    assert len(strategies.all_strategy_combinations()) == 16
    assert {c["mode"] for c in strategies.tpu_strategy_combinations()} == {"graph"}
