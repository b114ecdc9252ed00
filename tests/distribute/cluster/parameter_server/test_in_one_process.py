"""Parameter servers, workers and the coordinator in one process, connected by gRPC as they are in several."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.distribute.cluster.tasks.task import Task
from tests.harness.tasks import addresses, needs_grpc

pytestmark = needs_grpc
partitioners = tf.distribute.experimental.partitioners
coordinators = tf.distribute.coordinator


def started(attempts=3):
    """A cluster's description and its servers; other addresses where somebody took a port in between."""
    cluster, servers = tf.train.ClusterSpec(addresses(2, 2)), []
    try:
        for job in ("worker", "ps"):
            for index in range(2):
                server = tf.distribute.Server(
                    cluster, job_name=job, task_index=index, protocol="grpc"
                )
                servers.append(server)
    except tf.errors.UnknownError:
        for server in servers:
            server._service.stop()
        if attempts == 1:
            raise
        return started(attempts - 1)
    return cluster, servers


@pytest.fixture(scope="module")
def resolver():
    cluster, servers = started()
    yield tf.distribute.cluster_resolver.SimpleClusterResolver(cluster, rpc_layer="grpc")
    for server in servers:
        server._service.stop()


@pytest.fixture(scope="module")
def strategy(resolver):
    partitioner = partitioners.FixedShardsPartitioner(2)
    return tf.distribute.ParameterServerStrategy(resolver, variable_partitioner=partitioner)


@pytest.fixture(scope="module")
def coordinator(strategy):
    return coordinators.ClusterCoordinator(strategy)


def of_scope(strategy, value, **options):
    with strategy.scope():
        return tf.Variable(value, **options)


def test_variables_lie_on_servers_in_turn_and_are_divided(strategy):
    first, second = (of_scope(strategy, value) for value in (1.0, 2))
    assert {v.device for v in (first, second)} == {
        f"/job:ps/replica:0/task:{i}/device:CPU:0" for i in range(2)
    }
    assert first.assign_add(2.0).numpy() == 3.0 and second.dtype == tf.int32
    whole = of_scope(strategy, np.arange(10.0).reshape(5, 2), name="table")
    assert [(v.name, v.shape.as_list()) for v in whole.variables] == [
        ("table/part_0:0", [3, 2]),
        ("table/part_1:0", [2, 2]),
    ]
    assert tf.convert_to_tensor(whole)[:, 0].numpy().tolist() == [0, 2, 4, 6, 8]
    assert (whole + 1.0)[4, 1] == 10.0 and whole[1:3].shape == (2, 2)
    assert tf.gather(whole, [[4], [0]]).numpy().tolist() == [[[8, 9]], [[0, 1]]]
    assert tf.nn.embedding_lookup(whole, [3, 2])[:, 1].numpy().tolist() == [7, 5]
    whole.scatter_add(tf.IndexedSlices(tf.ones([3, 2], tf.float64), tf.constant([0, 4, 4])))
    assert whole.numpy()[:, 0].tolist() == [1, 2, 4, 6, 10]
    whole.assign(np.zeros([5, 2]))
    assert not whole.numpy().any()
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"7 is not in \[0, 2\)"):
        tf.gather(whole, [10])
    with pytest.raises(tf.errors.InvalidArgumentError, match="all resources .* in one task"):
        tf.raw_ops.ResourceApplyMomentum(
            var=whole.variables[0].handle, accum=whole.variables[1].handle, lr=0.1,
            grad=np.zeros([3, 2]), momentum=0.9,
        )  # fmt: skip


def test_initial_values_are_made_for_each_shard_alone(strategy):
    asked = []

    def initializer(partition_shape, partition_offset):
        asked.append((partition_shape, partition_offset))
        return tf.fill(partition_shape, tf.cast(partition_offset[0], tf.float64))

    made = of_scope(strategy, initializer, shape=[5, 1], dtype=tf.float64)
    assert asked == [([3, 1], [0, 0]), ([2, 1], [3, 0])]
    assert made.numpy().ravel().tolist() == [0, 0, 0, 3, 3]


