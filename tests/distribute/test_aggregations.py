"""Reductions and aggregations of the values of two replicas."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.eager_context import _reset_context
from penstock._src.distribute.cross_device_ops import ReductionToOneDevice
from penstock._src.distribute.values import PerReplica

ON_READ = tf.VariableSynchronization.ON_READ


@pytest.fixture
def strategy():
    _reset_context()
    (cpu,) = tf.config.list_physical_devices("CPU")
    logical = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, logical)
    yield tf.distribute.MirroredStrategy()
    _reset_context()


def replica():
    context = tf.distribute.get_replica_context()
    return tf.cast(context.replica_id_in_sync_group, tf.float32)


def test_lists_are_reduced_as_one_tensor(strategy):
    assert strategy.reduce("SUM", [1.0, 2.0], axis=0) == 6.0
    assert strategy.reduce("MEAN", strategy.run(lambda: tf.range(3.0) + replica()), axis=-1) == 1.5
    with pytest.raises(TypeError, match="Expected `reduce_op` to be a `tf.distribute.ReduceOp`"):
        strategy.reduce(None, tf.constant([1.0]), axis=0)


def test_values_of_all_replicas_are_joined():
    values = PerReplica([tf.constant([[1.0], [2.0]]), tf.constant([[3.0], [4.0]])])
    joined = ReductionToOneDevice()._gather(values, "CPU:0", 1)
    np.testing.assert_array_equal(joined, [[1, 3], [2, 4]])
    with pytest.raises(ValueError, match="while not inside a replica context"):
        tf.convert_to_tensor(values)


def test_values_without_an_aggregation_are_read_in_replicas_only(strategy):
    with strategy.scope():
        variable = tf.Variable(1.0, synchronization=ON_READ)
    strategy.run(lambda: variable.assign(replica()))
    with pytest.raises(ValueError, match="Could not convert from `tf.VariableAggregation`"):
        variable.read_value()
    assert [float(v) for v in strategy.experimental_local_results(variable)] == [0.0, 1.0]


def test_an_assignment_outside_of_replicas_gives_the_reduced_value(strategy):
    mean = tf.VariableAggregation.MEAN
    with strategy.scope():
        variable = tf.Variable(1.0, synchronization=ON_READ, aggregation=mean)
        mirrored = tf.Variable(1.0)
    strategy.run(lambda: variable.assign(replica()))
    assert variable.assign_add(1.0) == 1.5
    assert tf.function(lambda: mirrored.assign(2.0))() == 2.0


@pytest.mark.parametrize("method", ["scatter_update", "scatter_min", "scatter_max"])
def test_rows_that_replace_others_are_not_summed(strategy, method):
    with strategy.scope():
        variable = tf.Variable([1.0, 2.0], aggregation=tf.VariableAggregation.SUM)
    rows = tf.IndexedSlices(tf.constant([5.0]), tf.constant([0]))
    with pytest.raises(NotImplementedError, match=method):
        strategy.run(lambda: getattr(variable, method)(rows))
    np.testing.assert_array_equal(variable, [1, 2])


def test_functions_are_traced_once_for_distributed_datasets_of_a_type(strategy):
    @tf.function
    def total(dataset):
        result = 0.0
        for batch in dataset:
            result += strategy.reduce("SUM", strategy.run(tf.reduce_sum, (batch,)), None)
        return result

    for size in (3, 5):
        dataset = tf.data.Dataset.from_tensor_slices(np.ones(2 * size, np.float32)).batch(size)
        assert total(strategy.experimental_distribute_dataset(dataset)) == 2.0 * size
    assert total.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("synchronization", [ON_READ, tf.VariableSynchronization.AUTO])
def test_integers_have_no_mean(strategy, synchronization):
    mean = tf.VariableAggregation.MEAN
    with strategy.scope(), pytest.raises(ValueError, match="`MEAN` is for .* is of int32"):
        tf.Variable(1, aggregation=mean, synchronization=synchronization)
