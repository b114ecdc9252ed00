"""Supervisor, SyncReplicasOptimizer and the placement of variables, against TensorFlow's behavior."""

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1
train = v1.train


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as made:
        yield made


def test_supervisors_restore_what_they_saved(tmp_path):
    def build():
        step = train.get_or_create_global_step()
        x = v1.get_variable("x", initializer=1.0)
        update = tf.group(x.assign_add(1.0), step.assign_add(1))
        return x, step, update, train.Supervisor(logdir=str(tmp_path), save_model_secs=0)

    x, step, update, supervisor = build()
    with supervisor.managed_session() as session:
        for _ in range(3):
            session.run(update)
        supervisor.saver.save(session, supervisor.save_path, global_step=supervisor.global_step)
    with tf.Graph().as_default():
        x, step, _, supervisor = build()
        with supervisor.managed_session() as session:
            assert session.run([x, step]) == [4.0, 3]
        with pytest.raises(RuntimeError, match="finalized"):
            tf.constant(1)


def test_supervisors_raise_what_ends_a_block():
    supervisor = train.Supervisor(logdir=None)
    with pytest.raises(ZeroDivisionError), supervisor.managed_session():
        raise ZeroDivisionError
    assert supervisor.should_stop()


def test_basic_train_loop():
    update = train.get_or_create_global_step().assign_add(1)
    supervisor, seen = train.Supervisor(logdir=None), []

    def step(session, offset, factor=0):
        seen.append(int(session.run(update)) * factor + offset)
        if len(seen) == 3:
            supervisor.request_stop()

    train.basic_train_loop(supervisor, step, args=(5,), kwargs={"factor": 10})
    assert seen == [15, 25, 35]


def test_replicas_step_together():
    x = v1.get_variable("x", initializer=[1.0, 2.0])
    step = train.get_or_create_global_step()
    optimizer = train.SyncReplicasOptimizer(train.GradientDescentOptimizer(0.25), 1)
    update = optimizer.minimize(tf.reduce_sum(x * x), global_step=step)
    hook = optimizer.make_session_run_hook(True)
    # The chief waits for gradients until the end.
    with train.MonitoredTrainingSession(hooks=[hook], stop_grace_period_secs=0.1) as session:
        for _ in range(3):
            session.run(update)
        steps, value = session.run([step, x])
    assert steps >= 2
    np.testing.assert_allclose(value, np.array([1.0, 2.0]) * 0.5**steps)


def placed(**options):
    with v1.device(train.replica_device_setter(**options)):
        a, b = v1.get_variable("a", [2]), v1.get_variable("b", [2])
        c = a + b
        with v1.device("/cpu:1"):
            d = a * 2.0
    return [x.device for x in (a, b, c, d)]


def test_variables_go_round_the_servers():
    servers = ["/job:ps/task:0", "/job:ps/task:1"]
    assert placed(ps_tasks=2) == [*servers, "/job:worker", "/job:worker/device:CPU:1"]
    assert train.replica_device_setter() is None


def test_clusters_tell_the_number_of_servers():
    cluster = tf.train.ClusterSpec({"ps": ["a:1", "b:1"], "worker": ["c:1"]})
    assert placed(cluster=cluster)[1] == "/job:ps/task:1"
    with pytest.raises(TypeError, match="`cluster` must be a dictionary"):
        train.replica_device_setter(cluster=3)
    with pytest.raises(TypeError, match="ps_strategy must be callable"):
        train.replica_device_setter(ps_tasks=1, ps_strategy=3)
