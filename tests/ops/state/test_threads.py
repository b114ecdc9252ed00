"""Updates of variables by several threads: each is one step, as in TensorFlow, so none is lost."""

import sys
import threading

import pytest

import penstock as tf

v1 = tf.compat.v1
THREADS, RUNS = 4, 200
ONE = tf.ones([4])


@pytest.fixture(autouse=True)
def frequent_switches():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def in_threads(call):
    """The results of all runs in all threads."""
    results = []

    def work():
        results.extend(call() for _ in range(RUNS))

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def momentum(v):
    raw = tf.raw_ops.ResourceApplyMomentum
    raw(var=v.handle, accum=tf.Variable(tf.zeros([4])).handle, lr=-1.0, grad=ONE, momentum=0.0)


def sparse_descent(v):
    accumulator = tf.Variable(tf.zeros([4])).handle
    raw = tf.raw_ops.ResourceSparseApplyMomentum
    raw(
        var=v.handle, accum=accumulator, lr=-1.0, grad=[1.0], indices=[0], momentum=0.0
    )  # fmt: skip


UPDATES = {
    "assign_add": lambda v: v.assign_add(ONE),
    "scatter_add": lambda v: v.scatter_add(tf.IndexedSlices([1.0], [0])),
    "scatter_nd_add": lambda v: v.scatter_nd_add([[0]], [1.0]),
    "descent": lambda v: tf.raw_ops.ResourceApplyGradientDescent(
        var=v.handle, alpha=-1.0, delta=ONE
    ),
    "momentum": momentum,
    "sparse momentum": sparse_descent,
}


@pytest.mark.parametrize("update", UPDATES.values(), ids=UPDATES)
def test_no_eager_update_is_lost(update):
    v = tf.Variable(tf.zeros([4]))
    in_threads(lambda: update(v))
    assert v[0].numpy() == THREADS * RUNS


def test_slices_that_threads_assign_do_not_undo_one_another():
    v = tf.Variable(tf.zeros([THREADS]))
    numbers = iter(range(THREADS))
    own = threading.local()

    def count():
        if not hasattr(own, "at"):
            own.at, own.count = next(numbers), 0.0
        own.count += 1.0
        v[own.at].assign(own.count)

    in_threads(count)
    assert v.numpy().tolist() == [RUNS] * THREADS


def test_generators_give_each_number_once():
    generator = tf.random.Generator.from_seed(1)
    draw = lambda: generator.uniform_full_int([], dtype=tf.int64)  # noqa: E731
    assert len({int(number) for number in in_threads(draw)}) == THREADS * RUNS


@pytest.mark.parametrize("use_resource", [True, False], ids=["resource", "reference"])
def test_counts_of_sessions_give_each_number_once(use_resource):
    with tf.Graph().as_default(), v1.Session() as session:
        v = v1.Variable(tf.constant(0, tf.int64), use_resource=use_resource)
        wanted = [v.count_up_to(THREADS * RUNS), tf.random.normal([16, 16])]
        session.run(v.initializer)
        counts = in_threads(lambda: int(session.run(wanted)[0]))
    assert sorted(counts) == list(range(THREADS * RUNS))
