"""SyncReplicasOptimizer over two workers: each step has the mean of both gradients."""

import threading

import numpy as np
import pytest

import penstock as tf2
from tests.harness.tasks import needs_grpc

tf = tf2.compat.v1
pytestmark = [needs_grpc, pytest.mark.timed]
CLUSTER = {"ps": ["a"], "worker": ["b", "c"]}
DATA = np.random.RandomState(0).rand(2, 8, 3).astype(np.float32)
STEPS = 4


def model(x):
    w = tf.get_variable("w", [3, 1], initializer=tf.constant_initializer(0.5))
    b = tf.get_variable("b", [1], initializer=tf.zeros_initializer())
    loss = tf.reduce_mean(tf.square(tf.matmul(x, w) + b - 1))
    return loss, [w, b]


def replica(target, index, is_ready, results, both):
    with tf.Graph().as_default():
        setter = tf.train.replica_device_setter(
            cluster=CLUSTER, worker_device=f"/job:worker/task:{index}"
        )
        with tf.device(setter):
            step = tf.train.get_or_create_global_step()
            loss, variables = model(tf.constant(DATA[index]))
            optimizer = tf.train.SyncReplicasOptimizer(tf.train.AdamOptimizer(0.1), 2)
            train = optimizer.minimize(loss, global_step=step)
        hook = optimizer.make_session_run_hook(index == 0, num_tokens=0)
        hook.begin()
        first = tf.global_variables_initializer()
        with tf.Session(target) as session:
            if index == 0:
                session.run(first)
                is_ready.set()
            assert is_ready.wait(60)
            session.run(tf.local_variables_initializer())
            hook.after_create_session(session, None)
            for _ in range(STEPS):
                both.wait(
                    60
                )  # a worker that is ahead takes the other's token, on TensorFlow as well
                session.run(train)
            both.wait(60)
            results[index] = session.run([step, *variables])


def alone():
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [8, 3])
        loss, variables = model(x)
        gradients = tf.gradients(loss, variables)
        given = [tf.placeholder(g.dtype, g.shape) for g in gradients]
        optimizer = tf.train.AdamOptimizer(0.1)
        train = optimizer.apply_gradients(list(zip(given, variables, strict=True)))
        session.run(tf.global_variables_initializer())
        for _ in range(STEPS):
            both = [session.run(gradients, {x: part}) for part in DATA]
            means = [(a + b) / 2 for a, b in zip(*both, strict=True)]
            session.run(train, dict(zip(given, means, strict=True)))
        return session.run(variables)


def test_two_workers_train_as_one_with_the_mean_of_their_gradients():
    workers, _ = tf2.test.create_local_cluster(num_workers=2, num_ps=1)
    results, is_ready, both = {}, threading.Event(), threading.Barrier(2)
    threads = [
        threading.Thread(
            target=replica, args=(workers[i].target, i, is_ready, results, both), daemon=True
        )
        for i in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    expected = alone()
    for index in range(2):
        step, *values = results[index]
        assert step == STEPS
        for value, other in zip(values, expected, strict=True):
            np.testing.assert_allclose(value, other, rtol=1e-5)
