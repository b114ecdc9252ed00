"""Functions where numbers end, eagerly and compiled: what drew attention there. All others: tests/conformance/edges."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.util.flags import override

WAYS = {"eager": lambda f: f, "compiled": lambda f: tf.function(f, autograph=False)}
way = pytest.mark.parametrize("wrap", WAYS.values(), ids=WAYS)


@way
def test_quotients_of_whole_numbers_fill_their_memory_and_no_more(wrap):
    x = tf.constant([-128, 127, 7, -7, 100, 0, 1, 2, 3], tf.int8)
    with override(guard=True):
        made = wrap(lambda x, y: tf.raw_ops.RealDiv(x=x, y=y))(x, tf.constant(2, tf.int8))
    np.testing.assert_array_equal(made, [-64, 63, 3, -3, 50, 0, 0, 1, 1])


@way
def test_no_gradient_reaches_a_root_at_0_that_is_not_used(wrap):
    def gradient(x, function):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.where(x > 0, function(x), 0.0)
        return tape.gradient(y, x)

    x = tf.constant([0.0, 4.0])
    for function, slope in (
        (tf.sqrt, 0.25),
        (tf.math.rsqrt, -0.0625),
        (tf.math.reciprocal, -0.0625),
    ):
        np.testing.assert_allclose(wrap(lambda x, f=function: gradient(x, f))(x), [0, slope])


@way
def test_powers_of_a_half_of_minus_infinity_and_minus_0(wrap):
    found = wrap(lambda x: x**0.5)(tf.constant([-np.inf, -0.0, 4.0]))
    np.testing.assert_array_equal(found, [np.inf, 0, 2])
    assert not np.signbit(found[1])


@way
@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float32", "float64"])
def test_nan_is_the_last_of_an_order(wrap, kind):
    def orders(x):
        both = [tf.sort(x), tf.sort(x, direction="DESCENDING")]
        return [*both, *tf.math.top_k(x, 3), tf.raw_ops.NthElement(input=x, n=1)]

    rising, falling, largest, places, second = wrap(orders)(
        tf.constant([-3, np.nan, 1, 2, np.nan], kind)
    )
    np.testing.assert_array_equal(np.float64(rising), [-3, 1, 2, np.nan, np.nan])
    np.testing.assert_array_equal(np.float64(falling), [2, 1, -3, np.nan, np.nan])
    np.testing.assert_array_equal(np.float64(largest), [2, 1, -3])
    np.testing.assert_array_equal(places, [3, 2, 0])
    assert second == 1


@way
def test_nan_lies_in_the_last_bucket(wrap):
    found = wrap(lambda x: tf.raw_ops.Bucketize(input=x, boundaries=[0.0, 2.0]))
    np.testing.assert_array_equal(found(tf.constant([np.nan, 1.0, 5.0])), [2, 1, 2])


@way
def test_a_generator_that_skips_backwards_counts_without_borrowing(wrap):
    state = tf.Variable([1, 2, 3], dtype=tf.int64)
    skip = wrap(lambda delta: tf.raw_ops.RngSkip(resource=state.handle, algorithm=1, delta=delta))
    skip(tf.constant(-1, tf.int64))
    np.testing.assert_array_equal(state, [-255, 2, 3])


@way
def test_means_of_large_whole_numbers_are_exact(wrap):
    found = wrap(lambda x: tf.reduce_mean(x))(tf.constant([2**62 + 1, 2**61, -5], tf.int64))
    assert found == (2**62 + 1 + 2**61 - 5) // 3


@way
def test_sizes_of_complex_numbers_near_the_ends(wrap):
    x = tf.constant(
        [1e30 + 1e30j, 3e-30 - 4e-30j, -3 + 4j, 0, complex(np.nan, np.inf)], tf.complex64
    )
    expected = [np.sqrt(2) * 1e30, 5e-30, 5, 0, np.inf]
    np.testing.assert_allclose(wrap(tf.abs)(x), expected, rtol=1e-6)


@way
def test_truth_of_a_complex_number_is_that_of_its_real_part(wrap):
    x = tf.constant([1j, 1, 0, 2 - 1j], tf.complex64)
    np.testing.assert_array_equal(
        wrap(lambda x: tf.cast(x, tf.bool))(x), [False, True, False, True]
    )


def test_special_functions_near_poles_zeros_and_ends():
    near = np.float64(1) - 2.0**-53
    np.testing.assert_allclose(tf.math.digamma(tf.constant(-near)), -(2.0**53), rtol=1e-12)
    np.testing.assert_allclose(tf.math.lgamma(tf.constant(near)), 0.5772156649015329 * 2.0**-53)
    np.testing.assert_allclose(tf.raw_ops.Expint(x=tf.constant(89.0)), 5.1025073e36, rtol=1e-5)
    np.testing.assert_array_equal(tf.math.zeta(tf.constant([1e38, 1e38]), [2.0, 1.0]), [0, 1])
    np.testing.assert_array_equal(tf.raw_ops.FresnelCos(x=np.array([1e300, -1e300])), [0.5, -0.5])
    huge = tf.constant([1e307, 1e307], tf.float64)
    np.testing.assert_array_equal(tf.math.igamma(huge, tf.constant(3.0, tf.float64)), [0, 0])
    np.testing.assert_array_equal(tf.raw_ops.IgammaGradA(a=huge, x=huge), [0, 0])


@way
def test_digamma_is_accurate_about_its_zero(wrap):
    x = tf.constant([1.4616321449683622, 1.4616321449683625, 1.4616, 1.2, 1.8], tf.float64)
    expected = [
        -9.2412655217294275e-17,
        1.2245374622004069e-16,
        -3.110625123034165e-5,
        -0.28903989659218835,
        0.28499143329386157,
    ]  # by mpmath
    np.testing.assert_allclose(wrap(tf.math.digamma)(x), expected, rtol=1e-14)


@way
@pytest.mark.parametrize("kind", ["complex64", "complex128"])
def test_complex_roots_and_signs_of_infinite_numbers_and_0(wrap, kind):
    x = tf.constant([complex(0, np.inf), complex(-np.inf, np.nan), 0, -4], kind)
    np.testing.assert_array_equal(wrap(tf.math.rsqrt)(x)[:2], [0, 0])
    np.testing.assert_array_equal(wrap(tf.math.rsqrt)(x)[2], complex(np.inf, np.nan))
    np.testing.assert_allclose(wrap(tf.math.rsqrt)(x)[3], -0.5j, atol=1e-7)
    # A quotient by a root is no reciprocal root.
    assert np.isnan(wrap(lambda x: 1 / tf.sqrt(x))(x)[2].numpy().real)
    np.testing.assert_array_equal(wrap(tf.sign)(x[:1]), [complex(0, np.nan)])


@way
def test_special_functions_of_the_largest_numbers(wrap):
    x = tf.constant([np.finfo(np.float64).max], tf.float64)
    np.testing.assert_array_equal(wrap(tf.math.special.expint)(x), [np.inf])
    np.testing.assert_allclose(wrap(tf.math.special.spence)(x), [-251897.39469521283])


@way
def test_a_mean_of_one_infinite_complex_number_is_that(wrap):
    x = tf.constant([complex(np.inf, 1.0)])
    np.testing.assert_array_equal(wrap(tf.reduce_mean)(x), x[0])
