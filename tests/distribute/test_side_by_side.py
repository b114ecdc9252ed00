"""Replicas of one process that run side by side: what they compute equals to the bit what they compute one after another."""

import gzip
import json
import os
import signal
import threading

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.eager_context import _reset_context
from penstock._src.compiler.plan.launchers import streams as launchers
from penstock._src.devices.cpu.device import DEVICE
from penstock._src.native import pool
from penstock._src.util.flags import override

ROWS, WORDS = 6, 16


@pytest.fixture(params=[2])
def strategy(request):
    _reset_context()
    (cpu,) = tf.config.list_physical_devices("CPU")
    logical = [tf.config.LogicalDeviceConfiguration()] * request.param
    tf.config.set_logical_device_configuration(cpu, logical)
    yield tf.distribute.MirroredStrategy()
    _reset_context()


@pytest.fixture(autouse=True)
def threads(request):
    before = pool().threads
    pool().resize(getattr(request, "param", 2))
    yield pool().threads
    pool().resize(before)


@pytest.fixture
def streams(monkeypatch):
    """How many streams each program that was loaded has at most."""
    found, load = [], DEVICE.load
    monkeypatch.setattr(DEVICE, "load", lambda plan: found.append(plan.streams) or load(plan))
    return found


def context():
    return tf.distribute.get_replica_context()


def both(run):
    """What a function gives side by side, and one after another."""
    one = run()
    with override(disable="streams"):
        return one, run()


class Model:
    """Convolution, batch norm with averages of its own for each replica, dropout, a loop, a table."""

    def __init__(self, strategy):
        random = np.random.default_rng(2)
        kinds = tf.VariableSynchronization.ON_READ, tf.VariableAggregation.MEAN

        def made(*shape):
            value = random.standard_normal(shape, np.float32) * 0.3
            return tf.Variable(value, aggregation=tf.VariableAggregation.MEAN)

        with strategy.scope():
            self.weights = [made(3, 3, 2, 8), made(WORDS, 8), made(8, 8), made(8 * 6 * 6, 4)]
            self.average = tf.Variable(
                tf.zeros([8]), synchronization=kinds[0], aggregation=kinds[1], trainable=False
            )
            self.momenta = [tf.Variable(tf.zeros(w.shape)) for w in self.weights]

    def loss(self, x, words, y):
        convolution, table, inner, outer = self.weights
        h = tf.nn.conv2d(x, convolution, 1, "SAME")
        mean = tf.reduce_mean(h, [0, 1, 2])
        self.average.assign(self.average * 0.9 + mean * 0.1)
        h = tf.nn.relu((h - mean) * tf.math.rsqrt(tf.math.reduce_variance(h, [0, 1, 2]) + 1e-3))
        h = tf.nn.experimental.stateless_dropout(
            h, 0.25, seed=[1, context().replica_id_in_sync_group]
        )
        state = tf.gather(table, words)
        for _ in tf.range(5):
            state = tf.tanh(state @ inner)
        h = tf.reshape(h * state[:, None, None, :], [-1, 8 * 6 * 6])
        return tf.reduce_mean(tf.square(h @ outer - y))

    def step(self, x, words, y):
        with tf.GradientTape() as tape:
            loss = self.loss(x, words, y)
        gradients = tape.gradient(loss, [w.values[context()._local_id] for w in self.weights])
        gradients = [tf.convert_to_tensor(g) for g in gradients]
        gradients = context().all_reduce("MEAN", gradients)
        for weight, momentum, gradient in zip(self.weights, self.momenta, gradients, strict=True):
            momentum.assign(momentum * 0.9 + gradient)
            weight.assign_sub(0.05 * momentum)
        return loss


def data(count, steps=3):
    random = np.random.default_rng(1)
    for _ in range(steps):
        x = random.standard_normal((count * ROWS, 6, 6, 2), np.float32)
        words = random.integers(0, WORDS, count * ROWS).astype(np.int32)
        yield x, words, random.standard_normal((count * ROWS, 4), np.float32)


def trained(strategy):
    """The losses, and all copies of all variables after some steps."""
    model, count = Model(strategy), strategy.num_replicas_in_sync
    run = tf.function(lambda *batch: strategy.run(model.step, batch))
    found = []
    for batch in data(count):
        parts = [np.array_split(part, count) for part in batch]
        split = [
            strategy.experimental_distribute_values_from_function(
                lambda c, own=own: tf.constant(own[c.replica_id_in_sync_group])
            )
            for own in parts
        ]
        found += strategy.experimental_local_results(run(*split))
    variables = [*model.weights, *model.momenta, model.average]
    return [np.asarray(v) for v in (*found, *[copy for v in variables for copy in v.values])]


