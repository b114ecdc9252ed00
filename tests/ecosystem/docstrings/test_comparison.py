"""Comparing what examples printed on two sides."""

import sys
import textwrap

import pytest

from tests.ecosystem.docstrings import comparison, examples, session


@pytest.mark.parametrize(
    ("theirs", "ours", "same"),
    [
        ("array([1.0000001, 2.])", "array([1., 2.       ])", True),
        ("array([1.1, 2.])", "array([1., 2.])", False),
        ("<function f at 0x7f81>", "<function f at 0x55ab>", True),
        ("shape=(2,)", "shape=(2, 1)", False),
        ("raises ValueError: no", "raises ValueError: not so", True),
        ("raises ValueError: no", "raises TypeError: no", False),
        ("tf.Tensor([nan inf])", "tf.Tensor([nan inf])", True),
        ("tf.Tensor([nan inf])", "tf.Tensor([inf inf])", False),
        ("1/1 2ms/step", "1/1 31s/step", True),
        ("", "1", False),
    ],
)
def test_texts_are_compared_but_for_rounding_and_addresses(theirs, ours, same):
    assert comparison.same(theirs, ours) is same


def test_the_first_difference_of_a_name_is_given():
    statements = {"f": [("a", 1), ("b", 2), ("c", 3)], "g": [("d", 1)], "h": [("e", 1), ("f", 2)]}
    theirs = {"f": ["1", "2", "3"], "g": ["4"], "h": ["5"]}  # h: the process ended there
    ours = {"f": ["1", "7", "8"], "g": [], "h": ["5", "6"]}
    found = list(comparison.differences(statements, theirs, ours))
    assert [(each.name, each.source, each.ours) for each in found] == [
        ("f", "b", "7"),
        ("g", "d", "the process ended"),
    ]


@pytest.fixture
def library(tmp_path, monkeypatch):
    (tmp_path / "documented.py").write_text(
        textwrap.dedent('''
        """A library.

        >>> 1 + 1
        2
        """

        class Thing:
            """
            >>> thing = Thing()
            >>> [thing,
            ...  2]
            [0]
            """

        also = Thing
        ''')
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield "documented"
    del sys.modules["documented"]


def test_each_docstring_is_collected_once(library):
    found = {name: examples.examples(text) for name, text in examples.walk(library).items()}
    assert [source for source, _ in found["documented"]] == ["1 + 1\n"]
    assert list(found) == ["documented", "documented.Thing"]
    assert [source for source, _ in found["documented.Thing"]] == [
        "thing = Thing()\n",
        "[thing,\n 2]\n",
    ]


def test_statements_print_their_values_and_errors():
    namespace = {}
    assert session.statement("x = 3\n", namespace) == ""
    assert session.statement("x + 1\n", namespace) == "4\n"
    assert session.statement("print(x)\n", namespace) == "3\n"
    assert session.statement("x / 0\n", namespace) == "raises ZeroDivisionError: division by zero"
