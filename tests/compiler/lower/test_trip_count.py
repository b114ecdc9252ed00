"""How often loops run: counters that wrap around, and numbers beyond 32 bits."""

import pytest

import penstock as tf


def test_counters_that_wrap_around_are_no_bound():
    @tf.function
    def wrapping():
        kind = tf.int8
        return tf.while_loop(
            lambda i, k: (i < tf.constant(120, kind)) & (k < 9),
            lambda i, k: (i + tf.constant(50, kind), k + 1),
            [tf.constant(0, kind), 0],
        )

    assert [int(t) for t in wrapping()] == [-62, 9]


@pytest.mark.parametrize("count", [2**32 + 5, 10**12])
def test_loops_count_in_64_bits(count):
    zero = tf.constant(0, tf.int64)

    @tf.function
    def counted():
        return tf.while_loop(lambda i, k: i < count, lambda i, k: (i + 1, k + 2), [zero, zero])

    @tf.function
    def ended():
        total = zero
        for i in tf.range(tf.constant(count, tf.int64)):
            total += i
            if i > 10:
                break
        return total

    assert [int(t) for t in counted()] == [count, 2 * count]
    assert int(ended()) == 66


def test_ranges_longer_than_int32_in_int32():
    @tf.function
    def ended(first, last):
        steps = 0
        for _ in tf.range(first, last):
            steps += 1
            if steps > 10:
                break
        return steps

    assert int(ended(tf.constant(-10), tf.constant(2**31 - 1))) == 11


def test_large_steps_beside_a_counter():
    @tf.function
    def stepped(n):
        start = [tf.constant(0), tf.constant(7, tf.int64), tf.constant(0, tf.int64)]
        return tf.while_loop(
            lambda i, *_: i < n,
            lambda i, large, mixed: (i + 1, large + 10**9, tf.bitwise.bitwise_xor(mixed, large)),
            start,
        )

    large, mixed = 7, 0
    for _ in range(12):
        large, mixed = large + 10**9, mixed ^ large
    assert [int(t) for t in stepped(12)] == [12, large, mixed]
