"""A few rounds of each race; `make races` runs thousands."""

import pytest

from tests.races import data, functions, values, variables  # noqa: F401
from tests.races.rounds import RACES, run

ROUNDS = 12


@pytest.mark.timed
@pytest.mark.parametrize("name", RACES)
def test_threads_at_the_same_moment(name):
    assert run(name, ROUNDS) == []
