"""Sections of docstrings that functions share."""

import functools
import inspect

import pytest

from penstock._src.util.signatures import native, parameters_of, with_sections

SECTIONS = """
Args:
  x: a number.
"""


def test_sections_follow_the_summary():
    @with_sections(SECTIONS)
    def double(x):
        """Returns twice a number."""
        return 2 * x

    assert double.__doc__ == "Returns twice a number.\n\nArgs:\n  x: a number."


def test_sections_stand_before_the_example():
    @with_sections(SECTIONS)
    def double(x):
        """Returns twice a number.

        >>> double(2)
        4
        """
        return 2 * x

    assert double.__doc__ == (
        "Returns twice a number.\n\nArgs:\n  x: a number.\n\n>>> double(2)\n4"
    )


def test_a_function_without_a_docstring_stays_so():
    def double(x):
        return 2 * x

    assert with_sections(SECTIONS)(double).__doc__ is None


def _plain(x, y=1, *rest, name=None, last, **others):
    local = x
    return local


FUNCTIONS = {
    "plain": _plain,
    "positional": lambda a, /, b: a,
    "none": lambda: 1,
    "wrapped": functools.wraps(_plain)(lambda *args: 0),
    "partial": functools.partial(_plain, 1, last=2),
    "native": native(lambda x: x),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_parameters_are_those_of_the_signature(name):
    function = FUNCTIONS[name]
    assert parameters_of(function) == list(inspect.signature(function).parameters)
