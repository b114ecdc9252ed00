"""Returns and jumps whose value raises, where the exception is caught or suppressed."""

import contextlib

import pytest

import penstock as tf


class Absent(Exception):
    pass


def absent():
    raise Absent


def in_a_context(x):
    with contextlib.suppress(Absent):
        return absent()
    return x + 1


def in_a_try(x):
    try:
        return absent()
    except Absent:
        pass
    return x + 2


def in_a_loop(x):
    for i in range(3):
        with contextlib.suppress(Absent):
            if i < 2:
                absent()
            return x + i
    return x


def behind_a_break(x):
    for _ in tf.range(3):
        with contextlib.suppress(Absent):
            absent()
            break
        x = x + 1
    return x


def in_a_branch(x):
    if x > 0:
        with contextlib.suppress(Absent):
            return absent()
    return x + 5


def returned_in_one_branch(x):
    if x > 0:
        with contextlib.suppress(Absent):
            return x * 2
    else:
        x = x + 1
    return x * 3


def overwritten_in_a_context(x):
    try:
        x = x * 2
    except Absent:
        return x
    with contextlib.suppress(Absent):
        x = absent()
    return x


def overwritten_after_a_branch(x, doubles=True):
    with contextlib.suppress(Absent):
        if doubles:
            x = x * 2
        x = absent()
    return x


def overwritten_in_a_loop(x):
    for i in range(3):
        with contextlib.suppress(Absent):
            x = x + 1
            if i == 1:
                x = x * 3
            x = absent()
    return x


def overwritten_before_a_finally(x, grows=True):
    with contextlib.suppress(Absent):
        try:
            pass
        except Absent:
            return x
        else:
            if grows:
                x = x + 5
            x = absent()
        finally:
            x = x + 1
    return x


FUNCTIONS = [
    overwritten_in_a_context,
    overwritten_after_a_branch,
    overwritten_in_a_loop,
    overwritten_before_a_finally,
    in_a_context,
    in_a_try,
    in_a_loop,
    behind_a_break,
    in_a_branch,
    returned_in_one_branch,
]


@pytest.mark.parametrize("value", [1.0, -1.0])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_code_goes_on_as_in_python(function, value):
    found = tf.function(function)(tf.constant(value))
    assert float(found) == float(function(value))


def of_a_tensor(x):
    with contextlib.suppress(Absent):
        if x > 0:
            x = x * 2
        x = absent()
    return x


def test_values_that_a_graph_does_not_carry_are_refused():
    with pytest.raises(UnboundLocalError, match="'x' is used before assignment"):
        tf.function(of_a_tensor)(tf.constant(1.0))


def test_a_variable_that_is_overwritten_in_a_tape_may_differ_between_branches():
    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            if x > 0:
                loss = [x]
            else:
                pass
            loss = x * x
        return tape.gradient(loss, x), loss

    assert [float(value) for value in step(tf.constant(3.0))] == [6.0, 9.0]


def test_a_loop_does_not_carry_what_its_tape_overwrites():
    @tf.function
    def train(n):
        total = 0.0
        for i in tf.range(n):
            with tf.GradientTape():
                loss = tf.cast(i, tf.float32)
            total += loss
        return total

    graph = train.get_concrete_function(tf.constant(3)).graph
    (loop,) = [op for op in graph.get_operations() if op.type in ("While", "StatelessWhile")]
    assert "loss" not in str(loop) and not graph_asserts(graph)
    assert float(train(tf.constant(4))) == 6.0


def graph_asserts(graph):
    return [op for op in graph.get_operations() if op.type == "Assert"]
