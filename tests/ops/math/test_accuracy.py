"""Digits of special functions in float64 where common algorithms lose them; the values have been computed with 40 digits."""

import numpy as np
import pytest

import penstock as tf

VALUES = {
    "math.erfc": {1.25: 0.07709987174354177, 3.5: 7.430983723414128e-07, 6.53179: 2.5268687720533618e-20, 8.73462: 4.715159550236274e-35, 20.0: 5.395865611607901e-176, 26.5: 2.2109076642637343e-307},
    "math.lgamma": {0.75: 0.20328095143129538, 0.9999: 5.7729791561193866e-05, 1.00306: -0.0017585901393079612, 1.3: -0.10817480950786047, 1.49: -0.12110025854219772, 1.6: -0.11259176569675577, 1.9: -0.03898427592308336, 1.999: -0.0004224618006921073, 2.25: 0.1248717148923966},
    "math.special.expint": {1.5: 3.301285449129798, 7.25: 235.19263507281613, 19.0: 9950907.251046846, 40.3797: 8743886815857593.0, 61.5: 8.462099682325056e+24, 87.5: 1.1582718840990117e+36},
}  # fmt: skip


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("compiled", [False, True])
def test_sixteen_digits(name, compiled):
    function = tf.math.special.expint if "expint" in name else getattr(tf.math, name.split(".")[-1])
    if compiled:
        function = tf.function(function)
    x, want = (np.array([*part]) for part in (VALUES[name], VALUES[name].values()))
    got = function(tf.constant(x)).numpy()
    assert (np.abs(got - want) / np.spacing(np.abs(want))).max() < 8


@pytest.mark.parametrize("compiled", [False, True])
def test_small_results_of_betainc_in_float32_have_all_digits(compiled):
    function = tf.function(tf.math.betainc) if compiled else tf.math.betainc
    a, b, x = (
        tf.constant(v, tf.float32) for v in ([58.6164, 10.0], [23.0999, 3.0], [0.129809, 0.01])
    )
    np.testing.assert_allclose(
        function(a, b, x), [1.943793790737918e-34, 6.480548554141964e-19], 2e-7
    )


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
@pytest.mark.parametrize("name", ["rsqrt", "sigmoid"])
def test_functions_of_16_bits_are_rounded_once(name, dtype):
    x = tf.cast(tf.linspace(0.01, 9.0, 700), dtype)
    exact = getattr(tf.math, name)(tf.cast(x, tf.float64))
    np.testing.assert_array_equal(getattr(tf.math, name)(x), tf.cast(exact, dtype))


def test_few_logarithms_of_gamma_are_those_of_many():
    ends = [0.0, -0.0, -1.0, -2.5, np.inf, -np.inf, np.nan, 1e30, 1.0, 2.0, 1 + 2**-23]
    x = np.concatenate([np.linspace(-3.3, 5, 400), ends]).astype(np.float32)
    parts = [tf.math.lgamma(part).numpy() for part in np.array_split(x, 50)]
    np.testing.assert_array_equal(np.concatenate(parts), tf.math.lgamma(x))
