"""A process of bench/clusters.py peers: trains a model of the zoo together with the others; rank 0 prints samples per second as JSON.

Every backend runs the same Keras model with the same optimizer on the same batches, one thread a process: Penstock and
TensorFlow by `MultiWorkerMirroredStrategy` and a training loop of `tf.function`s (Keras 3's `fit` does not run with that strategy on
TensorFlow), PyTorch by `DistributedDataParallel` over gloo. TF_CONFIG says who is who.

Usage: cluster_peer.py BACKEND CASE SECONDS
"""

import json
import os
import pathlib
import sys
import time

backend, case, SECONDS = sys.argv[1], sys.argv[2], float(sys.argv[3])
os.environ["KERAS_BACKEND"] = "torch" if backend == "torch" else "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

CONFIG = json.loads(os.environ["TF_CONFIG"])
WORKERS, RANK = CONFIG["cluster"]["worker"], int(CONFIG["task"]["index"])
SIZE = len(WORKERS)
STEPS, WARM_UP = 10, 2  # steps of a timed call, calls before the first that counts


def batches(x, y, batch):
    """This process's parts of `STEPS` global batches; labels have a last axis, as Keras's losses want it."""
    y = y.reshape(len(y), -1)
    part = batch // SIZE
    starts = [(step * batch) % (len(x) // batch * batch) + RANK * part for step in range(STEPS)]
    return [(x[at : at + part], y[at : at + part]) for at in starts]


def of_samples(loss):
    """The loss of each sample: Keras's own mean depends on the strategy."""
    return getattr(loss, "call", loss)


def with_tensorflow():
    """Returns a function that trains `STEPS` steps, one that agrees on a number, and the global batch size."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    import keras
    import numpy as np
    from zoo import MODELS

    keras.utils.set_random_seed(1)
    with strategy.scope():
        model, x, y, batch = MODELS[case](keras, np.random.default_rng(1))
        loss, optimizer = of_samples(keras.losses.get(model.loss)), model.optimizer
        optimizer.build(model.trainable_variables)

    def replica(x, y):
        with tf.GradientTape() as tape:
            value = tf.reduce_mean(loss(y, model(x, training=True))) / SIZE
        weights = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(value, weights), weights))
        return value

    @tf.function
    def step(x, y):
        return strategy.reduce("SUM", strategy.run(replica, args=(x, y)), axis=None)

    data = [(tf.constant(a), tf.constant(b)) for a, b in batches(x, y, batch)]

    def train():
        return [float(step(*each)) for each in data]

    def agreed(number):
        own = strategy.run(lambda: tf.constant(float(number)))
        return int(strategy.reduce("MEAN", own, axis=None))

    return train, agreed, batch


def with_torch():
    """The same for PyTorch."""
    import torch

    torch.set_num_threads(1)
    host, port = WORKERS[0].rsplit(":", 1)
    torch.distributed.init_process_group(
        "gloo", init_method=f"tcp://{host}:{port}", rank=RANK, world_size=SIZE
    )
    import keras
    import numpy as np
    from zoo import MODELS

    keras.utils.set_random_seed(1)
    model, x, y, batch = MODELS[case](keras, np.random.default_rng(1))
    loss, optimizer = of_samples(keras.losses.get(model.loss)), model.optimizer
    parallel = torch.nn.parallel.DistributedDataParallel(model)
    data = [(torch.tensor(a), torch.tensor(b)) for a, b in batches(x, y, batch)]

    def step(x, y):
        model.zero_grad()
        value = loss(y, parallel(x)).mean()
        value.backward()
        weights = model.trainable_weights
        with torch.no_grad():
            optimizer.apply([weight.value.grad for weight in weights], weights)
        return float(value.detach())

    def train():
        parallel.train()
        return [step(*each) for each in data]

    def agreed(number):
        own = torch.tensor(float(number))
        torch.distributed.all_reduce(own)
        return int(own / SIZE)

    return train, agreed, batch


def main():
    """Prints samples per second of all processes: those of the fastest of many calls of `STEPS` steps."""
    train, agreed, batch = with_torch() if backend == "torch" else with_tensorflow()
    losses = [train() for _ in range(WARM_UP)]
    start = time.perf_counter()
    train()
    best = time.perf_counter() - start
    for _ in range(agreed(max(2, SECONDS / best))):
        start = time.perf_counter()
        train()
        best = min(best, time.perf_counter() - start)
    if RANK == 0:
        result = {"per_s": STEPS * batch / best, "losses": losses[0]}
        print("RESULT " + json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
