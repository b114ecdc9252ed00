"""Keras models through `fit` and `predict` on NumPy arrays."""

import time

TITLE = "Keras models"
NOTE = (
    "`fit` and `predict` on NumPy arrays, samples/s; `first_s` is the time to build the model and `fit` one "
    "batch; `memory_mb` the peak memory of the process."
)
BACKENDS = ["penstock", "tensorflow", "jax", "torch"]
CASES = [
    "mlp", "convolutional", "residual", "recurrent", "transformer",
    "resnet50", "mobilenet", "bert_base", "gpt2_small", "llama", "vision_transformer",
]  # fmt: skip
LOWER = {"first_s", "memory_mb"}
SECONDS = 5.0


def best_rate(call, samples):
    """Returns the best samples per second of repeated calls, after a warm-up call."""
    from clock import best_seconds

    return samples / best_seconds(call, SECONDS)


def measure(case, backend):
    """Times the model `case`."""
    import keras
    import numpy as np
    from zoo import MODELS

    keras.utils.set_random_seed(1)
    start = time.perf_counter()
    model, x, y, batch = MODELS[case](keras, np.random.default_rng(1))
    model.fit(x[:batch], y[:batch], batch_size=batch, verbose=0)
    first = time.perf_counter() - start
    return {
        "train_per_s": best_rate(lambda: model.fit(x, y, batch_size=batch, verbose=0), len(x)),
        "predict_per_s": best_rate(lambda: model.predict(x, batch_size=batch, verbose=0), len(x)),
        "first_s": first,
    }
