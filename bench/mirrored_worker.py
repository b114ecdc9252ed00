"""A process of bench/clusters.py: steps of replicas on two logical devices, and of one replica, in turns; prints seconds as JSON.

Usage: mirrored_worker.py CASE SECONDS
"""

import json
import pathlib
import sys
import time

import keras
import numpy as np
import tensorflow as tf

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from zoo import MODELS

from penstock._src.util.flags import override

REPLICAS = 2
WARM_UP = 2


def step_of(case, devices, disable=""):
    """A call of a training step on its own copy of a model, whose batch is divided among the devices."""
    strategy = tf.distribute.MirroredStrategy(devices)
    keras.utils.set_random_seed(1)
    with strategy.scope():
        model, x, y, batch = MODELS[case](keras, np.random.default_rng(1))
        model.compile(optimizer=model.optimizer, loss=model.loss)
    data = tf.data.Dataset.from_tensor_slices((x[:batch], y[:batch])).batch(batch).cache()
    data = strategy.experimental_distribute_dataset(data.repeat())
    iterator = iter(data)
    model.make_train_function()

    def step():
        with override(disable=disable):
            model.train_function(iterator)

    return step


def main():
    """Prints the seconds of the fastest step of each kind."""
    case, seconds = sys.argv[1], float(sys.argv[2])
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    devices = [f"CPU:{i}" for i in range(REPLICAS)]
    steps = {
        "beside": step_of(case, devices),
        "after": step_of(case, devices, disable="lanes"),
        "one": step_of(case, devices[:1]),
    }
    for step in list(steps.values()) * WARM_UP:
        step()
    best = dict.fromkeys(steps, float("inf"))
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            best[name] = min(best[name], time.perf_counter() - start)
    print("RESULT " + json.dumps(best))


main()
