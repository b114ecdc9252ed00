"""Reductions, running sums and where extremes stand, against NumPy at every stage."""

import ml_dtypes
import numpy as np
import pytest

import penstock as tf
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from tests.harness.op_case import HALF, OpCase, check, ints, values, whole

FLOAT_OPS = {
    "Sum": np.sum,
    "Mean": np.mean,
    "Prod": np.prod,
    "Max": np.max,
    "Min": np.min,
    "EuclideanNorm": lambda x, axis, keepdims: np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims)),
}


@pytest.mark.parametrize("op", FLOAT_OPS)
@pytest.mark.parametrize(
    ("axes", "keep"), [((0,), False), ((1, -1), True), ((), False), ((0, 1, 2), False)]
)
def test_axes_and_gradients(op, axes, keep):
    x = values(2, 3, 2)
    expected = FLOAT_OPS[op](x, axis=axes, keepdims=keep)
    check(OpCase(op, [x, ints(*axes)], {"keep_dims": keep}, expect=expected))


@pytest.mark.parametrize("op", FLOAT_OPS)
def test_types(op):
    x = values(3, 4).astype(np.float32)
    expected = FLOAT_OPS[op](x.astype(np.float64), axis=(1,), keepdims=False)
    check(OpCase(op, [x, np.int32(1)], expect=expected, tolerance=(1e-5, 1e-5)))
    half = x.astype(np.float16)
    check(
        OpCase(
            op, [half, np.int64(1)], expect=expected, tolerance=HALF, gradient=False, compiles=False
        )
    )
    brain = x.astype(ml_dtypes.bfloat16)
    check(OpCase(op, [brain, np.int32(1)], tolerance=HALF, gradient=False, compiles=False))
    if op != "EuclideanNorm":
        check(OpCase(op, [whole(3, 4), np.int32(0)]))


def test_product_with_zeros_has_gradients():
    check(OpCase("Prod", [np.array([[0.0, 2, 3], [0, 0, 5]]), ints(1)], expect=np.array([0.0, 0])))


@pytest.mark.parametrize(
    ("op", "x", "expected"),
    [
        ("Max", np.zeros(0, np.float32), -np.inf),
        ("Min", np.zeros(0, np.int32), 2147483647),
        ("Prod", np.zeros(0, np.float32), 1),
        ("Sum", np.zeros(0, np.float32), 0),
        ("Mean", np.zeros(0, np.float32), np.nan),
        ("Mean", np.zeros(0, np.complex64), 0),
        ("Mean", np.zeros(0, np.int64), 0),
        ("Max", np.float32([np.nan, 1, 2]), np.nan),
        ("Min", np.float32([1, np.nan, 2]), np.nan),
        ("Mean", np.int32([-3, -4]), -3),
        ("Mean", np.array([200, 200], np.uint8), 200),
        ("Sum", np.array([100, 100], np.int8), -56),
    ],
)
def test_edge_values(op, x, expected):
    check(OpCase(op, [x, np.int32(0)], expect=np.asarray(expected), gradient=False))


@pytest.mark.parametrize("op", ["All", "Any"])
def test_logic(op):
    x = np.array([[True, False], [True, True]])
    check(OpCase(op, [x, ints(1)], expect=np.all(x, 1) if op == "All" else np.any(x, 1)))
    check(OpCase(op, [x, ints(0)], {"keep_dims": True}))


def test_extremes_share_the_gradient():
    x = np.float64([1, 3, 3])
    check(OpCase("Max", [x, ints(0)], expect=np.float64(3), gradient=False))


@pytest.mark.parametrize("axes", [[1], [-2], [0, 0], [0, -1]])
def test_bad_axes(axes):
    with pytest.raises(InvalidArgumentError, match="Invalid reduction"):
        raw.Sum(np.ones(2), ints(*axes))


# -- arg max ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("op", "x", "expected"),
    [
        ("ArgMax", np.float32([1, 3, 3]), 1),
        ("ArgMin", np.float32([1, np.nan, 0, -1]), 3),
        ("ArgMax", np.array([False, True]), 1),
        ("ArgMax", np.int32([[1, 5], [7, 2]]), [1, 0]),
    ],
)
def test_where_extremes_stand(op, x, expected):
    check(OpCase(op, [x, np.int32(0)], expect=np.array(expected)))
    check(OpCase(op, [x, np.int32(-1)], {"output_type": "int32"}))


