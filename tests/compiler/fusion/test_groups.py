"""What nodes cost, which reductions are those of rows, and what a group is without some of its nodes."""

import pytest

from penstock._src.compiler.fusion.costs import cost_of
from penstock._src.compiler.fusion.groups import LONGEST_ROW, FusionGroup, RowSpace
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.core import dtypes
from tests.extents import symbol

F32 = dtypes.float32


def reduced(shape, axes, op="max"):
    p = LoweringContext()
    return p.reduce(p.parameter(0, shape, F32), op, axes)


@pytest.mark.parametrize(
    "shape, axes, extents, inner",
    [
        ((30, 40), (1,), (30, 40), 1),
        ((5, 6, 7), (2,), (5, 6, 7), 1),
        ((5, 6, 7), (1, 2), (5, 6, 7), 2),
        ((5, 1, 7), (2,), (5, 7), 1),  # extents of 1 do not count
        ((5, 7, 1), (1,), (5, 7), 1),
        ((1000, LONGEST_ROW), (1,), (1000, LONGEST_ROW), 1),
    ],
)
def test_row_spaces_of_reductions(shape, axes, extents, inner):
    assert RowSpace.of(reduced(shape, axes)) == RowSpace(extents, inner)


@pytest.mark.parametrize(
    "shape, axes",
    [
        ((30, 40), (0,)),  # columns
        ((30, 40), (0, 1)),  # everything
        ((5, 6, 7), (0, 2)),  # not side by side
        ((1000, LONGEST_ROW + 1), (1,)),
        ((30, LONGEST_ROW), (1,)),  # each is work for several tasks
        ((30, symbol("n", 8)), (1,)),  # of a length that may change
    ],
)
def test_no_rows(shape, axes):
    assert RowSpace.of(reduced(shape, axes)) is None


@pytest.mark.parametrize(
    "left, kind", [([0], "map"), ([1], "reduction"), ([0, 1], "rows"), ([1, 2], "reduction")]
)
def test_what_is_left_of_a_group_has_the_kind_that_it_needs(left, kind):
    p = LoweringContext()
    x = p.parameter(0, (30, 40), F32)
    roots = [None, p.reduce_max(x, [1]), p.reduce_sum(x, [1])]
    nodes = (p.exp(x), roots[1], roots[2])
    group = FusionGroup("rows", nodes, frozenset((x.id,)), tuple(roots))
    kept = group.without({n.id for i, n in enumerate(nodes) if i not in left})
    assert kept.kind == kind and list(kept.nodes) == [nodes[i] for i in left]
    assert kept.reduced == [roots[i] for i in left if roots[i] is not None]


@pytest.mark.parametrize(
    "make, cost",
    [
        (lambda p, x: p.exp(x), 8),
        (lambda p, x: p.div(x, p.sin(x)), 3),
        (lambda p, x: p.tan(x), 25),  # without code of vectors
        (lambda p, x: p.add(x, 2.0), 1),
        (lambda p, x: p.neg(x), 1),
        (lambda p, x: p.lt(x, 2.0), 1),
        (lambda p, x: p.cast(x, dtypes.int32), 1),
        (lambda p, x: p.bitcast(x, dtypes.int32), 1),
        (lambda p, x: p.select(p.lt(x, 2.0), x, p.exp(x)), 1),
        (lambda p, x: p.reverse(x, [0]), 0),
        (lambda p, x: x, 0),
    ],
)
def test_costs_of_recomputing_a_value(make, cost):
    p = LoweringContext()
    assert cost_of(make(p, p.parameter(0, (30,), F32))) == cost
