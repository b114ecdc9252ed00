"""tf.config.experimental_connect_to_cluster: what `tf.device` places in tasks of a cluster runs there."""

import glob

import numpy as np
import pytest

import penstock as tf
from penstock._src.distribute.cluster import connected
from penstock._src.distribute.cluster.tasks.task import Task
from tests.harness.tasks import needs_grpc

pytestmark = needs_grpc
FIRST, SECOND = (f"/job:worker/replica:0/task:{i}/device:CPU:0" for i in (0, 1))
HERE = "/job:localhost/replica:0/task:0/device:CPU:0"


@pytest.fixture(params=[True, False], ids=["servers of one cluster", "servers of their own"])
def called(request, monkeypatch):
    """Connects to two tasks; returns the calls to them: (task, method)."""
    if request.param:
        servers, _ = tf.test.create_local_cluster(2, 0)
    else:
        servers = [tf.distribute.Server.create_local_server() for _ in range(2)]
    hosts = [server.target.removeprefix("grpc://") for server in servers]
    tf.config.experimental_connect_to_cluster(tf.train.ClusterSpec({"worker": hosts}))
    calls = []
    call = Task.call

    def noted(self, method, *args, **options):
        calls.append((hosts.index(self.address), method))
        return call(self, method, *args, **options)

    monkeypatch.setattr(Task, "call", noted)
    yield calls
    connected.disconnect()
    for server in servers:
        server._service.stop()


def test_variables_and_operations_are_where_they_are_placed(called):
    assert [d.name for d in tf.config.list_logical_devices()][-2:] == [FIRST, SECOND]
    with tf.device("/job:worker/task:1"):
        v = tf.Variable([1.0, 2.0])
        total = tf.constant([1.0, 1.0]) + v
        drawn = tf.random.stateless_normal([2], [1, 2])
    assert v.device == total.device == drawn.device == SECOND
    np.testing.assert_array_equal(total, [2, 3])
    np.testing.assert_array_equal(drawn, tf.random.stateless_normal([2], [1, 2]))
    assert {task for task, _ in called} == {1}
    with tf.device("/job:worker/task:0"):
        v.assign_add([1.0, 1.0])
    assert (v + 1).device == HERE and v.numpy().tolist() == [2, 3]
    assert tf.distribute.MirroredStrategy().num_replicas_in_sync == 1


def test_what_keeps_something_stays_here(called):
    with tf.device("/job:worker/task:0"):
        tf.random.set_seed(1)
        drawn = [tf.random.normal([2]).numpy() for _ in range(2)]
        assert [int(x) for x in tf.data.Dataset.range(3)] == [0, 1, 2]
        assert tf.py_function(lambda: 3, [], tf.int32) == 3
    tf.random.set_seed(1)
    np.testing.assert_array_equal(drawn, [tf.random.normal([2]) for _ in range(2)])


def test_functions_run_where_they_are_called(called):
    with tf.device("/job:worker/task:1"):
        v = tf.Variable(3.0)
    local = tf.Variable(4.0)

    @tf.function
    def times(x, y):
        return x * v, x * y

    assert [float(r) for r in times(2.0, local)] == [6, 8]
    for task in (0, 1):
        called.clear()
        with tf.device(f"/job:worker/task:{task}"):
            results = times(2.0, local)
        assert [float(r) for r in results] == [6, 8] and task in dict(called)


def test_parts_of_functions_run_where_they_are_placed(called):
    v = tf.Variable(3.0)

    @tf.function
    def f(x):
        with tf.device("/job:worker/task:0/cpu:0"):
            y = tf.sin(x)
        with tf.device("/job:worker/task:1/cpu:0"):
            z = y * v
        return z + 1

    with tf.GradientTape() as tape:
        result = f(2.0)
    np.testing.assert_allclose(result, np.sin(2.0) * 3 + 1, rtol=1e-6)
    np.testing.assert_allclose(tape.gradient(result, v), np.sin(2.0), rtol=1e-6)
    assert {(0, "RunPart"), (1, "RunPart")} <= set(called)


def test_a_checkpoint_has_a_file_for_each_task(called, tmp_path):
    held = []
    for task in (0, 1):
        with tf.device(f"/job:worker/task:{task}"):
            held.append(tf.Variable(float(task)))
    checkpoint = tf.train.Checkpoint(held=held)
    path = checkpoint.save(str(tmp_path / "saved"))
    assert len(glob.glob(f"{path}.data*")) == 3
    for v in held:
        v.assign(-1.0)
    checkpoint.restore(path)
    assert [v.numpy() for v in held] == [0, 1]


def test_tasks_that_the_cluster_lacks(called):
    for name in ("/job:ps/task:0", "/job:worker/task:7"):
        with (
            pytest.raises(tf.errors.InvalidArgumentError, match="unknown device"),
            tf.device(name),
        ):
            tf.constant(1.0) + 1


def test_another_connection_and_filters(called):
    (server,) = tf.test.create_local_cluster(1, 0)[0]
    filters = tf.config.experimental.ClusterDeviceFilters()
    filters.set_device_filters("chief", 0, ["/job:worker/task:0"])
    host = server.target.removeprefix("grpc://")
    cluster = tf.train.ClusterSpec({"chief": ["a:1"], "worker": [host, "b:1"]})
    tf.config.experimental_connect_to_cluster(cluster, "chief", 0, cluster_device_filters=filters)
    assert [d.name for d in tf.config.list_logical_devices()][1:] == [FIRST]
    with tf.device("/job:chief/task:0"):
        assert tf.sin(0.0).device == HERE
    server._service.stop()
