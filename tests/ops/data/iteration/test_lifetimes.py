"""Iterators, their sources and threads go when they are dropped, without the cyclic collector, which may not run for long."""

import gc
import threading
import time
import weakref

import numpy as np
import pytest

import penstock as tf
from penstock._src.ops.data.iteration.resume import Resumable
from penstock._src.ops.data.pipeline import Pipeline, Run
from tests.harness.waiting import eventually
from tests.ops.data.iteration.kinds import KINDS, RANGE, slow

Dataset = tf.data.Dataset


MORE = {
    "slices_elements": lambda: Dataset.from_tensor_slices(np.eye(6)),
    "tuned_map": lambda: RANGE().map(slow, num_parallel_calls=tf.data.AUTOTUNE),
    "tuned_slow_map": lambda: RANGE().repeat(4).map(sleeping, num_parallel_calls=tf.data.AUTOTUNE),
    "last_map": lambda: RANGE().map(lambda x: x + 1),
    "unordered_map": lambda: RANGE().map(slow, num_parallel_calls=2, deterministic=False),
    "unordered_interleave": lambda: RANGE().interleave(
        lambda x: Dataset.range(x), cycle_length=3, num_parallel_calls=2, deterministic=False
    ),
    "tuned_interleave": lambda: RANGE().interleave(
        lambda x: Dataset.range(x).map(slow), cycle_length=3, num_parallel_calls=tf.data.AUTOTUNE
    ),
    "endless": lambda: RANGE().map(slow, num_parallel_calls=2).prefetch(2).take(3).repeat(),
    "generators": lambda: Dataset.from_generator(lambda: iter(range(8)), tf.int64).take(3).repeat(),
    "keras": lambda: (
        Dataset.zip(
            Dataset.range(4).flat_map(lambda x: Dataset.range(x)),
            Dataset.from_tensors(np.ones(100)).repeat(),
        )
        .map(lambda i, x: tf.gather(x, i), num_parallel_calls=tf.data.AUTOTUNE)
        .with_options(tf.data.Options())
        .prefetch(tf.data.AUTOTUNE)
    ),
}


def sleeping(element):
    return tf.numpy_function(lambda x: (time.sleep(0.002), x)[1], [element], tf.int64)


@pytest.fixture
def alive(new_objects_only):
    """Gives the iterators, iterations and pipelines that were made since; the collector is off."""
    gc.disable()
    yield lambda: [
        each for each in gc.get_objects() if issubclass(type(each), Resumable | Run | Pipeline)
    ]
    gc.enable()


def threads():
    return [
        t for t in threading.enumerate() if t.name.startswith(("penstock-prefetch", "penstock-map"))
    ]


@pytest.mark.parametrize("kind", KINDS | MORE)
@pytest.mark.parametrize("count", [0, 2, 40])
def test_nothing_is_left_of_an_iterator_that_is_dropped(kind, count, alive):
    before = len(threads())
    dataset = (KINDS | MORE)[kind]()
    iterator = iter(dataset)
    for _ in range(count):
        next(iterator, None)
    del iterator
    assert eventually(lambda: not [each for each in alive() if not isinstance(each, Pipeline)]), (
        alive()
    )
    del dataset
    assert eventually(lambda: not alive()), alive()
    assert eventually(lambda: len(threads()) <= before)


def failing(x):
    raise ValueError("broken")


ERRORS = {
    "map": lambda: RANGE().map(lambda x: tf.numpy_function(failing, [x], tf.int64)),
    "parallel_map": lambda: RANGE().map(
        lambda x: tf.numpy_function(failing, [x], tf.int64), num_parallel_calls=2
    ),
    "prefetch": lambda: ERRORS["map"]().prefetch(2),
    "interleave": lambda: RANGE().interleave(lambda x: ERRORS["map"](), 2, num_parallel_calls=2),
    "generator": lambda: Dataset.from_generator(lambda: map(failing, [1]), tf.int64),
    "files": lambda: tf.data.TextLineDataset(["/no/such/file"]).batch(2),
}


@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_keeps_nothing(kind, alive):
    iterator = iter(ERRORS[kind]())
    with pytest.raises(tf.errors.OpError):
        next(iterator)
    del iterator
    assert eventually(lambda: not alive()), alive()


def test_passes_that_are_left_early_leave_neither_threads_nor_closers():
    dataset = RANGE().map(slow, num_parallel_calls=2).prefetch(2).take(3).repeat()
    before, iterator = len(threads()), iter(dataset)
    for _ in range(60):
        next(iterator)
    assert eventually(lambda: len(threads()) <= before + 4), threads()
    assert len(iterator._handle._current._closers) <= 3


def test_an_iterator_that_has_ended_holds_no_elements(alive):
    iterator = iter(RANGE().shuffle(20).batch(2).prefetch(2))
    assert len(list(iterator)) == 6
    assert eventually(lambda: not [each for each in alive() if isinstance(each, Resumable)]), (
        alive()
    )


def test_a_dataset_leaves_the_arrays_that_its_functions_read(alive):
    references = []

    def reading():
        tensor = tf.constant(np.ones((300, 300), np.float32))
        inner = Dataset.from_tensor_slices(np.ones((300, 300), np.float32))
        references.extend(map(weakref.ref, (tensor._value, inner._variant_tensor._value)))

        def rows(i):
            return tf.cond(i > 3, lambda: tf.gather(tensor, i), lambda: tensor[0])

        return RANGE().map(rows).flat_map(lambda x: inner.map(lambda y: x + y))

    dataset = reading()
    next(iter(dataset))
    del dataset
    assert eventually(lambda: [reference() for reference in references] == [None, None])


def test_a_function_that_a_dataset_called_goes_on_without_it():
    tensor = tf.constant(np.ones(300, np.float32))

    @tf.function
    def add(x):
        return tf.cast(x, tf.float32) + tensor

    dataset = RANGE().map(add)
    next(iter(dataset))
    del dataset
    assert float(add(tf.constant(2, tf.int64))[0]) == 3.0
    (traced,) = add._list_all_concrete_functions_for_serialization()
    assert any(external is tensor for external, _ in traced.graph.captures)


def test_distributed_iterators_leave_nothing(alive):
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    for make in (
        lambda: strategy.experimental_distribute_dataset(RANGE().batch(4).prefetch(2)),
        lambda: strategy.distribute_datasets_from_function(lambda context: RANGE().batch(4)),
    ):
        dataset = make()
        next(iter(dataset))
        del dataset
        assert eventually(lambda: not alive()), alive()
