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


FUNCTIONS = [
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
