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


def rows_while(first, start, step, ahead, kind=tf.int32):
    """A function that collects a row for each step; the body computes whether there is another one from `x`'s extent."""

    @tf.function(input_signature=[tf.TensorSpec([None, 3])])
    def run(x):
        limit = tf.cast(tf.shape(x)[0], kind)
        rows = tf.TensorArray(tf.float32, 0, dynamic_size=True, element_shape=[3])

        def body(going, i, k, rows):
            rows = rows.write(k, x[0] + tf.cast(i, tf.float32))
            i += step
            return tf.cast(i + ahead, kind) < limit, i, k + 1, rows

        go = tf.constant(first) if first is not None else tf.cast(start, kind) < limit
        values = [go, tf.constant(start), 0, rows]
        return tf.while_loop(lambda going, *_: going, body, values)[3].stack()

    return run


def steps_of(first, start, step, ahead, limit):
    taken, i, going = 0, start, first if first is not None else start < limit
    while going:
        taken, i = taken + 1, i + step
        going = i + ahead < limit
    return taken


@pytest.mark.parametrize("kind", [tf.int32, tf.int64, tf.float32])
@pytest.mark.parametrize(
    ("first", "start", "step", "ahead"),
    [(None, 0, 1, 0), (None, 2, 3, 0), (True, 0, 1, 0), (True, 4, 2, -1), (False, 0, 1, 0)],
)
def test_conditions_that_the_body_computes_bound_the_loop(first, start, step, ahead, kind):
    run = rows_while(first, start, step, ahead, kind)
    for limit in (1, 2, 5, 9):
        expected = steps_of(first, start, step, ahead, limit)
        found = run(tf.zeros([limit, 3])).numpy()
        assert found.shape == (expected, 3)
        assert found[:, 0].tolist() == [start + step * n for n in range(expected)]


@pytest.mark.parametrize("kind", [tf.int32, tf.float32])
def test_loops_with_such_conditions_are_compiled(kind):
    run = rows_while(None, 0, 1, 0, kind)
    run(tf.zeros([5, 3]))
    assert not run.get_concrete_function().graph_function.executable.host_ops


def test_conditions_of_rounded_numbers_are_no_bound():
    @tf.function
    def run():
        start = tf.constant(2**24 - 2), tf.constant(0)
        limit = tf.constant(2.0**24 + 2)
        return tf.while_loop(
            lambda going, i, k: going & (k < 9),
            lambda going, i, k: (tf.cast(i + 1, tf.float32) < limit, i + 1, k + 1),
            (tf.constant(True), *start),
        )

    # 2**24 + 1 is rounded to 2**24, and 2**24 + 3 to 2**24 + 4.
    assert [int(t) for t in run()] == [0, 2**24 + 2, 4]


@pytest.mark.parametrize("kind", [tf.uint32, tf.uint64])
def test_a_cast_that_loses_the_sign_is_no_bound(kind):
    @tf.function
    def counted():
        return tf.while_loop(
            lambda i, go: go,
            lambda i, go: (i + 1, tf.cast(i + 1, kind) < 10),
            [tf.constant(-3), tf.constant(True)],
        )

    assert int(counted()[0]) == -2  # -2 is a large number of the other type


@pytest.mark.parametrize(
    "step",
    [
        lambda i: tf.minimum(i - tf.constant(1, tf.uint8), i) + tf.constant(2, tf.uint8),
        lambda i: tf.maximum(i + tf.constant(250, tf.uint8), i) - tf.constant(249, tf.uint8),
    ],
)
def test_numbers_that_wrap_around_before_the_smaller_is_taken(step):
    def stepped(first):
        return tf.while_loop(
            lambda i, k: (i < tf.constant(10, tf.uint8)) & (k < 40),
            lambda i, k: (step(i), k + 1),
            [tf.constant(first, tf.uint8), 0],
        )

    for first in (0, 4, 7):
        found = tf.function(stepped)(first)
        assert [int(t) for t in found] == [int(t) for t in stepped(first)]
