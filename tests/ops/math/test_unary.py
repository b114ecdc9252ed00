"""Functions of one argument against NumPy, at every stage."""

import numpy as np
import pytest
import scipy.special as special

import penstock as tf
from penstock._src.core.registry import raw
from tests.harness.op_case import HALF, OpCase, check, values, whole

SMOOTH = {
    "Neg": np.negative,
    "Square": np.square,
    "Sqrt": (np.sqrt, 0.2, 3),
    "Rsqrt": (lambda x: 1 / np.sqrt(x), 0.2, 3),
    "Reciprocal": (np.reciprocal, 0.3, 3),
    "Inv": (np.reciprocal, 0.3, 3),
    "Exp": np.exp,
    "Expm1": np.expm1,
    "Log": (np.log, 0.2, 3),
    "Log1p": (np.log1p, -0.5, 3),
    "Sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "Tanh": np.tanh,
    "Sin": np.sin,
    "Cos": np.cos,
    "Tan": (np.tan, -1, 1),
    "Asin": (np.arcsin, -0.9, 0.9),
    "Acos": (np.arccos, -0.9, 0.9),
    "Atan": np.arctan,
    "Sinh": np.sinh,
    "Cosh": np.cosh,
    "Asinh": np.arcsinh,
    "Acosh": (np.arccosh, 1.2, 3),
    "Atanh": (np.arctanh, -0.8, 0.8),
}
REAL = {
    "Abs": (np.abs, 0.2, 3),
    "Erf": special.erf,
    "Erfc": special.erfc,
    "Erfinv": (special.erfinv, -0.9, 0.9),
    "Ndtri": (special.ndtri, 0.1, 0.9),
    "Lgamma": (special.gammaln, 0.3, 4),
    "Digamma": (special.psi, 0.5, 4),
    "Dawsn": special.dawsn,
    "Expint": (special.expi, 0.3, 2),
    "FresnelCos": lambda x: special.fresnel(x)[1],
    "FresnelSin": lambda x: special.fresnel(x)[0],
    "Spence": (special.spence, 0.2, 3),
    "BesselI0": special.i0,
    "BesselI0e": (special.i0e, 0.2, 3),
    "BesselI1": special.i1,
    "BesselI1e": (special.i1e, 0.2, 3),
    "BesselJ0": special.j0,
    "BesselJ1": special.j1,
    "BesselK0": (special.k0, 0.3, 3),
    "BesselK0e": (special.k0e, 0.3, 3),
    "BesselK1": (special.k1, 0.3, 3),
    "BesselK1e": (special.k1e, 0.3, 3),
    "BesselY0": (special.y0, 0.3, 3),
    "BesselY1": (special.y1, 0.3, 3),
}


def parts(entry):
    return entry if isinstance(entry, tuple) else (entry, -2, 2)


@pytest.mark.parametrize("op", [*SMOOTH, *REAL])
def test_double_precision_and_gradient(op):
    function, low, high = parts({**SMOOTH, **REAL}[op])
    check(OpCase(op, [values(2, 3, low=low, high=high)], expect=function, tolerance=(1e-9, 1e-10)))


@pytest.mark.parametrize("op", [*SMOOTH, *REAL])
def test_other_floats_and_shapes(op):
    function, low, high = parts({**SMOOTH, **REAL}[op])
    x = values(7, low=low, high=high).astype(np.float32)
    wide = function(x.astype(np.float64))
    check(OpCase(op, [x], expect=wide, tolerance=(1e-5, 1e-5), gradient=False))
    check(OpCase(op, [x[:0]], expect=wide[:0], gradient=False))
    half = x.astype(np.float16)
    wide = function(half.astype(np.float64))
    check(OpCase(op, [half], expect=wide, tolerance=HALF, gradient=False, compiles=False))


@pytest.mark.parametrize("op", SMOOTH)
def test_complex(op):
    if op in ("Abs",):
        pytest.skip("of real numbers only")
    function = parts(SMOOTH[op])[0]
    z = values(4, dtype=np.complex128)
    check(OpCase(op, [z], expect=function, tolerance=(1e-9, 1e-10), compiles=False))


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_sigmoid_of_a_complex_number_far_left_of_zero_is_zero(dtype):
    z = np.array([-1e30 + 1j, -800 - 3j, -5 + 1j, 5 - 1j, 800 + 3j], dtype)
    small = np.exp(z[2]) / (1 + np.exp(z[2]))
    expected = [0, 0, small, 1 - small, 1]
    check(OpCase("Sigmoid", [z], expect=expected, tolerance=(1e-6, 1e-6), gradient=False))


