"""The base of test cases about datasets, in both versions, eagerly and in graphs."""

import unittest

import numpy as np
import pytest
from absl.testing import parameterized

import penstock as tf
from penstock._src.bridge.python.data.kernel_tests import test_base
from penstock._src.bridge.testing import combinations


def failures(method, drawn=test_base.default_test_combinations):
    """The messages of the failures of a method as a test of drawn combinations, and how many ran."""

    class Case(test_base.DatasetTestBase, parameterized.TestCase):
        test_it = combinations.generate(drawn())(method)

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(Case).run(result)
    assert not result.errors, result.errors
    return [text for _, text in result.failures], result.testsRun


@pytest.mark.parametrize("drawn", ["v1_only", "v2_only", "eager_only", "graph_only"])
def test_elements_are_compared_in_each_mode(drawn):
    def method(self):
        pairs = tf.data.Dataset.range(3).map(lambda i: {"a": i, "b": tf.stack([i, i])})
        expected = [{"a": i, "b": [i, i]} for i in range(3)]
        self.assertDatasetProduces(pairs, expected, num_test_iterations=2)
        self.assertDatasetsEqual(pairs, pairs.take(5))
        self.assertDatasetProduces(tf.data.Dataset.range(3), np.arange(3))

    found, ran = failures(method, getattr(test_base, f"{drawn}_combinations"))
    assert not found and ran


@pytest.mark.parametrize(
    "expected, message", [([0, 1], "not raised"), ([0, 1, 2, 3], "ended"), ([0, 1, 3], "not equal")]
)
def test_other_elements_fail(expected, message):
    def method(self):
        self.assertDatasetProduces(tf.data.Dataset.range(3), expected)

    found, ran = failures(method)
    assert len(found) and all(message in text for text in found)


def test_errors_are_compared():
    def method(self):
        bad = tf.data.Dataset.range(1).map(
            lambda i: tf.debugging.check_numerics(1.0 / tf.cast(i, tf.float32), "bad")
        )
        error = (tf.errors.InvalidArgumentError, "bad : Tensor had Inf")
        self.assertDatasetProduces(bad, expected_error=error)
        names = [("Root::Map", "Root::Take::Map", 1)]
        self.assertDatasetsRaiseSameError(bad, bad.take(1), error[0], names)
        with self.assertRaises(AssertionError):
            self.assertDatasetProduces(bad.take(0), expected_error=error)

    assert failures(method)[0] == []


@pytest.mark.parametrize("source", ["textfile", "keyvaluetensor", "dataset"])
def test_tables_of_each_source(source):
    def method(self):
        table = tf.lookup.StaticHashTable(self.lookupTableInitializer(source, [10, 11]), -1)
        self.evaluate(tf.compat.v1.tables_initializer())
        self.assertAllEqual(self.evaluate(table.lookup(tf.constant([1, 2], tf.int64))), [11, -1])

    assert failures(method, test_base.v2_only_combinations)[0] == []


def test_random_access_and_structures():
    def method(self):
        self.verifyRandomAccess(tf.data.Dataset.range(4), [0, 1, 2, 3])
        nested = self.structuredDataset((None, (None,)), shape=[2])
        self.assertDatasetProduces(
            nested, [self.evaluate(self.structuredElement((None, (None,)), [2]))]
        )
        self.assertDatasetProduces(self.graphRoundTrip(tf.data.Dataset.range(2)), [0, 1])

    assert failures(method, test_base.v2_eager_only_combinations)[0] == []
