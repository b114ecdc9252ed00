"""What a function still does whose iterator has no more elements: all that does not wait for the element, as on TensorFlow."""

import pytest

import penstock as tf


def ended(step):
    """Runs `step` on an iterator of two elements until it fails."""
    iterator = iter(tf.data.Dataset.range(2))
    step(iterator)
    step(iterator)
    with pytest.raises(tf.errors.OutOfRangeError):
        step(iterator)


def test_counts_are_taken_and_what_waits_for_the_element_is_not():
    steps, total, after = tf.Variable(0), tf.Variable(0, dtype=tf.int64), tf.Variable(5)

    @tf.function
    def step(iterator):
        total.assign_add(next(iterator) + 10)
        total.assign(total * 1)  # comes after what is not done
        steps.assign_add(1)
        after.assign(steps * 2)

    ended(step)
    assert [int(v) for v in (steps, total, after)] == [3, 21, 6]


def test_inner_functions_and_branches_go_as_far_as_they_can():
    inner, branch, other = tf.Variable(0), tf.Variable(0), tf.Variable(0)

    @tf.function
    def within(x):
        inner.assign_add(1)
        if inner > 0:
            branch.assign_add(1)
            other.assign_add(tf.cast(x, tf.int32) + 1)
        return x

    ended(tf.function(lambda iterator: within(next(iterator)) + 1))
    assert [int(v) for v in (inner, branch, other)] == [3, 3, 3]


def test_a_function_that_is_compiled_as_one_does_nothing():
    count = tf.Variable(0)

    @tf.function(jit_compile=True)
    def within(x):
        count.assign_add(1)
        return x

    ended(tf.function(lambda iterator: within(next(iterator))))
    assert int(count) == 2


def test_streams_of_random_numbers_move_on():
    tf.random.set_seed(3)

    @tf.function
    def step(iterator):
        return tf.cast(next(iterator), tf.float32) * 0 + tf.random.normal([], seed=1)

    drawn = [float(step(iter(tf.data.Dataset.range(9)))) for _ in range(4)]
    tf.random.set_seed(3)
    step = tf.function(step.python_function)
    ended(step)
    assert float(step(iter(tf.data.Dataset.range(9)))) == drawn[3]


def test_one_iterator_does_not_move_for_another():
    count = tf.Variable(0)
    second = iter(tf.data.Dataset.range(9))

    @tf.function
    def step(first):
        count.assign_add(tf.cast(next(second), tf.int32) * 0 + 1)
        return next(first)

    ended(step)
    assert int(count) in (2, 3)
    assert int(next(second)) == int(count)