def test_functions_run_on_workers(strategy, coordinator):
    count = of_scope(strategy, 0)

    @tf.function
    def step(by):
        count.assign_add(by)
        return {"twice": 2 * by, "list": [tf.cast(by, tf.float32)]}

    results = [coordinator.schedule(step, args=(tf.constant(i),)) for i in range(20)]
    coordinator.join()
    assert coordinator.done() and count.numpy() == 190
    assert coordinator.fetch(results[3]) == {"twice": 6, "list": [3.0]}
    assert results[4].get()["twice"].dtype == tf.int32
    assert step.experimental_get_tracing_count() == 1
    with pytest.raises(TypeError, match="only accepts a `tf.function`"):
        coordinator.schedule(lambda: 3)
    assert coordinators.ClusterCoordinator(strategy) is coordinator


def test_control_flow_reads_and_writes_where_variables_are(strategy, coordinator):
    count = of_scope(strategy, 1.0)

    @tf.function
    def step(n):
        for _ in tf.range(n):
            if count < 20.0:
                count.assign(count * 2.0)
        return count.read_value()

    assert coordinator.schedule(step, args=(tf.constant(9),)).fetch() == 32.0


def test_an_error_cancels_what_waits(coordinator):
    @tf.function
    def pick(at):
        return tf.gather([1, 2], at)

    results = [coordinator.schedule(pick, args=(tf.constant(9),))]
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"9 is not in \[0, 2\)") as raised:
        results += [coordinator.schedule(pick, args=(tf.constant(1),)) for _ in range(50)]
        coordinator.join()
    assert "grpc" not in str(raised.value)
    with pytest.raises(tf.errors.InvalidArgumentError):
        results[0].fetch()
    coordinator.join()
    assert coordinator.schedule(pick, args=(tf.constant(1),)).fetch() == 2


def test_each_worker_has_its_own_dataset(strategy, coordinator):
    def dataset():
        index = coordinators.experimental_get_current_worker_index()
        return tf.data.Dataset.range(100).map(lambda k: (k, index)).batch(2)

    iterator = iter(coordinator.create_per_worker_dataset(dataset))
    assert iterator.element_spec[0].shape.as_list() == [None]

    @tf.function
    def step(iterator):
        return strategy.run(lambda row, index: (row, index), args=next(iterator))

    results = [coordinator.schedule(step, args=(iterator,)) for _ in range(12)]
    rows = {0: [], 1: []}
    for row, index in coordinator.fetch(results):
        rows[index[0]] += row.tolist()
    assert sorted(rows[0]) == list(range(len(rows[0]))) and len(rows[0] + rows[1]) == 24
    whole = iter(coordinator.create_per_worker_dataset(tf.data.Dataset.range(3)))

    @tf.function
    def total(iterator):
        return next(iterator) + next(iterator) + next(iterator)

    assert coordinator.schedule(total, args=(whole,)).fetch() == 3
    with pytest.raises(RuntimeError, match="Cannot retrieve the worker index"):
        coordinators.experimental_get_current_worker_index()


def test_functions_use_variables_and_tables_of_the_coordinator(strategy, coordinator):
    local = tf.Variable(5.0)
    filler = tf.lookup.KeyValueTensorInitializer(["a", "b"], [1, 2])
    outside = tf.lookup.StaticHashTable(filler, -1)
    with strategy.scope():
        inside = tf.lookup.StaticHashTable(filler, -2)
    growing = tf.lookup.experimental.MutableHashTable(tf.string, tf.int32, -3)

    @tf.function
    def step():
        growing.insert(tf.constant(["q"]), tf.constant([7]))
        keys = tf.constant(["b", "q"])
        found = [table.lookup(keys) for table in (outside, inside, growing)]
        return local.assign_add(1.0), tf.stack(found)

    results = [coordinator.schedule(step) for _ in range(8)]
    coordinator.join()
    assert results[0].fetch()[1].tolist() == [[2, -1], [2, -2], [-3, 7]]
    assert local.numpy() == 13 and growing.size().numpy() == 1

    def data():
        return tf.data.Dataset.from_tensors(tf.constant(["a"])).map(inside.lookup).repeat(2)

    iterator = iter(coordinator.create_per_worker_dataset(data))
    result = coordinator.schedule(tf.function(lambda i: next(i)), args=(iterator,))
    assert result.fetch().tolist() == [1]


