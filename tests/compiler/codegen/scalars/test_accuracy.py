"""Errors of the transcendental functions in units in the last place, and what they give at the edges."""

import decimal
import math

import ml_dtypes
import numpy as np
import pytest

SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0]


def ulps(got, want, dtype):
    """Distance in units in the last place of `dtype` from `want` (wider)."""
    spacing = np.spacing(np.abs(want.astype(dtype))).astype(want.dtype)
    return np.abs(got.astype(want.dtype) - want) / spacing


# name: (lowest, highest, bound in ulps for float32, for float64)
CASES = {
    "exp": (-87, 88, 1.1, 1.2), "expm1": (-20, 80, 1.5, 2.5), "log": (1e-30, 1e30, 1.0, 1.2), "log1p": (-0.9, 30, 1.5, 2.5),
    "tanh": (-9, 9, 2.2, 3.5), "sigmoid": (-30, 30, 2.6, 3.5), "sin": (-100, 100, 2.0, 1.2), "cos": (-100, 100, 2.0, 1.2),
    "erf": (-4, 4, 1.2, 3.0), "erfc": (-4, 9, 4.0, 2.5), "sinh": (-20, 20, 0.6, 3.5), "cosh": (-20, 20, 0.6, 3.5),
    "asinh": (-50, 50, 0.6, 4.0), "acosh": (1.0, 50, 0.6, 4.0), "atanh": (-0.99, 0.99, 3.0, 4.0), "asin": (-1, 1, 0.6, 4.0),
    "acos": (-1, 1, 0.6, 4.0), "atan": (-50, 50, 1.3, 2.5), "cbrt": (-1000, 1000, 0.6, 2.5), "rsqrt": (1e-3, 1e6, 1.6, 1.6),
    "sqrt": (0, 1e6, 0.6, 0.6), "tan": (-20, 20, 0.7, 1.2),
}  # fmt: skip
EXACT = {
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "rsqrt": lambda x: 1 / np.sqrt(x), "asin": np.arcsin, "acos": np.arccos,
    "atan": np.arctan, "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh,
    "erf": lambda x: np.array([math.erf(v) for v in x], np.longdouble),
    "erfc": lambda x: np.array([math.erfc(v) for v in x], np.longdouble),
}  # fmt: skip


def exact(name, x):
    """The function in extended precision."""
    return (EXACT.get(name) or getattr(np, name))(x.astype(np.longdouble))


@pytest.mark.parametrize("count", [1, 2, 3, 7, 18, 33, 50])
@pytest.mark.parametrize("name", ["exp", "erf", "erfc"])
def test_numbers_have_the_same_bits_in_arrays_of_any_length(native, name, count):
    x = np.linspace(-3, 9, 4096).astype(np.float32)

    def bits(x):
        return native(lambda p, x: getattr(p, name)(x), x, tolerance=100)[1][0].view(np.int32)

    np.testing.assert_array_equal(bits(x[500 : 500 + count]), bits(x)[500 : 500 + count])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CASES)
def test_errors_in_ulps(native, name, dtype):
    low, high, *bounds = CASES[name]
    r = np.random.default_rng(0)
    x = np.concatenate(
        [
            r.uniform(low, high, 300),
            r.uniform(max(low, -1), min(high, 1) if high > 1 else high, 300),
        ]
    )
    if low < 0 < high:
        x = np.concatenate([x, r.standard_normal(100) * 1e-4])
    x = x[(x >= low) & (x <= high)].astype(dtype)
    _, (got,) = native(lambda p, x: getattr(p, name)(x), x, tolerance=100)
    want = exact(name, x)
    normal = np.abs(want) > np.finfo(dtype).tiny
    assert ulps(got[normal], want[normal], dtype).max() <= bounds[dtype is np.float64]


