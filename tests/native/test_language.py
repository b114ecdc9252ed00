"""The LLVM text language: each construct against plain Python."""

import ctypes

import ml_dtypes
import numpy as np
import pytest

from penstock._src.native import Code, Module, Target, assembly, host, kernels
from penstock._src.native.language.types import (
    BF16,
    F16,
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    PTR,
    constant,
    lanes,
    like,
    mangle,
    scalar,
    vec,
)
from penstock._src.native.llvm import initialize as initialize_llvm
from tests.harness.targets import LESSER

NEON = Target("aarch64-unknown-linux-gnu", "cortex-a72", "+neon", 16, 32)


def build(module, name, *arguments, result=None):
    return kernels()[Code.of(module)].function(name, *arguments, result=result)


def pointer(array):
    return ctypes.c_void_p(array.ctypes.data)


def test_types_are_read_back_from_their_text():
    assert scalar(vec(F32, 16)) == F32 and lanes(vec(I64, 8)) == 8 and lanes(F64) == 1
    assert like(vec(F32, 4), I8) == vec(I8, 4) and like(F32, I8) == I8
    assert mangle(vec(BF16, 8)) == "v8bf16" and mangle(PTR) == "p0"


@pytest.mark.parametrize(
    ("value", "ty", "text"),
    [
        (1.0, F32, "0x3FF0000000000000"),
        (1e300, F32, "0x7FF0000000000000"),
        (1.0, F16, "0xH3C00"),
        (1.0, BF16, "0xR3F80"),
        (True, "i1", "1"),
        (0, PTR, "null"),
        (3, vec(I32, 4), "splat (i32 3)"),
    ],
)
def test_constants(value, ty, text):
    assert constant(value, ty) == text


def test_loop_carries_and_static_loops_unroll_to_nothing():
    m = Module()
    with m.fn("sum_below", ret=I64, n=I64) as f:
        (total,) = f.loop(0, f.n, 1, lambda i, t: (t + i,), f.i64(0))
        (total,) = f.loop(0, 1, 1, lambda i, t: (t + i + 1,), total)
        f.give(total)
    fn = build(m, "sum_below", ctypes.c_int64, result=ctypes.c_int64)
    assert [fn(n) for n in (0, 1, 5, -3)] == [1, 1, 11, 1]


def test_the_rest_of_a_loop_runs_once_or_not_at_all():
    m = Module()
    with m.fn("rest", ret=I64, n=I64) as f:
        (total,) = f.once(3, f.n, lambda i, t: (t + i,), f.i64(10))
        (total,) = f.once(1, 9, lambda i, t: (t + i * 100,), total)
        (total,) = f.once(1, 1, lambda i, t: (t + i * 1000,), total)
        f.give(total)
    assert "phi" in str(m) and "loop" not in str(m)
    fn = build(m, "rest", ctypes.c_int64, result=ctypes.c_int64)
    assert [fn(n) for n in (2, 3, 4, 50)] == [110, 110, 113, 113]


def test_when_merges_values():
    m = Module()
    with m.fn("pick", ret=I64, n=I64) as f:
        a, b = f.when(f.n > 3, lambda: (f.n * 2, f.i64(1)), lambda: (f.n - 1, f.i64(0)))
        f.give(a * 10 + b)
    fn = build(m, "pick", ctypes.c_int64, result=ctypes.c_int64)
    assert [fn(n) for n in (3, 4)] == [20, 81]


