"""Losses that are scaled by a changing power of two train as plain ones do."""

import keras
import numpy as np
import pytest


@pytest.mark.parametrize("run_eagerly", [False, True])
def test_dynamic_scales_of_losses_change_nothing(run_eagerly):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 5)).astype("float32"), rng.normal(size=(4, 2)).astype("float32")
    kernel = keras.initializers.Constant(rng.normal(size=(5, 2)))

    def losses(optimizer):
        layers = [keras.Input([5]), keras.layers.Dense(2, kernel_initializer=kernel)]
        model = keras.Sequential(layers)
        model.compile(optimizer, "mse", run_eagerly=run_eagerly)
        return [float(model.train_on_batch(x, y)) for _ in range(8)]

    scaled = keras.optimizers.LossScaleOptimizer(
        keras.optimizers.SGD(0.1), initial_scale=8.0, dynamic_growth_steps=3
    )
    np.testing.assert_allclose(losses(scaled), losses(keras.optimizers.SGD(0.1)), rtol=1e-5)
    assert float(scaled.dynamic_scale) == 32
