"""CentralStorageStrategy with two devices. The numbers are TensorFlow 2.21's for the same program."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.distribute.mirrored.central_storage import AggregatingVariable


@pytest.fixture
def strategy():
    return tf.distribute.experimental.CentralStorageStrategy(["CPU:0", "CPU:1"], "CPU:0")


def replica():
    return tf.cast(tf.distribute.get_replica_context().replica_id_in_sync_group, tf.float32)


def test_variables_are_one_that_all_replicas_read(strategy):
    with strategy.scope():
        v = tf.Variable([1.0, 2.0])
    assert strategy.num_replicas_in_sync == 2
    assert strategy.extended.parameter_devices == ("CPU:0",)
    assert isinstance(v, AggregatingVariable) and strategy.extended.variable_created_in_scope(v)
    (local,) = strategy.experimental_local_results(v)
    assert local is v
    parts = strategy.run(lambda: v * (replica() + 1)).values
    assert [part.numpy().tolist() for part in parts] == [[1.0, 2.0], [2.0, 4.0]]


@pytest.mark.parametrize(
    "aggregation, expected", [("SUM", 11.0), ("MEAN", 5.5), ("ONLY_FIRST_REPLICA", 5.0)]
)
def test_what_replicas_assign_is_aggregated_once(strategy, aggregation, expected):
    with strategy.scope():
        v = tf.Variable(0.0, aggregation=tf.VariableAggregation[aggregation])
    result = strategy.run(lambda: v.assign(replica() + 5))
    assert float(result) == float(v) == expected
    strategy.run(tf.function(lambda: v.assign_add(replica() + 5)))
    assert float(v) == 2 * expected


def test_variables_without_aggregation_are_not_assigned_in_replicas(strategy):
    with strategy.scope():
        v = tf.Variable(0.0)
    with pytest.raises(ValueError, match="aggregation"):
        strategy.run(lambda: v.assign_add(1.0))
    v.assign(3.0)
    assert float(v) == 3.0


def test_updates_take_the_sum_of_the_replicas(strategy):
    with strategy.scope():
        v = tf.Variable([3.0, 4.0])
    total = strategy.extended.reduce_to("SUM", strategy.run(lambda: replica() + 1), v)
    assert isinstance(total, tf.Tensor) and float(total) == 3.0
    strategy.extended.update(v, lambda x, y: x.assign_add(y), args=(total * [1.0, 1.0],))
    assert v.numpy().tolist() == [6.0, 7.0]


def test_a_custom_loop_has_the_gradients_of_all_replicas(strategy):
    with strategy.scope():
        v = tf.Variable([4.0, 5.0])
    rows = np.arange(16, dtype="f").reshape(8, 2), np.arange(8, dtype="f")[:, None]
    dataset = tf.data.Dataset.from_tensor_slices(rows).batch(4)

    @tf.function
    def step(batch):
        def one(x, y):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((tf.tensordot(x, v, 1) - y[:, 0]) ** 2)
            gradient = tape.gradient(loss, v)
            context = tf.distribute.get_replica_context()
            return loss, context.all_reduce("MEAN", gradient)

        return strategy.run(one, args=batch)

    losses, gradients = step(next(iter(strategy.experimental_distribute_dataset(dataset))))
    assert [float(loss) for loss in losses.values] == [254.5, 2328.5]
    assert [g.numpy().tolist() for g in gradients.values] == [[268.0, 329.0]] * 2


def test_one_device_needs_no_view():
    strategy = tf.distribute.experimental.CentralStorageStrategy()
    assert strategy.num_replicas_in_sync == 1
    with strategy.scope():
        assert not isinstance(tf.Variable(1.0), AggregatingVariable)
