"""Numbers that are known while a function is made, though they depend on sizes that are known as symbols only."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core import dtypes
from penstock._src.ir import interpreter
from penstock._src.ir.builder import Builder
from penstock._src.ir.extents.dims import Dim
from penstock._src.ir.function import Function
from tests.extents import symbol

I32 = dtypes.int32
NUMBERS = [-7, -1, 2, 6]


@pytest.fixture
def p():
    return Builder(rules=False, fold=False)


def agreed(p, node):
    """The value that is known of a node, which is the one that it has."""
    known = p.known.symbolic(node)
    (value,) = interpreter.run(Function("f", (), (node,)), [])[0]
    assert [int(x) for x in known.reshape(-1)] == value.reshape(-1).astype(int).tolist()
    assert known.shape == value.shape
    return known


@pytest.mark.parametrize("op", "add sub mul floordiv mod truncdiv truncmod maximum minimum".split())
def test_operations_of_two(p, op):
    x = p.constant(np.int32([a for a in NUMBERS for _ in NUMBERS]))
    y = p.constant(np.int32(NUMBERS * len(NUMBERS)))
    agreed(p, getattr(p, op)(x, y))


@pytest.mark.parametrize("op", ["floordiv", "mod", "truncdiv", "truncmod"])
def test_quotients_by_zero_are_zero(p, op):
    found = agreed(p, getattr(p, op)(p.constant(np.int32([5, -5])), p.constant(np.int32([0, 0]))))
    assert list(found) == [0, 0]


@pytest.mark.parametrize("op", ["neg", "abs", "sign"])
def test_operations_of_one(p, op):
    agreed(p, getattr(p, op)(p.constant(np.int32([-3, 0, 4]))))


def test_conditions(p):
    x, y = p.constant(np.int32([1, 2, 3])), p.constant(np.int32([2, 2, 2]))
    for op in ("eq", "ne", "lt", "le", "gt", "ge"):
        agreed(p, getattr(p, op)(x, y))
    less, equal = p.lt(x, y), p.eq(x, y)
    for node in (p.and_(less, equal), p.or_(less, equal), p.not_(less), p.cast(less, I32)):
        agreed(p, node)
    agreed(p, p.cast(p.constant(np.int32([0, 5])), dtypes.bool_))


@pytest.mark.parametrize("op", ["sum", "prod", "max", "min"])
def test_reductions(p, op):
    agreed(p, p.reduce(p.constant(np.int32([3, -1, 4])), op, (0,)))


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("op", ["sum", "prod"])
def test_running_totals(p, op, exclusive, reverse):
    agreed(p, p.cumulative(p.constant(np.int32([3, -1, 4])), op, 0, exclusive, reverse))


def test_sizes_stay_expressions(p):
    n = symbol("n", 5)
    x = p.parameter(0, (n, 3), dtypes.float32)
    size = p.size(x.shape[0])
    (found,) = p.known.symbolic(p.add(p.mul(size, 2), 1)).reshape(-1)
    assert isinstance(found, Dim) and found.expr == (n * 2 + 1).expr


@pytest.mark.parametrize("index", [2, -1])
def test_indices_outside_of_sizes_raise(index):
    """Sizes of axes are known as expressions: an index that is wrong is not clamped while they are computed."""

    @tf.function(input_signature=[tf.TensorSpec([None, None])])
    def size(x):
        return tf.gather(tf.shape(x), index)

    with pytest.raises(tf.errors.InvalidArgumentError, match=rf"= {index} is not in \[0, 2\)"):
        size(tf.ones([3, 4]))


def test_differences_of_numbers_that_are_not_known(p):
    i = p.parameter(0, (), I32)
    assert p.known.difference(i, i) == 0
    assert p.known.difference(i, p.add(i, 3)) == 3
    assert p.known.difference(i, p.add(3, p.sub(i, 5))) == -2
    assert p.known.difference(i, p.mul(i, 2)) is None
    assert p.known.difference(i, p.add(i, p.parameter(1, (), I32))) is None


def test_what_depends_on_arguments_or_is_no_whole_number_is_not_known(p):
    assert p.known.symbolic(p.parameter(0, (2,), I32)) is None
    assert p.known.symbolic(p.exp(p.constant(np.float32([1.0])))) is None
