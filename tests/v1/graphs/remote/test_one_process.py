"""Sessions over the tasks of a cluster within this process. Expected values are TensorFlow 2.21's, run beside."""

import threading

import numpy as np
import pytest

import penstock as tf2
from tests.harness.tasks import needs_grpc
from tests.harness.waiting import PATIENCE

tf = tf2.compat.v1
pytestmark = needs_grpc
CLUSTER = {"ps": ["a", "b"], "worker": ["c", "d"]}


@pytest.fixture(scope="module")
def targets():
    workers, servers = tf2.test.create_local_cluster(num_workers=2, num_ps=2)
    return [one.target for one in workers + servers]


@pytest.fixture(autouse=True)
def _graph(targets):
    with tf.Graph().as_default():
        yield
    tf.Session.reset(targets[0])


def regression():
    setter = tf.train.replica_device_setter(cluster=CLUSTER, worker_device="/job:worker/task:0")
    with tf.device(setter):
        w = tf.get_variable("w", [2, 1], initializer=tf.constant_initializer(0.5))
        b = tf.get_variable("b", [1], initializer=tf.zeros_initializer())
        step = tf.train.get_or_create_global_step()
        x, y = tf.placeholder(tf.float32, [None, 2]), tf.placeholder(tf.float32, [None, 1])
        loss = tf.reduce_mean(tf.square(tf.matmul(x, w) + b - y))
        train = tf.train.GradientDescentOptimizer(0.1).minimize(loss, global_step=step)
    feeds = {x: [[1, 2], [3, 4]], y: [[1], [2]]}
    return train, loss, (w, b, step), feeds


def test_variables_on_servers_are_trained_and_seen_by_all_sessions(targets):
    train, loss, variables, feeds = regression()
    assert [v.device for v in variables] == ["/job:ps/task:0", "/job:ps/task:1", "/job:ps/task:0"]
    with tf.device("/job:worker/task:1"):
        doubled = tf.reduce_sum(variables[0]) * 2
    with tf.Session(targets[0]) as first, tf.Session(targets[1]) as second:
        first.run(tf.global_variables_initializer())
        losses = [first.run([train, loss], feeds)[1] for _ in range(3)]
        w, b, step, twice = second.run([*variables, doubled])
    np.testing.assert_allclose(losses, [1.25, 5.78, 26.96], rtol=1e-6)
    np.testing.assert_allclose(w, [[-1.252], [-1.96]], rtol=1e-6)
    np.testing.assert_allclose([b[0], twice], [-0.708, -6.424], rtol=1e-6)
    assert step == 3


def test_each_variable_is_in_the_task_of_its_device_alone(targets):
    for task in range(2):
        with tf.device(f"/job:ps/task:{task}"):
            tf.get_variable(f"of_{task}", initializer=float(task))
    with tf.Session(targets[0]) as session:
        session.run(tf.global_variables_initializer())
    from penstock._src.distribute.cluster.tasks.service import SERVICES

    held = {
        service.name: {name for _, _, name in service.manager._held}
        for service in SERVICES.values()
    }
    assert held["/job:ps/replica:0/task:0"] == {"of_0"}
    assert held["/job:ps/replica:0/task:1"] == {"of_1"}
    assert not held["/job:worker/replica:0/task:0"]


def test_devices_are_those_of_all_tasks_that_the_filters_pass(targets):
    with tf.Session(targets[0]) as session:
        names = [device.name for device in session.list_devices()]
    assert sorted(names) == [
        f"/job:{job}/replica:0/task:{task}/device:CPU:0"
        for job in ("ps", "worker")
        for task in (0, 1)
    ]
    filters = tf.ConfigProto(device_filters=["/job:ps", "/job:worker/task:0"])
    with tf.Session(targets[0], config=filters) as session:
        assert len(session.list_devices()) == 3
        with tf.device("/job:worker/task:1"):
            other = tf.add(1, 2)
        with pytest.raises(
            tf.errors.InvalidArgumentError, match="explicitly assigned to /job:worker"
        ):
            session.run(other)


def test_a_device_that_no_task_has_is_an_error(targets):
    with tf.device("/job:ps/task:9"):
        lost = tf.random_uniform([], name="lost")
    with tf.Session(targets[0]) as session, pytest.raises(tf.errors.InvalidArgumentError) as raised:
        session.run(lost)
    assert "Cannot assign a device for operation lost/RandomUniform" in raised.value.message


def test_a_queue_passes_elements_between_sessions(targets):
    with tf.device("/job:ps/task:0"):
        queue = tf.FIFOQueue(10, tf.float32, shapes=[[]], shared_name="shared")
    with tf.device("/job:worker/task:1"):
        added = queue.enqueue_many(([1.0, 2.0, 3.0],))
    taken, size = queue.dequeue(), queue.size()
    with tf.Session(targets[0]) as first, tf.Session(targets[1]) as second:
        second.run(added)
        assert [first.run(taken) for _ in range(2)] == [1, 2]
        assert second.run(size) == 1