def test_graphs_read_files_only_where_the_worker_allows_it(coordinator):
    coordinator.schedule(tf.function(lambda: tf.io.read_file("/etc/hostname")))
    with pytest.raises(tf.errors.PermissionDeniedError, match="read_files"):
        coordinator.join()


def test_checkpoints_hold_whole_tables(strategy, tmp_path):
    table = of_scope(strategy, np.arange(6.0).reshape(3, 2))
    path = tf.train.Checkpoint(table=table).save(str(tmp_path / "c"))
    table.assign(np.zeros([3, 2]))
    tf.train.Checkpoint(table=table).restore(path)
    assert table.numpy()[2].tolist() == [4, 5]
    here = tf.Variable(np.zeros([3, 2]))
    tf.train.Checkpoint(table=here).restore(path)
    assert here.numpy()[2].tolist() == [4, 5]


def test_what_nobody_needs_any_more_is_freed(strategy):
    held = strategy.extended.server_tasks[0]
    kept = [of_scope(strategy, float(i)) for i in range(4)]
    ids = [v.handle._value.reference.id for v in kept if v.handle._value.task is held]
    reference = kept[0].handle._value.reference
    assert reference.id and len(ids) == 2
    del kept
    assert set(ids) <= set(held.released)
    assert of_scope(strategy, 1.0) + of_scope(strategy, 1.0) == 2.0  # calls that tell the servers
    assert not set(ids) & set(held.released)


def test_keras_models_are_trained_in_loops(resolver, coordinator):
    import keras

    strategy = tf.distribute.ParameterServerStrategy(resolver)
    coordinator = coordinators.ClusterCoordinator(strategy)
    keras.utils.set_random_seed(3)
    with strategy.scope():
        model = keras.Sequential([keras.Input([4]), keras.layers.Dense(3), keras.layers.Dense(1)])
        optimizer = keras.optimizers.SGD(0.1)
        optimizer.build(model.trainable_variables)
        mean = keras.metrics.Mean()
    x = np.random.default_rng(0).normal(size=[64, 4]).astype("float32")

    def dataset():
        return tf.data.Dataset.from_tensor_slices((x, x.sum(1, keepdims=True))).repeat().batch(16)

    iterator = iter(coordinator.create_per_worker_dataset(dataset))

    @tf.function
    def step(iterator):
        def replica(x, y):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((model(x, training=True) - y) ** 2)
            gradients = tape.gradient(loss, model.trainable_variables)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
            mean.update_state(loss)
            return loss

        return strategy.run(replica, args=next(iterator))

    losses = [coordinator.schedule(step, args=(iterator,)) for _ in range(8)]
    coordinator.join()
    assert losses[-1].fetch() < 0.8 * losses[0].fetch()
    assert float(mean.result()) > 0


def test_calls_of_a_step_go_by_task_and_level_and_counts_are_exact(
    strategy, coordinator, monkeypatch
):
    with strategy.scope():
        weights = [tf.Variable(tf.fill([1, 2], float(i))) for i in range(6)]
        count = tf.Variable(0)
    weights = [part for weight in weights for part in getattr(weight, "variables", [weight])]

    @tf.function
    def step():
        total = tf.add_n([tf.reduce_sum(w) for w in weights])
        for weight in weights:
            weight.assign_sub(0.5 * weight)
        count.assign(count + tf.cast(1.0, tf.int32))  # as Keras' optimizers do
        return total

    coordinator.schedule(step).fetch()
    calls, call = [], Task.call

    def noted(task, method, *args, **kwargs):
        calls.append((method, task.name.split("/")[1]))
        return call(task, method, *args, **kwargs)

    monkeypatch.setattr(Task, "call", noted)
    assert coordinator.schedule(step).fetch() == 15
    assert calls.count(("RunPart", "job:ps")) <= 4
    assert ("RunOp", "job:ps") not in calls
    monkeypatch.undo()
    for _ in range(60):
        coordinator.schedule(step)
    coordinator.join()
    assert count.numpy() == 62