@pytest.mark.parametrize(
    "strategy, threads, wanted",
    [(2, 2, 2), (3, 2, 2), (4, 2, 2), (4, 3, 3), (2, 1, 0)],
    indirect=["strategy", "threads"],
)
def test_training_is_equal_to_the_bit(strategy, threads, wanted, streams):
    beside, after = both(lambda: trained(strategy))
    assert max(streams) == wanted
    for one, other in zip(beside, after, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("flags", [{"guard": True}, {"check": 1}, {"checked": True}])
def test_runs_that_are_watched_are_equal(strategy, flags):
    wanted = trained(strategy)
    with override(**flags):
        for one, other in zip(trained(strategy), wanted, strict=True):
            np.testing.assert_array_equal(one, other)


def per_replica(strategy, values):
    return strategy.experimental_distribute_values_from_function(
        lambda c: tf.constant(values[c.replica_id_in_sync_group])
    )


@pytest.fixture
def small(monkeypatch):
    """However small streams are, they run side by side."""
    monkeypatch.setattr(launchers, "LEAST", 0)


@pytest.mark.parametrize(
    "rows, message",
    [([3, 70], r"indices\[0\] = 70"), ([71, 2], r"indices\[0\] = 71"), ([71, 70], "= 71")],
)
def test_an_error_of_one_replica_ends_the_step(strategy, small, streams, rows, message):
    with strategy.scope():
        v = tf.Variable(tf.zeros([40, 40]))

    def replica(x, index):
        product = tf.tanh(x @ x)
        return tf.reduce_sum(tf.gather(product, index) @ product)

    @tf.function
    def step(x, index):
        v.assign_add(tf.ones([40, 40]))
        return strategy.run(replica, (x, index))

    x = tf.ones([40, 40]) * 0.01
    step(x, per_replica(strategy, [[1], [2]]))
    assert max(streams) == 2
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        step(x, per_replica(strategy, [[row] for row in rows]))
    step(x, per_replica(strategy, [[1], [2]]))


def test_an_assertion_of_one_replica_fails_before_the_other_assigns(strategy, small):
    with strategy.scope():
        kinds = tf.VariableSynchronization.ON_READ, tf.VariableAggregation.SUM
        v = tf.Variable(tf.zeros([40]), synchronization=kinds[0], aggregation=kinds[1])

    def replica(x):
        tf.debugging.assert_less(tf.reduce_max(tf.sin(x) @ x), 1.0)
        v.assign_add(tf.reduce_sum(tf.tanh(x @ x), 0))

    step = tf.function(lambda x: strategy.run(replica, (x,)))
    good, bad = np.zeros([40, 40], np.float32), np.ones([40, 40], np.float32)
    step(per_replica(strategy, [good + 0.01] * 2))
    before = [copy.numpy() for copy in v.values]
    assert before[0].min() > 0
    with pytest.raises(tf.errors.InvalidArgumentError):
        step(per_replica(strategy, [good, bad]))
    with pytest.raises(tf.errors.InvalidArgumentError):
        step(per_replica(strategy, [bad, good]))
    for copy, value in zip(v.values, before, strict=True):
        np.testing.assert_array_equal(copy, value)


def test_an_interrupt_ends_all_streams(strategy, small, streams):
    def replica(x):
        i = tf.constant(0, tf.int64)
        return tf.while_loop(lambda i, x: i < 10**10, lambda i, x: (i + 1, tf.sin(x)), [i, x])[1]

    step = tf.function(lambda x: strategy.run(replica, (x,)))
    x = per_replica(strategy, np.ones([2, 10], np.float32))
    step.get_concrete_function(x)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(1.0, lambda: os.kill(os.getpid(), signal.SIGINT))
    try:
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            step(x)
        assert max(streams) == 2
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)
    assert float(tf.function(lambda x: tf.reduce_sum(x @ x))(tf.ones([50, 50]))) == 125000.0


@pytest.mark.plain_kernels
def test_profiles_and_explanations_tell_the_streams(strategy, tmp_path):
    model = Model(strategy)
    run = tf.function(lambda *batch: strategy.run(model.step, batch))
    batch = [per_replica(strategy, np.split(part, 2)) for part in next(data(2))]
    run(*batch)
    with tf.profiler.experimental.Profile(str(tmp_path)):
        run(*batch)
    (path,) = tmp_path.rglob("*.trace.json.gz")
    with gzip.open(path) as file:
        events = json.load(file)["traceEvents"]
    names = {e["tid"]: e["args"]["name"] for e in events if e["name"] == "thread_name"}
    kernels = [e for e in events if "computes" in e.get("args", {})]
    (second,) = [tid for tid, name in names.items() if name == "stream 2"]
    places = [e["tid"] == second for e in kernels if "convolution" in e["name"]]
    assert 0 < sum(places) == len(places) / 2
    text = str(run.explain(*batch, time=True))
    assert ", stream 1" in text and ", stream 2" in text


def test_sums_of_batches_of_any_size_on_tiles_of_replicas():
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    random = np.random.default_rng(0)
    with strategy.scope():
        w = tf.Variable(random.standard_normal((8, 4)), dtype=tf.float32)
        b = tf.Variable(tf.zeros([4]))
        v = tf.Variable(random.standard_normal((4, 1)), dtype=tf.float32)

    def slopes(x):
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(tf.nn.relu(x @ w + b) @ v)
        return tape.gradient(y, [w, b, v])

    @tf.function(input_signature=[tf.TensorSpec([None, 8])])
    def step(x):
        found = strategy.run(slopes, [x])
        return [strategy.reduce("SUM", each, axis=None) for each in found]

    for rows in (4, 300, 5000):
        x = random.standard_normal((rows, 8)).astype(np.float32)
        for one, two in zip(slopes(tf.constant(x)), step(x), strict=True):
            np.testing.assert_allclose(two, 2 * one, rtol=2e-4, atol=1e-3)