def test_while_loop():
    m = Module()
    with m.fn("collatz", ret=I64, n=I64) as f:

        def step(n, count):
            return f.select((n & 1).eq(0), n // 2, n * 3 + 1), count + 1

        f.give(f.loop_while(lambda n, _: n.ne(1), step, f.n, f.i64(0))[1])
    assert build(m, "collatz", ctypes.c_int64, result=ctypes.c_int64)(27) == 111


@pytest.mark.parametrize("target", [pytest.param(host(), id="host"), *LESSER])
def test_masked_vectors_touch_only_their_lanes(target):
    m = Module(target)
    vector = target.vector(F32)
    n = lanes(vector)
    with m.fn("triple", p=PTR, count=I64) as f:
        mask = f.mask(n, f.count)
        f.store(f.load(f.p, 0, vector, mask) * 3.0, f.p, 0, mask)
    x = np.arange(n, dtype=np.float32)
    for count in (0, 1, n - 1, n, n + 5, -2):
        y = x.copy()
        build(m, "triple", ctypes.c_void_p, ctypes.c_int64)(pointer(y), count)
        kept = max(0, min(n, count))
        assert np.array_equal(y[:kept], 3 * x[:kept]) and np.array_equal(y[kept:], x[kept:])


@pytest.mark.parametrize(
    ("element", "dtype"), [(F16, np.float16), (F64, np.float64), (I8, np.int8), (I16, np.int16)]
)
def test_conversions(element, dtype):
    m = Module()
    with m.fn("convert", src=PTR, dst=PTR) as f:
        f.store(f.convert(f.load(f.src, 0, vec(F32, 8)), element), f.dst)
    x = np.arange(-4, 4).astype(np.float32)
    y = np.zeros(8, dtype)
    build(m, "convert", ctypes.c_void_p, ctypes.c_void_p)(pointer(x), pointer(y))
    assert np.array_equal(y, x.astype(dtype))


def test_gather_scatter_reduce_shuffle():
    m = Module()
    with m.fn("turn", ret=F32, src=PTR, dst=PTR) as f:
        v = f.gather(f.src, f.lane_numbers(8, I64) * f.splat(f.i64(2), 8), vec(F32, 8))
        f.scatter(f.shuffle(v, None, list(range(7, -1, -1))), f.dst, f.lane_numbers(8, I64))
        f.give(f.reduce("fadd", v))
    x = np.arange(16, dtype=np.float32)
    y = np.zeros(8, np.float32)
    assert (
        build(m, "turn", ctypes.c_void_p, ctypes.c_void_p, result=ctypes.c_float)(
            pointer(x), pointer(y)
        )
        == 56
    )
    assert np.array_equal(y, x[::2][::-1])


def test_other_processors_compile():
    initialize_llvm()
    m = Module(NEON)
    with m.fn("scale", p=PTR, n=I64) as f:
        vector = f.target.vector(F32)
        f.loop(0, f.n, lanes(vector), lambda i: f.store(f.load(f.p, i, vector) * 3.0, f.p, i))
    assert "fmul" in assembly(Code.of(m))


def test_misuse_is_named():
    m = Module()
    with m.fn("f", x=I64, y=F32) as f, pytest.raises(TypeError, match="one type"):
        f.x + f.y
    with pytest.raises(ValueError, match="twice"):
        m.fn("f")
    with pytest.raises(ValueError, match="method"):
        m.fn("g", load=I64)


@pytest.mark.parametrize("target", [pytest.param(host(), id="host"), *LESSER])
@pytest.mark.parametrize(
    ("source", "given", "element", "dtype"),
    [
        (F32, np.float32, BF16, ml_dtypes.bfloat16),
        (F64, np.float64, BF16, ml_dtypes.bfloat16),
        (F64, np.float64, F16, np.float16),
    ],
)
def test_narrow_floats_round_to_nearest_even(target, source, given, element, dtype):
    if element == F16 and host().converts_halves and not target.converts_halves:
        pytest.skip("this processor's pool has no conversions: process/test_float16_calls.py")
    rng = np.random.default_rng(0)
    x = (rng.standard_normal(32) * 10.0 ** rng.integers(-9, 9, 32)).astype(np.float32)
    x[:8] = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.00390625, 1.01171875, 3.4e38]
    m = Module(target)
    with m.fn("convert", src=PTR, dst=PTR) as f:

        def some(i):
            f.store(f.convert(f.load(f.src, i, vec(source, 8)), element), f.dst, i)

        f.loop(0, 32, 8, some)
    y, wide = np.zeros(32, dtype), x.astype(given)
    build(m, "convert", ctypes.c_void_p, ctypes.c_void_p)(pointer(wide), pointer(y))
    with np.errstate(over="ignore"):
        want = x.astype(dtype)
    np.testing.assert_array_equal(y.astype(np.float32), want.astype(np.float32))


@pytest.mark.parametrize("target", [pytest.param(host(), id="host"), *LESSER])
def test_bfloats_are_gathered_and_scattered(target):
    m = Module(target)
    with m.fn("turn", src=PTR, dst=PTR) as f:
        places = f.lane_numbers(8, I64)
        v = f.gather(f.src, places * f.splat(f.i64(2), 8), vec(BF16, 8))
        f.scatter(f.shuffle(v, None, list(range(7, -1, -1))), f.dst, places, f.mask(8, 5))
    x = np.arange(16).astype(ml_dtypes.bfloat16)
    y = np.zeros(8, ml_dtypes.bfloat16)
    build(m, "turn", ctypes.c_void_p, ctypes.c_void_p)(pointer(x), pointer(y))
    assert y.astype(int).tolist() == [14, 12, 10, 8, 6, 0, 0, 0]
