"""Every rule, by evaluating both sides: the example built with and without rules must give equal values."""

import ml_dtypes
import numpy as np
import pytest

from penstock._src.core import dtypes
from penstock._src.ir import interpreter
from penstock._src.ir.builder import Builder
from penstock._src.ir.function import Function
from penstock._src.ir.rules import RULES
from penstock._src.ir.verify import verify

F, I, B = dtypes.float32, dtypes.int32, dtypes.bool_


def _pooled(p, x):
    """x: float32[3, 4] as an image of 2 rows and 6 columns: it, and what stands at the largest of windows of 2 x 2."""
    image = p.reshape(p.sin(x * 9.0), [2, 6])
    windows = p.windows(image, [0, 1], [2, 2], [2, 2], [1, 1], [0, 0], [0, 0], [1, 1])
    largest = p.reduce_max(windows, [2, 3])
    numbers = np.arange(4, dtype=np.int32).reshape(2, 2)
    at_largest = p.eq(windows, p.broadcast(largest, windows.shape, [0, 1]))
    places = p.reduce_min(p.select(at_largest, p.constant(numbers), 4), [2, 3])
    tiles = [1, 2, 3, 2]
    here = p.eq(p.broadcast(places, tiles, [0, 2]), p.broadcast(p.constant(numbers), tiles, [1, 3]))
    given = p.exp(largest)
    return image, p.reshape(p.select(here, p.broadcast(given, tiles, [0, 2]), 0.0), [2, 6])


def _masked(p, x):
    image, joined = _pooled(p, x)
    return p.select(p.gt(image, 0.3), joined, 0.0)


def _unpacked(p, n):
    """Bytes as their low and high bits, row by row."""
    low = p.cast(n, dtypes.int8)
    high = p.shift_right(low, p.full(low.shape, 4, low.dtype))
    return p.reshape(p.concat([p.reshape(part, [3, 1, 4]) for part in (low, high)], 1), [6, 4])


def _complex_rows(p, x, y):
    """complex64[48, 4] of two float32[3, 4]."""
    return p.reshape(p.complex(*[p.broadcast(a, [16, 3, 4], [1, 2]) for a in (x, y)]), [48, 4])


