"""A wrong call raises TensorFlow's class with a message that names what met, and the process lives on."""

import pytest

from tests.errors import arrays, elementwise, functions, networks, pipelines, state
from tests.errors.calls import problem

TABLES = (elementwise, arrays, networks, functions, state, pipelines)
CALLS = [entry for table in TABLES for entry in table.CALLS]


@pytest.mark.parametrize("entry", CALLS, ids=str)
def test_wrong_call(entry):
    found = problem(entry)
    assert found is None, found


def test_there_are_two_hundred_of_them():
    assert len({entry.title for entry in CALLS}) >= 200
