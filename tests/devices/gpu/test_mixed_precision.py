"""Training in mixed precision: the CPU's losses and scales, on the emulated GPU."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.util.flags import override
from tests.devices.gpu.emulated import GPU_DEVICE


def trained(policy, device, blow_up):
    """The losses, the weights, and the scales of losses after each of six steps, of which the third overflows float16 if `blow_up`."""
    keras = tf.keras
    with override(device=device):
        keras.utils.set_random_seed(4)
        keras.mixed_precision.set_global_policy(policy)
        try:
            model = keras.Sequential(
                [
                    keras.Input((8,)),
                    keras.layers.Dense(16, activation="relu"),
                    keras.layers.LayerNormalization(),
                    keras.layers.Dense(1, dtype="float32"),
                ]
            )
            optimizer = keras.optimizers.SGD(0.05)
            if policy == "mixed_float16":
                optimizer = keras.optimizers.LossScaleOptimizer(
                    optimizer, initial_scale=1024.0, dynamic_growth_steps=2
                )
            model.compile(optimizer, "mse", jit_compile=False)
        finally:
            keras.mixed_precision.set_global_policy("float32")
        x = np.random.default_rng(1).normal(size=(6, 4, 8)).astype(np.float32)
        losses, scales = [], []
        for i, batch in enumerate(x):
            target = batch.sum(1, keepdims=True) * (1e6 if blow_up and i == 2 else 1.0)
            losses.append(float(model.train_on_batch(batch, target)))
            scales.append(float(getattr(model.optimizer, "dynamic_scale", 1.0)))
        return losses, scales, [w.numpy() for w in model.trainable_variables]


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_steps_give_the_losses_and_weights_of_the_cpu(policy):
    blow_up = policy == "mixed_float16"
    losses, scales, weights = trained(policy, GPU_DEVICE, blow_up)
    wanted, wanted_scales, wanted_weights = trained(policy, "CPU", blow_up)
    # Products of narrow numbers are summed in other orders, and rounded once more.
    tolerance = {"mixed_bfloat16": 2e-2, "mixed_float16": 2e-3}[policy]
    np.testing.assert_allclose(losses, wanted, rtol=tolerance)
    for found, one in zip(weights, wanted_weights, strict=True):
        np.testing.assert_allclose(found, one, rtol=tolerance, atol=tolerance)
    assert scales == wanted_scales
    if blow_up:  # grown after two steps, halved by the one that overflowed and was left out
        assert scales == [1024, 2048, 1024, 1024, 2048, 2048]
