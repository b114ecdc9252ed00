"""The docstrings of the symbols that programs use most are complete."""

import ast
import inspect
import textwrap

import pytest

from tests.layout import docstring_rules as rules


@pytest.fixture(scope="module", autouse=True)
def loaded():
    rules.load_definitions()


@pytest.fixture(scope="module")
def lacking(loaded):
    return {name: found for name in rules.names("tiers.txt") if (found := rules.gaps(name))}


def test_docstrings_are_complete(lacking):
    left = rules.names("left.txt")
    print(f"{len(left)} of {len(rules.names('tiers.txt'))} docstrings are not complete")
    assert {name: found for name, found in lacking.items() if name not in left} == {}


def test_the_list_of_what_is_left_shrinks(lacking):
    assert [name for name in rules.names("left.txt") if name not in lacking] == []


def test_the_other_docstrings_have_all_but_an_example():
    lacking = {name: rules.gaps(name, needs_example=False) for name in rules.others()}
    assert len(lacking) > 1000
    assert {name: found for name, found in lacking.items() if found} == {}


def test_an_undescribed_parameter_is_a_gap():
    def scale(x, factor):
        """Returns `x` times `factor`.

        Args:
          x: a tensor.
        """
        return x * factor

    assert list(rules.gaps_of_function(scale)) == ["Args: factor", "Returns"]


def test_a_summary_is_one_line():
    def scale():
        """Scales
        a tensor.
        """

    assert "summary of one line" in rules.gaps_of_function(scale)


def test_raised_errors_need_a_part():
    def check(x):
        """Checks `x`.

        Args:
          x: a number.
        """
        if x < 0:
            raise ValueError("x is negative")

    node = ast.parse(textwrap.dedent(inspect.getsource(check))).body[0]
    assert rules.raises(node)