def test_one_run_may_wait_for_what_another_part_of_it_adds(targets):
    with tf.device("/job:ps/task:0"):
        queue = tf.FIFOQueue(10, tf.float32, shapes=[[]])
        taken = queue.dequeue()
    with tf.device("/job:worker/task:1"):
        value = tf.placeholder_with_default(4.0, []) * 2
    added = queue.enqueue((value,))
    with tf.Session(targets[0]) as session:
        assert session.run([taken, added]) == [8, None]


def test_closing_a_session_ends_what_waits(targets):
    with tf.device("/job:ps/task:0"):
        begun, empty = (tf.FIFOQueue(10, tf.float32, shapes=[[]]) for _ in range(2))
        with tf.control_dependencies([begun.enqueue((1.0,))]):
            taken = empty.dequeue()
        has_begun = begun.dequeue()
    session, raised = tf.Session(targets[0]), []

    def wait():
        try:
            session.run(taken)
        except tf.errors.CancelledError as error:
            raised.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    with tf.Session(targets[1]) as other:
        other.run(has_begun)
    session.close()
    thread.join(PATIENCE)
    assert not thread.is_alive() and raised


def test_a_run_that_takes_too_long_takes_nothing(targets):
    with tf.device("/job:ps/task:0"):
        queue = tf.FIFOQueue(10, tf.float32, shapes=[[]])
        both, add, size = queue.dequeue_many(2), queue.enqueue((1.0,)), queue.size()
    with tf.Session(targets[0]) as session:
        session.run(add)
        with pytest.raises(tf.errors.DeadlineExceededError):
            session.run(both, options=tf.RunOptions(timeout_in_ms=200))
        assert session.run(size) == 1


def test_reset_forgets_variables_of_its_containers_only(targets):
    with tf.device("/job:ps/task:0"):
        plain = tf.get_variable("plain", initializer=1.0)
        with tf.container("kept"):
            kept = tf.get_variable("held", initializer=2.0)
    with tf.Session(targets[0]) as session:
        session.run(tf.global_variables_initializer())
    tf.Session.reset(targets[1])
    with tf.Session(targets[0]) as session:
        assert session.run(kept) == 2
        with pytest.raises(tf.errors.FailedPreconditionError):
            session.run(plain)
    tf.Session.reset(targets[1], ["kept"])
    with tf.Session(targets[0]) as session, pytest.raises(tf.errors.FailedPreconditionError):
        session.run(kept)


def test_loops_and_branches_use_variables_of_several_servers(targets):
    setter = tf.train.replica_device_setter(cluster=CLUSTER, worker_device="/job:worker/task:0")
    with tf.device(setter):
        first = tf.get_variable("first", initializer=2.0)
        second = tf.get_variable("second", initializer=3.0)
        n = tf.placeholder(tf.int32, [])
        _, total = tf.while_loop(
            lambda i, t: i < n, lambda i, t: (i + 1, t * first + second), (0, tf.constant(1.0))
        )
        chosen = tf.cond(n > 2, lambda: first.assign_add(1.0), lambda: second.assign_add(10.0))
    with tf.Session(targets[0]) as session:
        session.run(tf.global_variables_initializer())
        assert session.run(total, {n: 3}) == 29
        assert session.run(chosen, {n: 3}) == 3
        assert session.run([first, second]) == [3, 3]
        assert session.run(chosen, {n: 1}) == 13


def test_a_saver_writes_and_restores_what_is_on_servers(targets, tmp_path):
    train, _, variables, feeds = regression()
    saver = tf.train.Saver()
    with tf.Session(targets[0]) as session:
        session.run(tf.global_variables_initializer())
        session.run(train, feeds)
        path = saver.save(session, str(tmp_path / "model"), global_step=variables[2])
        before = session.run(variables)
        session.run(train, feeds)
    assert path.endswith("model-1")
    tf.Session.reset(targets[0])
    with tf.Session(targets[1]) as session:
        saver.restore(session, path)
        for value, expected in zip(session.run(variables), before, strict=True):
            np.testing.assert_array_equal(value, expected)


def test_an_error_names_the_operation_and_ends_the_other_parts(targets):
    with tf.device("/job:ps/task:0"):
        taken = tf.FIFOQueue(10, tf.float32, shapes=[[]]).dequeue()
    with tf.device("/job:ps/task:1"):
        x = tf.placeholder(tf.float32, [None])
        checked = tf.check_numerics(x, "not finite", name="checked")
    with tf.Session(targets[0]) as session:
        with pytest.raises(tf.errors.InvalidArgumentError, match="not finite") as raised:
            session.run([checked, taken], {x: [np.nan]})
        assert raised.value.op is checked.op
