"""Complex numbers as pairs, against the interpreter."""

import numpy as np
import pytest

from penstock._src.core import dtypes

BOTH = ["complex64", "complex128"]


@pytest.mark.parametrize("dtype", BOTH)
def test_arithmetic(native, values, dtype):
    x, y = values(dtype, (7, 19), 1), values(dtype, (7, 19), 2)
    native(lambda p, x, y: [p.add(x, y), p.sub(x, y), p.mul(x, y), p.div(x, y), p.neg(x), p.square(x), p.reciprocal(x),
                            p.eq(x, y), p.ne(x, x), p.select(p.eq(x, y), x, y)], x, y, tolerance=16)  # fmt: skip


@pytest.mark.parametrize("dtype", BOTH)
@pytest.mark.parametrize(
    "name",
    "exp expm1 log log1p sqrt rsqrt sin cos tan sinh cosh tanh sigmoid abs sign asin acos atan asinh acosh atanh".split(),
)
def test_functions(native, values, name, dtype):
    native(lambda p, x: getattr(p, name)(x), values(dtype, (77,), 3, -2.0, 2.0), tolerance=40)


@pytest.mark.parametrize("dtype", BOTH)
def test_parts_powers_and_casts(native, values, dtype):
    x, y = values(dtype, (40,), 1), values(dtype, (40,), 2, -1.0, 1.0)
    other = dtypes.complex128 if dtype == "complex64" else dtypes.complex64

    def make(p, x, y):
        u = lambda name: p.make("unary", [x], op=name)  # noqa: E731
        return [u("real"), u("imag"), u("conj"), p.pow(x, y), p.cast(x, other), p.cast(x, dtypes.float32),
                p.cast(u("real"), dtypes.complex64), p.make("binary", [u("real"), u("imag")], op="complex")]  # fmt: skip

    native(make, x, y, tolerance=60)


@pytest.mark.parametrize("dtype", BOTH)
def test_sums_products_and_movements(native, values, dtype):
    x = values(dtype, (9, 40), 1, -1.0, 1.0)
    native(lambda p, x: [p.reduce_sum(x, (1,)), p.reduce_sum(x, (0,)), p.reduce_sum(x), p.reduce_prod(x, (0,)),
                         p.transpose(x, (1, 0)), p.reverse(x, (1,)), p.cumulative(x, "sum", 1),
                         p.matmul(x, p.transpose(x, (1, 0)))], x, tolerance=60)  # fmt: skip


def test_large_magnitudes_do_not_overflow(native):
    x = np.array([3e30 + 4e30j, 0j, 1e-30 + 1e-30j], np.complex64)
    native(lambda p, x: p.abs(x), x)


@pytest.mark.parametrize("dtype", BOTH)
@pytest.mark.parametrize(
    "name",
    "exp log sqrt cos tan cosh tanh sigmoid abs sign asin acos atan asinh acosh atanh".split(),
)
def test_parts_that_are_not_finite(native, name, dtype):  # an infinite sine may have either sign
    parts = [0.0, -0.0, 1.0, -2.0, np.inf, -np.inf, np.nan, 1e30, -1e38]
    x = np.array([complex(re, im) for re in parts for im in parts], dtype)
    native(lambda p, x: getattr(p, name)(x), x, tolerance=40)


@pytest.mark.parametrize("dtype", BOTH)
def test_powers_of_zero(native, dtype):
    exponents = np.array([0, 1 + 1j, 2, -1, -1 + 1j, 2j], dtype)
    native(lambda p, x, y: p.pow(x, y), np.zeros(6, dtype), exponents)


@pytest.mark.parametrize("dtype", BOTH)
def test_quotients_of_very_large_and_small_numbers(native, dtype):
    most, least = float(np.finfo(dtype).max), float(np.finfo(dtype).tiny)
    x = np.array([most, most / 2 * (1 + 1j), most / 4 * (1 - 2j), least, least * (1 + 1j)], dtype)
    native(lambda p, x: p.div(x, x), x, tolerance=4)


@pytest.mark.parametrize("dtype", BOTH)
def test_log1p_keeps_the_bits_of_small_numbers(native, dtype):
    x = np.array([1e-12 + 1e-15j, -1e-20 - 3e-21j, 2e-9j, 0.4 - 0.3j, -0.499 + 0.4j, 0.0], dtype)
    _, (found,) = native(lambda p, x: p.log1p(x), x, tolerance=8)
    assert found[:2].tolist() == pytest.approx(x[:2].tolist(), rel=1e-6, abs=0)


@pytest.mark.parametrize("dtype", BOTH)
def test_quotients_by_zero_are_nan(native, dtype):
    x = np.array([1, 1j, 1 + 1j, 0, complex(np.inf, 1)], dtype)
    _, (found,) = native(lambda p, x, y: p.div(x, y), x, np.zeros(5, dtype))
    assert np.isnan(found.real).all() and np.isnan(found.imag).all()


@pytest.mark.parametrize("dtype", BOTH)
def test_tangents_near_their_poles(native, dtype):
    # cosh 2x + cos 2y has lost all its bits there: the results were infinite, or off by a hundredth
    pole = np.array([0.5, 1.5], dtype).real * np.pi
    z = np.array([complex(x, y) for x in (0.0, 1e-8, -1e-6, 0.3) for y in pole], dtype)
    native(lambda p, x, y: [p.tanh(x), p.tan(y)], z, (1j * z).astype(dtype), tolerance=8)
