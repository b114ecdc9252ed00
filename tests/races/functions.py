"""Races of functions: tracing, retracing, first calls and gradients."""

import itertools

import numpy as np

import penstock as tf
from tests.races.rounds import THREADS, expect, race


@race
def first_trace():
    """A new function is traced once, whoever calls it first."""
    numbers = itertools.count()

    def begin():
        k, traced = float(next(numbers) % 100), []

        @tf.function
        def scaled(x):
            traced.append(1)
            return x * 2.0 + k

        def check(results):
            yield from expect(results, [2.0 * i + k for i in range(THREADS)], "results")
            yield from expect(len(traced), 1, "traces")

        return lambda i: float(scaled(tf.constant(float(i)))), check

    return begin


@race
def traces_of_many_types():
    """Threads trace one function for types of their own, more than one each."""

    def begin():
        @tf.function(reduce_retracing=True)
        def total(x, y):
            return tf.reduce_sum(x) + tf.cast(tf.size(y), x.dtype)

        def work(i):
            kind = (tf.float32, tf.float64, tf.int32, tf.int64)[i % 4]
            y = tf.constant(["a"] * (i // 4 + 1))
            return [float(total(tf.ones([n], kind), y)) for n in (2, 3 + i, 2)]

        def check(results):
            wanted = [[n + i // 4 + 1.0 for n in (2, 3 + i, 2)] for i in range(THREADS)]
            return expect(results, wanted, "results")

        return work, check

    return begin


@race
def calls_while_others_trace():
    """Half of the threads call a function for known shapes while the others trace it for new ones."""

    @tf.function
    def spread(x):
        return tf.reduce_max(x) - tf.reduce_min(x) + tf.cast(tf.shape(x)[0], tf.float32)

    spread(tf.zeros([3]))
    sizes = itertools.count(4)

    def begin():
        first = next(sizes) * THREADS % 2000

        def work(i):
            n = 3 if i % 2 else first + i + 4
            return [float(spread(tf.range(n, dtype=tf.float32))) - n - (n - 1) for _ in range(3)]

        return work, lambda results: expect(results, [[0.0] * 3] * THREADS, "differences")

    return begin


@race
def variables_of_a_first_trace():
    """A method that makes its variable in its first trace makes one, and counts each call."""

    class Counter:
        def __init__(self):
            self.count = None

        @tf.function
        def add(self):
            if self.count is None:
                self.count = tf.Variable(0)
            return self.count.assign_add(1)

    def begin():
        counter = Counter()

        def check(results):
            yield from expect(sorted(results), list(range(1, THREADS + 1)), "counts")
            yield from expect(int(counter.count), THREADS, "the last count")

        return lambda i: int(counter.add()), check

    return begin


@race
def open_shapes():
    """One program for all sizes computes each thread's own."""

    @tf.function(input_signature=[tf.TensorSpec([None, None]), tf.TensorSpec([None])])
    def rows(x, y):
        return x * y[0] + tf.reduce_sum(y), tf.shape(x)

    draws = np.random.default_rng(1)

    def begin():
        sizes = draws.integers(1, 60, [THREADS, 3, 3]).tolist()

        def work(i):
            wrong = 0
            for height, width, length in sizes[i]:
                found, shape = rows(tf.fill([height, width], 2.0), tf.ones([length]))
                wrong += shape.numpy().tolist() != [height, width]
                wrong += not np.array_equal(found.numpy(), np.full([height, width], 2.0 + length))
            return wrong

        return work, lambda results: expect(results, [0] * THREADS, "wrong results")

    return begin


@race
def gradients():
    """Each thread's tape has its own thread's operations alone."""
    shared = tf.Variable(3.0)

    @tf.function
    def cube(x):
        return x**3 * shared

    def begin():
        def work(i):
            x = tf.constant(float(i))
            with tf.GradientTape(persistent=True) as tape:
                tape.watch(x)
                y = cube(x) + x * shared
            return [float(tape.gradient(y, x)), float(tape.gradient(y, shared))]

        wanted = [[9.0 * i * i + 3.0, float(i**3 + i)] for i in range(THREADS)]
        return work, lambda results: expect(results, wanted, "gradients")

    return begin


@race
def loops_and_branches():
    """Control flow of one function runs in all threads."""

    @tf.function
    def collatz(n):
        steps = 0
        while n != 1:
            if n % 2 == 0:
                n = n // 2
            else:
                n = 3 * n + 1
            steps += 1
        return steps

    lengths = []
    for n in range(1, 200):
        count = 0
        while n != 1:
            n, count = (n // 2 if n % 2 == 0 else 3 * n + 1), count + 1
        lengths.append(count)
    starts = itertools.count()

    def begin():
        first = next(starts) * THREADS % 190

        def check(results):
            return expect(results, lengths[first : first + THREADS], "steps")

        return lambda i: int(collatz(tf.constant(first + i + 1))), check

    return begin
