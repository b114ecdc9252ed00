"""Distributed values that are made by their classes."""

import penstock as tf
from penstock._src.bridge.names import private_modules
from penstock._src.bridge.python.distribute import cross_device_utils
from penstock._src.distribute.mirrored.variables import MirroredVariable
from penstock._src.distribute.values import Mirrored, PerReplica


def test_variables_outside_of_a_strategy_are_tracked():
    summed = MirroredVariable(None, [tf.Variable(1.0)], tf.VariableAggregation.SUM)
    values = private_modules.build("python.distribute.tpu_values", "tpu_values")
    other = values.TPUMirroredVariable(strategy=None, values=[tf.Variable(2.0)], aggregation=None)
    module = tf.Module()
    module.parts = [summed, other]
    assert module.variables == (summed, other)
    assert summed.aggregation is tf.VariableAggregation.SUM


def test_slices_of_all_replicas():
    part = tf.IndexedSlices(tf.constant([[1.0]]), tf.constant([0]))
    assert cross_device_utils.is_indexed_slices(PerReplica((part, part)))
    assert cross_device_utils.is_indexed_slices(Mirrored((part, part)))
    assert not cross_device_utils.is_indexed_slices(PerReplica((part, tf.constant(1.0))))
