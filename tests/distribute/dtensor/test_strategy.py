"""A strategy whose replicas are the shards of DTensors; the values and messages are those of TensorFlow 2.21."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.testing.dtensor import reset_dtensor, reset_logical_devices
from penstock._src.distribute.dtensor.dataset import DTensorDataset
from penstock._src.distribute.dtensor.strategy import (
    DTensorDistributedValue,
    DTensorReplicaContext,
    MirroredStrategy,
)

dtensor = tf.experimental.dtensor


@pytest.fixture
def strategy():
    reset_logical_devices("CPU", 2)
    yield MirroredStrategy(devices=["CPU:0", "CPU:1"])
    reset_dtensor()


def numbers(strategy):
    return strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant([1.0, 2.0]) * context.replica_id_in_sync_group
    )


def test_a_function_runs_once_on_whole_tensors(strategy):
    def step(x):
        context = tf.distribute.get_replica_context()
        assert isinstance(context, DTensorReplicaContext)
        assert x.shape == [4]
        return {"double": x * 2.0}

    made = strategy.run(step, (numbers(strategy),))["double"]
    assert isinstance(made, DTensorDistributedValue)
    np.testing.assert_array_equal([v.numpy() for v in made.values], [[0.0, 0.0], [2.0, 4.0]])
    with pytest.raises(ValueError, match="Unsupported input types for MirroredStrategy"):
        strategy.run(step, (tf.constant(1.0),))
    with pytest.raises(NotImplementedError, match="run with a global context"):
        DTensorReplicaContext(strategy).all_reduce("sum", 1.0)


def test_functions_without_inputs_run_on_the_mesh(strategy):
    made = strategy.run(tf.function(lambda: tf.constant([3.0])))
    assert [v.numpy().tolist() for v in strategy.experimental_local_results(made)] == [[3.0], [3.0]]


def test_reductions_are_of_replicas_and_then_of_axes(strategy):
    value = strategy.experimental_distribute_values_from_function(
        lambda context: (
            tf.constant([[0.0, 1.0], [2.0, 3.0]]) + 4.0 * context.replica_id_in_sync_group
        )
    )
    np.testing.assert_array_equal(
        strategy.reduce("mean", value, axis=None), [[2.0, 3.0], [4.0, 5.0]]
    )
    np.testing.assert_array_equal(strategy.reduce("sum", value, axis=1), [10.0, 18.0])
    np.testing.assert_array_equal(strategy.gather(value, axis=1)[1], [2.0, 3.0, 6.0, 7.0])
    with strategy.scope():
        variable = tf.Variable([1.0, 3.0])
    assert isinstance(variable, dtensor.DVariable)
    assert strategy.extended.variable_created_in_scope(variable)
    assert strategy.reduce("sum", variable, axis=0).numpy() == 4.0
    with pytest.raises(ValueError, match="cannot be reduced with the given reduce op"):
        strategy.reduce("sum", 3.0, axis=None)


def test_batches_are_divided_in_functions_too(strategy):
    batches = strategy.experimental_distribute_dataset(tf.data.Dataset.range(8).batch(4))
    assert isinstance(batches, DTensorDataset)
    iterator = iter(batches)
    assert [part.numpy().tolist() for part in dtensor.unpack(next(iterator))] == [[0, 1], [2, 3]]

    @tf.function
    def step(iterator):
        return next(iterator) + 1

    made = strategy.run(step, (iterator,))
    assert [part.numpy().tolist() for part in made.values] == [[5, 6], [7, 8]]
    uneven = tf.data.Dataset.from_generator(lambda: [[1], [1, 2]], tf.int64)
    with pytest.raises(ValueError, match="requires a static batch size"):
        strategy.experimental_distribute_dataset(uneven)


def test_a_mesh_has_one_dimension(strategy):
    mesh = dtensor.create_mesh([("a", 2), ("b", 1)], devices=["CPU:0", "CPU:1"])
    with pytest.raises(ValueError, match="must be 1D, received: 2D"):
        MirroredStrategy(mesh=mesh)
    with pytest.raises(ValueError, match="can not be provided at the same time"):
        MirroredStrategy(["CPU:0"], mesh=strategy.mesh)
