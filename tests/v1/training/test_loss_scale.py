"""Scaled losses of tf.compat.v1.mixed_precision, against values of TensorFlow."""

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1
mixed = v1.mixed_precision


def test_dynamic_scales_follow_the_gradients():
    scale = mixed.DynamicLossScale(4.0, 2, 3.0)
    seen = []
    for gradient in (1.0, 1.0, np.inf, np.nan, 1.0, 1.0):
        applied = scale.update([tf.constant([gradient]), None])[1]
        seen.append((bool(applied), round(float(scale()), 4)))
    assert seen == [
        (True, 4.0), (True, 12.0), (False, 4.0), (False, 1.3333), (True, 1.3333), (True, 4.0),
    ]  # fmt: skip
    assert mixed.DynamicLossScale.from_config(scale.get_config())() == 4.0


def test_fixed_scales():
    scale = mixed.FixedLossScale(8)
    assert float(scale()) == 8 and scale.update([]) == (None, True)
    with pytest.raises(ValueError, match="must be at least 1"):
        mixed.FixedLossScale(0.5)
    with pytest.raises(TypeError, match="abstract"):
        mixed.LossScale()


def test_steps_with_overflow_are_left_out():
    with tf.Graph().as_default():
        x = v1.get_variable("x", initializer=[1.0, 2.0])
        factor = v1.placeholder(tf.float32)
        optimizer = mixed.MixedPrecisionLossScaleOptimizer(
            v1.train.MomentumOptimizer(0.5, 0.9), mixed.DynamicLossScale(2.0, 1, 2.0)
        )
        update = optimizer.minimize(tf.reduce_sum(x * factor))
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            session.run(update, {factor: np.inf})
            assert session.run(x).tolist() == [1.0, 2.0]
            session.run(update, {factor: 1.0})
            assert session.run(x).tolist() == [0.5, 1.5]


def test_eager_steps():
    x, step = tf.Variable([1.0, 2.0]), tf.Variable(0, dtype=tf.int64)
    optimizer = v1.train.GradientDescentOptimizer(0.25)
    optimizer.minimize(lambda: tf.reduce_sum(x * x), global_step=step)
    assert x.numpy().tolist() == [0.5, 1.0] and int(step) == 1
    scaled = mixed.enable_mixed_precision_graph_rewrite(optimizer, 4.0)
    scaled.minimize(lambda: tf.reduce_sum(x * x))
    assert x.numpy().tolist() == [0.25, 0.5]
    with pytest.raises(RuntimeError, match="should be a function when eager"):
        optimizer.minimize(tf.constant(1.0))


@pytest.mark.parametrize("opt", [3, None])
def test_refusals(opt):
    with pytest.raises(ValueError, match="must be an instance of"):
        mixed.MixedPrecisionLossScaleOptimizer(opt, "dynamic")
