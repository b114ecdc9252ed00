"""Sizing programs give the numbers that Python's ints give, or say that these are too large."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock._src.native.algorithms import sizing

MEANING = {
    sizing.ADD: lambda a, b, _: a + b,
    sizing.MULTIPLY: lambda a, b, _: a * b,
    sizing.MINIMUM: lambda a, b, _: min(a, b),
    sizing.MAXIMUM: lambda a, b, _: max(a, b),
    sizing.QUOTIENT: lambda a, b, _: a // b if b else 0,
    sizing.REMAINDER: lambda a, b, _: a % b if b else 0,
    sizing.ROUNDS: sizing.rounds_of_a_task,
}
LIMIT = 1 << 63


def run(rows, symbols=(), stores=(), base=0):
    """(whether a number was too large, registers, what is stored)"""
    stores = np.array(stores, np.int64).reshape(-1, sizing.STORE_WORDS)
    target, calls_extents = np.zeros(8, np.int64), packed(*symbols)
    calculation = sizing.Calculation(rows, len(symbols), range(len(rows)))
    facts = calculation.facts(calls_extents)
    wrong = calculation.size(calls_extents, stores, len(stores), target, base)
    assert (facts == wrong) if wrong else (len(facts) == len(rows))
    return bool(wrong), list(facts or ()) if not wrong else [], target.tolist()


def packed(*numbers):
    """Numbers as a call's extents."""
    return np.array(numbers, np.int64).tobytes()


NUMBERS = st.one_of(st.integers(-9, 9), st.integers(-LIMIT + 1, LIMIT - 1))
PLAIN = [operation for operation in MEANING if operation != sizing.ROUNDS]


@given(st.lists(NUMBERS, min_size=2, max_size=4), st.data())
def test_numbers_are_pythons_unless_one_is_too_large(given_numbers, data):
    rows = [(sizing.CONSTANT, number, 0, 0) for number in given_numbers]
    expected, fits = list(given_numbers), True
    for _ in range(12):
        a, b = (data.draw(st.integers(0, len(rows) - 1)) for _ in range(2))
        operation = data.draw(st.sampled_from(PLAIN))
        value = MEANING[operation](expected[a], expected[b], 0)
        fits = fits and -LIMIT <= value < LIMIT
        if not fits:
            value = 0
        rows.append((operation, a, b, 0))
        expected.append(value)
    wrong, registers, _ = run(rows)
    assert wrong or fits
    if not wrong:
        assert registers == expected


@given(st.integers(0, 1 << 20), st.integers(0, 1 << 40), st.sampled_from([1, 2, 3, 16]))
def test_tasks_are_shared_out_as_by_python(total, work, threads):
    rows = [(sizing.CONSTANT, total, 0, 0), (sizing.CONSTANT, work, 0, 0)]
    wrong, registers, _ = run([*rows, (sizing.ROUNDS, 0, 1, threads)])
    assert not wrong and registers[-1] == sizing.rounds_of_a_task(total, work, threads)


def test_numbers_are_put_where_they_are_wanted():
    rows = [(sizing.SYMBOL, 1, 0, 0), (sizing.SYMBOL, 0, 0, 0), (sizing.MULTIPLY, 0, 1, 0)]
    _, _, target = run(rows, [3, 5], [(2, 2, 0), (7, 0, 1), (0, 1, 0)], base=1000)
    assert target == [3, 0, 15, 0, 0, 0, 0, 1005]


@given(NUMBERS, NUMBERS, NUMBERS)
def test_requirements_that_are_not_met_are_told(x, low, high):
    rows = [(sizing.CONSTANT, x, 0, 0), (sizing.WITHIN, 0, low, high)]
    assert sizing.Calculation(rows, 0).facts(b"") == (() if low <= x <= high else sizing.UNMET)
    rows[1] = sizing.EXCEPT, 0, low, 0
    assert sizing.Calculation(rows, 0).facts(b"") == (sizing.UNMET if x == low else ())


def test_a_run_for_other_extents_computes_anew():
    rows = [(sizing.SYMBOL, 0, 0, 0), (sizing.SYMBOL, 1, 0, 0), (sizing.MULTIPLY, 0, 1, 0),
            (sizing.WITHIN, 2, 0, 20)]  # fmt: skip
    calculation, target = sizing.Calculation(rows, 2, [2, 0]), np.zeros(1, np.int64)
    store = np.array([[0, 2, 1]], np.int64)
    for a, b in ((0, 0), (0, 0), (3, 5), (3, 5), (5, 3), (5, 5), (5, 3), (3, 5)):
        extents, met = packed(a, b), a * b <= 20
        assert calculation.facts(extents) == ((a * b, a) if met else sizing.UNMET)
        assert calculation.size(extents, store, 1, target, 1000) == (0 if met else sizing.UNMET)
        assert not met or target[0] == 1000 + a * b


@pytest.mark.parametrize(
    "operation, a, b", [(sizing.MULTIPLY, 1 << 40, 1 << 40), (sizing.ADD, LIMIT - 1, 1)]
)
def test_overflowing_sizes_are_reported(operation, a, b):
    wrong, _, _ = run(
        [(sizing.CONSTANT, a, 0, 0), (sizing.CONSTANT, b, 0, 0), (operation, 0, 1, 0)]
    )
    assert wrong
