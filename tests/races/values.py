"""Races of eager code and what it keeps: programs of large ops, random numbers, tables, strings."""

import itertools

import numpy as np

import penstock as tf
from tests.races.rounds import THREADS, expect, race


@race
def large_eager_ops():
    """Large tensors, whose programs are kept and dropped, in sizes that others use as well."""
    sizes = itertools.count()

    def begin():
        n = 200_000 + next(sizes) % 7

        def work(i):
            x = tf.fill([n + i % 3], float(i))
            y = x * 2.0 + 1.0
            return float(tf.reduce_max(y)), float(tf.reduce_min(y)), y.shape[0]

        wanted = [(2.0 * i + 1, 2.0 * i + 1, n + i % 3) for i in range(THREADS)]
        return work, lambda results: expect(results, wanted, "results")

    return begin


@race
def small_eager_ops():
    """Calls of ops with types that no thread has used yet, and with those that all use."""
    kinds = (tf.float32, tf.float64, tf.int32, tf.int64, tf.int16, tf.uint8, tf.float16, tf.int8)

    def begin():
        def work(i):
            x = tf.constant([1, 2, 3], kinds[i])
            found = [(x + x * x).numpy().tolist(), tf.reverse(x, [0]).numpy().tolist()]
            return [*found, tf.concat([x, x], 0).numpy().tolist(), x[1:].numpy().tolist()]

        wanted = [[2, 6, 12], [3, 2, 1], [1, 2, 3, 1, 2, 3], [2, 3]]
        return work, lambda results: expect(results, [wanted] * THREADS, "results")

    return begin


@race
def generators():
    """A generator gives no number twice."""
    generator = tf.random.Generator.from_seed(1)
    draw = tf.function(lambda: generator.uniform_full_int([2], dtype=tf.int64))
    draw()

    def begin():
        def work(i):
            if i % 2:
                return draw().numpy().tolist()
            return generator.uniform_full_int([2], dtype=tf.int64).numpy().tolist()

        def check(results):
            numbers = [n for each in results for n in each]
            return expect(len(set(numbers)), 2 * THREADS, "different numbers")

        return work, check

    return begin


@race
def random_ops():
    """A random op gives each call other numbers, eagerly and in a function that all threads call first."""

    def begin():
        @tf.function
        def draw():
            return tf.random.uniform([2], 0, 2**62, tf.int64, seed=3)

        def work(i):
            return draw().numpy().tolist()

        def check(results):
            return expect(len(set(map(tuple, results))), THREADS, "different draws")

        return work, check

    return begin


@race
def tables():
    """Keys that threads insert are all found."""

    def begin():
        table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)

        def work(i):
            keys = tf.constant([f"{i}-{k}" for k in range(5)])
            table.insert(keys, tf.range(5, dtype=tf.int64) + 10 * i)
            return table.lookup(keys).numpy().tolist()

        def check(results):
            yield from expect(
                results, [[10 * i + k for k in range(5)] for i in range(THREADS)], "found"
            )
            yield from expect(int(table.size()), 5 * THREADS, "size")

        return work, check

    return begin


@race
def strings():
    """Patterns and formats that are kept once they are compiled."""
    numbers = itertools.count()

    def begin():
        letter = chr(97 + next(numbers) % 26)

        def work(i):
            text = tf.constant([f"{letter}{i}{letter}", "zz"])
            replaced = tf.strings.regex_replace(text, f"^{letter}([0-9]+){letter}$", r"<\1>")
            return replaced.numpy().tolist(), tf.strings.split("a b c").numpy().tolist()

        wanted = [([b"<%d>" % i, b"zz"], [b"a", b"b", b"c"]) for i in range(THREADS)]
        return work, lambda results: expect(results, wanted, "results")

    return begin


@race
def queues():
    """What threads put into a queue comes out once."""

    def begin():
        queue = tf.queue.FIFOQueue(4 * THREADS, [tf.int64], [[]])

        def work(i):
            for k in range(4):
                queue.enqueue(tf.constant(4 * i + k, tf.int64))
            return [int(queue.dequeue()) for _ in range(4)]

        def check(results):
            found = sorted(number for each in results for number in each)
            return expect(found, list(range(4 * THREADS)), "numbers")

        return work, check

    return begin


@race
def arrays_that_are_freed():
    """Memory of large arrays, which later arrays get, is nobody else's meanwhile."""

    def begin():
        def work(i):
            wrong = 0
            for k in range(4):
                x = tf.fill([60_000], float(10 * i + k)).numpy()
                y = x + 1.0
                wrong += float(np.ptp(x)) != 0.0 or float(y[0]) != 10 * i + k + 1.0
            return wrong

        return work, lambda results: expect(results, [0] * THREADS, "wrong arrays")

    return begin
