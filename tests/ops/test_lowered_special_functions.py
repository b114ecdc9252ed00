"""Special functions as programs compute them are those of the host, at poles, infinities and in between."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.registry import raw
from penstock._src.util.flags import override

RNG = np.random.default_rng(4)
INF, NAN = np.inf, np.nan
ALPHA = np.concatenate([RNG.uniform(0.01, 50, 40), 10 ** RNG.uniform(-3, 3, 40)])
# {op: (names of its inputs, between what, and special values)}
CASES = {
    "Zeta": (
        ("x", "q"),
        (RNG.uniform(1.01, 60, 80), RNG.uniform(0.01, 40, 80)),
        ([1, 0.5, INF, NAN, 2, 3, 1e5, 2, 2, 3, 2.5, INF, 2, 2], [1, 1, 2, 1, 0, -1, 1.5, -2.5, -3.25, -2.5, -2.5, 0.5, INF, NAN]),
    ),
    "Polygamma": (
        ("a", "x"),
        (RNG.integers(0, 20, 80), RNG.uniform(-6, 50, 80)),
        ([171, 170, -1, 1.5, INF, INF, INF, 1, 2, 3, 1, 2], [2, 30, 1, 1, 2, 1, 0.5, 0, 0, -1, NAN, INF]),
    ),
    "IgammaGradA": (
        ("a", "x"), (ALPHA, RNG.gamma(ALPHA)), ([1, 0, -1, INF, 1e31, 2, NAN], [0, 1, 1, 1, 1, INF, 1])
    ),
    "RandomGammaGrad": (
        ("alpha", "sample"), (ALPHA, RNG.gamma(ALPHA)), ([1, 0, -1, INF, 2, NAN], [1, 1, 1, 1, INF, 1])
    ),
}  # fmt: skip


@pytest.mark.parametrize("device", ["CPU", "GPU_emulated"])
@pytest.mark.parametrize("op", CASES)
def test_programs_compute_what_the_host_does(op, device):
    names, common, special = CASES[op]
    arrays = [
        np.concatenate([a, b]).astype(np.float64) for a, b in zip(common, special, strict=True)
    ]
    for dtype, tolerance in ((np.float64, 2e-12), (np.float32, 1e-6)):
        given = {name: tf.constant(a.astype(dtype)) for name, a in zip(names, arrays, strict=True)}
        wanted = getattr(raw, op)(**given).numpy()
        with override(device=device):
            found = tf.function(lambda given=given: getattr(raw, op)(**given), autograph=False)()
        np.testing.assert_allclose(found.numpy(), wanted, tolerance)


def test_parameters_broadcast_and_may_be_empty():
    function = tf.function(lambda a, x: raw.Polygamma(a=a, x=x))
    x = np.float32([[0.5, 2.0, 3.0]])
    wanted = raw.Polygamma(a=np.float32([[1], [2]]), x=x)
    np.testing.assert_allclose(function(np.float32([[1], [2]]), x), wanted, 1e-6)
    assert function(np.float32([[1.0]]), x[:, :0]).shape == [1, 0]


POSITIVE = np.concatenate(
    [np.exp(RNG.uniform(-60, 4.4, 400)), np.linspace(3.9, 4.1, 20), np.linspace(23, 42, 40)]
)
ENDS = [0.0, -0.0, -1, INF, -INF, NAN, 1e-45, 88.5, 95, 104, 1e38]


@pytest.mark.parametrize("op", ["Expint", "BesselK0", "BesselK0e", "BesselK1", "BesselK1e"])
def test_single_precision_is_rounded_once(op):
    x = np.concatenate([POSITIVE, ENDS]).astype(np.float32)
    function = getattr(raw, op)
    found = tf.function(lambda x: function(x=x), autograph=False)(x).numpy()
    with np.errstate(over="ignore"):
        expected = function(x=x.astype(np.float64)).numpy().astype(np.float32)
    # half a unit in the last place of each, at most
    np.testing.assert_array_max_ulp(found[np.isfinite(found)], expected[np.isfinite(found)], 1)
    np.testing.assert_array_equal(
        np.where(np.isfinite(found), 0, found), np.where(np.isfinite(expected), 0, expected)
    )


def test_double_precision_of_the_exponential_integral():
    found = tf.function(lambda x: raw.Expint(x=x), autograph=False)(POSITIVE).numpy()
    np.testing.assert_allclose(found, raw.Expint(x=tf.constant(POSITIVE)), rtol=2e-14)