# rule -> an expression of x, y: float32[3, 4], n: int32[3, 4], b: bool[3, 4], v: float32[4], s: float32[]
EXAMPLES = {
    "x + 0 -> x": lambda p, x, **_: x + 0.0,
    "x - 0 -> x": lambda p, x, **_: x - 0.0,
    "x * 1 -> x": lambda p, x, **_: 1.0 * x,
    "x / 1 -> x": lambda p, x, **_: x / 1.0,
    "x + (-y) -> x - y": lambda p, x, y, **_: x + (-y),
    "x - (-y) -> x + y": lambda p, x, y, **_: x - (-y),
    "(-x) * (-y) -> x * y": lambda p, x, y, **_: (-x) * (-y),
    "x * -1 -> -x": lambda p, x, **_: x * -1.0,
    "-(-x) -> x": lambda p, x, **_: p.neg(p.neg(p.exp(x))),
    "-(x - y) -> y - x": lambda p, n, **_: -(n - p.square(n)),
    "x * 0 -> 0 (integers)": lambda p, n, **_: n * 0,
    "x * y * z -> x * (y*z), y and z numbers": lambda p, x, **_: (x * 3.0) * 1.5,
    "x ** 2 -> square(x), x ** 3 -> x*x*x, x ** 1 -> x, x ** -1 -> 1/x": lambda p, x, y, **_: (
        (x**2.0) + (x**-1.0) + (y**3.0)
    ),
    "x * x -> square(x)": lambda p, x, **_: x * x,
    "1 / sqrt(x) -> rsqrt(x)": lambda p, x, **_: 1.0 / p.sqrt(p.exp(x)),
    "reciprocal(sqrt(x)) -> rsqrt(x)": lambda p, x, **_: p.reciprocal(p.sqrt(p.exp(x))),
    "max(x, x) -> x": lambda p, x, **_: p.maximum(x, x),
    "min(x, x) -> x": lambda p, x, **_: p.minimum(x, x),
    "select(known, y, z) -> y or z": lambda p, x, y, **_: p.select(p.full(x.shape, True, B), x, y),
    "select(x, y, y) -> y": lambda p, x, b, **_: p.select(b, x, x),
    "select(not x, y, z) -> select(x, z, y)": lambda p, x, y, b, **_: p.select(p.not_(b), x, y),
    "not not x -> x": lambda p, b, **_: p.not_(p.not_(b)),
    "x and True -> x": lambda p, b, **_: p.and_(b, True),
    "x or False -> x": lambda p, b, **_: p.or_(b, False),
    "x and x -> x": lambda p, b, **_: p.and_(b, b),
    "x or x -> x": lambda p, b, **_: p.or_(b, b),
    "cast(x) to its own dtype -> x": lambda p, x, **_: p.make("cast", (x,), dtype=F),
    "cast(cast(x)) -> cast(x), the middle wide enough": lambda p, x, **_: p.cast(
        p.cast(x, dtypes.float64), I
    ),
    "cast(cast(x)) -> cast(low bits of x), the middle of few bits": lambda p, n, **_: p.cast(
        p.cast(n, dtypes.int4), F
    ),
    "cast(movement of few bits) -> cast(movement of bytes)": lambda p, **_: p.cast(
        p.constant(np.arange(4096).astype(np.int32).astype(ml_dtypes.uint4), dtypes.uint4), I
    ),
    "reshape(x) to its own shape -> x": lambda p, x, **_: p.reshape(x, [3, 4]),
    "reshape(reshape(x)) -> reshape(x)": lambda p, x, **_: p.reshape(p.reshape(x, [2, 6]), [6, 2]),
    "reshape(broadcast(x)) -> broadcast(x), axes of extent 1": lambda p, v, **_: p.reshape(
        p.broadcast_to(v, [3, 4]), [3, 1, 4]
    ),
    "broadcast(x) to its own shape -> x": lambda p, x, **_: p.broadcast_to(x, [3, 4]),
    "broadcast(broadcast(x)) -> broadcast(x)": lambda p, v, **_: p.broadcast_to(
        p.broadcast_to(v, [3, 4]), [2, 3, 4]
    ),
    "broadcast(reshape(x)) -> broadcast(x), axes of extent 1": lambda p, v, **_: p.broadcast_to(
        p.reshape(v, [4, 1]), [4, 3]
    ),
    "broadcast(x of extents 1) -> broadcast(reshape(x))": lambda p, x, **_: p.broadcast_to(
        p.slice(x, [0, 0], [3, 1]), [3, 4]
    ),
    "transpose(x) in order -> x": lambda p, x, **_: p.transpose(x, [0, 1]),
    "transpose(transpose(x)) -> transpose(x)": lambda p, x, **_: p.transpose(
        p.transpose(p.reshape(x, [3, 2, 2]), [1, 2, 0]), [1, 0, 2]
    ),
    "transpose(broadcast(x)) -> broadcast(transpose(x))": lambda p, x, **_: p.transpose(
        p.broadcast_to(x, [2, 3, 4]), [2, 0, 1]
    ),
    "slice(x) of all -> x": lambda p, x, **_: p.slice(x, [0, 0], [3, 4]),
    "slice(slice(x)) -> slice(x)": lambda p, x, **_: p.slice(
        p.slice(x, [1, 0], [3, 4], [1, 2]), [0, 1], [2, 2]
    ),
    "slice(broadcast(x)) -> broadcast(x)": lambda p, v, **_: p.slice(
        p.broadcast_to(v, [3, 4]), [1, 0], [2, 4]
    ),
    "dynamic_slice(repeat(x)) -> repeat(x)": lambda p, v, n, **_: p.dynamic_slice(
        p.broadcast_to(v, [3, 4]), [p.reduce_max(n), 0], [2, 4]
    ),
    "dynamic_slice(x) of all -> x": lambda p, x, n, **_: p.dynamic_slice(
        x, [p.reduce_max(n), 0], [3, 4]
    ),
    "dynamic_update_slice(x, y) over all -> y": lambda p, x, y, n, **_: p.dynamic_update_slice(
        x, y, [p.reduce_max(n), 0]
    ),
    "x + update(0, y, i) -> update(x, slice(x, i) + y, i)": lambda p, x, v, n, **_: p.add(
        x,
        p.dynamic_update_slice(
            p.full([3, 4], 0, F), p.reshape(v, [1, 4]), [p.reduce_max(p.mod(n, 3)), 0]
        ),
    ),
    "slice(concat(..., x, ...)) -> slice(x)": lambda p, x, y, **_: p.slice(
        p.concat([x, y], 0), [4, 1], [6, 3]
    ),
    "pad(x) by nothing -> x": lambda p, x, **_: p.pad(x, [0, 0], [0, 0]),
    "reverse(x) of extents 1 -> x": lambda p, x, **_: p.reverse(p.reshape(x, [3, 1, 4]), [1]),
    "reverse(reverse(x)) -> reverse(x)": lambda p, x, **_: p.reverse(p.reverse(x, [0, 1]), [1]),
    "concat(x) -> x, concat(concat(x, y), z) -> concat(x, y, z)": lambda p, x, y, **_: p.concat(
        [p.concat([x, y], 1), p.concat([x], 1)], 1
    ),
    "reduce(x) over extents 1 -> reshape(x)": lambda p, x, **_: p.reduce_max(
        p.reshape(x, [3, 1, 4]), 1
    ),
    "sum(-x) -> -sum(x)": lambda p, x, **_: p.reduce_sum(-x, 1),
    "sum(x * c) -> sum(x) * c, integers": lambda p, n, **_: p.reduce_sum(
        n * p.broadcast_to(p.slice(n, [0, 0], [1, 4]), [3, 4]), 0
    ),
    "reduce(repeat(x)) -> x, of sums times the count": lambda p, v, **_: p.reduce_sum(
        p.broadcast_to(v, [3, 4]), [0, 1]
    ),
    "reduce(reduce(x)) -> reduce(x)": lambda p, x, **_: p.reduce_sum(
        p.reduce_sum(p.reshape(x, [3, 2, 2]), 1), 0
    ),
    "reduce(reshape(x)) -> reduce(x), axes of extent 1": lambda p, x, **_: p.reduce_sum(
        p.reshape(x, [3, 1, 4]), [2]
    ),
    "contract(transpose(x), y) -> contract(x, y), other letters": lambda p, x, y, **_: p.contract(
        "mk,kn->mn", p.transpose(x, [1, 0]), y
    ),
    "contract(broadcast(x), y) -> broadcast(contract(x, y)) along letters of one operand alone": lambda p, x, y, **_: (
        p.contract("km,kn->mn", p.broadcast(p.reduce_sum(x, [1]), x.shape, [0]), y)
    ),
    "sum(contract(x, y)) over letters of both -> contract(x, y)": lambda p, x, y, **_: p.reduce_sum(
        p.contract("bm,bn->bmn", x, y), [0]
    ),
    "contract(x, y) -> sum(x * y) without a letter of one operand alone": lambda p, x, y, **_: (
        p.contract("am,ma->m", x, p.transpose(y, [1, 0]))
    ),
    "select(x > c, reshape(one_hot(i, g)), 0) -> reshape(one_hot(i, select(x[i] > c, g, 0)))": (
        lambda p, x, **_: _masked(p, x)
    ),
    "sum(one_hot(i, g)) -> sum(g)": lambda p, x, **_: p.reduce_sum(
        p.pad(_pooled(p, x)[1], [0, 0], [0, 1]), [0, 1]
    ),
    "f(repeat(a)) -> repeat(f(a)), f(reshape(a)) -> reshape(f(a)), f unary": lambda p, s, **_: (
        p.exp(p.broadcast_to(s, [3, 4]))
    ),
    "f(repeat(a)) -> repeat(f(a)), f(reshape(a)) -> reshape(f(a)), f binary": lambda p, x, **_: (
        p.add(p.reshape(x, [3, 1, 4]), 2.0)
    ),
    "f(repeat(a)) -> repeat(f(a)), f(reshape(a)) -> reshape(f(a)), f compare": lambda p, s, **_: (
        p.lt(p.broadcast_to(s, [3, 4]), 2.0)
    ),
    "f(repeat(a)) -> repeat(f(a)), f(reshape(a)) -> reshape(f(a)), f select": lambda p, s, b, **_: (
        p.select(p.reshape(b, [3, 1, 4]), 1.0, p.broadcast_to(s, [3, 1, 4]))
    ),
    "f(repeat(a)) -> repeat(f(a)), f(reshape(a)) -> reshape(f(a)), f cast": lambda p, s, **_: (
        p.cast(p.broadcast_to(s, [3, 4]), I)
    ),
    "f(transpose(x), transpose(y)) -> transpose(f(x, y)), f unary": lambda p, x, **_: p.exp(
        p.transpose(x, [1, 0])
    ),
    "f(transpose(x), transpose(y)) -> transpose(f(x, y)), f binary": lambda p, x, v, **_: p.add(
        p.add(
            p.transpose(p.reshape(x, [3, 2, 2]), [2, 0, 1]),
            p.broadcast(p.slice(v, [1], [4]), [2, 3, 2], [1]),
        ),
        p.iota([2, 3, 2], 0, x.dtype),
    ),
    "f(transpose(x), transpose(y)) -> transpose(f(x, y)), f compare": lambda p, x, y, **_: p.lt(
        p.transpose(x, [1, 0]), p.transpose(y, [1, 0])
    ),
    "f(transpose(x), transpose(y)) -> transpose(f(x, y)), f select": lambda p, x, b, **_: p.select(
        p.transpose(b, [1, 0]), p.transpose(x, [1, 0]), 2.0
    ),
    "f(transpose(x), transpose(y)) -> transpose(f(x, y)), f cast": lambda p, n, **_: p.cast(
        p.transpose(n, [1, 0]), F
    ),
    "reduce(transpose(x)) -> transpose(reduce(x))": lambda p, x, **_: p.reduce_max(
        p.transpose(p.reshape(x, [3, 2, 2]), [1, 2, 0]), 0
    ),
    "arg_reduce(transpose(x)) -> transpose(arg_reduce(x))": lambda p, x, **_: p.arg_max(
        p.transpose(p.reshape(x, [3, 2, 2]), [2, 1, 0]), 0
    ),
    "reshape(transpose(x)) -> transpose(reshape(x)), axes of extent 1": lambda p, x, **_: p.reshape(
        p.transpose(p.reshape(x, [3, 1, 2, 2]), [3, 1, 0, 2]), [1, 2, 3, 1, 2, 1]
    ),
    "pad(transpose(x)) -> transpose(pad(x))": lambda p, x, **_: p.pad(
        p.transpose(p.reshape(x, [3, 2, 2]), [1, 2, 0]), [1, 0, 2], [0, 1, 1], 3.0, [0, 1, 2]
    ),
    "contract(x, columns that take turns in bytes) -> contracts whose columns take turns": lambda p, x, n, **_: (
        p.contract("mk,nk->mn", x, p.cast(_unpacked(p, n), x.dtype))
    ),
    "slice(transpose(x)) -> transpose(slice(x))": lambda p, x, **_: p.slice(
        p.transpose(x, [1, 0]), [1, 0], [4, 2], [2, 1]
    ),
    "reverse(transpose(x)) -> transpose(reverse(x))": lambda p, x, **_: p.reverse(
        p.transpose(p.reshape(x, [3, 2, 2]), [1, 2, 0]), [0, 2]
    ),
    "concat(transpose(x), transpose(y)) -> transpose(concat(x, y))": lambda p, x, y, **_: p.concat(
        [p.transpose(x, [1, 0]), p.transpose(y, [1, 0])], 1
    ),
    "contract(x, y) of complex numbers -> sums of contracts of their parts": lambda p, x, y, **_: (
        p.contract("mk,kn->mn", _complex_rows(p, x, y), p.transpose(_complex_rows(p, y, x), [1, 0]))
    ),
}

