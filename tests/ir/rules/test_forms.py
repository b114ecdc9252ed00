"""What rules make of expressions, and what they leave as it is; both sides have equal values."""

import numpy as np
import pytest

from penstock._src.core import dtypes
from penstock._src.ir import interpreter
from penstock._src.ir.builder import Builder
from penstock._src.ir.function import Function
from penstock._src.ir.verify import verify

F, I, B = dtypes.float32, dtypes.int32, dtypes.bool_
RANDOM = np.random.default_rng(0)


def floats(*shape, dtype=np.float32):
    return RANDOM.standard_normal(shape).astype(dtype)


VALUES = {
    "x": floats(3, 4),
    "y": floats(3, 4),
    "w": floats(2, 3, 4),
    "row": floats(1, 4),
    "v": floats(4),
    "s": np.float32(0.7),
    "h": floats(3, 4, dtype=np.float16),
    "k": floats(3, 4, dtype=dtypes.bfloat16.np),
    "d": floats(3, 4, dtype=np.float64),
    "n": RANDOM.integers(-9, 9, (3, 4), np.int32),
    "i": np.int32(1),
    "u": RANDOM.integers(0, 255, (3, 4)).astype(np.uint8),
    "l": RANDOM.integers(-(2**60), 2**60, (3, 4)),
    "b": RANDOM.integers(0, 2, (3, 4)).astype(bool),
    "e": floats(0, 4),
}


def function_of(build, rules):
    p = Builder(rules=rules)
    given = {
        name: p.parameter(i, np.shape(value), dtypes.as_dtype(value.dtype))
        for i, (name, value) in enumerate(VALUES.items())
    }
    function = Function("f", tuple(given.values()), (build(p, **given),))
    verify(function)
    return function


def form(node):
    """An expression as text, without movements that move nothing."""
    if node.kind in ("broadcast", "reshape") and node.shape == node.args[0].shape:
        return form(node.args[0])
    if node.kind == "parameter":
        return list(VALUES)[node.attrs["index"]]
    attributes = {k: v for k, v in node.attrs.items() if k != "shape"}
    held = ", ".join([*map(form, node.args), *(f"{k}={v}" for k, v in attributes.items())])
    return f"{node.kind}({held}): {node.dtype.name}{list(node.shape)}"


def results(function):
    return interpreter.run(function, list(VALUES.values()))[0][0]


def same_values(first, second):
    first, second = results(first), results(second)
    assert first.dtype == second.dtype and first.shape == second.shape
    wide = np.float64 if first.dtype.kind not in "biu" else first.dtype
    close = 2e-2 if first.dtype.itemsize == 2 else 1e-5
    np.testing.assert_allclose(first.astype(wide), second.astype(wide), rtol=close, atol=close)


