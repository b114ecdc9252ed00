"""Elementwise operations of every dtype, against the interpreter."""

import numpy as np
import pytest

from penstock._src.compiler.codegen.scalars import operations
from penstock._src.core import dtypes
from penstock._src.core.errors import InternalError
from penstock._src.ir.errors import NotLowerable
from penstock._src.native.language.types import F64

FLOATS = ["float32", "float64", "float16", "bfloat16"]
INTS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
SHAPES = [(), (1,), (5,), (64,), (3, 17), (2, 0, 3), (4, 1, 33), (1, 9000)]


@pytest.mark.parametrize("dtype", FLOATS + INTS)
def test_arithmetic(native, values, dtype):
    x, y = values(dtype, (7, 19), 1), values(dtype, (7, 19), 2)
    native(
        lambda p, x, y: [p.add(x, y), p.sub(x, y), p.mul(x, y), p.maximum(x, y), p.minimum(x, y)],
        x,
        y,
    )


@pytest.mark.parametrize("dtype", INTS)
def test_integer_division_by_zero_is_zero(native, values, dtype):
    x, y = values(dtype, (200,), 1), values(dtype, (200,), 2)
    y[::7] = 0
    native(
        lambda p, x, y: [p.floordiv(x, y), p.mod(x, y), p.truncdiv(x, y), p.truncmod(x, y)], x, y
    )


@pytest.mark.parametrize("dtype", FLOATS)
def test_float_division(native, values, dtype):
    x, y = values(dtype, (201,), 1), values(dtype, (201,), 2)
    native(
        lambda p, x, y: [p.div(x, y), p.truncdiv(x, y), p.truncmod(x, y), p.mod(x, y)],
        x,
        y,
        tolerance=2,
    )


@pytest.mark.parametrize("dtype", INTS)
def test_bitwise_operations_and_shifts_equal_the_interpreter(native, values, dtype):
    x, y = values(dtype, (70,), 1), np.abs(values(dtype, (70,), 2)) % np.array(11, dtype)
    native(
        lambda p, x, y: [p.and_(x, y), p.or_(x, y), p.xor(x, y), p.not_(x), p.popcount(x), p.shift_left(x, y),
                         p.shift_right(x, y), p.shift_right_logical(x, y)],
        x, y,
    )  # fmt: skip


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8"])
def test_integer_power(native, values, dtype):
    x, y = (
        values(dtype, (50,), 1) % np.array(7, dtype),
        np.abs(values(dtype, (50,), 2)) % np.array(5, dtype),
    )
    native(lambda p, x, y: p.pow(x, y), x, y)


@pytest.mark.parametrize("dtype", [*FLOATS, *INTS, "bool"])
def test_comparisons(native, values, dtype):
    x, y = values(dtype, (70,), 1), values(dtype, (70,), 2)
    native(
        lambda p, x, y: [p.eq(x, y), p.ne(x, y), p.lt(x, y), p.le(x, y), p.gt(x, y), p.ge(x, y)],
        x,
        y,
    )


def test_nan_in_comparisons_and_extremes(native):
    x = np.array([np.nan, 1, np.nan, -np.inf, np.inf, -0.0], np.float32)
    y = np.array([1, np.nan, np.nan, np.nan, 0, 0.0], np.float32)
    native(
        lambda p, x, y: [p.maximum(x, y), p.minimum(x, y), p.lt(x, y), p.eq(x, y), p.ne(x, y), p.is_nan(x), p.is_inf(x),
                         p.is_finite(x), p.sign(x)],
        x, y,
    )  # fmt: skip


@pytest.mark.parametrize("source", [*FLOATS, *INTS, "bool"])
@pytest.mark.parametrize("target", [*FLOATS, *INTS, "bool"])
def test_casts_between_all_dtypes_equal_the_interpreter(native, values, source, target):
    from penstock._src.core import dtypes

    x = values(source, (77,), 3)
    if target.startswith("u"):
        x = np.abs(x)
    native(lambda p, x: p.cast(x, dtypes.as_dtype(target)), x)