_RANDOM = np.random.default_rng(0)
VALUES = {
    "x": _RANDOM.standard_normal((3, 4)).astype("f"),
    "y": _RANDOM.standard_normal((3, 4)).astype("f"),
    "n": _RANDOM.integers(-9, 9, (3, 4), np.int32),
    "b": _RANDOM.integers(0, 2, (3, 4)).astype(bool),
    "v": _RANDOM.standard_normal(4).astype("f"),
    "s": np.float32(0.7),
}


def build(example, rules, values=VALUES):
    p = Builder(rules=rules)
    parameters = {
        name: p.parameter(i, value.shape, dtypes.as_dtype(value.dtype))
        for i, (name, value) in enumerate(values.items())
    }
    result = example(p, **parameters)
    function = Function("example", tuple(parameters.values()), (result,))
    verify(function)
    return p, function


@pytest.mark.parametrize("name", [r.name for r in RULES])
def test_both_sides_are_equal(name):
    plain = build(EXAMPLES[name], False)[1]
    p, simplified = build(EXAMPLES[name], True)
    assert name in p.hits
    values = list(VALUES.values())
    (expected,), (made,) = interpreter.run(plain, values)[0], interpreter.run(simplified, values)[0]
    assert made.shape == expected.shape and made.dtype == expected.dtype
    np.testing.assert_allclose(made, expected, rtol=1e-5, atol=1e-6)  # sums in another order


