"""Ctrl-C and deadlines end running programs, and leave variables whole."""

import os
import signal
import threading
import time

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.calls import deadlines
from penstock._src.native import pool
from penstock._src.ops.math.scan import CumulativeLogsumexp
from penstock._src.util.flags import override

pytestmark = pytest.mark.timed

LATENCY = (
    60.0  # seconds; milliseconds on an idle machine. What is interrupted would go on for hours.
)


@pytest.fixture(autouse=True)
def _interrupts_are_taken():
    """Background processes begin with SIGINT ignored; Python then has no handler."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupted(call, after=0.3):
    """Calls, sends SIGINT meanwhile, and returns how many seconds the call went on, and how many this process computed in them."""
    sent, over = [], threading.Event()

    def send():
        sent.extend((time.perf_counter(), time.process_time()))
        os.kill(os.getpid(), signal.SIGINT)
        # Python drops an interrupt in a callback of a weak reference, which any allocation may call.
        while not over.wait(LATENCY / 4):
            os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(after, send)
    try:
        with pytest.raises(KeyboardInterrupt):
            timer.start()  # a signal that comes early is to be caught here, too
            call()
            time.sleep(LATENCY)  # in case the call has ended by itself
        return time.perf_counter() - sent[0], time.process_time() - sent[1]
    finally:
        over.set()
        timer.join()


def shares_after_an_interrupt(call):
    """The work of a call after an interrupt, as shares of that of a whole call.

    It is measured in seconds of the processor, since a busy machine lets any call wait; the smallest counts.
    """

    def call_on():
        while True:
            call()

    call()
    begun, computed = time.perf_counter(), time.process_time()
    call()
    whole, computed = time.perf_counter() - begun, time.process_time() - computed
    return [interrupted(call_on, whole * share)[1] / computed for share in (0.1, 0.2, 0.3)]


@tf.function
def forever(x):
    _, x = tf.while_loop(
        lambda i, x: i < 10**10, lambda i, x: (i + 1, tf.sin(x)), [tf.constant(0, tf.int64), x]
    )
    return x


def test_an_interrupt_ends_a_compiled_loop():
    forever.get_concrete_function(tf.ones([10]))
    pool()
    assert interrupted(lambda: forever(tf.ones([10])))[0] < LATENCY
    assert tf.function(lambda x: x + 1.0)(tf.ones([3])).numpy().tolist() == [2.0] * 3


def test_an_interrupt_ends_a_sort():
    """One task, of some forty passes over its elements."""
    draw, sort = np.random.default_rng(1), tf.function(lambda x: tf.sort(x))
    x = tf.constant(draw.random(4_000_000, np.float32))
    assert min(shares_after_an_interrupt(lambda: sort(x))) < 1 / 2


@pytest.mark.parametrize(
    "scan, dtype, count",
    [(tf.cumsum, tf.bfloat16, 40_000_000), (tf.math.cumulative_logsumexp, tf.float32, 4_000_000)],
    ids=["compiled", "host"],
)
def test_an_interrupt_ends_a_scan_of_one_line(scan, dtype, count):
    x, scan = tf.ones([count], dtype), tf.function(scan)
    assert min(shares_after_an_interrupt(lambda: scan(x))) < 1 / 2


def test_a_deadline_ends_a_scan_on_the_host():
    x, scan = tf.ones([16_000_000]), tf.function(tf.math.cumulative_logsumexp)
    scan(x)
    with pytest.raises(tf.errors.DeadlineExceededError), deadlines.deadline(3):
        scan(x)


@pytest.mark.parametrize("shape", [(130_000,), (1, 130_000), (66_000, 1)])
def test_scans_on_the_host_go_on_from_piece_to_piece(shape):
    x = np.random.default_rng(1).normal(size=shape)
    axis = int(np.argmax(shape))
    found = CumulativeLogsumexp.accumulate(None, np.moveaxis(x, axis, 0))
    np.testing.assert_array_equal(found, np.logaddexp.accumulate(np.moveaxis(x, axis, 0)))


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("shape", [(65_535,), (65_536,), (65_537, 2), (2, 140_001)])
def test_scans_in_pieces_are_whole(shape, reverse):
    x = np.random.default_rng(0).integers(-9, 9, shape).astype(np.int32)
    axis = int(np.argmax(shape))
    found = tf.function(lambda x: tf.cumsum(x, axis, reverse=reverse))(tf.constant(x))
    lines = np.flip(x, axis) if reverse else x
    expect = np.cumsum(lines, axis)
    np.testing.assert_array_equal(found, np.flip(expect, axis) if reverse else expect)


@pytest.mark.parametrize("count", [1, 1000, (1 << 18) - 1, 1 << 18, (1 << 18) + 1, 700_001])
def test_sorts_in_pieces_are_stable(count):
    x = np.random.default_rng(count).integers(0, 50, count).astype(np.int32)
    found = tf.function(lambda x: tf.argsort(x, stable=True))(tf.constant(x))
    assert np.array_equal(found.numpy(), np.argsort(x, kind="stable"))


def test_a_handler_that_returns_lets_the_run_go_on():
    seen = []
    count = tf.function(lambda n: tf.while_loop(lambda i: i < n, lambda i: i + 1, [0])[0])
    n = 2_000_000
    count(tf.constant(n))
    before = signal.signal(signal.SIGINT, lambda *_: seen.append(1))
    try:
        timer = threading.Timer(0.01, lambda: os.kill(os.getpid(), signal.SIGINT))
        timer.start()
        while not seen:
            assert count(tf.constant(n)) == n
        timer.join()
    finally:
        signal.signal(signal.SIGINT, before)
    assert interrupted(lambda: forever(tf.ones([10])))[0] < LATENCY


def test_other_threads_are_not_interrupted():
    results = []
    count = tf.function(lambda n: tf.while_loop(lambda i: i < n, lambda i: i + 1, [0])[0])
    count(tf.constant(3))
    thread = threading.Thread(target=lambda: results.append(int(count(tf.constant(20_000_000)))))
    thread.start()
    assert interrupted(lambda: forever(tf.ones([10])), 0.1)[0] < LATENCY
    thread.join()
    assert results == [20_000_000]


def test_variables_are_those_of_a_whole_round():
    first, second = tf.Variable(tf.zeros([50])), tf.Variable(tf.zeros([50]))

    @tf.function
    def train(n):
        for _ in tf.range(n):
            first.assign_add(tf.ones([50]))
            second.assign_sub(tf.ones([50]))

    train(tf.constant(3))
    interrupted(lambda: train(tf.constant(2**31 - 1)))
    assert first[0] >= 3
    np.testing.assert_array_equal(first, -second.numpy())
    np.testing.assert_array_equal(first, np.full(50, first[0]))


def test_a_run_that_has_begun_to_update_variables_ends():
    variable, other = tf.Variable(tf.zeros([100])), tf.Variable(0)

    @tf.function
    def step(n):
        variable.assign_add(tf.ones([100]))
        other.assign_add(tf.while_loop(lambda i: i < n, lambda i: i + 1, [0])[0])

    step(tf.constant(1))
    interrupted(lambda: step(tf.constant(2 * 10**7)), after=0.1)
    assert (float(variable[0]), int(other)) in [(1.0, 1), (2.0, 1 + 2 * 10**7)]


def _late(fetch, feeds=None):
    options = tf.compat.v1.RunOptions(timeout_in_ms=200)
    start = time.perf_counter()
    with tf.compat.v1.Session(graph=fetch.graph) as session:
        with pytest.raises(tf.errors.DeadlineExceededError, match="Timed out"):
            session.run(fetch, feeds, options=options)
    assert time.perf_counter() - start < 0.2 + LATENCY


def test_a_deadline_ends_a_session_s_loop():
    with tf.Graph().as_default():
        n = tf.compat.v1.placeholder(tf.int64, [])
        count = tf.while_loop(lambda i: i < n, lambda i: i + 1, [tf.constant(0, tf.int64)])[0]
        _late(count, {n: 10**12})
        with tf.compat.v1.Session() as session:
            options = tf.compat.v1.RunOptions(timeout_in_ms=60_000)
            assert session.run(count, {n: 5}, options=options) == 5
            assert session.run(count, {n: 5}) == 5


def test_a_deadline_ends_a_loop_that_is_watched():
    with override(guard=1), tf.Graph().as_default():
        n = tf.compat.v1.placeholder(tf.int64, [])
        count = tf.while_loop(lambda i: i < n, lambda i: i + 1, [tf.constant(0, tf.int64)])[0]
        _late(count, {n: 10**12})


def test_a_deadline_ends_the_wait_for_a_queue():
    with tf.Graph().as_default():
        _late(tf.queue.FIFOQueue(3, [tf.float32]).dequeue())
