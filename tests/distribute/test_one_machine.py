"""Strategies and servers where one process is all there is; reductions over replicas."""

import os
import signal

import numpy as np
import pytest

import penstock as tf
from penstock._src.distribute.values import PerReplica

distribute = tf.distribute
SUM, MEAN = distribute.ReduceOp.SUM, distribute.ReduceOp.MEAN
RESOLVER = distribute.cluster_resolver.SimpleClusterResolver(
    tf.train.ClusterSpec({"worker": ["a:1", "b:2"]})
)


@pytest.mark.parametrize(
    "make",
    [
        distribute.MultiWorkerMirroredStrategy,
        distribute.experimental.MultiWorkerMirroredStrategy,
        distribute.experimental.CentralStorageStrategy,
    ],
)
def test_strategies_of_one_worker_run(make):
    strategy = make()
    with strategy.scope():
        variable = tf.Variable(2.0)
    total = strategy.reduce("SUM", strategy.run(lambda: variable * 3.0), axis=None)
    assert strategy.num_replicas_in_sync == 1 and float(total) == 6.0


def test_libraries_find_the_task_of_this_process():
    cluster = tf.train.ClusterSpec({"worker": ["localhost:1"]})
    resolver = distribute.cluster_resolver.SimpleClusterResolver(cluster, "", "worker", 0)
    extended = distribute.MultiWorkerMirroredStrategy(resolver).extended
    assert (extended._cluster_resolver, extended._task_type, extended._task_id) == (
        resolver,
        "worker",
        0,
    )


def test_other_machines_cannot_be_used():
    with pytest.raises(tf.errors.UnavailableError, match="cluster of 2 workers"):
        distribute.MultiWorkerMirroredStrategy(RESOLVER)
    with pytest.raises(ValueError, match="needs tasks of the job 'ps'"):
        distribute.experimental.ParameterServerStrategy(RESOLVER)
    with pytest.raises(tf.errors.UnimplementedError, match="the protocol 'grpc'"):
        tf.config.experimental_connect_to_cluster(RESOLVER.cluster_spec(), protocol="mpi")
    with pytest.raises(ValueError, match="Please provide a TPU Name"):
        distribute.TPUStrategy()
    with pytest.raises(RuntimeError, match="worker index"):
        distribute.coordinator.experimental_get_current_worker_index()


def test_values_of_replicas_are_reduced_and_given_out():
    values = PerReplica((tf.constant(1.0), tf.constant(3.0)))
    ops = distribute.ReductionToOneDevice()
    assert float(ops.reduce(SUM, values, "/cpu:0")) == 4.0
    assert [float(v) for v in ops.reduce(MEAN, values, values).values] == [2.0, 2.0]
    assert [float(v) for v in ops.broadcast(tf.constant(1.0), values).values] == [1.0, 1.0]
    (pair,) = distribute.NcclAllReduce().batch_reduce(SUM, [(values, values)])
    assert [float(v) for v in pair.values] == [4.0, 4.0]
    rows = tf.IndexedSlices(tf.ones([1, 2]), tf.constant([1]), tf.constant([3, 2]))
    slices = ops.reduce(MEAN, PerReplica((rows, rows)), "/cpu:0")
    assert tf.convert_to_tensor(slices).numpy().tolist() == [[0, 0], [1, 1], [0, 0]]
    with pytest.raises(ValueError, match="must be Reduce.SUM"):
        ops.reduce("MEAN", values, "/cpu:0")


def test_options_of_communication():
    options = distribute.experimental.CommunicationOptions(implementation="ring")
    assert options.implementation is distribute.experimental.CommunicationImplementation.RING
    assert distribute.experimental.CollectiveHints(50, 3.0).bytes_per_pack == 50
    with pytest.raises(ValueError, match="bytes_per_pack"):
        distribute.experimental.CommunicationOptions(-1)


def test_sessions_of_a_server_share_variables():
    (one, other), _ = tf.test.create_local_cluster(2, 1)
    for server in (one, distribute.Server.create_local_server()):
        with tf.Graph().as_default():
            variable = tf.compat.v1.Variable(3.0)
            with tf.compat.v1.Session(server.target) as session:
                session.run(variable.initializer)
            with tf.compat.v1.Session(server.target) as session:
                assert session.run(variable) == 3.0
            with tf.compat.v1.Session(other.target) as session:  # its variables lie in its own task
                with pytest.raises(tf.errors.FailedPreconditionError, match="Variable"):
                    session.run(variable)
    with pytest.raises(ValueError, match="explicit `job_name`"):
        distribute.Server({"a": ["x:0"], "b": ["y:0"]})


