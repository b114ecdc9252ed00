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