@pytest.mark.parametrize(("op", "at_zero"), [("BesselI1", 1), ("BesselI1e", 0.5)])
def test_bessel_gradients_of_subnormal_numbers_are_those_of_zero(op, at_zero):
    x = tf.constant([1e-40, -3e-39, 1e-30], tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = getattr(raw, op)(x)
    np.testing.assert_allclose(tape.gradient(y, x), [at_zero, at_zero, 0.5], rtol=1e-4)


@pytest.mark.parametrize(
    ("op", "x", "expected"),
    [
        ("Abs", np.array([-128, 3], np.int8), [-128, 3]),
        ("Neg", np.array([-128, 3], np.int8), [-128, -3]),
        ("Sign", np.array([np.nan, -2, 0, 3], np.float32), [np.nan, -1, 0, 1]),
        ("Sign", np.array([3 + 4j, 0], np.complex64), [0.6 + 0.8j, 0]),
        ("Floor", np.array([-1.5, 2.5]), [-2, 2]),
        ("Ceil", np.array([-1.5, 2.5]), [-1, 3]),
        ("Rint", np.array([0.5, 1.5, 2.5, -0.5]), [0, 2, 2, -0.0]),
        ("Round", np.array([0.5, 1.5, 2.5, -0.5]), [0, 2, 2, -0.0]),
        ("Round", np.array([3, -4], np.int32), [3, -4]),
        ("IsNan", np.array([np.nan, 1, np.inf], np.float32), [True, False, False]),
        ("IsInf", np.array([np.nan, 1, -np.inf], np.float32), [False, False, True]),
        ("IsFinite", np.array([np.nan, 1, np.inf], np.float32), [False, True, False]),
        ("Invert", np.array([0, 5], np.uint8), [255, 250]),
        ("PopulationCount", np.array([-1, 3], np.int32), [32, 2]),
        ("LogicalNot", np.array([True, False]), [False, True]),
    ],
)
def test_exact_values(op, x, expected):
    check(OpCase(op, [x], expect=np.array(expected), gradient=False))


@pytest.mark.parametrize(
    "op", ["SqrtGrad", "RsqrtGrad", "ReciprocalGrad", "InvGrad", "SigmoidGrad", "TanhGrad"]
)
def test_gradient_ops(op):
    y, dy = values(3, low=0.3, high=2), values(3, seed=1)
    check(OpCase(op, [y, dy]))
    check(OpCase(op, [y.astype(np.complex128) + 0.5j, dy.astype(np.complex128)], compiles=False))


CASTS = [
    ([3.7, -3.7, 300, -1], "uint8", [3, 253, 44, 255]),
    ([3.7, -3.7, 300, -1], "int8", [3, -3, 44, -1]),
    ([3.7, -3.7, 300, -1], "int32", [3, -3, 300, -1]),
    ([0, 0.3, -1, np.nan], "bool", [False, True, True, True]),
    ([1.00390625, 1.01171875], "bfloat16", [1, 1.015625]),
    ([1.5, 2.25], "float64", [1.5, 2.25]),
    ([1.5, 2.25], "complex64", [1.5, 2.25]),
]


@pytest.mark.parametrize(("x", "dtype", "expected"), CASTS)
def test_cast(x, dtype, expected):
    out = raw.Cast(np.array(x, np.float32), DstT=dtype)
    assert out.dtype.name == dtype
    np.testing.assert_array_equal(np.asarray(out.numpy(), np.complex128), expected)


@pytest.mark.parametrize("dtype", ["float8_e5m2", "float8_e4m3fn"])
def test_what_no_integer_is_converts_from_8_bits_as_from_32(dtype):
    x = tf.cast(tf.constant([1.5, np.inf, -np.inf, np.nan]), dtype).numpy()
    # recorded from TensorFlow 2.21
    for target, rest in (("int32", -(2**31)), ("int64", -(2**63)), ("int8", 0), ("uint16", 0)):
        case = OpCase(
            "Cast", [x], {"DstT": target}, [1] + 3 * [rest], gradient=False, compiles=False
        )
        check(case)


def test_cast_between_the_types_of_4_bits_keeps_the_bits():
    x = tf.cast(tf.constant([-8, -1, 7]), "int4").numpy()
    y = tf.cast(tf.constant([8, 15, 7]), "uint4").numpy()
    check(OpCase("Cast", [x], {"DstT": "uint4"}, y, gradient=False, compiles=False))
    check(OpCase("Cast", [y], {"DstT": "int4"}, x, gradient=False, compiles=False))


def test_cast_of_complex_drops_the_imaginary_part():
    np.testing.assert_array_equal(raw.Cast(np.array([1 + 2j, 2j]), DstT="float32").numpy(), [1, 0])


def test_cast_that_truncates():
    x = np.array([1.00390625, 1.01171875, 1e38], np.float32)
    out = raw.Cast(x, DstT="bfloat16", Truncate=True).numpy().astype(np.float32)
    np.testing.assert_allclose(out, [1, 1.0078125, 9.96921e37], rtol=1e-5)


def test_cast_through_all_stages():
    for dtype in ("int32", "float32", "float64", "bool"):
        check(
            OpCase(
                "Cast",
                [values(3, 2)],
                {"DstT": dtype},
                gradient=dtype != "bool" and dtype != "int32" and dtype != "float32",
            )
        )
    check(OpCase("Cast", [whole(4)], {"DstT": "float32"}))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_quantiles_in_programs_up_to_the_ends(dtype):
    x = np.concatenate([np.linspace(-1, 1, 401), [1e-30, -1e-8, 1 - 1e-12, np.nan, 1.5]])
    for op, at, reference in (("Erfinv", x, special.erfinv), ("Ndtri", abs(x), special.ndtri)):
        at = at.astype(dtype)
        case = OpCase(op, [at], gradient=False, lowers=True, tolerance=(2e-7, 1e-300))
        case.expect = reference(at.astype(np.float64)).astype(dtype)
        check(case)


def test_float64_is_rounded_to_float16_through_float32_as_in_tensorflow():
    x = np.array([1 + 2**-11 + 2**-40, 1 + 3 * 2**-11 - 2**-40])
    check(OpCase("Cast", [x], {"DstT": "float16"}, [1, 1.001953125], gradient=False))


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16, tf.float32, tf.float64])
def test_the_sign_of_negative_zero_is_positive_zero(dtype):
    zeros = tf.constant([-0.0, 0.0], dtype)
    for sign in tf.sign, tf.function(tf.sign):
        assert not np.signbit(sign(zeros).numpy()).any()
