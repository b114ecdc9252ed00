"""Seeds of datasets that several threads iterate over."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

import penstock as tf
from penstock._src.ops.data.iteration.seeds import SeedGenerator


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
