"""Members of requests."""

import pytest

import penstock as tf
from penstock._src.serving.rest.parsing.fields import Fields


def nested(depth):
    value = 1
    for number in range(depth):
        value = [value] if number % 2 else {"a": value}
    return value


@pytest.mark.parametrize("depth", [128, 500, 100_000])
def test_members_within_too_many_others_are_refused(depth):
    with pytest.raises(tf.errors.InvalidArgumentError, match="more than 128 lists and objects"):
        Fields({"a": nested(depth)})


def test_members_that_are_nested_have_the_error_of_their_type():
    with pytest.raises(tf.errors.InvalidArgumentError, match="'a': expected an integer"):
        Fields({"a": nested(127)}).integer("a")


@pytest.mark.parametrize("value", [10**400, -(10**400)])
def test_integers_that_no_float_holds_are_no_numbers(value):
    with pytest.raises(tf.errors.InvalidArgumentError, match="'a': expected a number"):
        Fields({"a": value}).number("a", 0.0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="'a': expected an object of numbers"):
        Fields({"a": {"1": value}}).numbers_by_token("a")
    assert Fields({"a": 10**300}).number("a", 0.0) == 1e300
