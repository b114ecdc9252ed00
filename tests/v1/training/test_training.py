"""Step counters, learning rates that fall, and regularized optimizers of v1; values of TensorFlow 2.21."""

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1
train = v1.train


@pytest.mark.parametrize(
    ("rate", "expect"),
    [
        (lambda: train.exponential_decay(0.1, 5, 10, 0.5), 0.07071068),
        (lambda: train.exponential_decay(0.1, 15, 10, 0.5, True), 0.05),
        (lambda: train.piecewise_constant(7, [3, 7], [1.0, 2.0, 3.0]), 2.0),
        (lambda: train.polynomial_decay(0.1, 5, 10), 0.05005),
        (lambda: train.polynomial_decay(0.1, 15, 10, cycle=True), 0.025075),
        (lambda: train.polynomial_decay(0.1, 15, 10, power=2.0), 1e-4),
        (lambda: train.natural_exp_decay(0.1, 5, 10, 0.5), 0.07788008),
        (lambda: train.inverse_time_decay(0.1, 15, 10, 0.5, True), 0.06666667),
        (lambda: train.cosine_decay(0.1, 5, 10, 0.1), 0.055),
        (lambda: train.cosine_decay_restarts(0.1, 35, 10, 2.0, 0.5, 0.1), 0.031643644),
        (lambda: train.cosine_decay_restarts(0.1, 25, 10, t_mul=1.0), 0.05),
        (lambda: train.linear_cosine_decay(0.1, 5, 10), 0.0251),
    ],
)
def test_rates_fall(rate, expect):
    np.testing.assert_allclose(rate()(), expect, rtol=1e-5)
    with tf.Graph().as_default(), v1.Session() as session:
        np.testing.assert_allclose(session.run(rate()), expect, rtol=1e-5)


def test_pieces_are_checked():
    with pytest.raises(ValueError, match="should be 1 less"):
        train.piecewise_constant(5, [3, 7], [1.0, 2.0])
    with pytest.raises(ValueError, match="same dtype as x"):
        train.piecewise_constant(5, [3.0, 7.0], [1.0, 2.0, 3.0])


def test_steps_are_counted():
    with tf.Graph().as_default() as graph:
        assert train.get_global_step() is None
        step = train.get_or_create_global_step()
        assert (step.name, step.dtype, step.trainable) == ("global_step:0", tf.int64, False)
        assert train.get_global_step(graph) is step is train.get_or_create_global_step()
        with pytest.raises(ValueError, match="already exists"):
            train.create_global_step()
        with v1.Session() as session:
            session.run(step.initializer)
            assert train.global_step(session, step) == 0
        with pytest.raises(TypeError, match="integer type"):
            train.assert_global_step(tf.constant(1.0))


@pytest.mark.parametrize(
    ("make", "expect"),
    [
        (lambda: train.FtrlOptimizer(0.1), [0.6378896, -1.6993986, -0.0060774]),
        (
            lambda: train.FtrlOptimizer(
                0.1,
                l1_regularization_strength=0.1,
                l2_regularization_strength=0.2,
                l2_shrinkage_regularization_strength=0.1,
                beta=0.1,
            ),
            [0.5771596, -1.6587334, -0.0040535],
        ),
        (
            lambda: train.ProximalAdagradOptimizer(
                0.1, l1_regularization_strength=0.1, l2_regularization_strength=0.2
            ),
            [0.7522549, -1.7625926, 0.2770643],
        ),
        (
            lambda: train.ProximalGradientDescentOptimizer(
                0.1, l1_regularization_strength=0.1, l2_regularization_strength=0.2
            ),
            [0.458945, -0.38812, 0.4151798],
        ),
        (
            lambda: train.AdagradDAOptimizer(
                0.1,
                train.get_or_create_global_step(),
                l1_regularization_strength=0.1,
                l2_regularization_strength=0.2,
            ),
            [-0.0647099, 0.0858269, 0.0],
        ),
    ],
)
def test_regularized_optimizers_step(make, expect):
    with tf.Graph().as_default():
        weights = v1.get_variable("v", initializer=tf.constant([1.0, -2.0, 0.5]))
        loss = tf.reduce_sum(weights * weights * [1.0, 2.0, 0.1])
        step = make().minimize(loss, global_step=train.get_or_create_global_step())
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            for _ in range(3):
                session.run(step)
            np.testing.assert_allclose(session.run(weights), expect, rtol=5e-5, atol=1e-6)


def test_strengths_are_checked():
    with pytest.raises(ValueError, match="needs to be positive or zero"):
        train.FtrlOptimizer(0.1, initial_accumulator_value=-1.0)
    with pytest.raises(ValueError, match="must be positive"):
        train.ProximalAdagradOptimizer(0.1, initial_accumulator_value=0)


def test_eager_step_counters_need_no_graph():
    session = tf.compat.v1.Session()  # nothing runs in it
    assert tf.compat.v1.train.global_step(session, tf.Variable(10, trainable=False)) == 10
