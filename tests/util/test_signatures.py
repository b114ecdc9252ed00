"""Sections of docstrings that functions share."""

from penstock._src.util.signatures import with_sections

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
