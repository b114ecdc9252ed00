"""Special functions as programs compute them are those of the host, at poles, infinities and in between."""

import itertools

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.registry import raw
from penstock._src.util.flags import override

RNG = np.random.default_rng(4)
INF, NAN = np.inf, np.nan
# Where definitions change, and beyond what any algorithm reaches.
ENDS_OF_TWO = np.array(
    list(itertools.product([0, -1, INF, -INF, NAN, 1e-30, 0.3, 1.05, 2.5, 150, 201, 1e4, 1e8, 1e31], repeat=2))
).T  # fmt: skip
ENDS_OF_BETA = np.array(
    list(itertools.product([0, -1, INF, NAN, 1e-5, 0.3, 2.5, 150, 1e4, 1e8, 1e31], [0, INF, NAN, 0.3, 150, 1e8], [0, 1, -0.5, 1.5, NAN, 1e-30, 0.25, 0.5, 0.999]))
).T  # fmt: skip
ALPHA = np.concatenate([RNG.uniform(0.01, 50, 40), 10 ** RNG.uniform(-3, 3, 40)])
LEAST = 2e-38  # programs take denormal numbers for zeros
SAMPLES = np.random.default_rng(5).gamma(ALPHA) + LEAST
PARTS = np.maximum(SAMPLES / (SAMPLES + SAMPLES[::-1]), LEAST)
# {op: (names of its inputs, between what, and special values)}
CASES = {
    "Zeta": (
        ("x", "q"),
        (RNG.uniform(1.01, 60, 80), RNG.uniform(0.01, 40, 80)),
        ([1, 0.5, INF, NAN, 2, 3, 1e5, 2, 2, 3, 2.5, INF, 2, 2, 201, 1e8, 10001, 2], [1, 1, 2, 1, 0, -1, 1.5, -2.5, -3.25, -2.5, -2.5, 0.5, INF, NAN, -0.5, -0.25, -1.25, -300.5]),
    ),
    "Polygamma": (
        ("a", "x"),
        (RNG.integers(0, 20, 80), RNG.uniform(-6, 50, 80)),
        ([171, 170, -1, 1.5, INF, INF, INF, 1, 2, 3, 1, 2], [2, 30, 1, 1, 2, 1, 0.5, 0, 0, -1, NAN, INF]),
    ),
    "Igamma": (("a", "x"), (ALPHA, SAMPLES), ENDS_OF_TWO),
    "Igammac": (("a", "x"), (ALPHA, SAMPLES), ENDS_OF_TWO),
    "Betainc": (
        ("a", "b", "x"), (ALPHA, ALPHA[::-1], PARTS), ENDS_OF_BETA
    ),
    "IgammaGradA": (
        ("a", "x"), (ALPHA, RNG.gamma(ALPHA) + LEAST), ([1, 0, -1, INF, 1e31, 2, NAN], [0, 1, 1, 1, 1, INF, 1])
    ),
    "RandomGammaGrad": (
        ("alpha", "sample"), (ALPHA, RNG.gamma(ALPHA) + LEAST), ([1, 0, -1, INF, 2, NAN], [1, 1, 1, 1, INF, 1])
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
        np.testing.assert_allclose(found.numpy(), wanted, tolerance, np.finfo(dtype).tiny)


def test_parameters_broadcast_and_may_be_empty():
    function = tf.function(lambda a, x: raw.Polygamma(a=a, x=x))
    x = np.float32([[0.5, 2.0, 3.0]])
    wanted = raw.Polygamma(a=np.float32([[1], [2]]), x=x)
    np.testing.assert_allclose(function(np.float32([[1], [2]]), x), wanted, 1e-6)
    assert function(np.float32([[1.0]]), x[:, :0]).shape == [1, 0]


# Where one formula takes over from another.
SEAMS = np.concatenate([s * np.linspace(0.97, 1.03, 15) for s in (0.5, 2, 2.5, 4, 5, 6, 8, 12, 24)])
POSITIVE = np.concatenate([np.exp(RNG.uniform(-60, 4.4, 400)), SEAMS, np.linspace(23, 42, 40)])
ENDS = [0.0, -0.0, -1, INF, -INF, NAN, 2e-38, 88.5, 95, 104, 1e38, -2.5, -8.5, -30, 1e5, 1e9, 1e20]
# Computed in double precision, and rounded once.
ROUNDED_ONCE = [
    "Expint", "BesselK0", "BesselK0e", "BesselK1", "BesselK1e", "BesselI0", "BesselI0e", "BesselI1", "BesselI1e",
    "BesselJ0", "BesselJ1", "BesselY0", "BesselY1", "Dawsn", "FresnelCos", "FresnelSin", "Spence",
]  # fmt: skip


@pytest.mark.parametrize("op", ROUNDED_ONCE)
@pytest.mark.parametrize("device", ["CPU", "GPU_emulated"])
def test_single_precision_is_rounded_once(op, device):
    x = np.concatenate([POSITIVE, ENDS]).astype(np.float32)
    function = getattr(raw, op)
    compiled = tf.function(lambda x: function(x=x), autograph=False)
    with override(device=device):
        assert "host" not in str(compiled.explain(x))
        found = compiled(x).numpy()
    with np.errstate(over="ignore"):
        expected = function(x=x.astype(np.float64)).numpy().astype(np.float32)
    if device == "CPU":
        expected[np.abs(expected) < np.finfo(np.float32).tiny] = 0
    if op == "BesselY1":
        expected[x == 0] = NAN  # in single precision only, as TensorFlow's
    # half a unit in the last place of each, at most
    np.testing.assert_array_max_ulp(found[np.isfinite(found)], expected[np.isfinite(found)], 1)
    np.testing.assert_array_equal(
        np.where(np.isfinite(found), 0, found), np.where(np.isfinite(expected), 0, expected)
    )


def test_double_precision_of_the_exponential_integral():
    found = tf.function(lambda x: raw.Expint(x=x), autograph=False)(POSITIVE).numpy()
    np.testing.assert_allclose(found, raw.Expint(x=tf.constant(POSITIVE)), rtol=2e-14)


# Computed with 60 digits.
EXACT_OF_ONE = {
    "BesselJ0": {1e-05: 0.999999999975, 0.9375: 0.7920527131954298, 3.75: -0.4014060549361743, 8.0: 0.1716508071375539, 8.5: 0.041939251842934504, 40.25: -0.02394699168451801, 12345.0: -0.004480422295220666, 100000000.0: 3.206029534041208e-05, 1000000000000000.0: 6.156638646885021e-09},
    "BesselJ1": {1e-05: 4.9999999999375e-06, 0.9375: 0.41910335937051363, 3.75: 0.03322934912967973, 8.0: 0.23463634685391463, 8.5: 0.2731219636740537, 40.25: 0.12317042859367755, 12345.0: -0.005612209079694793, 100000000.0: 7.306391181551854e-05, 1000000000000000.0: 2.4468665123771328e-08},
    "BesselY0": {1e-05: -7.40316028370197, 0.9375: 0.0376953766214003, 3.75: 0.0852567569773627, 8.0: 0.22352148938756622, 8.5: 0.27020510536578746, 40.25: 0.12345834435528762, 12345.0: -0.005612027608008375, 100000000.0: 7.306391165521707e-05, 1000000000000000.0: 2.4468665123771324e-08},
    "BesselY1": {1e-05: -63661.97727536548, 0.9375: -0.8373973354308832, 3.75: 0.4158687793452271, 8.0: -0.1580604617312475, 8.5: -0.02616867939853747, 40.25: 0.025482245436156854, 12345.0: 0.0044801949992763455, 100000000.0: -3.2060294975092524e-05, 1000000000000000.0: -6.15663864688501e-09},
    "Dawsn": {1e-05: 9.999999999333333e-06, 0.9375: 0.5409484362871989, 2.5: 0.2230837221674355, 3.75: 0.1387052395935912, 5.0: 0.10213407442427684, 8.5: 0.05923937177997214, 40.25: 0.012426197717611972},
    "Spence": {1e-09: 1.6449340451249606, 0.25: 0.9784693929303061, 0.5: 0.5822405264650125, 0.9375: 0.0635046827929383, 1.0625: -0.06154964712564214, 2.0: -0.8224670334241132, 3.75: -1.821570347737062, 100000.0: -67.9185353179729},
    "BesselI0e": {1e-05: 0.9999900000749996, 3.75: 0.2144570512300487, 12.0: 0.11642622121344044, 12.5: 0.1140219294622889, 1000.0: 0.012617240455891257},
    "BesselI1e": {1e-05: 4.999950000312499e-06, 3.75: 0.1829684209308909, 12.0: 0.11146429929018098, 12.5: 0.10936143099065089, 1000.0: 0.012610930256928629},
}  # fmt: skip


@pytest.mark.parametrize("op", EXACT_OF_ONE)
def test_functions_of_one_number_in_double_precision(op):
    x = tf.constant([*EXACT_OF_ONE[op]], tf.float64)
    function = getattr(raw, op)
    compiled = tf.function(lambda x: function(x=x), autograph=False)
    assert "host" not in str(compiled.explain(x))
    wanted = [*EXACT_OF_ONE[op].values()]
    np.testing.assert_allclose(compiled(x), wanted, rtol=1e-14)
    np.testing.assert_allclose(function(x=x), wanted, rtol=2e-12)


@pytest.mark.parametrize("op", [op for op in ROUNDED_ONCE if not op.startswith("BesselK")])
def test_gradients_of_compiled_functions_are_slopes(op):
    x = tf.constant([0.3, 0.9, 1.4, 2.7, 5.5, 9.5, 14.0], tf.float64)
    function = tf.function(lambda x: getattr(raw, op)(x=x), autograph=False)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    step = 1e-5
    slope = (function(x + step) - function(x - step)) / (2 * step)
    np.testing.assert_allclose(tape.gradient(y, x), slope, rtol=1e-7, atol=1e-9)


# Computed with 90 digits.
EXACT = {
    "igamma": {(300.0, 310.5): 0.7318696078391321, (1e5, 99500.0): 0.05674182321279226, (0.01, 1e-3): 0.938570652526129, (3.0, 0.7): 0.03414158412570849},
    "igammac": {(300.0, 310.5): 0.26813039216086787, (1e-8, 0.9): 2.6018394178440254e-09, (0.01, 1e-3): 0.061429347473871014, (2.0, 50.0): 9.83662422461598e-21},
    "betainc": {(300.0, 200.0, 0.61): 0.6741626935263774, (1.0, 1e8, 2e-8): 0.8646647194700929, (0.01, 1e-5, 0.5): 0.0009989199568875213, (40.0, 3.0, 0.5): 2.0554580260068178e-10},
}  # fmt: skip


@pytest.mark.parametrize("name", EXACT)
def test_incomplete_functions_in_double_precision(name):
    arguments = [tf.constant(column, tf.float64) for column in np.array([*EXACT[name]]).T]
    found = tf.function(getattr(tf.math, name), autograph=False)(*arguments)
    np.testing.assert_allclose(found, [*EXACT[name].values()], rtol=2e-14)


@pytest.mark.parametrize("name", ["igamma", "igammac", "betainc"])
def test_incomplete_functions_in_single_precision_are_rounded_once(name):
    arguments = [column.astype(np.float32) for column in CASES[name.capitalize()][1]]
    function = tf.function(getattr(tf.math, name), autograph=False)
    expected = function(*[a.astype(np.float64) for a in arguments]).numpy().astype(np.float32)
    np.testing.assert_array_max_ulp(function(*arguments).numpy(), expected, 1)


def test_incomplete_functions_are_one_kernel():
    function = tf.function(lambda a, x: tf.math.igamma(a, x) * 2.0, autograph=False)
    assert len(function.explain(*np.ones((2, 5), np.float32)).kernels) == 1


def test_the_beta_function_takes_arrays_of_one_shape():
    function = tf.function(tf.math.betainc, autograph=False)
    a = np.float32([1.0, 2.0])
    np.testing.assert_allclose(function(a, 1.0, 0.25), [0.25, 0.0625], 1e-6)
    with pytest.raises(ValueError, match="Shapes must be equal rank, but are 1 and 2"):
        function(a, a, a[None])


def test_slopes_of_gamma_numbers_are_finite_where_the_density_is_not():
    alpha, sample = np.float32([300.0, 1e-3]), np.float32([900.0, 1e-30])
    found = tf.function(lambda: raw.RandomGammaGrad(alpha=alpha, sample=sample))()
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, raw.RandomGammaGrad(alpha=alpha, sample=sample), 1e-6)