@pytest.mark.parametrize("name", ["expm1", "log1p"])
def test_float32_expm1_and_log1p_are_near_the_exact_ones_at_all_magnitudes(native, name):
    low, high = np.array([1.2e-38, 88.0 if name == "expm1" else 3.4e38], np.float32).view(np.int32)
    sizes = np.random.default_rng(0).integers(low, high, 200_000, np.int32).view(np.float32)
    x = np.concatenate([sizes, -sizes if name == "expm1" else -sizes[sizes < 1]])
    _, (got,) = native(lambda p, x: getattr(p, name)(x), x, tolerance=3)
    assert ulps(got, exact(name, x), np.float32).max() <= CASES[name][2]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["expm1", "log1p"])
def test_expm1_and_log1p_keep_the_sign_of_zero_and_their_limits(native, name, dtype):
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, -1.0, -1.5, -1e9, 2.0**27, 3e38], dtype)
    _, (got,) = native(lambda p, x: getattr(p, name)(x), x, tolerance=3)
    with np.errstate(all="ignore"):
        want = getattr(np, name)(x)
    np.testing.assert_allclose(got, want, rtol=1e-6)
    np.testing.assert_array_equal(np.signbit(got[:2]), [False, True])


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float32, np.float64])
@pytest.mark.parametrize(
    "name", "sin tan asin atan sinh tanh asinh atanh erf expm1 log1p sqrt cbrt".split()
)
def test_odd_functions_keep_the_sign_of_zero(native, name, dtype):
    x = np.where(np.arange(19) % 3 == 0, -0.0, 0.0).astype(dtype)
    _, (got,) = native(lambda p, x: getattr(p, name)(x), x)
    np.testing.assert_array_equal(np.signbit(got), np.signbit(x))


@pytest.mark.parametrize(("name", "low"), [("sigmoid", -87.3), ("tanh", -90.0)])
def test_errors_of_sigmoid_and_tanh_where_their_powers_are_largest(native, name, low):
    x = np.linspace(low, 90, 20011).astype(np.float32)
    _, (got,) = native(lambda p, x: getattr(p, name)(x), x, tolerance=100)
    assert ulps(got, exact(name, x), np.float32).max() <= CASES[name][2]


@pytest.mark.parametrize(("name", "factor"), [("sigmoid", -1.0), ("tanh", 2.0)])
def test_sigmoid_and_tanh_are_exact_where_the_multiple_of_ln2_changes(native, name, factor):
    """The rest of the reduced argument is largest there, and either of two multiples may be taken."""
    halves = (np.arange(-24, 25) + 0.5) * math.log(2) / factor
    x = (halves[:, None] * (1 + np.linspace(-1e-6, 1e-6, 41))).ravel().astype(np.float32)
    _, (got,) = native(lambda p, x: getattr(p, name)(x), x, tolerance=100)
    assert ulps(got, exact(name, x), np.float32).max() <= CASES[name][2]


def test_sigmoid_and_tanh_keep_their_limits(native):
    x = np.array(
        [-np.inf, -3e38, -104.0, -89.0, 80.0, 89.0, 104.0, 3e38, np.inf, np.nan], np.float32
    )
    for name, least in (("sigmoid", 0.0), ("tanh", -1.0)):
        _, (got,) = native(lambda p, x, name=name: getattr(p, name)(x), x, tolerance=100)
        np.testing.assert_array_equal(got, [least] * 4 + [1.0] * 5 + [np.nan])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CASES)
def test_functions_at_special_numbers_equal_the_interpreter(native, name, dtype):
    x = np.array([*SPECIAL, 1.2e-38, 1e30, -1e30, 700.0, -800.0], dtype)
    native(lambda p, x: getattr(p, name)(x), x, tolerance=100)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["pow", "atan2"])
def test_functions_of_two_special_numbers_equal_the_interpreter(native, name, dtype):
    edges = np.array([*SPECIAL, 2.0, -2.0, 3.0, -3.0, 0.5, -0.5], dtype)
    x, y = np.meshgrid(edges, edges)
    native(lambda p, x, y: getattr(p, name)(x, y), x.ravel().copy(), y.ravel().copy())
    r = np.random.default_rng(0)
    x, y = r.uniform(0, 20, 500).astype(dtype), r.uniform(-8, 8, 500).astype(dtype)
    native(
        lambda p, x, y: [getattr(p, name)(x, y), getattr(p, name)(-x, np.array(3.0, dtype))],
        x,
        y,
        tolerance=6,
    )


