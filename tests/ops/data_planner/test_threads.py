"""Parallel calls and reading ahead: how many work at once, in which order, within which memory."""

import collections
import threading
import time

import numpy as np
import pytest

import penstock as tf
from penstock._src.ops.data.iteration import settings
from penstock._src.ops.data.iteration.resume import Failure, attempt
from penstock._src.ops.data.pipeline import Run
from penstock._src.ops.data_planner.threads import MappedInParallel, Prefetched
from tests.harness.waiting import PATIENCE, eventually

Dataset = tf.data.Dataset


class Gauge:
    """Counts the calls that run at the same time.

    Args:
      wanted: calls wait until as many have run at the same time.
    """

    def __init__(self, wanted=1):
        self.changed, self.now, self.most, self.wanted = threading.Condition(), 0, 0, wanted

    def __call__(self, value):
        with self.changed:
            self.now += 1
            self.most = max(self.most, self.now)
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.most >= self.wanted, PATIENCE)
        time.sleep(0.02)  # in which more than are wanted would come
        with self.changed:
            self.now -= 1
        return value


def measured(gauge, dtype=tf.int64):
    def function(x):
        return tf.ensure_shape(tf.numpy_function(gauge, [x], dtype), [])

    return function


def numbers(dataset):
    return [int(x) for x in dataset]


def test_a_parallel_map_makes_as_many_calls_at_a_time():
    gauge = Gauge(wanted=6)
    made = Dataset.range(24).map(measured(gauge), num_parallel_calls=6)
    assert numbers(made) == list(range(24))
    assert gauge.most == 6


@pytest.mark.parametrize("is_seen", [False, True])
def test_threads_go_on_beside_a_slow_call_where_nobody_sees_what_is_read(is_seen):
    others_ended, ended, least = threading.Event(), [], 1 if is_seen else 2
    in_time = []

    def call(x):
        if x == 0:
            in_time.append(others_ended.wait(PATIENCE))
        ended.append(x)
        if len(ended) == least:
            others_ended.set()
        return [x]

    read = iter([(x,) for x in range(9)])
    results = MappedInParallel(read, call, 2, Run(), may_group=not is_seen)
    assert next(results) == (0,)
    assert in_time == [True]
    if is_seen:
        assert next(read) == (2,)  # no more were read than there are calls
    assert next(results) == (1,)


def test_a_private_pool_limits_the_calls():
    gauge, options = Gauge(wanted=2), tf.data.Options()
    options.threading.private_threadpool_size = 2
    made = Dataset.range(12).map(measured(gauge), num_parallel_calls=6).with_options(options)
    assert numbers(made) == list(range(12))
    assert gauge.most == 2


@pytest.fixture
def two_cores(monkeypatch):
    """Lets pipelines choose threads as on two cores, whatever the machine has."""
    monkeypatch.setattr(settings, "available_cores", lambda: 2)
    settings.settings_of.cache_clear()
    yield
    settings.settings_of.cache_clear()


@pytest.mark.usefixtures("two_cores")
def test_functions_that_wait_get_more_threads_than_there_are_cores():
    gauge = Gauge()
    made = Dataset.range(10_000).map(measured(gauge), num_parallel_calls=tf.data.AUTOTUNE)
    iterator = iter(made)
    assert eventually(lambda: next(iterator) is not None and gauge.most >= 8)


@pytest.mark.usefixtures("two_cores")
def test_the_next_iteration_starts_with_the_threads_of_the_last():
    gauge = Gauge()
    made = Dataset.range(30).map(measured(gauge), num_parallel_calls=tf.data.AUTOTUNE)
    numbers(made)
    gauge.most, gauge.wanted = 0, 4
    assert int(next(iter(made))) == 0
    assert gauge.most >= 4
    gauge.wanted = 1
    assert eventually(lambda: not gauge.now)  # calls of the iterator that was left
    time.sleep(0.1)  # for one that was about to begin
    options = tf.data.Options()
    options.autotune.cpu_budget = 1
    gauge.most = 0
    assert numbers(made.with_options(options)) == list(range(30))
    assert gauge.most == 1


def test_a_processor_budget_limits_tuned_steps():
    gauge, options = Gauge(), tf.data.Options()
    options.autotune.cpu_budget = 1
    made = Dataset.range(10).map(measured(gauge), num_parallel_calls=tf.data.AUTOTUNE)
    assert numbers(made.with_options(options)) == list(range(10))
    assert gauge.most == 1


@pytest.mark.parametrize("calls", [2, 4])
@pytest.mark.parametrize("deterministic", [True, False])
def test_an_interleave_computes_as_many_datasets_at_a_time(calls, deterministic):
    gauge = Gauge(wanted=2)

    def opened(x):
        return Dataset.range(x, x + 3).map(measured(gauge))

    made = Dataset.range(0, 40, 10).interleave(
        opened, cycle_length=4, num_parallel_calls=calls, deterministic=deterministic
    )
    found = numbers(made)
    plain = numbers(
        Dataset.range(0, 40, 10).interleave(lambda x: Dataset.range(x, x + 3), cycle_length=4)
    )
    assert found == plain if deterministic else sorted(found) == sorted(plain)
    assert 2 <= gauge.most <= calls


