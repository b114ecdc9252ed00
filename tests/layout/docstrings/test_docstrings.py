"""The docstrings of public symbols are complete."""

import ast
import inspect
import textwrap

from penstock._src.util import export
from tests.layout.docstrings import rules


def test_docstrings_are_complete():
    rules.load_definitions()
    assert len(export.V2) > 1500
    assert rules.lacking() == {}


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


def test_names_of_parameters_may_go_on_in_the_next_line():
    def scale(first, second):
        """Scales two tensors.

        Args:
          first,
            second: the tensors.
        """

    assert list(rules.gaps_of_function(scale)) == ["Returns"]
