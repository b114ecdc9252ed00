"""What inputs a program for many extents takes, and what its extents are then."""

import numpy as np
import pytest

from penstock._src.compiler.blocks.input_form import InputForm


def form(*entries):
    made = InputForm()
    for read, what in entries:
        made.add(read, what)
    return made


SQUARE = form(
    (("rank", 0), 3), (("extent", 0, 0), "b"), (("extent", 0, 1), "b"), (("extent", 0, 2), 4)
)


@pytest.mark.parametrize(
    ("shape", "number"),
    [
        ((5, 5, 4), 5),
        ((5, 6, 4), None),  # one symbol, two numbers
        ((5, 5, 3), None),
        ((5, 5), None),
        ((1, 1, 4), None),  # numbers below 2 are no symbols
        ((0, 0, 4), None),
    ],
)
def test_shapes_that_do_not_match_the_form_have_no_extents(shape, number):
    extents = SQUARE.extents([np.zeros(shape)])
    assert (None if extents is None else extents.symbols) == (number and {"b": number})


def test_symbols_are_in_the_order_of_their_names():
    entries = [(("rank", 0), 1), (("extent", 0, 0), "d10"), (("value", 1, 1), "d2")]
    extents = form(*entries).extents([np.zeros(7), np.array([3, 9])])
    assert extents.packed == np.array([7, 9]).tobytes() and extents.symbols == {"d10": 7, "d2": 9}


def test_numbers_below_zero_are_minus_a_symbol():
    negative = form((("value", 0, 0), "-a"))
    assert negative.extents([np.array([-7])]).symbols == {"a": 7}
    assert [negative.extents([np.array([n])]) for n in (-1, 0, 7)] == [None] * 3
    assert negative.extents([np.array([-(2**63)])]) is None  # 2**63 is no int64


def test_values_that_are_no_int64_have_no_program():
    entries = [(("value", 0, 0), "a")]
    assert form(*entries).extents([np.array([2**63], np.uint64)]) is None


def test_lists_and_whole_values():
    array = np.array([1.0])
    entries = [(("count", 0), "a"), (("bytes", 1), (array.dtype.str, array.shape, array.tobytes()))]
    assert form(*entries).extents([[1, 2, 3], array]).symbols == {"a": 3}
    assert form(*entries).extents([[1, 2, 3], -array]) is None
