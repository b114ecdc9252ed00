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


def fit_of(case, devices, disable=""):
    """A call that trains its own copy of a model for an epoch, each batch divided among the devices; and the number of steps."""
    strategy = tf.distribute.MirroredStrategy(devices)
    keras.utils.set_random_seed(1)
    with strategy.scope():
        model, x, y, batch = MODELS[case](keras, np.random.default_rng(1))
        model.compile(optimizer=model.optimizer, loss=model.loss)
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(batch, drop_remainder=True).cache()
    data = strategy.experimental_distribute_dataset(data)

    def fit():
        with override(disable=disable):
            model.fit(data, verbose=0)

    return fit, len(x) // batch


def main():
    """Prints the seconds of the fastest step of each kind."""
    case, seconds = sys.argv[1], float(sys.argv[2])
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    devices = [f"CPU:{i}" for i in range(REPLICAS)]
    fits = {
        "beside": fit_of(case, devices),
        "after": fit_of(case, devices, disable="streams"),
        "one": fit_of(case, devices[:1]),
    }
    for fit, _ in list(fits.values()) * WARM_UP:
        fit()
    best = dict.fromkeys(fits, float("inf"))
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for name, (fit, steps) in fits.items():
            start = time.perf_counter()
            fit()
            best[name] = min(best[name], (time.perf_counter() - start) / steps)
    print("RESULT " + json.dumps(best))


main()
