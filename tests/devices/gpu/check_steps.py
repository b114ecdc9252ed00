"""Training steps of the five models of bench/zoo.py give the CPU's losses on the emulated GPU: `make cuda-steps`, some minutes.

The models are whole, the batches small, and the transformer's sequences and vocabulary shorter. From the second step on, a step
without a loop that asks the host is one graph, which is replayed.
"""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import penstock as tf
from penstock._src.devices.gpu.emulator.device import DEVICE
from penstock._src.util.flags import override

PATH = Path(__file__).resolve().parents[3] / "bench" / "zoo.py"
SPEC = importlib.util.spec_from_file_location("bench_models", PATH)
zoo = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(zoo)

STEPS = 3
# The model: samples of a step, sizes other than the benchmark's, and how many steps are replayed graphs.
MODELS = {
    "mlp": (8, {}, STEPS - 1),
    "convolutional": (2, {}, STEPS - 1),
    "residual": (2, {}, STEPS - 1),
    "recurrent": (2, {}, STEPS - 1),
    "transformer": (1, {"length": 32, "vocabulary": 500}, STEPS - 1),
}
# Rounding grows from step to step: the CPU's own code without fused multiply-add (PENSTOCK_CPU=x86-64-v2) is as far off.
TOLERANCE = {"residual": 2e-2}


def losses(name, device):
    """The losses of the first steps, and what the driver was asked for."""
    batch, sizes, _ = MODELS[name]
    calls = DEVICE.gpu.driver.library.calls
    calls.clear()
    with override(device=device):
        tf.keras.utils.set_random_seed(1)
        model, x, y, _ = zoo.MODELS[name](tf.keras, np.random.default_rng(1), **sizes)
        found = [
            model.train_on_batch(x[:batch], y[:batch], return_dict=True)["loss"]
            for _ in range(STEPS)
        ]
    return np.array(found), dict(calls)


@pytest.mark.parametrize("name", list(MODELS))
def test_training_steps_give_the_losses_of_the_cpu(name):
    wanted, on_the_cpu = losses(name, "CPU")  # first: large eager ops are compiled once
    found, calls = losses(name, "GPU_emulated")
    print(f"{name}: losses {found}, the CPU's {wanted}; {calls}")
    np.testing.assert_allclose(found, wanted, rtol=TOLERANCE.get(name, 1e-4))
    assert found[-1] < found[0]
    assert calls["cuLaunchKernel"] and "cuLaunchKernel" not in on_the_cpu
    assert calls.get("cuGraphLaunch", 0) == MODELS[name][2]
