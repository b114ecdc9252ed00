"""The builder that computes at once gives what the interpreter gives, and runs loops, branches and checks."""

import numpy as np
import pytest

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.ir.immediate import ImmediateBuilder

I32 = dtypes.int32


@pytest.fixture
def p():
    return ImmediateBuilder()


def array(p, values, dtype=np.float32):
    return p.constant(np.array(values, dtype))


def test_nodes_are_computed_as_they_are_made(p):
    x = array(p, [[1, 2], [3, 4]])
    np.testing.assert_array_equal(p.value(p.add(p.reduce_sum(x, [1]), 1.0)), [4, 8])
    assert p.dims(p.cast(p.reduce_max(x, [0]), I32)) == [3, 4]


def test_nodes_of_several_results_are_taken_apart(p):
    keys, places = p.sort([array(p, [3, 1, 2]), p.iota((3,), 0, I32)], 0)
    assert p.value(keys).tolist() == [1, 2, 3] and p.dims(places) == [1, 2, 0]
    assert places.dtype == I32


def test_loops_run_while_their_condition_holds(p):
    zero = p.constant(np.int32(0))
    count, power = p.while_(
        lambda i, _: p.lt(i, 5), lambda i, x: [p.add(i, 1), p.mul(x, 2.0)], [zero, array(p, 1)]
    )
    assert (int(p.value(count)), float(p.value(power))) == (5, 32.0)
    unchanged = p.while_(lambda i: p.lt(i, 0), lambda i: [p.add(i, 1)], [zero])
    assert p.dims(unchanged[0]) == [0]


@pytest.mark.parametrize("index, expected", [(0, 1), (1, 2), (2, 2), (-1, 2)])
def test_the_last_branch_is_taken_for_an_index_outside(p, index, expected):
    branches = [lambda x: [x], lambda x: [p.add(x, 1)]]
    (found,) = p.case(p.constant(np.int32(index)), branches, [p.constant(np.int32(1))])
    assert p.dims(found) == [expected]


def test_checks_are_made_at_once(p):
    p.check(p.constant(np.bool_(True)), "is right")
    with pytest.raises(InvalidArgumentError, match="is wrong"):
        p.check(p.constant(np.bool_(False)), "is wrong")