# what is written -> what is made of it
MADE = {
    # arithmetic
    "a number repeated and one as it is": (
        lambda p, s, **_: p.add(p.broadcast_to(s, [3, 4]), p.broadcast_to(s, [3, 4])),
        lambda p, s, **_: p.broadcast_to(p.add(s, s), [3, 4]),
    ),
    "a reshape beside a reshape": (
        lambda p, x, y, **_: p.add(p.reshape(x, [3, 1, 4]), p.reshape(y, [3, 1, 4])),
        lambda p, x, y, **_: p.reshape(p.add(x, y), [3, 1, 4]),
    ),
    "factors above 1 that are joined": (
        lambda p, x, **_: (x * 2.0) * 8.0,
        lambda p, x, **_: x * 16.0,
    ),
    "factors below 1 that are joined": (
        lambda p, x, **_: (x * 0.5) * 0.25,
        lambda p, x, **_: x * 0.125,
    ),
    "a factor of 1 among those that are joined": (
        lambda p, x, **_: p.mul(p.mul(x, -1.0), 3.0),
        lambda p, x, **_: p.mul(p.neg(x), 3.0),
    ),
    "factors of whole numbers": (lambda p, n, **_: (n * 3) * 5, lambda p, n, **_: n * 15),
    "the first power": (lambda p, x, **_: x**1.0, lambda p, x, **_: x),
    "the second power": (lambda p, x, **_: x**2.0, lambda p, x, **_: p.square(x)),
    "the power of -1": (lambda p, x, **_: x**-1.0, lambda p, x, **_: p.reciprocal(x)),
    "a condition that is known to be false": (
        lambda p, x, y, **_: p.select(p.full(x.shape, False, B), x, y),
        lambda p, x, y, **_: y,
    ),
    # casts
    "bool by a wider type": (
        lambda p, b, **_: p.cast(p.cast(b, I), F),
        lambda p, b, **_: p.cast(b, F),
    ),
    "bool by floats": (
        lambda p, b, **_: p.cast(p.cast(b, dtypes.float16), I),
        lambda p, b, **_: p.cast(b, I),
    ),
    "float16 by float32": (
        lambda p, h, **_: p.cast(p.cast(h, F), dtypes.float16),
        lambda p, h, **_: h,
    ),
    "bytes by a wider integer": (
        lambda p, u, **_: p.cast(p.cast(u, I), dtypes.int64),
        lambda p, u, **_: p.cast(u, dtypes.int64),
    ),
    "bytes by float32": (
        lambda p, u, **_: p.cast(p.cast(u, F), dtypes.float64),
        lambda p, u, **_: p.cast(u, dtypes.float64),
    ),
    "int32 by float64": (
        lambda p, n, **_: p.cast(p.cast(n, dtypes.float64), F),
        lambda p, n, **_: p.cast(n, F),
    ),
    # movements
    "a repeated number in another shape": (
        lambda p, s, **_: p.reshape(p.broadcast_to(s, [3, 4]), [2, 6]),
        lambda p, s, **_: p.broadcast_to(s, [2, 6]),
    ),
    "a repeated vector of which axes of 1 are taken": (
        lambda p, v, **_: p.reshape(p.broadcast(v, (1, 4, 3), (1,)), [4, 3]),
        lambda p, v, **_: p.broadcast(v, (4, 3), (0,)),
    ),
    "a row that is repeated": (
        lambda p, row, **_: p.broadcast(row, (5, 4), (0, 1)),
        lambda p, row, **_: p.broadcast(p.reshape(row, [4]), (5, 4), (1,)),
    ),
    "axes of 1 that change places": (
        lambda p, x, **_: p.transpose(p.reshape(x, [3, 1, 4]), [1, 0, 2]),
        lambda p, x, **_: p.reshape(x, [1, 3, 4]),
    ),
    "a matrix turned twice": (
        lambda p, x, **_: p.transpose(p.transpose(x, [1, 0]), [1, 0]),
        lambda p, x, **_: x,
    ),
    "axes turned in a circle": (
        lambda p, w, **_: p.transpose(p.transpose(w, [1, 2, 0]), [1, 2, 0]),
        lambda p, w, **_: p.transpose(w, [2, 0, 1]),
    ),
    "a repeated matrix that is turned": (
        lambda p, x, **_: p.transpose(p.broadcast(x, (5, 3, 4), (1, 2)), [2, 0, 1]),
        lambda p, x, **_: p.broadcast(p.transpose(x, [1, 0]), (4, 5, 3), (0, 2)),
    ),
    "a slice of a slice": (
        lambda p, w, **_: p.slice(p.slice(w, [0, 1, 0], [2, 3, 4], [1, 1, 2]), [1, 0, 1], [2, 2, 2]),
        lambda p, w, **_: p.slice(w, [1, 1, 2], [2, 3, 3], [1, 1, 2]),
    ),
    "a slice of every second of every second": (
        lambda p, **_: p.slice(p.slice(p.iota((16,), 0, I), [1], [16], [2]), [1], [8], [3]),
        lambda p, **_: p.slice(p.iota((16,), 0, I), [3], [16], [6]),
    ),
    "a slice of what is behind the last one of every second": (
        lambda p, **_: p.slice(p.slice(p.iota((3,), 0, I), [0], [3], [2]), [2], [2]),
        lambda p, **_: p.slice(p.iota((3,), 0, I), [0], [0], [2]),
    ),
    "a slice of the first part": (
        lambda p, x, y, **_: p.slice(p.concat([x, y], 0), [0, 0], [3, 2]),
        lambda p, x, y, **_: p.slice(x, [0, 0], [3, 2]),
    ),
    "a slice that is a later part": (
        lambda p, x, y, w, **_: p.slice(p.concat([x, y, p.exp(x)], 0), [3, 0], [6, 4]),
        lambda p, x, y, **_: y,
    ),
    "a slice of axes along which a vector is repeated": (
        lambda p, v, **_: p.slice(p.broadcast(v, (3, 4), (1,)), [1, 0], [2, 4]),
        lambda p, v, **_: p.broadcast(v, (1, 4), (1,)),
    ),
    "a run-time slice of a repeated vector": (
        lambda p, v, i, **_: p.dynamic_slice(p.broadcast(v, (3, 4), (1,)), [i, p.constant(np.int32(0))], [2, 4]),
        lambda p, v, **_: p.broadcast(v, (2, 4), (1,)),
    ),
    "an axis reversed twice beside another": (
        lambda p, x, **_: p.reverse(p.reverse(x, [0, 1]), [0]),
        lambda p, x, **_: p.reverse(x, [1]),
    ),
    "all axes reversed twice": (
        lambda p, x, **_: p.reverse(p.reverse(x, [0, 1]), [1, 0]),
        lambda p, x, **_: x,
    ),
    "a reversal of which one axis is of extent 1": (
        lambda p, row, **_: p.reverse(row, [0, 1]),
        lambda p, row, **_: p.reverse(row, [1]),
    ),
    "a concatenation of nothing and something": (
        lambda p, e, x, **_: p.concat([e, x], 0),
        lambda p, x, **_: x,
    ),
    "a concatenation of nothing and two": (
        lambda p, e, x, y, **_: p.concat([e, x, y], 0),
        lambda p, x, y, **_: p.concat([x, y], 0),
    ),
    "a concatenation of nothings": (lambda p, e, **_: p.concat([e, e], 0), lambda p, e, **_: e),
    # reductions
    "a sum over an axis of 1 and another": (
        lambda p, x, **_: p.reduce_sum(p.reshape(p.exp(x), [3, 1, 4]), [1, 2]),
        lambda p, x, **_: p.reduce_sum(p.exp(x), [1]),
    ),
    "a sum over an axis of 1 of a parameter and another": (
        lambda p, row, **_: p.reduce_max(row, [0, 1]),
        lambda p, row, **_: p.reduce_max(p.reshape(row, [4]), [0]),
    ),
    "a sum of integers that are scaled along the kept axis": (
        lambda p, x, v, **_: p.reduce_sum(p.mul(p.broadcast(p.cast(v, I), (3, 4), (1,)), p.cast(x, I)), [0]),
        lambda p, x, v, **_: p.mul(p.reduce_sum(p.cast(x, I), [0]), p.cast(v, I)),
    ),
    "a sum of integers that are scaled along one of two kept axes": (
        lambda p, w, v, **_: p.reduce_sum(p.mul(p.cast(w, I), p.broadcast(p.cast(v, I), (2, 3, 4), (2,))), [1]),
        lambda p, w, v, **_: p.mul(p.reduce_sum(p.cast(w, I), [1]), p.broadcast(p.cast(v, I), (2, 4), (1,))),
    ),
    "a maximum of what is repeated": (
        lambda p, v, **_: p.reduce_max(p.broadcast(v, (3, 4), (1,)), [0]),
        lambda p, v, **_: v,
    ),
    "a maximum of what is repeated, over all": (
        lambda p, v, **_: p.reduce_max(p.broadcast(v, (3, 4), (1,)), [0, 1]),
        lambda p, v, **_: p.reduce_max(v, [0]),
    ),
    "a sum of what is repeated along two axes": (
        lambda p, v, **_: p.reduce_sum(p.broadcast(v, (5, 4, 3), (1,)), [0, 2]),
        lambda p, v, **_: p.mul(v, 15.0),
    ),
    "a maximum of what is repeated along the last of three": (
        lambda p, x, **_: p.reduce_max(p.broadcast(x, (5, 3, 4), (1, 2)), [0, 2]),
        lambda p, x, **_: p.reduce_max(x, [1]),
    ),
    "a sum of 256 bfloat16": (
        lambda p, k, **_: p.reduce_sum(p.broadcast(k, (256, 3, 4), (1, 2)), [0]),
        lambda p, k, **_: p.mul(k, 256.0),
    ),
    "a sum of 2048 float16": (
        lambda p, h, **_: p.reduce_sum(p.broadcast(h, (2048, 3, 4), (1, 2)), [0]),
        lambda p, h, **_: p.mul(h, 2048.0),
    ),
    "a maximum of a maximum": (
        lambda p, w, **_: p.reduce_max(p.reduce_max(w, [1]), [0]),
        lambda p, w, **_: p.reduce_max(w, [0, 1]),
    ),
    "a sum of a sum of the last axis": (
        lambda p, w, **_: p.reduce_sum(p.reduce_sum(w, [0]), [1]),
        lambda p, w, **_: p.reduce_sum(w, [0, 2]),
    ),
    "a sum over what a reshape added": (
        lambda p, x, **_: p.reduce_sum(p.reshape(x, [1, 3, 4]), [0]),
        lambda p, x, **_: x,
    ),
    "a sum over more than what a reshape added": (
        lambda p, x, **_: p.reduce_sum(p.reshape(x, [1, 3, 4]), [2]),
        lambda p, x, **_: p.reshape(p.reduce_sum(x, [1]), [1, 3]),
    ),
    # contractions
    "rows that are all alike": (
        lambda p, v, y, **_: p.contract("mk,nk->mn", p.broadcast(v, [5, 4], [1]), y),
        lambda p, v, y, **_: p.broadcast(p.contract("k,nk->n", v, y), [5, 3], [1]),
    ),
    "a row that is repeated, in a batch": (
        lambda p, row, w, **_: p.contract("mk,bnk->mbn", p.broadcast(row, [5, 4], [0, 1]), w),
        lambda p, v, row, w, **_: p.broadcast(
            p.contract("k,bnk->bn", p.reshape(row, [4]), w), [5, 2, 3], [1, 2]
        ),
    ),
    "a number that is repeated along a sum": (
        lambda p, s, x, **_: p.contract("mk,nk->mn", p.broadcast_to(s, [5, 4]), x),
        lambda p, s, x, **_: p.broadcast(p.contract("k,nk->n", p.broadcast_to(s, [4]), x), [5, 3], [1]),
    ),
    "a product of two that are turned": (
        lambda p, x, y, **_: p.contract("km,kn->mn", p.transpose(x, [1, 0]), p.transpose(y, [1, 0])),
        lambda p, x, y, **_: p.contract("mk,nk->mn", x, y),
    ),
    "a product whose right side is turned": (
        lambda p, x, y, **_: p.contract("mk,kn->mn", x, p.transpose(y, [1, 0])),
        lambda p, x, y, **_: p.contract("mk,nk->mn", x, y),
    ),
    "a sum over a letter of both sides": (
        lambda p, x, y, **_: p.reduce_sum(p.contract("bm,bn->mbn", x, y), [1]),
        lambda p, x, y, **_: p.contract("bm,bn->mn", x, y),
    ),
    # blocks
    "a block that is added on the right": (
        lambda p, x, v, i, **_: p.add(p.exp(x), in_zeros(p, v, i)),
        lambda p, x, v, i, **_: added(p, p.exp(x), v, i),
    ),
    "a block that is added on the left": (
        lambda p, x, v, i, **_: p.add(in_zeros(p, v, i), p.exp(x)),
        lambda p, x, v, i, **_: added(p, p.exp(x), v, i),
    ),
}  # fmt: skip

