"""Conditions of programs: what was asked of unknown extents, and what follows of itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.extents import dims, functions, guards
from penstock._src.ir.extents.dims import Dim, maximum, minimum, range_length, slice_indices
from penstock._src.ir.extents.guards import Recording
from penstock._src.ir.extents.values import Values
from tests.harness.conditions import hold

A, B = Dim.symbol("a"), Dim.symbol("b")


def recorded(ask, a=8, b=30):
    """The answer to a question, and its conditions in words."""
    with Recording({"a": a, "b": b}) as recording:
        answer = ask()
    return answer, guards.text(recording.conditions)


def test_what_follows_from_least_numbers_is_no_condition():
    assert recorded(lambda: (A == 1, A > 0, 2 * A + 1 > 4, A * B != 0, A // 4 >= 0, A % 4 < 4)) == (
        (False, True, True, True, True, True),
        "",
    )
    assert recorded(lambda: maximum(A * B, 1).expr == (A * B).expr) == (True, "")


def test_other_answers_become_conditions():
    assert recorded(lambda: A == B) == (False, "a - 1*b != 0")
    assert recorded(lambda: 3 * A > 20) == (True, "a >= 7")
    assert recorded(lambda: 20 > 3 * A, a=5) == (True, "a <= 6")
    assert recorded(lambda: A % 4 == 0) == (True, "((a) % (4)) == 0")
    assert recorded(lambda: list(range(A))[-1]) == (7, "a == 8")
    assert recorded(lambda: 2 * A == 17) == (False, "")


def test_remainders_quotients_and_choices_are_no_more_than_what_they_are_of():
    below = lambda: (A % 5 <= A, A // 3 <= A, B * (A % 3) <= A * B, minimum(A, B) - 1 < B)  # noqa: E731
    assert recorded(below) == ((True,) * 4, "")
    assert recorded(lambda: (maximum(A, B) >= B, A - A % 7 < 0)) == ((True, False), "")


def test_numbers_below_zero_have_ends():
    assert recorded(lambda: (-(-A // 2) >= 1, (1 - A) // 4 < 0, -A * B < 0)) == ((True,) * 3, "")


def test_conditions_decide_what_is_asked_later():
    assert recorded(lambda: (A > 5, A > 4, A == 3, A > 7)) == ((True, True, False, True), "a >= 8")
    assert recorded(lambda: (int(A), A < 9, A == 8)) == ((8, True, True), "a == 8")


def test_conditions_hold_or_not_for_other_extents():
    with Recording({"a": 8, "b": 30}) as recording:
        assert B > 3 * A and B % 5 == 0 and A != 12

    def holds(a, b):
        return hold(recording.conditions, Values({"a": a, "b": b}))

    assert [holds(a, b) for a, b in ((8, 30), (8, 25), (8, 26), (12, 60), (10, 30))] == [
        True, True, False, False, False,
    ]  # fmt: skip


def test_extents_may_be_divided_many_times():
    extent = B
    for _ in range(150):
        extent = (extent + 3) // 2
    with Recording({"a": 8, "b": 30}) as recording:
        assert extent == 3
    assert hold(recording.conditions, Values({"b": 31}))
    assert not hold(recording.conditions, Values({"b": 2**200}))


def test_rows_of_divided_heights_and_widths_are_compared_by_few_expressions():
    height, width = A, B
    for _ in range(3):
        height, width = (height + 1) // 2, (width + 1) // 2
    rows = height * width
    with Recording({"a": 80, "b": 30}) as recording:
        assert 32 * rows > 31 and maximum((rows + 7) // 8, 1) - rows < 8
    assert not recording.conditions
    assert len(recording._expression_ends) < 50


@pytest.mark.parametrize("levels", [4, 8])
def test_levels_of_divided_extents_do_not_multiply_what_is_sought(levels):
    height, width = A, B
    for _ in range(levels):
        height, width = (height + 1) // 2, (width + 1) // 2
    recording = Recording({"a": 1000, "b": 1300})
    recording.ends(dims.expression(3 * height * width - A * B))
    assert len(recording._expression_ends) < 100


def test_nothing_is_sought_where_terms_tell_enough():
    with Recording({"a": 80, "b": 30}) as recording:
        assert 3 * (A // 2) + B - 3 > 0
    assert not recording.conditions and not recording._expression_ends.keys() & {
        dims.expression(3 * (A // 2) + B)
    }


def test_operations_get_no_number_that_conditions_leave_open():
    with Recording({"a": 8, "b": 30}) as recording:
        assert int(A) == 8 and not recording.fixed_kinds  # a stage after lowering asked
        with recording.lowering(frozenset("ab")):
            assert 2 * A + 1 == 17 and int(A) == 8
            with pytest.raises(NotLowerable, match="number of an extent"):
                int(B)
        with recording.lowering(frozenset()):
            assert int(B) == 30
    assert recording.fixed_kinds == {"b"}


QUESTIONS = [
    lambda a, b: a == b,
    lambda a, b: a < b,
    lambda a, b: a * b - 3 * a > 20,
    lambda a, b: a % 4 == b % 3,
    lambda a, b: (a + 3) // 4 >= b // 2,
    lambda a, b: maximum(a, b) > 10,
    lambda a, b: maximum(a - b, 0) == 0,
    lambda a, b: 7 - a > 2 - b,
    lambda a, b: range_length(*slice_indices(slice(3, b, 2), a)) > 2,
    lambda a, b: range_length(*slice_indices(slice(None, -b, -1), a)) == 1,
]
EXTENTS = st.integers(2, 40)


@given(st.lists(st.sampled_from(QUESTIONS)), EXTENTS, EXTENTS, EXTENTS, EXTENTS)
def test_where_conditions_hold_all_answers_are_the_same(asked, a, b, other_a, other_b):
    with Recording({"a": a, "b": b}) as recording:
        answers = [question(A, B) for question in asked]
    assert answers == [question(a, b) for question in asked]
    assert hold(recording.conditions, Values({"a": a, "b": b}))
    if hold(recording.conditions, Values({"a": other_a, "b": other_b})):
        assert answers == [question(other_a, other_b) for question in asked]


@given(EXTENTS, EXTENTS, st.integers(-9, 9), st.integers(-9, 9), st.integers(-60, 60))
def test_ends_hold(a, b, m, n, constant):
    polynomial = m * A * B + n * (A // 3) - 2 * (B % 5) + maximum(A, B) + constant
    low, high = Recording({}).ends(polynomial.expr)
    with Recording({"a": a, "b": b}):
        number = int(polynomial)
    assert (low is None or low <= number) and (high is None or number <= high)


def combined(parts):
    """Expressions of two others."""
    two, by = st.tuples(parts, parts), st.integers(1, 7)
    return st.one_of(
        two.map(lambda p: p[0] + p[1]),
        two.map(lambda p: p[0] - p[1]),
        two.map(lambda p: p[0] * p[1]),
        two.map(lambda p: minimum(*p)),
        two.map(lambda p: maximum(*p)),
        st.tuples(parts, by).map(lambda p: p[0] // p[1]),
        st.tuples(parts, by).map(lambda p: p[0] % p[1]),
        parts.map(functions.absolute),
        parts.map(lambda p: functions.entry([3, -2, 5, 5], p % 4)),
        st.tuples(parts, st.integers(-9, 9)).map(lambda p: functions.bit_and(*p)),
    )


SOME = st.recursive(st.one_of(st.sampled_from([A, B]), st.integers(-5, 5)), combined, max_leaves=7)


@given(st.data(), EXTENTS, EXTENTS, EXTENTS, EXTENTS)
def test_ends_of_any_expression_hold_under_conditions(data, a, b, other_a, other_b):
    with Recording({"a": a, "b": b}) as recording:
        made = data.draw(SOME)
        answers = [made > limit for limit in (0, 3, -4)] + [made == 1]
        ends = recording.ends(dims.expression(made))
    for symbols in ({"a": a, "b": b}, {"a": other_a, "b": other_b}):
        with Values(symbols) as values:
            if not hold(recording.conditions, values):
                continue
            assert [made > limit for limit in (0, 3, -4)] + [made == 1] == answers
            low, high = ends
            assert (low is None or low <= made) and (high is None or made <= high)
