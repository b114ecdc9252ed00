"""Seeds of datasets that several threads iterate over."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import penstock as tf
from penstock._src.eager.context import CONTEXT
from penstock._src.ops.data.iteration.seeds import SeedGenerator


@pytest.fixture(autouse=True)
def _no_global_seed():
    """Datasets' own seeds give other elements once a test has set the global one."""
    yield
    CONTEXT.set_global_seed(None)


@pytest.fixture
def threads():
    """Threads that take turns often."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    with ThreadPoolExecutor(8) as pool:
        yield pool
    sys.setswitchinterval(interval)


def test_iterations_that_begin_in_several_threads_have_seeds_of_their_own(threads):
    together, alone = SeedGenerator(3, 4, True), SeedGenerator(3, 4, True)
    found = list(threads.map(lambda _: together.next(), range(4000)))
    assert sorted(found) == sorted(alone.next() for _ in range(4000))
    assert together.state() == [3, 4, 4000]


def test_one_dataset_is_shuffled_in_several_threads(threads):
    data = tf.data.Dataset.range(20).shuffle(5)
    for found in threads.map(lambda _: sorted(map(int, data.as_numpy_iterator())), range(400)):
        assert found == list(range(20))


def passes(dataset, count=99):
    """The elements of two iterations."""
    return [[int(x) for _, x in zip(range(count), dataset, strict=False)] for _ in range(2)]


# The elements that TensorFlow gives.
def test_a_pass_after_the_last_one_takes_seeds():
    shuffled = tf.data.Dataset.range(4).shuffle(4, seed=7)
    assert passes(shuffled.take(4).repeat(2)) == [
        [0, 2, 1, 3, 1, 0, 3, 2],
        [0, 3, 1, 2, 2, 1, 0, 3],
    ]


def test_shuffle_and_repeat_are_one_step():
    shuffled = tf.data.Dataset.range(6).shuffle(3, seed=7)
    options = tf.data.Options()
    options.experimental_optimization.shuffle_and_repeat_fusion = False
    assert passes(shuffled.repeat(2))[1] == [1, 3, 0, 2, 4, 5, 1, 3, 0, 5, 2, 4]
    shuffled = tf.data.Dataset.range(6).shuffle(3, seed=7)
    apart = shuffled.repeat(2).with_options(options)
    assert passes(apart)[1] == [1, 3, 0, 5, 2, 4, 0, 1, 3, 5, 2, 4]


def test_no_pass_takes_no_seeds():
    shuffled, other = (tf.data.Dataset.range(6).shuffle(3, seed=7) for _ in range(2))
    assert passes(shuffled.batch(2).repeat(0)) == [[], []]
    assert passes(shuffled) == passes(other)


def test_random_numbers_of_a_pass_after_the_last_one_are_left_out():
    numbers = tf.data.Dataset.random(seed=3, rerandomize_each_iteration=True).take(1).repeat(2)
    assert passes(numbers) == [[2698304964, 1595858328], [3568051280, 3428579733]]


def test_a_shuffle_does_not_read_passes_ahead():
    twice = tf.data.Dataset.range(6).shuffle(3, seed=7).repeat().shuffle(3, seed=2).take(8)
    assert passes(twice) == [[0, 3, 5, 4, 1, 1, 0, 2], [1, 0, 3, 5, 1, 3, 2, 4]]


def twice(dataset):
    """The dataset in TensorFlow's shuffle-and-repeat of seed 2, where the global seed is 1."""
    tf.random.set_seed(1)
    return dataset.apply(tf.data.experimental.shuffle_and_repeat(8, 1, seed=2))


def test_a_dataset_made_of_a_shuffle_and_repeat_begins_with_the_first_seeds():
    shuffled = twice(tf.data.Dataset.range(6))
    assert passes(shuffled) == [[4, 5, 2, 0, 1, 3], [1, 0, 2, 3, 4, 5]]
    assert [passes(shuffled.take(3))[0] for _ in range(2)] == [[4, 5, 2], [4, 5, 2]]
    assert passes(shuffled)[0] == [4, 1, 3, 0, 5, 2]


def test_a_shuffle_and_repeat_that_occurs_twice_has_two_streams():
    shuffled = twice(tf.data.Dataset.range(6))
    assert passes(shuffled.concatenate(shuffled.take(3)))[0] == [4, 5, 2, 0, 1, 3, 4, 5, 2]


def test_reductions_of_a_shuffle_and_repeat_begin_with_the_first_seeds():
    shuffled = twice(tf.data.Dataset.range(6))
    totals = [shuffled.reduce(np.int64(0), lambda total, x: total * 10 + x) for _ in range(2)]
    assert [int(total) for total in totals] == [452013, 452013]


def test_loops_in_functions_over_a_shuffle_and_repeat_begin_with_the_first_seeds():
    shuffled = twice(tf.data.Dataset.range(6))

    @tf.function
    def in_a_loop(items, last):
        total = tf.constant(0, tf.int64)
        for x in items() if callable(items) else items:
            if total > last:
                break
            total = total * 10 + x
        return total

    assert [int(in_a_loop(shuffled, 10**6)) for _ in range(2)] == [452013, 452013]
    assert [int(in_a_loop(shuffled, 1000)) for _ in range(2)] == [4520, 4520]
    goes_on = [int(in_a_loop(lambda: iter(shuffled), 10**6)) for _ in range(2)]
    assert goes_on == [452013, 102345]


def test_an_iterator_of_a_shuffle_and_repeat_is_restored(tmp_path):
    tf.random.set_seed(1)
    repeated = tf.data.experimental.shuffle_and_repeat(8, 3, seed=2)
    shuffled, rest = tf.data.Dataset.range(6).apply(repeated), [2, 3, 4, 5, 4, 1, 3, 0, 5, 2]
    first = iter(shuffled)
    for _ in range(8):
        next(first)
    path = tf.train.Checkpoint(iterator=first).save(str(tmp_path / "saved"))
    assert [int(x) for x in first] == rest
    second = iter(shuffled)
    tf.train.Checkpoint(iterator=second).restore(path)
    assert [int(x) for x in second] == rest


def test_a_shuffle_and_repeat_of_no_passes_is_refused():
    with pytest.raises(tf.errors.InvalidArgumentError, match="count must be greater than zero"):
        tf.data.Dataset.range(3).apply(tf.data.experimental.shuffle_and_repeat(2, 0))