# Sums in another order; what they do beyond the largest numbers is in docs/accuracy.md.
SUMS = [r.name for r in RULES if "sum" in r.name or r.name == "reduce(reduce(x)) -> reduce(x)"]


def extremes(dtype, seed):
    """Values for the examples' parameters, nearly a third of them at the ends of what a type holds."""
    limits, random = ml_dtypes.finfo(dtype.np), np.random.default_rng(seed)
    largest, least = float(limits.max), float(limits.smallest_subnormal)
    ends = [np.nan, np.inf, -np.inf, 0.0, -0.0, largest, -largest, float(limits.tiny), least]
    ends += [largest**0.5, largest**-0.5, 1.0, -1.0, 257.0]

    def numbers(*shape):
        drawn = random.choice(ends, shape) if seed % 2 else random.standard_normal(shape)
        return np.where(random.random(shape) < 0.3, random.choice(ends, shape), drawn).astype(
            dtype.np
        )

    whole = random.choice([-9, 0, 5, 2**31 - 1, -(2**31)], (3, 4)).astype(np.int32)
    chosen = random.integers(0, 2, (3, 4)).astype(bool)
    return {
        "x": numbers(3, 4),
        "y": numbers(3, 4),
        "n": whole,
        "b": chosen,
        "v": numbers(4),
        "s": numbers(),
    }


