"""Points of loops: all of a small domain, corners and a sample of a large one; and indices that go through all elements."""

import numpy as np
import pytest

from penstock._src.compiler.kernels.index import IndexScope, constant, of_atom
from penstock._src.compiler.plan.verify.domain import (
    MOST,
    SAMPLED,
    Domain,
    atoms_of,
    evaluated,
    row_major,
)
from tests.extents import symbol


def points(domain):
    return list(zip(*[domain.at[v].tolist() for v in domain.variables], strict=True))


def test_all_points_are_gone_through_in_order():
    scope = IndexScope()
    i, j = scope.var(2), scope.var(3)
    domain = Domain([i, j, i], int)
    assert domain.whole and domain.size == domain.count == 6
    assert points(domain) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert domain.describe(4) == f"{j!r} = 1, {i!r} = 1"


def test_an_empty_loop_has_no_points():
    scope = IndexScope()
    domain = Domain([scope.var(4), scope.var(0)], int)
    assert domain.size == domain.count == 0


def test_no_loop_is_one_point():
    domain = Domain([], int)
    assert domain.size == domain.count == 1 and domain.describe(0) == "no loop"
    assert domain.index(constant(7)).tolist() == [7]
    domain.keep(np.array([True]))
    assert domain.count == 1
    domain.keep(np.array([False]))
    assert domain.count == 0


def test_points_are_left_out():
    scope = IndexScope()
    i = scope.var(5)
    domain = Domain([i], int)
    domain.keep(domain.at[i] % 2 == 0)
    assert domain.at[i].tolist() == [0, 2, 4] and domain.count == 3


@pytest.mark.parametrize("size, whole", [(MOST, True), (MOST + 1, False)])
def test_large_domains_are_sampled_with_their_corners(size, whole):
    scope = IndexScope()
    i = scope.var(size)
    domain = Domain([i], int)
    assert domain.whole is whole and domain.size == size
    held = set(domain.at[i].tolist())
    assert {0, 1, size - 2, size - 1} <= held and held <= set(range(size))
    assert len(held) == (size if whole else domain.count)
    assert whole or SAMPLED // 2 < len(held) <= SAMPLED + 4


def test_indices_are_evaluated_at_every_point():
    scope = IndexScope()
    i, j = scope.var(2), scope.var(5)
    index = of_atom(i) * 5 + of_atom(j) + 3
    assert Domain([i, j], int).index(index).tolist() == list(range(3, 13))


def test_quotients_and_remainders_are_evaluated():
    scope = IndexScope()
    i = scope.var(7)
    domain = Domain([i], int)
    index = of_atom(i) + 1
    assert domain.index(scope.quotient(index, 3)).tolist() == [(n + 1) // 3 for n in range(7)]
    assert domain.index(scope.remainder(index, 3)).tolist() == [(n + 1) % 3 for n in range(7)]
    assert atoms_of(scope.quotient(index, 3)) == [i]


@pytest.fixture
def loops():
    scope = IndexScope()
    return scope.var(4), scope.var(3), scope.var(5)


def test_row_major_indices_go_through_all(loops):
    i, j, k = loops
    index = of_atom(i) * 15 + of_atom(j) * 5 + of_atom(k)
    assert row_major(index, loops) == 60
    assert row_major(index + 2, loops) == 60  # from its constant on
    assert row_major(of_atom(k) * 12 + of_atom(j) * 4 + of_atom(i), loops) == 60


def test_other_indices_are_not_seen_to(loops):
    i, j, k = loops
    whole = of_atom(i) * 15 + of_atom(j) * 5
    assert row_major(whole + of_atom(k) * 2, loops) is None  # every second
    assert row_major(whole, loops) is None  # one of several
    assert row_major(of_atom(i) * 3 + of_atom(j) * 5, (i, j)) is None
    assert row_major(whole + of_atom(k), (i, j)) is None  # a loop that is not among them


def test_loops_of_one_round_have_any_place():
    scope = IndexScope()
    i, one, j = scope.var(4), scope.var(1), scope.var(3)
    assert row_major(of_atom(i) * 3 + of_atom(one) * 3 + of_atom(j), (i, one, j)) == 12
    assert row_major(of_atom(i) * 3 + of_atom(one) + of_atom(j), (i, one, j)) == 12


def test_symbolic_extents_are_compared_by_expression():
    scope, n = IndexScope(), symbol("n", 4)
    i, j = scope.var(3), scope.var(n)
    assert row_major(of_atom(i) * n + of_atom(j), (i, j)) == 12
    assert row_major(of_atom(i) * 4 + of_atom(j), (i, j)) is None  # equal now, but not always


def test_symbols_that_became_known_count_as_they_are():
    n, m = symbol("n", 4), symbol("m", 9)
    extent = evaluated({"n": 6})
    assert (extent(n * 2), extent(m), extent(5)) == (12, 9, 5)


def test_samples_are_spread_over_the_whole_domain():
    scope = IndexScope()
    i = scope.var(MOST * 1000)
    found = np.sort(Domain([i], int).at[i])
    assert len(found) > SAMPLED / 2
    assert np.diff(found).max() < MOST * 1000 / 100
