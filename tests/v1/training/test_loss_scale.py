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


def test_scales_are_restored_from_checkpoints(tmp_path):
    scale = mixed.DynamicLossScale(4.0, increment_period=2)
    scale.update([tf.constant(1.0)])
    path = tf.train.Checkpoint(scale=scale).save(str(tmp_path / "c"))
    scale.update([tf.constant(1.0)])
    assert (float(scale()), int(scale._num_good_steps)) == (8.0, 0)
    tf.train.Checkpoint(scale=scale).restore(path).assert_consumed()
    assert (float(scale()), int(scale._num_good_steps)) == (4.0, 1)
    assert "scale/good_steps/.ATTRIBUTES/VARIABLE_VALUE" in dict(tf.train.list_variables(path))


def test_weights_belong_to_their_graph():
    scale = mixed.DynamicLossScale()
    with pytest.raises(RuntimeError, match="Duplicate variables"):
        scale._add_weight("good_steps", 0, tf.int64)
    with tf.Graph().as_default():
        assert not scale._trackable_children()
        scale._add_weight("good_steps", 0, tf.int64)
        assert list(scale._trackable_children()) == ["good_steps"]
    assert list(scale._trackable_children()) == ["current_loss_scale", "good_steps"]


class Optimizer:
    """An optimizer of another library."""


class Scaled(Optimizer):
    def __init__(self, optimizer, loss_scale):
        self.optimizer, self.loss_scale = optimizer, loss_scale


def test_other_optimizers_get_their_own_wrapper():
    tf.__internal__.mixed_precision.register_loss_scale_wrapper(Optimizer, Scaled)
    scaled = mixed.enable_mixed_precision_graph_rewrite(Optimizer(), 8.0)
    assert isinstance(scaled, Scaled) and scaled.loss_scale == 8.0
    assert tf.__internal__.train.is_mixed_precision_graph_rewrite_enabled()
    with pytest.raises(ValueError, match="must not already be an instance of a Scaled"):
        mixed.enable_mixed_precision_graph_rewrite(scaled)
    mixed.disable_mixed_precision_graph_rewrite()
    assert not tf.__internal__.train.is_mixed_precision_graph_rewrite_enabled()
