"""Requests are joined, computed and split."""

import threading

import numpy as np
import pytest

from penstock._src.core import dtypes
from penstock._src.core.errors import (
    DeadlineExceededError,
    InternalError,
    InvalidArgumentError,
    UnavailableError,
)
from penstock._src.serving.batching.parameters import BatchingParameters, bucket, ladder
from penstock._src.serving.batching.queue import CHECKS
from penstock._src.serving.batching.request import Request
from penstock._src.serving.batching.scheduler import Scheduler
from penstock._src.serving.servables.servable import Signature, TensorInfo
from tests.serving.batching.waiting import on_thread, wait_on_thread

pytestmark = pytest.mark.timed


class Gate:
    """A function that doubles, records the sizes of its batches, and waits until it is opened."""

    def __init__(self):
        self.open = threading.Event()
        self.started = threading.Event()
        self.sizes = []

    def __call__(self, arrays):
        self.started.set()
        self.open.wait()
        (x,) = arrays
        self.sizes.append(x.shape)
        if (x < 0).any():
            raise InvalidArgumentError("x is negative")
        return [x * 2]


@pytest.fixture
def scheduler():
    made = Scheduler(1)
    yield made
    made.close()


def queue_of(scheduler, run, shape=(None,), outputs=(None,), **parameters):
    info = TensorInfo(dtypes.float32, shape)
    made = {"y": TensorInfo(dtypes.float32, outputs)}
    signature = Signature("f", "", {"x": info}, made, run, prove=lambda *_: lambda _: True)
    made = scheduler.queue(signature, BatchingParameters(**parameters))
    made.checks_left = 0
    return made


def ask(queue, *values, deadline=0.0):
    array = np.array(values, np.float32)
    request = Request([array], len(array), on_thread, deadline)
    request.waiter = threading.Event()
    queue.put(request)
    return request


def test_requests_gather_while_a_batch_runs(scheduler):
    gate = Gate()
    queue = queue_of(scheduler, gate)
    first = ask(queue, 1)
    gate.started.wait()
    others = [ask(queue, n) for n in (2, 3, 4)]
    gate.open.set()
    results = [wait_on_thread(request)[0].tolist() for request in (first, *others)]
    assert results == [[2], [4], [6], [8]]
    assert gate.sizes == [(1,), (3,)]


def test_batches_have_sizes_of_the_ladder(scheduler):
    gate = Gate()
    queue = queue_of(scheduler, gate, max_batch_size=8)
    requests = [ask(queue, 0)]
    gate.started.wait()
    requests += [ask(queue, n) for n in range(13)]
    gate.open.set()
    for request in requests:
        wait_on_thread(request)
    assert [size for (size,) in gate.sizes] == [1, 8, 4, 1]