def test_float32_angles_are_near_the_exact_ones(native):
    r = np.random.default_rng(0)
    y, x = (r.standard_normal((2, 20_000)) * 10.0 ** r.uniform(-15, 15, (2, 20_000))).astype("f")
    _, (got,) = native(lambda p, y, x: p.atan2(y, x), y, x, tolerance=3)
    want = np.arctan2(y.astype(np.longdouble), x.astype(np.longdouble))
    normal = np.abs(want) > np.finfo(np.float32).tiny
    assert ulps(got[normal], want[normal], np.float32).max() < 1.7


def test_float64_powers_are_near_the_exact_ones(native):
    r = np.random.default_rng(0)
    x = np.concatenate([10 ** r.uniform(-300, 300, 500), r.uniform(0.9, 1.1, 500)])
    y = np.concatenate([r.uniform(-1, 1, 500), r.uniform(-3000, 3000, 500)])
    _, (got,) = native(lambda p, x, y: p.pow(x, y), x, y, tolerance=2)
    assert ulps(got, x.astype(np.longdouble) ** y, np.float64).max() < 0.6


def test_float64_powers_of_whole_numbers_are_exact(native):
    x, y = map(np.ravel, np.meshgrid(np.arange(-90.0, 90), np.arange(9.0)))
    _, (got,) = native(lambda p, x, y: p.pow(x, y), x, y, tolerance=1)
    want = [float(int(a) ** int(b)) for a, b in zip(x, y, strict=True)]
    exact = np.abs(want) < 2.0**53
    assert np.array_equal(got[exact], np.array(want)[exact])
    exponents = np.arange(-1022.0, 1024)
    _, (got,) = native(lambda p, y: p.pow(np.array(2.0), y), exponents)
    assert np.array_equal(got, np.ldexp(1.0, exponents.astype(int)))


@pytest.mark.parametrize("name", ["sin", "cos"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_angles(native, name, dtype):
    x = np.array([1e4, -3e5, 1e7, 1e10, 2.0**60, 1e22, -1e30], dtype)
    native(lambda p, x: getattr(p, name)(x), x, tolerance=4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_angles_beside_zeros(native, dtype):
    """There the sine is x - n pi, and the cosine x - (n + 1/2) pi, but for the sign."""
    quarter = decimal.Decimal("1.57079632679489661923132169163975144209858469968755291048747229615")
    x = (np.arange(1, 5200) * (np.pi / 2)).astype(dtype)
    with decimal.localcontext(prec=60):
        rest = [decimal.Decimal(float(v)) - n * quarter for n, v in enumerate(x, 1)]
    want = np.array([math.sin(v) for v in rest])
    _, made = native(lambda p, x: [p.sin(x), p.cos(x)], x, tolerance=5e5)
    for first, got in zip((1, 0), made, strict=True):
        assert ulps(np.abs(got[first::2]), np.abs(want[first::2]), dtype).max() < 2


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_erfc_of_narrow_floats_is_rounded_once(native, dtype):
    """Of every number: half a unit in the last place, and little more."""
    x = np.arange(65536, dtype=np.uint16).view(dtype)
    x = x[np.isfinite(x.astype(np.float32))]
    _, (got,) = native(lambda p, x: p.erfc(x), x, tolerance=100)
    want = np.array([math.erfc(v) for v in x.astype(np.float64)])
    normal = np.abs(want) > float(ml_dtypes.finfo(dtype).tiny)
    unit = np.exp2(np.floor(np.log2(want[normal]))) * float(ml_dtypes.finfo(dtype).eps)
    assert (np.abs(got.astype(np.float64)[normal] - want[normal]) / unit).max() <= 0.52
    assert (np.abs(got.astype(np.float64)[~normal]) <= 2 * float(ml_dtypes.finfo(dtype).tiny)).all()
    _, (got,) = native(lambda p, x: p.erfc(x), np.array(SPECIAL, dtype), tolerance=100)
    np.testing.assert_array_equal(got.astype(np.float64)[:5], [1, 1, 0, 2, np.nan])
