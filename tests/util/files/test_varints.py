"""Numbers in groups of seven bits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock._src.util.files import varints


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1))
def test_numbers_are_read_as_they_were_written(numbers):
    data = b"".join(map(varints.encode, numbers))
    at, found = 0, []
    while at < len(data):
        number, at = varints.decode(data, at)
        found.append(number)
    assert found == numbers


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xff" * 11])
def test_numbers_without_an_end_are_refused(data):
    with pytest.raises(IndexError):
        varints.decode(data, 0)


def test_a_number_of_two_groups():
    assert varints.encode(300) == b"\xac\x02"
