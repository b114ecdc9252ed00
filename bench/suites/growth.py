"""How the time of a training step grows with the batch, the sequence's length, the depth, and the threads."""

import os
import time

TITLE = "Growth"
NOTE = "Training samples/s through `train_on_batch`; `memory_mb` is the peak memory of the process."
BACKENDS = ["penstock", "tensorflow", "jax"]
BATCHES, LENGTHS, DEPTHS = (1, 8, 32, 128, 512), (32, 128, 512, 1024), (1, 2, 4, 8, 16)
CASES = [
    *[f"batch {n}" for n in BATCHES], *[f"length {n}" for n in LENGTHS],
    *[f"depth {n}" for n in DEPTHS], "threads 1 residual", "threads all residual",
    "threads 1 transformer", "threads all transformer",
]  # fmt: skip
LOWER = {"first_s", "memory_mb"}


def built(case):
    """Returns (model, x, y) of a case."""
    import keras
    import numpy as np
    import zoo

    random = np.random.default_rng(1)
    kind, number, *name = case.split()
    if kind == "batch":
        model, x, y, _ = zoo.residual(keras, random)
        return model, x[: int(number)], y[: int(number)]
    if kind == "length":
        model, x, y, _ = zoo.transformer(keras, random, length=int(number), vocabulary=1000)
        return model, x[:4], y[:4]
    if kind == "depth":
        model, x, y, _ = zoo.transformer(keras, random, blocks=int(number), vocabulary=1000)
        return model, x[:8], y[:8]
    model, x, y, batch = zoo.MODELS[name[0]](keras, random)
    return model, x[:batch], y[:batch]


def prepare(case):
    """Pins the process to one core for the single-threaded cases, before a backend is loaded."""
    if case.startswith("threads 1"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def measure(case, backend):
    """Times training steps."""
    import keras
    from clock import best_seconds

    keras.utils.set_random_seed(1)
    start = time.perf_counter()
    model, x, y = built(case)
    model.train_on_batch(x, y)
    first = time.perf_counter() - start
    return {
        "train_per_s": len(x) / best_seconds(lambda: model.train_on_batch(x, y), 4.0),
        "first_s": first,
    }
