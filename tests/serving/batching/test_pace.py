"""The choice between the thread of a request and the threads of batches."""

import asyncio
import threading
import types

import numpy as np
import pytest

import penstock as tf
from penstock._src.core import dtypes
from penstock._src.graph.control import is_steady
from penstock._src.serving.batching import execution
from penstock._src.serving.batching.pace import QUICK, Pace
from penstock._src.serving.batching.parameters import BatchingParameters
from penstock._src.serving.batching.scheduler import Scheduler
from penstock._src.serving.inference.running import Runner
from penstock._src.serving.servables.servable import Signature, TensorInfo
from penstock._src.serving.trust.admission import Admission
from penstock._src.serving.trust.limits import Limits

CLOCK = [
    0.0
]  # seconds, which pass while a function runs: measured ones are longer on a busy machine


@pytest.fixture(autouse=True)
def _given_seconds(monkeypatch):
    clock = types.SimpleNamespace(monotonic=lambda: CLOCK[0])
    monkeypatch.setattr(execution, "time", clock)


class Recorded:
    """Doubles its input; keeps the threads that asked for it, and sizes. Takes `seconds`."""

    def __init__(self):
        self.threads, self.sizes, self.seconds = [], [], QUICK / 2

    def __call__(self, arrays):
        self.threads.append(threading.get_ident())
        self.sizes.append(len(arrays[0]))
        CLOCK[0] += self.seconds
        return [arrays[0] * 2]


@pytest.fixture
def scheduler():
    made = Scheduler(1)
    yield made
    made.close()


def queue_of(scheduler, run, steady=True, **parameters):
    infos = {"x": TensorInfo(dtypes.float32, (None,))}
    signature = Signature(
        "f", "", infos, infos, run, is_steady=steady, prove=lambda *_: lambda _: True
    )
    return scheduler.queue(signature, BatchingParameters(**parameters))


def serve(queue, talk):
    """Runs `talk(ask)` in an event loop."""
    limits = Limits()
    runner = Runner(limits, Admission(limits), 10.0)

    async def ask(*values):
        outputs = await runner.run(queue, {"x": np.array(values, np.float32)})
        return outputs["x"].tolist()

    return asyncio.run(talk(ask))


async def one_by_one(ask, count=60):
    for number in range(count):
        assert await ask(number) == [2 * number]


def test_quick_requests_that_come_one_by_one_are_computed_where_they_wait(scheduler):
    run = Recorded()
    serve(queue_of(scheduler, run), one_by_one)
    here = threading.get_ident()
    assert run.threads[0] != here
    assert run.threads[-1] == here


@pytest.mark.parametrize(
    ("steady", "seconds", "parameters"),
    [
        (False, QUICK / 2, {}),
        (True, 2 * QUICK, {}),
        (True, QUICK / 2, {"pads_variable_lengths": True}),
        (True, QUICK / 2, {"batch_timeout": 1e-4}),
    ],
)
def test_others_are_computed_by_threads(scheduler, steady, seconds, parameters):
    run = Recorded()
    run.seconds = seconds
    serve(queue_of(scheduler, run, steady, **parameters), one_by_one)
    assert threading.get_ident() not in run.threads


def test_new_shapes_are_computed_by_threads_first(scheduler):
    run = Recorded()

    async def talk(ask):
        await one_by_one(ask)
        await ask(1, 2)

    serve(queue_of(scheduler, run), talk)
    assert run.threads[-1] != threading.get_ident() == run.threads[-2]


def test_requests_that_come_together_are_joined_by_threads(scheduler):
    run = Recorded()

    async def talk(ask):
        await one_by_one(ask)
        return await asyncio.gather(*[ask(number) for number in range(4)])

    queue = queue_of(scheduler, run)
    queue.checks_left = 0
    assert serve(queue, talk) == [[0], [2], [4], [6]]
    assert run.sizes[-1] == 4
    assert run.threads[-1] != threading.get_ident()


def test_a_function_that_turns_slow_goes_back_to_threads(scheduler):
    run = Recorded()

    async def talk(ask):
        await one_by_one(ask)
        run.seconds = 0.03
        await one_by_one(ask, 3)

    serve(queue_of(scheduler, run), talk)
    here = threading.get_ident()
    assert [thread == here for thread in run.threads[-3:]] == [True, False, False]


def test_a_cancelled_request_leaves_the_queue_to_others(scheduler):
    run = Recorded()

    async def talk(ask):
        await one_by_one(ask)
        task = asyncio.ensure_future(ask(7))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await one_by_one(ask, 3)

    queue = queue_of(scheduler, run)
    serve(queue, talk)
    assert queue.close().wait(10)


def test_now_and_then_a_batch_may_be_slow():
    pace = Pace(True)
    pace.took(1, (), QUICK / 2)
    for _ in range(4):
        pace.took_as_quick(0.004)
    assert pace.is_quick(1, ())
    for _ in range(4):
        pace.took_as_quick(0.004)
    assert not pace.is_quick(1, ())


def graph_of(function, *specs):
    return tf.function(function).get_concrete_function(*specs).graph


VECTOR = tf.TensorSpec([None], tf.float32)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: tf.nn.relu(x) * 2,
        lambda x: tf.cond(x[0] > 0, lambda: x, lambda: -x),
        lambda x: tf.function(tf.sin)(x),
    ],
)
def test_arithmetic_and_branches_are_steady(function):
    assert is_steady(graph_of(function, VECTOR))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: tf.while_loop(lambda x: x[0] < 9, lambda x: [x + 1], [x]),
        lambda x: tf.map_fn(tf.sin, x),
        lambda x: tf.numpy_function(np.sin, [x], tf.float32),
        lambda x: tf.strings.as_string(x),
        lambda x: tf.boolean_mask(x, x > 0),
        lambda x: x + tf.random.normal([1]),
        lambda x: tf.cond(x[0] > 0, lambda: tf.map_fn(tf.sin, x), lambda: x),
    ],
)
def test_loops_strings_and_effects_are_not(function):
    assert not is_steady(graph_of(function, VECTOR))
