"""Measures one model on one backend and prints a line of JSON. Started by run.py, once per round.

Usage: measure.py MODEL [STAND_IN]
"""

import importlib
import json
import resource
import sys
import time

import numpy as np
from models import MODELS

SECONDS = 5.0


def best_rate(call, samples):
    """Returns the best samples per second of repeated calls, after one that does not count."""
    call()
    best, begin = 0.0, time.perf_counter()
    while time.perf_counter() - begin < SECONDS:
        start = time.perf_counter()
        call()
        best = max(best, samples / (time.perf_counter() - start))
    return best


def main():
    name, *stand_in = sys.argv[1:]
    start = time.perf_counter()
    if stand_in:
        importlib.import_module(stand_in[0]).install_as_tensorflow()
    import keras

    imported = time.perf_counter() - start
    keras.utils.set_random_seed(1)
    start = time.perf_counter()
    model, x, y, batch = MODELS[name](keras, np.random.default_rng(1))
    model.fit(x[:batch], y[:batch], batch_size=batch, verbose=0)
    first = time.perf_counter() - start
    result = {
        "import_s": imported,
        "first_step_s": first,
        "train_per_s": best_rate(lambda: model.fit(x, y, batch_size=batch, verbose=0), len(x)),
        "predict_per_s": best_rate(lambda: model.predict(x, batch_size=batch, verbose=0), len(x)),
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print("RESULT " + json.dumps(result))


if __name__ == "__main__":
    main()
