"""Index arithmetic: what is simplified holds for every size and iteration."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock._src.compiler.kernels.index import (
    ZERO,
    IndexScope,
    Position,
    constant,
    never_negative,
    of_atom,
)
from penstock._src.ir.extents import dims
from penstock._src.ir.extents.functions import entry
from tests.extents import symbol


def number(index, values):
    """The index for values of the variables."""
    total = int(index.const)
    for atom, c in index.terms:
        if atom in values:
            x = values[atom]
        else:
            inner = number(atom.index, values)
            low, high = atom.index.range()
            assert (low is None or low <= inner) and (high is None or inner <= high)
            x = inner // atom.divisor if atom.quotient else inner % atom.divisor
        total += int(c) * x
    return total


@pytest.mark.parametrize("divisor", [1, 2, 3, 4, 5, 12, 20, 60])
def test_quotients_and_remainders(divisor):
    scope = IndexScope()
    i, j, k = scope.var(3), scope.var(4), scope.var(5)
    index = of_atom(i) * 20 + of_atom(j) * 5 + of_atom(k) + 7
    q, r = scope.quotient(index, divisor), scope.remainder(index, divisor)
    for a, b, c in itertools.product(range(3), range(4), range(5)):
        values = {i: a, j: b, k: c}
        assert (number(q, values), number(r, values)) == divmod(number(index, values), divisor)


factors = st.tuples(st.integers(-3, 3), st.integers(-2, 2))


@given(
    factors, factors, factors, factors, st.sampled_from([(2, 0), (3, 0), (0, 1), (0, 2), (1, 1)])
)
def test_divisions_of_indices_that_may_be_negative(first, second, const, more, divisor):
    """A padded image's index starts below 0, at a number that depends on an unknown extent."""
    n = symbol("n", 3)
    scope = IndexScope()
    i, j = scope.var(n * 2 + 2), scope.var(4)
    extents = [a + b * n for a, b in (first, second, const, more, divisor)]
    inner = of_atom(i) * extents[0] + of_atom(j) * extents[1] + extents[2]
    inner = scope.quotient(inner, 2) + extents[3]  # divided twice, as by two reshapes
    q, r = scope.quotient(inner, extents[4]), scope.remainder(inner, extents[4])
    for a, b in itertools.product(range(8), range(4)):
        values = {i: a, j: b}
        expected = divmod(number(inner, values), int(extents[4]))
        assert (number(q, values), number(r, values)) == expected


def test_splitting_rows_of_a_symbolic_batch_needs_no_division():
    scope = IndexScope()
    n = symbol("n", 6)
    row, column = scope.var(n), scope.var(8)
    position = Position(scope, (n * 8,), None, of_atom(row) * 8 + of_atom(column))
    assert [str(c) for c in position.reshaped((n, 8)).coordinates] == [
        str(of_atom(row)),
        str(of_atom(column)),
    ]


def test_signs_of_symbolic_extents():
    n = symbol("n", 6)
    assert never_negative(n * 3 + 2) and never_negative(n // 4) and never_negative(n % 5)
    assert not never_negative(n - 1)
    assert never_negative(entry((0, 3), n)) and not never_negative(entry((0, 3, -1), n))
    parts = dims.ceil_divide(n * 2, 3276)  # -((-2 n) // 3276): an atom that is negative
    assert not never_negative(n - parts * 3276)


def test_bounds_of_parts_of_a_symbolic_axis_are_not_known():
    scope = IndexScope()
    n = symbol("n", 6)
    part, within = scope.var(dims.ceil_divide(n * 2, 3276)), scope.var(3276)
    assert not (of_atom(part) * 3276 + of_atom(within)).within(0, n)
    assert of_atom(scope.var(n)).within(0, n) and not (of_atom(scope.var(n)) + 1).within(0, n)
    assert constant(3).within(0, 4) and ZERO.within(0, 1)


def test_division_by_an_unknown_extent_that_is_zero_has_the_form_of_other_sizes():
    scope = IndexScope()
    empty = symbol("n", 0)
    row, column = scope.var(5), scope.var(empty)
    place = of_atom(row) * empty + of_atom(column)
    assert scope.quotient(place, empty).key == of_atom(row).key
    assert scope.remainder(place, empty).key == of_atom(column).key


@given(
    factors, factors, st.sampled_from([(2, 0), (3, 0), (0, 1), (0, 2), (1, 1)]), st.integers(1, 3)
)
def test_parts_that_a_division_separated_are_one_again(first, const, divisor, times):
    n = symbol("n", 3)
    scope = IndexScope()
    a, b, d = (x + y * n for x, y in (first, const, divisor))
    index = of_atom(scope.var(n * 2 + 2)) * a + of_atom(scope.var(4)) + b
    whole, rest = scope.quotient(index, d), scope.remainder(index, d)
    assert (whole * d * times + rest * times).key == (index * times).key


def test_an_element_keeps_its_number_through_coordinates_of_unknown_extents():
    scope, n, m = IndexScope(), symbol("n", 3), symbol("m", 5)
    number = of_atom(scope.var(n * m * 4))
    position = Position(scope, (n, m, 4), None, number)
    assert position.at((n, m, 4), position.coordinates).linear.key == number.key