def test_a_checkpoint_is_written_before_the_end(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    try:
        variable = tf.Variable(0.0)
        config = distribute.experimental.TerminationConfig(grace_period=0)
        make = distribute.experimental.PreemptionCheckpointHandler
        handler = make(RESOLVER, tf.train.Checkpoint(v=variable), str(tmp_path), config)
        handler.run(variable.assign_add, 1.0)
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(SystemExit):
            handler.run(variable.assign_add, 1.0)
        again = tf.Variable(0.0)
        restored = make(RESOLVER, tf.train.Checkpoint(v=again), str(tmp_path), config)
        assert restored.total_run_calls == 1 and float(again) == 1.0
    finally:
        signal.signal(signal.SIGTERM, before)


def test_what_tensorflow_1_asks_of_strategies():
    strategy = tf.compat.v1.distribute.OneDeviceStrategy("/cpu:0")
    extended = strategy.extended
    assert float(extended.broadcast_to(3.0, "/cpu:0")) == 3
    rows = strategy.experimental_make_numpy_dataset(np.arange(4.0))
    assert [float(row) for row in rows] == [0, 1, 2, 3]
    assert extended.should_checkpoint and not extended.experimental_between_graph
    assert float(extended.update_non_slot(None, lambda x: x + 1, (tf.constant(1.0),))) == 2
    with strategy.scope():
        variable = tf.Variable(2.0)
    assert float(extended.read_var(variable)) == 2


def test_steps_on_an_iterator():
    strategy = tf.compat.v1.distribute.OneDeviceStrategy("/cpu:0")
    rows = tf.data.Dataset.range(4)
    context = strategy.extended.experimental_run_steps_on_iterator(
        lambda context, x: context.set_last_step_output("doubled", x * 2), iter(rows), 3
    )
    assert int(context.last_step_outputs["doubled"][0]) == 4
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        total = tf.compat.v1.Variable(0, dtype=tf.int64)
        iterator = tf.compat.v1.data.make_initializable_iterator(tf.data.Dataset.range(4))
        context = strategy.extended.experimental_run_steps_on_iterator(
            lambda context, x: total.assign_add(x), iterator, 3
        )
        session.run([total.initializer, iterator.initializer])
        session.run(context.run_op)
        assert session.run(total) == 3


def test_strategies_are_not_mixed():
    one, other = (tf.distribute.OneDeviceStrategy("/cpu:0") for _ in range(2))
    with one.scope():
        with one.scope():
            pass
        with pytest.raises(RuntimeError, match="Mixing different tf.distribute.Strategy objects"):
            with other.scope():
                pass
    with pytest.raises(RuntimeError, match="cross-replica context"):
        one.run(lambda: one.scope().__enter__())


def test_the_number_of_a_replica_is_a_tensor():
    strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
    number = strategy.run(lambda: tf.distribute.get_replica_context().replica_id_in_sync_group)
    assert isinstance(number, tf.Tensor) and number.dtype == tf.int32 and int(number) == 0


def test_iterators_of_tensorflow_1():
    strategy = tf.compat.v1.distribute.get_strategy()
    iterator = strategy.make_dataset_iterator(tf.data.Dataset.range(2))
    assert [int(iterator.get_next()) for _ in range(2)] == [0, 1]
    with pytest.raises(tf.errors.OutOfRangeError):
        iterator.get_next()
    iterator.initialize()
    assert int(strategy.experimental_run(lambda x: x + 5, iterator)) == 5
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        made = strategy.make_input_fn_iterator(
            lambda context: tf.data.Dataset.range(context.num_replicas_in_sync, 3)
        )
        following = made.get_next()
        for _ in range(2):
            session.run(made.initializer)
            assert [session.run(following) for _ in range(2)] == [1, 2]
        ones = strategy.make_input_fn_iterator(lambda _: lambda: tf.constant(1)).get_next()
        assert session.run(ones) == 1


def test_modes_of_variables_are_checked():
    assert tf.Variable(1.0, aggregation=None).aggregation is tf.VariableAggregation.NONE
    with pytest.raises(ValueError, match="Invalid variable synchronization mode: no for variable"):
        tf.Variable(1.0, synchronization="no")


def test_variables_know_the_scope_that_they_were_created_in():
    strategy, made = tf.distribute.OneDeviceStrategy("/cpu:0"), []
    with strategy.scope(), strategy.scope():
        inside = tf.Variable(1.0)
    strategy.run(lambda: made.append(tf.Variable(2.0)))
    created = strategy.extended.variable_created_in_scope
    assert created(inside) and created(made[0]) and not created(tf.Variable(3.0))
    assert tf.distribute.get_strategy().extended.variable_created_in_scope(tf.Variable(3.0))


def test_without_a_strategy_the_number_of_the_replica_is_a_python_integer():
    assert type(tf.distribute.get_replica_context().replica_id_in_sync_group) is int


def test_the_older_name_of_options_warns(caplog):
    with caplog.at_level("WARNING"):
        tf.distribute.experimental.CollectiveHints(50, 3.0)
    assert "CollectiveHints is deprecated" in caplog.text
