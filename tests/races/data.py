"""Races of datasets: iterated by each thread, and one iterator that all share."""

import itertools

import penstock as tf
from tests.races.rounds import THREADS, expect, race


@race
def one_dataset():
    """Each thread's iteration gives each element once."""
    data = tf.data.Dataset.range(40).map(lambda x: x * 3, num_parallel_calls=2).shuffle(7)
    data = data.batch(4).prefetch(1)

    def begin():
        def work(_):
            return sorted(int(x) for batch in data for x in batch)

        wanted = [[3 * n for n in range(40)]] * THREADS
        return work, lambda results: expect(results, wanted, "elements")

    return begin


@race
def one_iterator():
    """An iterator gives each element to one thread."""
    data = tf.data.Dataset.range(64).map(lambda x: x + 1)

    def begin():
        iterator = iter(data)

        def work(_):
            found = []
            for x in iterator:
                found.append(int(x))
            return found

        def check(results):
            found = sorted(x for each in results for x in each)
            return expect(found, list(range(1, 65)), "elements")

        return work, check

    return begin


@race
def iterators_in_functions():
    """A function that takes the next element gives each to one thread."""
    data = tf.data.Dataset.range(4 * THREADS)

    @tf.function
    def doubled(iterator):
        return next(iterator) * 2

    def begin():
        iterator = iter(data)

        def work(_):
            return [int(doubled(iterator)) for _ in range(4)]

        def check(results):
            found = sorted(x for each in results for x in each)
            return expect(found, [2 * n for n in range(4 * THREADS)], "elements")

        return work, check

    return begin


@race
def new_datasets():
    """Threads plan and run datasets of their own, whose functions are alike."""
    numbers = itertools.count()

    def begin():
        k = next(numbers) % 9

        def work(i):
            data = tf.data.Dataset.from_tensor_slices([1, 2, 3, 4, 5])
            data = data.map(lambda x: x * i + k).filter(lambda x: x % 2 == 0).repeat(2)
            return [int(x) for x in data]

        wanted = [
            [n * i + k for n in range(1, 6) if (n * i + k) % 2 == 0] * 2 for i in range(THREADS)
        ]
        return work, lambda results: expect(results, wanted, "elements")

    return begin
