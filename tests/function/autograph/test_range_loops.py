"""`for i in tf.range(...)` without a turn: the target has the range's start, as in TensorFlow."""

import pytest

import penstock as tf


class Holder:
    pass


def simple(n):
    for i in tf.range(3, 3 + n):  # noqa: B007
        pass
    return i


def in_a_name(n):
    numbers = tf.range(3, 3 + n)
    for i in numbers:  # noqa: B007
        pass
    return i


def falling(n):
    for i in tf.range(3, 3 - n, -1):  # noqa: B007
        pass
    return 6 - i


def of_floats(n):
    for i in tf.range(3.0, 3.0 + tf.cast(n, tf.float32)):  # noqa: B007
        pass
    return tf.cast(i, tf.int32)


def with_break(n):
    for i in tf.range(3, 3 + n):
        if i > 100:
            break
    return i


def with_inner_loop(n):
    for i in tf.range(3, 3 + n):
        for _ in tf.range(5, 5 + i):
            pass
    return i


def attribute(n):
    holder = Holder()
    for holder.x in tf.range(3, 3 + n):
        pass
    return holder.x


def item(n):
    table = {}
    for table["k"] in tf.range(3, 3 + n):
        pass
    return table["k"]


@pytest.mark.parametrize(
    "loop",
    [simple, in_a_name, falling, of_floats, with_break, with_inner_loop, attribute, item],
    ids=lambda f: f.__name__,
)
def test_the_target_is_the_start_of_the_range(loop):
    function = tf.function(loop)
    assert [int(function(tf.constant(n))) for n in (0, 1, 3)] == [3, 3, 5]


@tf.function
def defined_before(n):
    i = 7
    for i in tf.range(3, 3 + n):  # noqa: B007
        pass
    return i


def test_a_target_that_is_defined_before_stays():
    assert [int(defined_before(tf.constant(n))) for n in (0, 2)] == [7, 4]


@tf.function
def other_variable(n):
    for i in tf.range(3, 3 + n):
        x = i * 2
    return x


@tf.function
def rows(x):
    for row in x:  # noqa: B007
        pass
    return row


def test_variables_of_the_body_and_rows_of_tensors_need_a_turn():
    assert int(other_variable(tf.constant(2))) == 8 and int(rows(tf.constant([1, 2]))) == 2
    with pytest.raises(tf.errors.InvalidArgumentError, match="initialize x"):
        other_variable(tf.constant(0))
    with pytest.raises(tf.errors.InvalidArgumentError, match="initialize row"):
        rows(tf.zeros([0]))


@tf.function
def steps(n):
    count = 0
    for _ in tf.range(1, n):
        count += 1
    return count


def test_the_number_of_steps_has_the_type_of_the_range():
    least = tf.constant(tf.int32.min)
    assert [int(steps(n)) for n in (tf.constant(4), tf.constant(-3), least)] == [3, 0, 0]
    graph = steps.get_concrete_function(least).graph
    assert tf.int64 not in {t.dtype for op in graph.get_operations() for t in op.outputs}