def test_groups_of_short_calls_keep_order_and_errors():
    def call(value):
        time.sleep(1e-4)
        if value == 50:
            raise ValueError("no 50")
        return [value]

    source = iter([(n,) for n in range(900)])
    mapped = MappedInParallel(source, call, 2, Run(), may_group=True)
    mapped.trial.phase, mapped.trial.waited = 2, [1.0, 0.0]  # groups have won
    found = [attempt(next, mapped, None) for _ in range(901)]
    assert [at for at, item in enumerate(found) if type(item) is Failure] == [50]
    assert found[-1] is None
    assert [item[0] for at, item in enumerate(found[:-1]) if at != 50] == [
        n for n in range(900) if n != 50
    ]


@pytest.mark.parametrize(
    "seconds, may_group, size", [(4e-4, True, 3), (2e-3, True, 1), (4e-4, False, 1)]
)
def test_calls_are_handed_over_for_a_millisecond(seconds, may_group, size):
    run = Run()
    mapped = MappedInParallel(iter([]), lambda: [], 2, run, may_group=may_group)
    assert mapped.group_size() == 1  # nothing is known yet
    mapped.calls.seconds, mapped.calls.count = seconds, 9
    assert mapped.group_size() == size
    run.close()


def test_a_tuned_buffer_stays_within_its_memory():
    options, made = tf.data.Options(), []
    options.autotune.ram_budget = 3000
    run = Run({"serialized": options._to_proto().SerializeToString()})

    def source():
        for n in range(20):
            made.append(n)
            yield (np.full(1000, n, np.uint8),)

    prefetched = Prefetched(source(), 16, run, is_tuned=True)
    next(prefetched)
    assert eventually(lambda: len(made) >= 2)
    time.sleep(0.2)  # in which more would be made
    assert len(made) <= 5
    assert [int(x[0]) for (x,) in prefetched] == list(range(1, 20))
    run.close()


def test_a_tuned_buffer_grows_where_it_was_too_small():
    consumer_waits = threading.Event()

    def source():
        for n in range(40):
            if n == 8:
                assert consumer_waits.wait(PATIENCE)
            yield (np.int64(n),)

    class Watched(collections.deque):
        """Elements that are ready; the source goes on when the consumer has found none."""

        def __bool__(self):
            if not len(self) and threading.current_thread() is threading.main_thread():
                consumer_waits.set()
            return bool(len(self))

    run = Run()
    prefetched = Prefetched(source(), 2, run, is_tuned=True)
    prefetched.buffer.ready = Watched()
    taken = [next(prefetched)]
    assert eventually(lambda: prefetched.buffer.was_full)
    taken += [next(prefetched) for _ in range(10)]
    assert prefetched.buffer.size > 2
    assert [int(x) for (x,) in [*taken, *prefetched]] == list(range(40))
    run.close()


def test_iterations_can_be_closed_while_a_thread_starts(monkeypatch):
    begun = threading.Event()

    class Slow(threading.Thread):
        def start(self):
            begun.set()
            time.sleep(0.1)
            super().start()

    run = Run()
    prefetched = Prefetched(iter([(np.int64(1),)]), 2, run)
    consumer = threading.Thread(target=prefetched.started)
    monkeypatch.setattr(threading, "Thread", Slow)
    consumer.start()
    begun.wait()
    run.close()
    consumer.join()
    assert not prefetched.buffer.thread.is_alive()


def test_the_next_datasets_are_opened_ahead():
    begun = []

    def told(y):
        begun.append(int(y) // 10)
        return y

    def opened(x):
        numbers = Dataset.range(x, x + 4)
        return numbers.map(lambda y: tf.ensure_shape(tf.numpy_function(told, [y], tf.int64), []))

    made = Dataset.range(0, 60, 10).interleave(opened, cycle_length=2, num_parallel_calls=2)
    iterator = iter(made)
    first = next(iterator)
    assert eventually(lambda: {0, 1, 2} <= set(begun))
    time.sleep(0.1)  # in which more would be opened
    assert set(begun) == {0, 1, 2}
    plain = Dataset.range(0, 60, 10).interleave(lambda x: Dataset.range(x, x + 4), cycle_length=2)
    assert [int(first), *numbers(iterator)] == numbers(plain)


def test_threads_start_with_the_iterator_if_options_ask():
    seen, options = [], tf.data.Options()
    options.experimental_warm_start = True

    def told(x):
        seen.append(int(x))
        return x

    def function(x):
        return tf.ensure_shape(tf.numpy_function(told, [x], tf.int64), [])

    made = Dataset.range(3).map(function).prefetch(2)
    iterator = iter(made)
    time.sleep(0.1)
    assert not seen
    iterator = iter(made.with_options(options))
    assert eventually(lambda: seen)
    assert [int(x) for x in iterator] == [0, 1, 2]


@pytest.mark.parametrize("begins", [False, True])
def test_ctrl_c_while_the_thread_is_started_leaves_one_thread(monkeypatch, begins):
    start, seen = threading.Thread.start, set()

    def interrupted(thread):
        if begins:
            start(thread)
        raise KeyboardInterrupt

    def told(x):
        seen.add(threading.get_ident())
        return x

    iterator = iter(Dataset.range(9).map(measured(told)).prefetch(2))
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            next(iterator)
    assert [int(x) for x in iterator] == list(range(9))
    assert len(seen) == 1
