"""Bits and tables of extents."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock._src.ir.extents import functions
from penstock._src.ir.extents.dims import Dim
from penstock._src.ir.extents.guards import Recording
from penstock._src.ir.extents.values import Values
from tests.extents import symbol

D = symbol("bits", 0)
number = st.integers(-(2**31), 2**31 - 1)


@given(number, number)
def test_bits_are_those_of_numbers(a, mask):
    with Values({"bits": a}):
        for dim, other in ((D, mask), (mask, D)):
            assert int(functions.bit_and(dim, other)) == a & mask
            assert int(functions.bit_or(dim, other)) == a | mask
            assert int(functions.bit_xor(dim, other)) == a ^ mask
        assert functions.bit_and(D, D) == a
        assert functions.bit_not(D, 32, is_unsigned=False) == ~a


@given(number, st.integers(-2, 40))
def test_shifts_of_extents_equal_those_of_ints(a, amount):
    clipped = min(max(amount, 0), 31)
    with Values({"bits": a}):
        assert functions.shift_left(D, amount, 32) == a << clipped
        assert functions.shift_right(D, amount, 32) == a >> clipped
        assert functions.shift_right_logical(D, amount, 32) == (a % 2**32) >> clipped


@pytest.mark.parametrize("mask", [7, 8, 6, -8, 0x0F0F, 1])
def test_bits_of_an_unknown_extent_ask_for_no_number(mask):
    recording = Recording({"bits": 77})
    with recording:
        for made in (functions.bit_and(D, mask), functions.bit_xor(mask, D)):
            assert isinstance(made, Dim)
    assert not recording.conditions


def test_absolute_numbers():
    with Values({"bits": -7}):
        assert functions.absolute(D) == 7 and functions.absolute(-3) == 3
    recording = Recording({"bits": 77})
    with recording:
        assert functions.absolute(D) is D and functions.absolute(0 - D) == D
        assert functions.absolute(D - 80) > -1
    assert not recording.conditions


def test_entries_of_tables():
    recording = Recording({"bits": 77})
    with recording:
        assert functions.entry([4, 4, 4], D) == 4
        found = functions.entry([3, 9, 5], D % 3)
        assert isinstance(found, Dim) and found >= 3 and found < 10
    assert not recording.conditions
    with Values({"bits": 4}):
        assert int(found) == 9