@pytest.mark.parametrize("source", FLOATS)
def test_casts_of_large_numbers_to_uint64(native, source):
    numbers = [2.0**63, 2.0**63 * 1.5, 2.0**64, 1e30, -1.5, -1e30, np.inf, -np.inf, np.nan]
    with np.errstate(over="ignore"):
        x = np.array(numbers).astype(dtypes.as_dtype(source).np)
    native(lambda p, x: p.cast(x, dtypes.uint64), x)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_elementwise_kernels_of_any_shape(native, values, shape):
    native(lambda p, x: p.exp(x) * 2.0 + 1.0, values("float32", shape))


@pytest.mark.parametrize(
    "right", [(), (1,), (33,), (5, 1), (1, 33), (5, 33), (2, 1, 1), (2, 5, 1), (2, 1, 33)], ids=str
)
def test_broadcasting(native, values, right):
    native(
        lambda p, x, y: p.add(x, y) * p.sqrt(p.abs(y)),
        values("float32", (2, 5, 33)),
        values("float32", right),
    )


UNARY = "neg abs sign exp expm1 sqrt rsqrt cbrt sin cos tan asin acos atan sinh cosh tanh asinh atanh sigmoid erf erfc".split()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    "name", [*UNARY, "log", "log1p", "floor", "ceil", "round", "square", "reciprocal", "lgamma"]
)
def test_functions(native, values, name, dtype):
    positive = name in ("sqrt", "rsqrt", "log", "log1p", "lgamma")
    low, high = (
        (0.01, 4.0)
        if positive
        else (-0.999, 0.999)
        if name in ("asin", "acos", "atanh")
        else (-4.0, 4.0)
    )
    x = values(dtype, (133,), 5, low, high)
    native(lambda p, x: getattr(p, name)(x), x, tolerance=6)


def test_select_and_bitcast(native, values):
    from penstock._src.core import dtypes

    x, y = values("float32", (3, 21)), values("float32", (3, 21), 1)
    native(lambda p, x, y: p.select(p.lt(x, y), x, y), x, y)
    native(lambda p, x: p.bitcast(x, dtypes.int32), x)
    native(lambda p, x: p.bitcast(x, dtypes.uint8), x)
    native(lambda p, x: p.bitcast(x, dtypes.float64), values("float32", (3, 2)))


def test_one_value_used_by_many_results(native, values):
    def make(p, x):
        y = p.tanh(x)
        return [y, y + 1.0, p.reduce_sum(y), x]

    native(make, values("float32", (40, 7)))


@pytest.mark.parametrize("shape", [(3,), (31, 17), (1,)])
def test_variables_are_updated(native, values, shape):
    def step(p, w, g):
        v = p.read_variable(w)
        p.assign_variable(w, v - g * 0.1)
        return v * 2.0

    native(step, values("float32", shape), values("float32", shape, 1), variables=(0,))


def test_variables_may_swap(native, values):
    def step(p, a, b):
        x, y = p.read_variable(a), p.read_variable(b)
        p.assign_variable(a, y)
        p.assign_variable(b, x + 1.0)

    native(step, values("float32", (30,)), values("float32", (30,), 1), variables=(0, 1))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_scalars_computed_in_float64_are_rounded_to_sixteen_bits(native, values, dtype):
    native(
        lambda p, x: [p.acosh(x), p.sinh(p.acosh(x)), p.cast(x, dtypes.float64)], np.array(2, dtype)
    )


def test_the_bits_of_a_scalar(native, values):
    native(
        lambda p, x: [p.bitcast(x, dtypes.int32), p.shift_right_logical(x, x)],
        np.array(52, np.uint64),
    )


def test_a_value_wider_than_its_place_is_not_stored(native, monkeypatch):
    monkeypatch.setitem(
        operations.OPERATIONS, "add", lambda f, name, kind, dtype, a, b: f.convert(a, F64)
    )
    x = np.arange(9, dtype=np.int8)
    with pytest.raises(InternalError, match="double> is stored as int8"):
        native(lambda p, x: [p.add(x, p.constant(77, dtypes.int8))], x)


def test_whole_numbers_have_no_quotient_that_is_a_float(native):
    with pytest.raises(NotLowerable, match="no division of this kind"):
        native(lambda p, x: [p.div(x, x)], np.arange(9, dtype=np.int8))


@pytest.mark.parametrize("dtype", FLOATS)
def test_the_sign_of_zero_is_zero(native, dtype):
    x = np.array([0.0, -0.0, 2.0, -2.0, np.inf, -np.inf], dtype)
    native(lambda p, x: p.div(p.full((6,), 1, x.dtype), p.sign(x)), x)
