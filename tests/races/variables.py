"""Races of variables: updates that may not be lost, and snapshots that may not be torn."""

import numpy as np

import penstock as tf
from tests.races.rounds import THREADS, expect, race

SIZE = 20_000  # elements of a variable that takes a while to write
WRITERS = THREADS // 2


@race
def eager_updates():
    """No eager assign_add is lost."""

    def begin():
        v = tf.Variable(tf.zeros([4]))

        def work(_):
            for _ in range(5):
                v.assign_add(tf.ones([4]))

        return work, lambda _: expect(v.numpy().tolist(), [5.0 * THREADS] * 4, "the sum")

    return begin


@race
def compiled_and_eager_updates():
    """No update is lost, made eagerly, by a program, or to rows."""
    v = tf.Variable(tf.zeros([8]))
    add = tf.function(lambda: v.assign_add(tf.ones([8])))
    add()

    def begin():
        v.assign(tf.zeros([8]))

        def work(i):
            for _ in range(3):
                if i % 3 == 0:
                    add()
                elif i % 3 == 1:
                    v.assign_sub(-tf.ones([8]))
                else:
                    v.scatter_add(tf.IndexedSlices(tf.ones([8]), tf.range(8)))

        return work, lambda _: expect(v.numpy().tolist(), [3.0 * THREADS] * 8, "the sum")

    return begin


@race
def snapshots():
    """What eager code reads while programs write into the variable is of one moment, and stays so."""
    v = tf.Variable(tf.zeros([SIZE]))
    add = tf.function(lambda: v.assign_add(tf.ones([SIZE])))
    add()

    def begin():
        start = float(v[0])

        def work(i):
            if i < WRITERS:
                return [add() for _ in range(3)] and []
            kept = [v.read_value() for _ in range(4)]
            first = [float(each[0]) for each in kept]
            spread = [float(np.ptp(each.numpy())) for each in kept]
            later = [float(each[0]) for each in kept]
            return [spread, first == later, first == sorted(first)]

        def check(results):
            yield from expect(float(v[-1]), start + 3.0 * WRITERS, "the sum")
            for found in results[WRITERS:]:
                yield from expect(
                    found, [[0.0] * 4, True, True], "spread, the same later, in order"
                )

        return work, check

    return begin


@race
def programs_that_read():
    """What programs read while others write is of one moment."""
    v = tf.Variable(tf.zeros([SIZE]))
    add = tf.function(lambda: v.assign_add(tf.ones([SIZE])))
    spread = tf.function(lambda: tf.reduce_max(v) - tf.reduce_min(v))
    add(), spread()

    def begin():
        def work(i):
            if i < WRITERS:
                return [add() for _ in range(3)] and []
            return [float(spread()) for _ in range(5)]

        def check(results):
            for found in results[WRITERS:]:
                yield from expect(found, [0.0] * 5, "spreads")

        return work, check

    return begin


@race
def assigned_values():
    """A value that several threads assign at once is one of theirs; who assigned it keeps theirs."""
    v = tf.Variable(tf.zeros([SIZE]))
    double = tf.function(lambda: v.assign(v * 2.0))
    double()

    def begin():
        values = [tf.fill([SIZE], float(i + 1)) for i in range(THREADS)]

        def work(i):
            v.assign(values[i])
            double()
            return float(np.ptp(values[i].numpy())), float(values[i][0])

        def check(results):
            yield from expect(results, [(0.0, i + 1.0) for i in range(THREADS)], "assigned values")
            yield from expect(float(np.ptp(v.numpy())), 0.0, "the spread of the variable")

        return work, check

    return begin


@race
def packed_weights():
    """A product uses the weights of one moment, and none older than the last it used."""
    w = tf.Variable(tf.zeros([64, 64]))
    product = tf.function(lambda x: x @ w)
    x = tf.ones([32, 64])
    product(x)
    step = tf.function(lambda: w.assign_add(tf.ones([64, 64])))
    step()

    def begin():
        def work(i):
            if i == 0:
                for _ in range(2):
                    step()
                return []
            if i == 1:
                w.assign_add(tf.ones([64, 64]))
                return []
            found = [product(x).numpy() for _ in range(4)]
            return [[float(np.ptp(each)) for each in found], [float(each[0, 0]) for each in found]]

        def check(results):
            last = float(w[0, 0]) * 64
            for spreads, firsts in results[2:]:
                yield from expect(spreads, [0.0] * 4, "spreads")
                yield from expect(firsts, sorted(firsts), "products in order")
                yield from expect(
                    [f for f in firsts if f > last or f % 64], [], "no sums of weights"
                )
            yield from expect(float(product(x)[0, 0]), last, "the product afterwards")

        return work, check

    return begin


@race
def optimizer_steps():
    """Steps of an optimizer's raw op by many threads all count."""

    def begin():
        v, m = tf.Variable(tf.zeros([16])), tf.Variable(tf.zeros([16]))

        def work(_):
            for _ in range(3):
                tf.raw_ops.ResourceApplyMomentum(
                    var=v.handle, accum=m.handle, lr=-1.0, grad=tf.ones([16]), momentum=0.0
                )

        return work, lambda _: expect(v.numpy().tolist(), [3.0 * THREADS] * 16, "the sum")

    return begin
