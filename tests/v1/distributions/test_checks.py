"""Checks of parameters and values in graphs, and distributions of softplus parameters."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.python.ops.distributions import gamma, kullback_leibler, student_t

v1 = tf.compat.v1
D = v1.distributions


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda x: D.Gamma(x, 1.0, validate_args=True).mean(), "x > 0"),
        (lambda x: D.Normal(0.0, x, validate_args=True).prob(1.0), "x > 0"),
        (lambda x: D.Uniform(1.0, x, validate_args=True).mean(), "x < y"),
        (lambda x: D.Beta(x, x, allow_nan_stats=False).mode(), "x < y"),
        (lambda x: D.Multinomial(2.0, probs=[x, 1 - x], validate_args=True).mean(), "less than 0"),
    ],
)
def test_a_graph_fails_when_it_computes_with_what_is_refused(make, message):
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [])
        result = make(x)
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            session.run(result, {x: -1.0})


def test_counts_are_checked():
    distribution = D.DirichletMultinomial(3.0, [1.0, 2.0], validate_args=True)
    assert distribution.prob([1.0, 2.0]).numpy() > 0
    for counts, message in (
        ([-1.0, 4.0], "must be non-negative"),
        ([1.5, 1.5], "cannot contain fractional components"),
        ([3.0, 3.0], "last-dimension must sum to `self.total_count`"),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            distribution.prob(counts)


def test_softplus_parameters():
    made = gamma.GammaWithSoftplusConcentrationRate([0.0, -2.0], 1.0)
    np.testing.assert_allclose(made.concentration, tf.nn.softplus([0.0, -2.0]))
    other = student_t.StudentTWithAbsDfSoftplusScale(tf.constant(-3.7), 0.0, 1.0)
    assert other.df.numpy() == 3.0


def test_cross_entropy_and_the_registry():
    a, b = D.Normal(0.0, 1.0), D.Normal(1.0, 2.0)
    np.testing.assert_allclose(kullback_leibler.cross_entropy(a, b), a.cross_entropy(b), rtol=1e-6)
    assert kullback_leibler._registered_kl(D.Normal, D.Gamma) is None
    assert kullback_leibler._DIVERGENCES[D.Normal, D.Normal]