def test_a_ladder_ends_with_the_largest():
    assert ladder(64) == (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
    assert ladder(10) == (1, 2, 3, 4, 6, 8, 10)
    assert ladder(1) == (1,)


def test_a_large_request_runs_alone(scheduler):
    gate = Gate()
    gate.open.set()
    queue = queue_of(scheduler, gate, max_batch_size=4)
    assert wait_on_thread(ask(queue, *range(9)))[0].tolist() == list(range(0, 18, 2))


def test_an_error_is_only_its_own(scheduler):
    gate = Gate()
    queue = queue_of(scheduler, gate)
    requests = [ask(queue, 1)]
    gate.started.wait()
    requests += [ask(queue, 2), ask(queue, -1), ask(queue, 3)]
    gate.open.set()
    with pytest.raises(InvalidArgumentError, match="x is negative"):
        wait_on_thread(requests[2])
    found = [wait_on_thread(requests[i])[0].tolist() for i in (0, 1, 3)]
    assert found == [[2], [4], [6]]


@pytest.mark.parametrize("joins", [False, True])
def test_python_code_that_exits_ends_only_its_request(scheduler, joins):
    def run(arrays):
        if (arrays[0] > 5).any():
            raise SystemExit(3)
        return arrays

    gate = Gate()
    queue = queue_of(scheduler, lambda arrays: gate(arrays) and run(arrays))
    requests = [ask(queue, 1)]
    gate.started.wait()
    requests += [ask(queue, number) for number in ((9, 2, 3) if joins else (9,))]
    gate.open.set()
    with pytest.raises(InternalError, match="SystemExit: 3"):
        wait_on_thread(requests[1])
    assert [wait_on_thread(each)[0].tolist() for each in requests[2:]] == [[2], [3]][: 2 * joins]
    assert wait_on_thread(ask(queue, 4))[0].tolist() == [4]  # the thread is still there


def test_outputs_without_the_rows_of_a_batch(scheduler):
    started, opened = threading.Event(), threading.Event()

    def total(arrays):
        started.set()
        opened.wait()
        return [arrays[0].sum(keepdims=True)]

    queue = queue_of(scheduler, total)
    requests = [ask(queue, 1)]
    started.wait()
    requests += [ask(queue, 2, 3), ask(queue, 4)]
    opened.set()
    assert [wait_on_thread(r)[0].tolist() for r in requests] == [[1], [5], [4]]
    assert not queue.joins


def test_rows_that_depend_on_each_other_are_not_joined(scheduler):
    started, opened = threading.Event(), threading.Event()

    def centered(arrays):
        started.set()
        opened.wait()
        return [arrays[0] - arrays[0].mean()]

    queue = queue_of(scheduler, centered)
    queue.checks_left = CHECKS
    requests = [ask(queue, 1)]
    started.wait()
    requests += [ask(queue, 2, 4), ask(queue, 7)]
    opened.set()
    assert [wait_on_thread(r)[0].tolist() for r in requests] == [[0], [-1, 1], [0]]
    assert not queue.joins


def test_rows_that_do_not_are_joined_after_two_checks(scheduler):
    gate = Gate()
    queue = queue_of(scheduler, gate)
    queue.checks_left = CHECKS
    for _ in range(3):
        gate.open.clear()
        gate.started.clear()
        requests = [ask(queue, 1)]
        gate.started.wait()
        requests += [ask(queue, 2), ask(queue, 3)]
        gate.open.set()
        assert [wait_on_thread(r)[0].tolist() for r in requests] == [[2], [4], [6]]
    assert queue.checks_left == 0
    assert gate.sizes == [(1,), (2,), (1,), (1,)] * 2 + [(1,), (2,)]


def test_equal_requests_are_checked_by_computing_one_of_them(scheduler):
    gate = Gate()
    queue = queue_of(scheduler, gate)
    queue.checks_left = CHECKS
    requests = [ask(queue, 1)]
    gate.started.wait()
    requests += [ask(queue, value) for value in (0.0, 0.0, -0.0, 5)]
    gate.open.set()
    assert [wait_on_thread(r)[0].tolist() for r in requests] == [[2], [0], [0], [0], [10]]
    assert gate.sizes == [(1,), (4,), (1,), (1,), (1,)]
    assert queue.joins and queue.checks_left == CHECKS - 1


def test_only_equal_shapes_are_joined(scheduler):
    gate = Gate()
    queue = queue_of(scheduler, gate, (None, None), (None, None))
    requests = [ask(queue, [0, 0])]
    gate.started.wait()
    requests += [ask(queue, [1]), ask(queue, [1, 2]), ask(queue, [3])]
    gate.open.set()
    results = [wait_on_thread(r)[0].tolist() for r in requests]
    assert results == [[[0, 0]], [[2]], [[2, 4]], [[6]]]
    assert gate.sizes == [(1, 2), (2, 1), (1, 2)]


def test_unequal_lengths_are_filled_up_if_asked(scheduler):
    gate = Gate()
    queue = queue_of(
        scheduler, gate, (None, None), (None, None), pads_variable_lengths=True, bucket_lengths=(4,)
    )
    requests = [ask(queue, [1, 2])]
    gate.started.wait()
    requests += [ask(queue, [1]), ask(queue, [1, 2, 3])]
    gate.open.set()
    results = [wait_on_thread(r)[0].tolist() for r in requests]
    assert results == [[[2, 4, 0, 0]], [[2, 0, 0, 0]], [[2, 4, 6, 0]]]
    assert gate.sizes == [(1, 4), (2, 4)]


def test_buckets():
    assert [bucket(n, ()) for n in (0, 1, 2, 3, 5, 8)] == [1, 1, 2, 4, 8, 8]
    assert [bucket(n, (4, 10)) for n in (3, 4, 5, 12)] == [4, 4, 10, 12]


def test_a_full_queue_refuses(scheduler):
    gate = Gate()
    queue = queue_of(scheduler, gate, max_batch_size=2, max_enqueued_batches=1)
    running = ask(queue, 1)
    gate.started.wait()
    waiting = [ask(queue, 2), ask(queue, 3)]
    with pytest.raises(UnavailableError, match="is full: 2 rows wait"):
        ask(queue, 4)
    gate.open.set()
    assert [wait_on_thread(r)[0].tolist() for r in (running, *waiting)] == [[2], [4], [6]]


def test_a_request_of_more_than_a_batch_does_not_fill_the_queue(scheduler):
    gate = Gate()
    queue = queue_of(scheduler, gate, max_batch_size=2, max_enqueued_batches=2)
    running = ask(queue, 1)
    gate.started.wait()
    large = Request([np.ones(50, np.float32)], 50, on_thread)
    large.waiter = threading.Event()
    queue.put(large)
    waiting = [ask(queue, 2), ask(queue, 3)]
    with pytest.raises(UnavailableError, match="is full"):
        ask(queue, 4)
    gate.open.set()
    assert [wait_on_thread(r)[0].tolist() for r in (running, *waiting)] == [[2], [4], [6]]
    assert len(wait_on_thread(large)[0]) == 50


def test_deadlines_and_cancelled_requests(scheduler):
    gate = Gate()
    queue = queue_of(scheduler, gate)
    running = ask(queue, 1)
    gate.started.wait()
    late, gone, last = ask(queue, 2, deadline=1e-9), ask(queue, 3), ask(queue, 4)
    gone.is_cancelled = True
    gate.open.set()
    late.waiter.wait()
    with pytest.raises(DeadlineExceededError):
        late.result()
    wait_on_thread(running)
    assert wait_on_thread(last)[0].tolist() == [8]
    assert gate.sizes == [(1,), (1,)] and not gone.waiter.is_set()


def test_a_timeout_waits_for_others(scheduler):
    gate = Gate()
    gate.open.set()
    queue = queue_of(scheduler, gate, batch_timeout=30.0, max_batch_size=3)
    requests = [ask(queue, n) for n in range(3)]  # full: nobody waits any longer
    assert [wait_on_thread(r)[0].tolist() for r in requests] == [[0], [2], [4]]
    assert gate.sizes == [(3,)]
    quick = queue_of(scheduler, gate, batch_timeout=0.01)
    assert wait_on_thread(ask(quick, 5))[0].tolist() == [10]


def test_a_closed_queue_computes_what_waits(scheduler):
    gate = Gate()
    queue = queue_of(scheduler, gate)
    requests = [ask(queue, 1)]
    gate.started.wait()
    requests.append(ask(queue, 2))
    emptied = queue.close()
    with pytest.raises(UnavailableError, match="being unloaded"):
        ask(queue, 3)
    gate.open.set()
    emptied.wait()
    assert [r.result()[0].tolist() for r in requests] == [[2], [4]]


def test_queues_take_turns(scheduler):
    gates = [Gate(), Gate()]
    order = []
    queues = [queue_of(scheduler, gate, max_batch_size=1) for gate in gates]
    requests = [ask(queues[0], 0)]
    gates[0].started.wait()
    gates[1].open.set()
    for queue in (queues[0], queues[0], queues[1]):
        request = ask(queue, 1)
        request.completion = lambda done, queue=queue: (order.append(queue), on_thread(done))
        requests.append(request)
    gates[0].open.set()
    for request in requests:
        wait_on_thread(request)
    assert order == [queues[1], queues[0], queues[0]]
