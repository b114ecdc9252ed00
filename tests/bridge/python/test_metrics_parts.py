"""The parts of TensorFlow 1's metrics that programs build their own of."""

import numpy as np
import pytest

import penstock as tf
import penstock.compat.v1 as v1
from penstock._src.bridge.python.ops import metrics_impl


def test_a_streaming_confusion_matrix_adds_weighted_counts_in_a_local_variable():
    with tf.Graph().as_default(), v1.Session() as session:
        labels, predictions = v1.placeholder(tf.int64, [None]), v1.placeholder(tf.int64, [None])
        weights = v1.placeholder(tf.float32, [None])
        total, update = metrics_impl._streaming_confusion_matrix(labels, predictions, 3, weights)
        assert v1.get_collection(v1.GraphKeys.LOCAL_VARIABLES) == [total]
        session.run(v1.local_variables_initializer())
        session.run(update, {labels: [0, 1], predictions: [0, 2], weights: [1.0, 2.0]})
        session.run(update, {labels: [1], predictions: [2], weights: [0.5]})
        value = session.run(total)
    np.testing.assert_array_equal(value, [[1, 0, 0], [0, 0, 2.5], [0, 0, 0]])
    assert value.dtype == np.float64


def test_outcomes_at_thresholds_are_those_asked_for():
    with tf.Graph().as_default(), v1.Session() as session:
        values, updates = metrics_impl._confusion_matrix_at_thresholds(
            [1, 0, 1], [0.9, 0.6, 0.2], [0.5, 0.1], includes=["tp", "fp"]
        )
        assert set(values) == set(updates) == {"tp", "fp"}
        session.run(v1.local_variables_initializer())
        counts = session.run(updates)
        with pytest.raises(ValueError, match="Invalid key: no"):
            metrics_impl._confusion_matrix_at_thresholds([1], [0.9], [0.5], includes=["no"])
    assert counts["tp"].tolist() == [1, 2]
    assert counts["fp"].tolist() == [1, 1]


def test_variables_of_metrics_are_in_two_collections_and_quotients_of_nothing_are_zero():
    with tf.Graph().as_default(), v1.Session() as session:
        variable = metrics_impl.metric_variable([2], tf.float32, name="total")
        assert v1.get_collection(v1.GraphKeys.METRIC_VARIABLES) == [variable]
        session.run(variable.initializer)
        quotient = metrics_impl._safe_scalar_div(tf.constant(1.0), tf.constant(0.0), "safe")
        assert session.run([variable, quotient])[1] == 0
