"""Inputs of TensorFlow's security advisories are refused, or computed, by a process that lives on."""

import pytest

from tests.fuzz.advisories.__main__ import key, outcomes
from tests.fuzz.advisories.cases import CASES


@pytest.fixture(scope="module")
def found():
    return outcomes("penstock", list(range(len(CASES))))


@pytest.mark.parametrize("place", range(len(CASES)), ids=key)
def test_input_is_refused_or_computed(found, place):
    for answer in found[key(place)]:
        assert not answer["finding"], (answer["finding"], answer["outcome"], answer["text"])
