"""Twenty everyday mistakes print few lines, name the user's line and the cause, and are shorter than on TensorFlow."""

import linecache
import pathlib
import re
import traceback

import pytest

import penstock as tf
from tests.errors.everyday import MISTAKES

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "errors.md"
ROWS = {
    cells[0]: cells
    for line in PAGE.read_text().splitlines()
    if len(cells := [cell.strip() for cell in line.strip("|").split("|")]) == 9
}


def printed(mistake):
    """The traceback of a program, as Python prints it."""
    source = f"import penstock as tf\n{mistake.source}"
    name = "program.py"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    try:
        exec(compile(source, name, "exec"), {"__name__": "__main__", "tf": tf})
    except Exception as error:
        error.__traceback__ = error.__traceback__.tb_next  # without this function
        return "".join(traceback.format_exception(error)).rstrip("\n")
    pytest.fail("the program runs")


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_what_is_printed(mistake):
    text = printed(mistake)
    flat = text.replace("\n", " ")
    assert mistake.line in text and re.search(mistake.cause, flat), text
    assert re.search(mistake.advice, flat), text
    row = ROWS[mistake.title]
    lines = [line for line in text.splitlines() if line.strip("~^ ") or not line]
    assert len(lines) <= int(row[1]) < int(row[5]), text
    assert "penstock/_src" not in text and "keras/src" not in text


def test_the_limits():
    lines = {mistake.title: int(ROWS[mistake.title][1]) for mistake in MISTAKES}
    assert len(lines) == 20
    assert lines["Adding floats and integers"] < 12
    assert lines["A Keras model called with five features for four"] < 20