@pytest.mark.parametrize(
    "dtype", [dtypes.float32, dtypes.float16, dtypes.bfloat16], ids=lambda d: d.name
)
@pytest.mark.parametrize("name", [r.name for r in RULES if r.name not in SUMS])
def test_both_sides_are_equal_at_the_ends_of_a_type(name, dtype, monkeypatch):
    monkeypatch.setitem(globals(), "F", dtype)
    drawn = [extremes(dtype, seed) for seed in range(40)]
    plain = build(EXAMPLES[name], False, drawn[0])[1]
    simplified = build(EXAMPLES[name], True, drawn[0])[1]
    for values in drawn:
        given = list(values.values())
        with np.errstate(all="ignore"):
            (expected,), (made,) = (interpreter.run(f, given)[0] for f in (plain, simplified))
        expected, made = (a.astype(np.float64) for a in (expected, made))
        close = 4 * float(ml_dtypes.finfo(dtype.np).eps)
        np.testing.assert_allclose(made, expected, rtol=close, atol=0)


def test_names_are_unique():
    names = [r.name for r in RULES]
    assert len(names) == len(set(names))


def test_rules_leave_what_they_must_not_change():
    p = Builder()
    x = p.parameter(0, (3, 4), F)
    assert (x * 0.0).kind == "binary"  # NaN * 0 is NaN
    assert (x * 1e30 * 1e-30).args[0].kind == "binary"  # 1e30 * 1e30 is infinite
    assert (x * 1e-30 * 1e-30).args[0].kind == "binary"  # the product of the numbers would be 0
    halves = p.cast(p.cast(x, dtypes.float16), F)
    assert halves.args[0].dtype == dtypes.float16  # rounding is kept
    assert p.reduce_sum(x * x, 0).kind == "reduce"
    assert p.reduce_sum(x * 1e-3, 0).kind == "reduce"  # scaled to be summed within range
    assert p.reduce_sum(x / p.reduce_max(x), 0).kind == "reduce"  # infinities of both signs are NaN
    half = p.parameter(2, (3, 4), dtypes.float16)
    many = p.reduce_sum(p.broadcast_to(half, [70_000, 3, 4]), 0)
    assert many.kind == "reduce"  # float16 holds no 70,000
    wide = p.parameter(1, (3, 4), dtypes.uint8)
    assert p.cast(p.cast(wide, dtypes.int8), I).args[0].dtype == dtypes.int8


@pytest.mark.parametrize("dtype", [dtypes.float16, dtypes.bfloat16], ids=lambda d: d.name)
def test_cubes_of_narrow_floats_are_rounded_once(dtype):
    p = Builder()
    x = p.parameter(0, (65536,), dtype)
    cube = Function("f", (x,), (x**3.0,))
    every = np.arange(65536, dtype=np.uint16).view(dtype.np)
    with np.errstate(all="ignore"):
        (made,) = interpreter.run(cube, [every])[0]
        exact = (every.astype(np.float64) ** 3).astype(dtype.np)
    assert cube.results[0].kind == "cast"
    np.testing.assert_array_equal(made.astype(np.float64), exact.astype(np.float64))