def test_nan_is_no_maximum():
    assert raw.ArgMax(np.float32([1, np.nan, 3]), np.int32(0)).numpy() == 2


def test_arg_max_of_an_empty_axis():
    with pytest.raises(InvalidArgumentError, match="Reduction axis 0 is empty"):
        raw.ArgMax(np.zeros(0), np.int32(0))
    with pytest.raises(InvalidArgumentError, match="Expected dimension in the range"):
        raw.ArgMax(np.zeros(2), np.int32(1))


# -- scans -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("op", ["Cumsum", "Cumprod", "CumulativeLogsumexp"])
def test_scans(op, exclusive, reverse):
    x = values(3, 4, low=0.5)
    attrs = {"exclusive": exclusive, "reverse": reverse}
    check(
        OpCase(
            op,
            [x, np.int32(1)],
            attrs,
            expect=scanned(op, x, exclusive, reverse),
            gradient=op != "CumulativeLogsumexp" or not exclusive,
        )
    )
    check(OpCase(op, [x[:0], np.int32(0)], attrs, compiles=False))


def scanned(op, x, exclusive, reverse):
    x = x[:, ::-1] if reverse else x
    one = {"Cumsum": 0, "Cumprod": 1, "CumulativeLogsumexp": -np.inf}[op]
    if exclusive:
        x = np.concatenate([np.full_like(x[:, :1], one), x[:, :-1]], 1)
    function = {
        "Cumsum": lambda v: np.cumsum(v, 1),
        "Cumprod": lambda v: np.cumprod(v, 1),
        "CumulativeLogsumexp": lambda v: np.log(np.cumsum(np.exp(v), 1)),
    }[op]
    with np.errstate(divide="ignore"):
        out = function(x)
    return out[:, ::-1] if reverse else out


def test_compiled_logarithms_of_running_sums_are_those_of_the_host():
    inf = np.inf
    x = np.array([[-inf, 1, inf, 2], [-inf, -inf, 0, np.nan], [200, 200, -200, 88]], np.float32)
    for attrs in ({}, {"exclusive": True}, {"reverse": True}):
        function = tf.function(lambda x, attrs=attrs: tf.math.cumulative_logsumexp(x, 1, **attrs))
        for given in (x, x.astype(np.float16), x[:, :1], x[:, :0]):
            wanted = tf.math.cumulative_logsumexp(given, 1, **attrs)
            np.testing.assert_allclose(function(given), wanted, 1e-3)


@pytest.mark.parametrize(
    "scale", [1, 200, 3000]
)  # of which the last leaves the range of exponentials
@pytest.mark.parametrize("exclusive", [False, True])
def test_logarithms_of_running_sums_in_single_precision(scale, exclusive):
    x = np.random.default_rng(0).normal(size=(40, 70)).astype(np.float32) * scale
    x[3, :5] = -np.inf
    function = tf.function(lambda x: tf.math.cumulative_logsumexp(x, 1, exclusive=exclusive))
    wanted = np.logaddexp.accumulate(x.astype(np.float64), 1)
    if exclusive:
        wanted = np.concatenate([np.full((40, 1), -np.inf), wanted[:, :-1]], 1)
    np.testing.assert_allclose(function(x), wanted, rtol=3e-6 if scale > 200 else 1e-7, atol=1e-6)


def test_scan_of_integers_and_halves():
    check(OpCase("Cumsum", [whole(5), np.int64(0)], expect=np.cumsum(whole(5))))
    x = values(40, dtype=np.float16)
    check(
        OpCase(
            "Cumsum",
            [x, np.int32(0)],
            expect=np.cumsum(x.astype(np.float64)),
            tolerance=HALF,
            gradient=False,
            compiles=False,
        )
    )


def test_bad_scan_axes():
    with pytest.raises(
        InvalidArgumentError, match=r"Expected scan axis in the range \[-1, 1\), but got 1"
    ):
        raw.Cumsum(np.ones(3), np.int32(1))
    with pytest.raises(InvalidArgumentError, match="axis must be a scalar"):
        raw.Cumsum(np.ones(3), ints(0))
