"""Sessions over tasks that are processes of their own."""

import numpy as np
import pytest

import penstock as tf2
from tests.harness.tasks import needs_grpc, processes

tf = tf2.compat.v1
pytestmark = needs_grpc


@pytest.fixture(scope="module")
def made():
    with processes(2, 1) as started:
        yield started


@pytest.fixture(autouse=True)
def _graph(made):
    with tf.Graph().as_default():
        yield


def target(made, index=0):
    return f"grpc://{made.cluster['worker'][index]}"


def test_one_client_trains_with_several_workers(made):
    with tf.device("/job:ps/task:0"):
        w = tf.get_variable("w", [2, 1], initializer=tf.constant_initializer(0.5))
        step = tf.train.get_or_create_global_step()
    x, gradients = tf.placeholder(tf.float32, [4, 2]), []
    for index in range(2):
        with tf.device(f"/job:worker/task:{index}"):
            rows = x[2 * index : 2 * index + 2]
            gradients.append(tf.gradients(tf.reduce_mean(tf.square(tf.matmul(rows, w) - 1)), w)[0])
    with tf.device("/job:ps/task:0"):
        mean = tf.add_n(gradients) / 2
        train = tf.train.AdamOptimizer(0.1).apply_gradients([(mean, w)], global_step=step)
    data = np.arange(8, dtype=np.float32).reshape(4, 2) / 8
    with tf.Session(target(made)) as session:
        session.run(tf.global_variables_initializer())
        for _ in range(3):
            session.run(train, {x: data})
        there = session.run([w, step])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(3):
            session.run(train, {x: data})
        here = session.run([w, step])
    np.testing.assert_allclose(there[0], here[0], rtol=1e-6)
    assert there[1] == here[1] == 3


def test_the_saver_writes_files_of_the_client(made, tmp_path):
    with tf.device("/job:ps/task:0"):
        v = tf.get_variable("v", initializer=[1.0, 2.0])
    saver = tf.train.Saver()
    with tf.Session(target(made)) as session:
        session.run(v.initializer)
        path = saver.save(session, str(tmp_path / "model"))
        session.run(v.assign([0.0, 0.0]))
        saver.restore(session, path)
        assert session.run(v).tolist() == [1, 2]


def test_random_numbers_go_on_when_the_graph_grows(made):
    with tf.device("/job:worker/task:1"):
        drawn = tf.random_uniform([], seed=3)
    with tf.Session() as session:
        expected = [session.run(drawn) for _ in range(3)]
    with tf.Session(target(made)) as session:
        found = [session.run(drawn)]
        with tf.device("/job:worker/task:1"):
            shifted = drawn + 1
        assert session.run(shifted) == np.float32(expected[1] + 1)
        found += [session.run(drawn)]
    assert found == [expected[0], expected[2]]


def test_a_lost_task_is_named_and_a_session_made_anew_goes_on(made, tmp_path):
    setter = tf.train.replica_device_setter(ps_tasks=1, worker_device="/job:worker/task:0")
    with tf.device(setter):
        step = tf.train.get_or_create_global_step()
        add = tf.assign_add(step, 1)
    starts = []

    class Counts(tf.train.SessionRunHook):
        def after_create_session(self, session, coord):
            starts.append(session.run(step))

    with tf.train.MonitoredTrainingSession(
        master=target(made), checkpoint_dir=str(tmp_path), hooks=[Counts()],
        save_checkpoint_steps=1, save_checkpoint_secs=None, log_step_count_steps=None,
    ) as monitored, tf.Session(target(made)) as plain:  # fmt: skip
        for _ in range(3):
            monitored.run(add)
        plain.run(step)
        made.kill("ps", 0)
        with pytest.raises(tf.errors.UnavailableError, match="/job:ps/replica:0/task:0"):
            plain.run(step)
        made.start("ps", 0).stdout.readline()
        with pytest.raises(tf.errors.UnavailableError, match="started again"):
            plain.run(step)
        assert monitored.run(add) == 4
    assert starts == [0, 3]
