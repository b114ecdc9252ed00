"""Builtins that make and read lists of objects."""

import itertools
import sys

import pytest

from penstock._src.native.process.object_lists import maker_of, reader_of


class Point:
    __slots__ = ("x", "y", "number")


@pytest.fixture(scope="module")
def make():
    return maker_of(Point, "x", "y", "number", itertools.count(7).__next__)


def test_objects_have_the_elements_of_both_lists_and_numbers(make):
    points = make(["a", "b"], [1, 2])
    assert [type(p) for p in points] == [Point, Point]
    assert [(p.x, p.y) for p in points] == [("a", 1), ("b", 2)]
    assert points[1].number == points[0].number + 1
    assert make([], []) == []


@pytest.mark.parametrize("arguments", [([1], []), ((1,), (1,)), ([1],), ()])
def test_other_arguments_are_refused(make, arguments):
    with pytest.raises(TypeError, match="expected lists of the same length"):
        make(*arguments)


def test_attributes_are_read_in_order(make):
    assert reader_of("x")(make([3, 4], [0, 0])) == [3, 4]


def test_a_missing_attribute_is_an_error(make):
    with pytest.raises(AttributeError, match="'int' object has no attribute 'x'"):
        reader_of("x")([*make([3], [0]), 5])


def test_no_reference_is_left(make):
    element, read = object(), reader_of("x")
    alone = sys.getrefcount(element)  # some versions of Python count the argument, too
    for _ in range(10):
        points = make([element], [None])
        assert read(points) == [element]
    assert sys.getrefcount(element) == alone + 1
    del points
    assert sys.getrefcount(element) == alone