# What no rule may change, or has to.
KEPT = {
    "factors on both sides of 1": lambda p, x, **_: (x * 3.0) * 0.5,
    "factors of which the first is not known": lambda p, x, y, **_: (x * y) * 3.0,
    "factors of which the second is not known": lambda p, x, y, **_: (x * 3.0) * y,
    "what is negated of a difference of floats": lambda p, x, y, **_: p.neg(p.sub(x, y)),
    "a root as a power": lambda p, x, **_: p.abs(x) ** 0.5,
    "a power that is not known": lambda p, x, y, **_: p.pow(p.abs(x), y),
    "a power of whole numbers": lambda p, n, **_: p.pow(n, 2),
    "no times 0 of floats": lambda p, x, **_: x * 0.0,
    "a condition that is not known": lambda p, x, y, b, **_: p.select(b, x, y),
    "a function of what a reshape splits": lambda p, x, **_: p.exp(p.reshape(x, [2, 6])),
    "a function of what has an axis of 1 itself": lambda p, row, **_: p.exp(p.reshape(row, [4, 1])),
    "a sum of what two reshapes made of different shapes": lambda p, x, w, **_: p.add(
        p.reshape(x, [12]), p.reshape(p.slice(w, [0, 0, 0], [1, 3, 4]), [12])
    ),
    "a sum of a reshape and what is none": lambda p, x, **_: p.add(
        p.reshape(x, [3, 1, 4]), p.iota((3, 1, 4), 0, F)
    ),
    "a vector repeated beside a number": lambda p, v, **_: p.add(p.broadcast(v, (3, 4), (1,)), 2.0),
    "int32 by float32": lambda p, n, **_: p.cast(p.cast(n, F), dtypes.float64),
    "int64 by float64": lambda p, l, **_: p.cast(p.cast(l, dtypes.float64), F),
    "float64 by float32": lambda p, d, **_: p.cast(p.cast(d, F), dtypes.float64),
    "floats by integers": lambda p, x, **_: p.cast(p.cast(x, I), F),
    "bfloat16 by float16": lambda p, k, **_: p.cast(p.cast(k, dtypes.float16), dtypes.bfloat16),
    "bytes by float16": lambda p, u, **_: p.cast(p.cast(u, dtypes.float16), F),
    "signed by unsigned": lambda p, n, **_: p.cast(p.cast(n, dtypes.uint32), dtypes.int64),
    "unsigned by signed of one size": lambda p, u, **_: p.cast(p.cast(u, dtypes.int8), I),
    "numbers by bool": lambda p, x, **_: p.cast(p.cast(x, B), F),
    "a repeated vector that is joined": lambda p, v, **_: p.reshape(p.broadcast(v, (3, 4), (1,)), [12]),
    "a repeated row without its axis of 1": lambda p, v, **_: p.reshape(
        p.broadcast(p.reshape(v, [2, 2]), (1, 2, 3, 2), (1, 3)), [2, 6]
    ),
    "a matrix that is turned": lambda p, x, **_: p.transpose(x, [1, 0]),
    "a slice from the second on": lambda p, x, **_: p.slice(x, [1, 0], [3, 4]),
    "a slice up to the last but one": lambda p, x, **_: p.slice(x, [0, 0], [3, 3]),
    "every second": lambda p, x, **_: p.slice(x, [0, 0], [3, 4], [1, 2]),
    "a slice of two parts": lambda p, x, y, **_: p.slice(p.concat([x, y], 0), [2, 0], [4, 4]),
    "a slice of a part and one of the next": lambda p, x, y, **_: p.slice(
        p.concat([x, y], 0), [1, 0], [4, 4]
    ),
    "a slice along what is repeated": lambda p, v, **_: p.slice(
        p.broadcast(v, (3, 4), (1,)), [0, 1], [3, 4]
    ),
    "zeros in front": lambda p, x, **_: p.pad(x, [1, 0], [0, 0]),
    "zeros behind": lambda p, x, **_: p.pad(x, [0, 0], [0, 1]),
    "zeros between": lambda p, x, **_: p.pad(x, [0, 0], [0, 0], 0.0, [0, 1]),
    "rows in reverse": lambda p, x, **_: p.reverse(x, [0]),
    "a concatenation of one along another axis": lambda p, x, y, **_: p.concat(
        [p.concat([x, y], 0), p.concat([y, x], 0)], 1
    ),
    "a sum over a whole axis": lambda p, x, **_: p.reduce_sum(x, [0]),
    "a sum of products": lambda p, x, y, **_: p.reduce_sum(p.mul(x, y), [0]),
    "a sum of what is scaled along the kept axis": lambda p, x, v, **_: p.reduce_sum(
        p.mul(p.broadcast(v, (3, 4), (1,)), x), [0]
    ),
    "a sum of what is divided along the kept axis": lambda p, x, v, **_: p.reduce_sum(
        p.div(x, p.broadcast(v, (3, 4), (1,))), [0]
    ),
    "a sum of what is scaled along the axis": lambda p, x, v, **_: p.reduce_sum(
        p.mul(x, p.broadcast(v, (3, 4), (1,))), [1]
    ),
    "a sum of nothing that is scaled": lambda p, e, v, **_: p.reduce_sum(
        p.mul(e, p.broadcast(v, (0, 4), (1,))), [0]
    ),
    "a product of what is repeated": lambda p, v, **_: p.reduce_prod(
        p.broadcast(v, (3, 4), (1,)), [0]
    ),
    "a sum of 257 bfloat16": lambda p, k, **_: p.reduce_sum(p.broadcast(k, (257, 3, 4), (1, 2)), [0]),
    "a sum of 2049 float16": lambda p, h, **_: p.reduce_sum(p.broadcast(h, (2049, 3, 4), (1, 2)), [0]),
    "a maximum of a sum": lambda p, w, **_: p.reduce_max(p.reduce_sum(w, [1]), [0]),
    "a sum of what a reshape splits": lambda p, x, **_: p.reduce_sum(p.reshape(x, [2, 6]), [0]),
    "a product of two as they lie": lambda p, x, y, **_: p.contract("mk,nk->mn", x, y),
    "a sum over a letter of one side": lambda p, x, y, **_: p.reduce_sum(
        p.contract("mk,nk->mn", x, y), [0]
    ),
    "a block that is added to another": lambda p, x, y, v, i, **_: p.add(
        x, p.dynamic_update_slice(y, p.reshape(v, [1, 4]), [i, p.constant(np.int32(0))])
    ),
    "a block of some rows": lambda p, x, i, **_: p.dynamic_slice(
        x, [i, p.constant(np.int32(0))], [2, 4]
    ),
}  # fmt: skip


def in_zeros(p, v, i):
    rows = [i, p.constant(np.int32(0))]
    return p.dynamic_update_slice(p.full([3, 4], 0, F), p.reshape(v, [1, 4]), rows)


def added(p, x, v, i):
    rows = [i, p.constant(np.int32(0))]
    block = p.add(p.dynamic_slice(x, rows, [1, 4]), p.reshape(v, [1, 4]))
    return p.dynamic_update_slice(x, block, rows)


@pytest.mark.parametrize("name", MADE)
def test_rules_lead_to_the_expected_form(name):
    before, after = MADE[name]
    made = function_of(before, True)
    assert form(made.results[0]) == form(function_of(after, False).results[0])
    same_values(made, function_of(before, False))


@pytest.mark.parametrize("name", KEPT)
def test_what_is_kept(name):
    made, plain = function_of(KEPT[name], True), function_of(KEPT[name], False)
    assert form(made.results[0]) == form(plain.results[0])


def test_uses_of_a_rule_are_counted():
    p = Builder()
    x, y = (p.parameter(i, (3, 4), F) for i in range(2))
    assert [p.neg(p.neg(p.exp(each))).op for each in (x, y)] == ["exp", "exp"]
    assert p.hits == {"-(-x) -> x": 2}
