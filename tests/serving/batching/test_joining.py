"""Requests are joined where it is proven that rows are independent, or where the user says so."""

import threading

import numpy as np
import pytest

import penstock as tf
from penstock._src.serving.batching.joining import Joining
from penstock._src.serving.batching.parameters import BatchingParameters
from penstock._src.serving.batching.request import Request
from penstock._src.serving.batching.scheduler import Scheduler
from penstock._src.serving.servables.formats.functions import signature_of_function
from penstock._src.serving.servables.formats.table import load
from tests.serving.batching.waiting import on_thread, wait_on_thread


def signature_of(function, *shapes):
    specs = [tf.TensorSpec([None, *shape], tf.float32) for shape in shapes]
    traced = tf.function(lambda *x: {"y": function(*x)}).get_concrete_function(*specs)
    names = [f"x{i}" for i in range(len(shapes))]
    return signature_of_function("f", traced, names, traced.graph.structured_outputs)


def joins(function, *shapes, **parameters):
    made = Joining(signature_of(function, *shapes), BatchingParameters(**parameters))
    key = tuple([tuple(7 if n is None else n for n in shape) for shape in shapes])
    made.prove(key)
    return made.allows(key)


def test_rows_that_depend_on_themselves_alone_are_joined():
    weights = tf.Variable(tf.ones([8, 4]))
    assert joins(lambda x: tf.nn.softmax(x @ weights), [8])


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x - tf.reduce_mean(x, 0) * tf.cast(tf.reduce_max(x) > 1e9, tf.float32),
        lambda x: tf.cond(tf.shape(x)[0] > 60, lambda: -x, lambda: x),
        lambda x: x / tf.cast(tf.shape(x)[0], tf.float32),
        lambda x: x[::-1],
    ],
)
def test_rows_that_may_depend_on_others_are_not(function):
    assert not joins(function, [8])
    assert joins(function, [8], joins_unproven=True)


def test_a_proof_holds_for_other_extents_within_its_conditions():
    made = Joining(signature_of(lambda x: tf.reduce_sum(x, 1), [None]), BatchingParameters())
    for length in (7, 9, 200):
        made.prove(((length,),))
        assert made.allows(((length,),))
    assert len(made._proofs) == 1


def test_the_number_of_rows_is_that_of_batches():
    def function(x):
        return tf.cond(tf.shape(x)[0] > 60, lambda: -x, lambda: x)

    assert joins(function, [8], max_batch_size=32)


def test_host_operations_are_not_proven():
    assert not joins(lambda x: tf.numpy_function(np.sin, [x], tf.float32), [8])


class Gate:
    """A signature's function that waits for `open`, and keeps sizes."""

    def __init__(self, run):
        self.run, self.sizes = run, []
        self.started, self.open = threading.Event(), threading.Event()

    def __call__(self, arrays):
        self.started.set()
        self.open.wait()
        self.sizes.append(len(arrays[0]))
        return self.run(arrays)


def answers(function, values, errors=None, **parameters):
    """(results, sizes of batches) of requests that wait while the first runs; with None for those whose errors are appended."""
    signature = signature_of(function, [2])
    gate = Gate(signature.run)
    object.__setattr__(signature, "run", gate)
    scheduler = Scheduler(1)
    queue = scheduler.queue(signature, BatchingParameters(**parameters))
    requests = []
    for value in values:
        request = Request([np.full([1, 2], value, np.float32)], 1, on_thread)
        request.waiter = threading.Event()
        queue.put(request)
        requests.append(request)
        gate.started.wait()
    gate.open.set()
    results = []
    for request in requests:
        try:
            results.append(wait_on_thread(request)[0].tolist())
        except tf.errors.InvalidArgumentError as error:
            if errors is None:
                raise
            errors.append(error)
            results.append(None)
    scheduler.close()
    return results, gate.sizes


def test_a_large_number_of_one_client_does_not_reach_others():
    # Typical inputs do not show that rows depend on each other.
    def function(x):
        return x + tf.cast(tf.reduce_max(x) > 100.0, tf.float32)

    results, sizes = answers(function, [1, 2, 500, 3])
    assert results == [[[1, 1]], [[2, 2]], [[501, 501]], [[3, 3]]]
    assert sizes == [1, 1, 1, 1]


def test_proven_requests_are_computed_together():
    results, sizes = answers(lambda x: x * 2.0, [1, 2, 3])
    assert results == [[[2, 2]], [[4, 4]], [[6, 6]]]
    assert sizes == [1, 2]


def test_a_request_that_a_check_refuses_gets_its_own_error():
    def function(x):
        tf.debugging.assert_less(x, 9.0)
        return x * 2.0

    errors = []
    results, sizes = answers(function, [1, 2, 10, 3], errors)
    assert results == [[[2, 2]], [[4, 4]], None, [[6, 6]]]
    assert sizes == [1, 3, 1, 1, 1]
    assert "[10 10]" in str(errors[0])


def test_a_request_that_a_check_of_all_rows_refuses_is_not_joined():
    def function(x):
        tf.debugging.assert_greater(tf.reduce_sum(x), 5.0)
        return x * 2.0

    results, sizes = answers(function, [3, 1, 4], [])
    assert results == [[[6, 6]], None, [[8, 8]]]
    assert sizes == [1, 1, 1]


def test_a_request_without_rows_is_not_joined():
    # A proof is for one row or more, and this holds for all of them.
    def function(x):
        tf.debugging.assert_greater(tf.shape(x)[0], 0)
        return x * 2.0

    assert joins(function, [2])
    queue = Scheduler(1).queue(signature_of(function, [2]), BatchingParameters())
    queue.joining.prove(((2,),))
    for rows in (1, 0, 2, 0):
        queue._waiting.append(Request([np.zeros([rows, 2], np.float32)], rows, on_thread))
    taken = []
    while batch := queue.take():
        taken.append([request.rows for request in batch])
    assert taken == [[1, 2], [0], [0]]


def test_loaded_models_are_proven(tmp_path):
    class Dense(tf.Module):
        def __init__(self):
            super().__init__()
            self.weights = tf.Variable(tf.ones([3, 2]))

        @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32)])
        def __call__(self, x):
            return {"y": tf.nn.relu(x @ self.weights)}

    tf.saved_model.save(Dense(), str(tmp_path / "1"))
    signature = load(str(tmp_path / "1")).signatures["serving_default"]
    made = Joining(signature, BatchingParameters())
    made.prove(((3,),))
    assert made.allows(((3,),))
