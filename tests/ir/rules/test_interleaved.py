"""Products with weights of which a byte holds several columns."""

import numpy as np
import pytest

from penstock._src.core import dtypes
from penstock._src.ir import interpreter
from penstock._src.ir.builder import Builder
from penstock._src.ir.function import Function

NAME = "contract(x, columns that take turns in bytes) -> contracts whose columns take turns"
RANDOM = np.random.default_rng(3)
X = RANDOM.standard_normal((5, 6)).astype(np.float32)
PACKED = RANDOM.integers(-128, 128, (6, 4)).astype(np.int8)
SCALES = RANDOM.standard_normal((2, 8)).astype(np.float32)
GROUPS = np.int32([0, 1, 1, 0, 1, 0])


def halves(p, packed):
    """Low and high bits of signed bytes, as numbers from -8 to 7."""
    parts = packed, p.shift_right(packed, p.full(packed.shape, 4, packed.dtype))
    fifteen, eight = (p.full(packed.shape, number, packed.dtype) for number in (15, 8))
    return [p.sub(p.xor(p.and_(part, fifteen), eight), eight) for part in parts]


def in_turns(p, parts, axis):
    """Parts whose elements along an axis take turns."""
    shape = list(parts[0].shape)
    apart = [p.reshape(part, [*shape[: axis + 1], 1, *shape[axis + 1 :]]) for part in parts]
    shape[axis] *= len(parts)
    return p.reshape(p.concat(apart, axis + 1), shape)


def last(p, x, packed, scales, groups):
    weights = p.cast(in_turns(p, halves(p, packed), 1), dtypes.float32)
    return p.contract("mk,kn->mn", x, weights)


def turned(p, x, packed, scales, groups):
    """As Keras unpacks any axis but the first: brought to the front, and back."""
    parts = [p.transpose(part, [1, 0]) for part in halves(p, packed)]
    weights = p.transpose(in_turns(p, parts, 0), [1, 0])
    return p.contract("mk,kn->nm", x, p.cast(weights, dtypes.float32))


def in_groups(p, x, packed, scales, groups):
    weights = p.cast(in_turns(p, halves(p, packed), 1), dtypes.float32)
    own = p.gather(scales, groups, 0, 0, "error")
    return p.contract("kn,mk->mn", p.mul(p.sub(weights, own), own), x)


def in_first_operand(p, x, packed, scales, groups):
    weights = in_turns(p, halves(p, p.transpose(packed, [1, 0])), 0)
    return p.contract("nk,mk->nm", p.cast(weights, dtypes.float32), x)


def of_integers(p, x, packed, scales, groups):
    rounded = p.cast(p.cast(p.mul(x, p.full(x.shape, 9.0, x.dtype)), dtypes.int8), dtypes.int32)
    weights = p.cast(in_turns(p, halves(p, packed), 1), dtypes.int32)
    return p.contract("mk,kn->mn", rounded, weights)


def along_the_sum(p, x, packed, scales, groups):
    weights = in_turns(p, halves(p, p.slice_axis(packed, 0, 0, 3)), 0)
    return p.contract("mk,kn->mn", x, p.cast(weights, dtypes.float32))


def of_two_arrays(p, x, packed, scales, groups):
    low, _ = halves(p, packed)
    other = p.cast(p.slice_axis(scales, 1, 0, 4), dtypes.int8)
    parts = [low, p.concat([other, other, other], 0)]
    return p.contract("mk,kn->mn", x, p.cast(in_turns(p, parts, 1), dtypes.float32))


def of_floats(p, x, packed, scales, groups):
    parts = [p.cast(part, dtypes.float32) for part in halves(p, packed)]
    return p.contract("mk,kn->mn", x, in_turns(p, parts, 1))


def one_after_the_other(p, x, packed, scales, groups):
    weights = p.concat(halves(p, packed), 1)
    return p.contract("mk,kn->mn", x, p.cast(weights, dtypes.float32))


def made(body, rules):
    p = Builder(rules=rules)
    values = [X, PACKED, SCALES, GROUPS]
    parameters = [p.parameter(i, v.shape, dtypes.as_dtype(v.dtype)) for i, v in enumerate(values)]
    function = Function("example", tuple(parameters), (body(p, *parameters),))
    return p.hits, interpreter.run(function, values)[0][0]


@pytest.mark.parametrize("body", [last, turned, in_groups, in_first_operand, of_integers])
def test_columns_that_take_turns_are_products_of_their_own(body):
    hits, found = made(body, True)
    assert hits.get(NAME) == 1
    np.testing.assert_allclose(found, made(body, False)[1], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("body", [along_the_sum, of_two_arrays, of_floats, one_after_the_other])
def test_other_products_stay_as_they_are(body):
    hits, found = made(body, True)
    assert NAME not in hits
    np.testing.assert_allclose(found, made(body, False)[1], rtol=1e-6, atol=1e-6)
