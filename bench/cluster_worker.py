"""A process of bench/clusters.py: measures something together with the others; rank 0 prints it as JSON.

Usage: cluster_worker.py sums SECONDS | training CASE SECONDS | link CASE SECONDS
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

from penstock._src.compiler.plan.launch_table import time_words
from penstock._src.native.runner import NANOSECONDS
from penstock._src.util.run_observers import RUN_OBSERVERS

strategy = tf.distribute.MultiWorkerMirroredStrategy()
rank, size = strategy.cluster_resolver.task_id or 0, strategy.num_replicas_in_sync
SIZES = [1 << power for power in (10, 14, 18, 20, 22, 24, 26)]  # bytes
WARM_UP = 3


def together():
    """Waits until all processes are here."""
    if size > 1:
        strategy.reduce("SUM", tf.constant(0.0), axis=None)


def interleaved(calls, seconds):
    """The seconds of the fastest of many calls of each function, in turns; rank 0 says how many."""
    best = [float("inf")] * len(calls)
    for call in calls * WARM_UP:
        call()
    together()
    start = time.perf_counter()
    for call in calls:
        call()
    rounds = max(3, int(seconds / (time.perf_counter() - start)))
    if size > 1:
        rounds = int(strategy.reduce("MEAN", tf.constant(float(rounds)), axis=None))
    for _ in range(rounds):
        for i, call in enumerate(calls):
            together()
            start = time.perf_counter()
            call()
            best[i] = min(best[i], time.perf_counter() - start)
    return best


def sums(seconds):
    """Seconds of sums by their bytes: in a program, on the host, by MPI's own function."""
    from mpi4py import MPI

    def reduced(x):
        return strategy.run(lambda: tf.distribute.get_replica_context().all_reduce("SUM", x))

    program, found = tf.function(reduced), {}
    for count in SIZES:
        x = tf.ones([count // 4])
        own, result = np.ones(count // 4, np.float32), np.empty(count // 4, np.float32)
        calls = [
            lambda x=x: program(x),
            lambda x=x: reduced(x),
            lambda own=own, result=result: MPI.COMM_WORLD.Allreduce(own, result),
        ]
        found[str(count)] = interleaved(calls, float(seconds) / len(SIZES))
    return found


def training(case, seconds):
    """Samples per second of a model of the zoo in `fit`, of all processes."""
    keras.utils.set_random_seed(1)
    with strategy.scope():
        model, x, y, batch = MODELS[case](keras, np.random.default_rng(1))
        model.compile(optimizer=model.optimizer, loss=model.loss)
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(batch, drop_remainder=True).cache()
    if size > 1:
        data = strategy.experimental_distribute_dataset(data)
    samples = len(x) // batch * batch
    (best,) = interleaved([lambda: model.fit(data, verbose=0)], float(seconds))
    return {"per_s": samples / best}


def link(case, seconds):
    """Seconds of a training step: without exchanges, with such in the program, with the same when gradients are done."""
    keras.utils.set_random_seed(1)
    with strategy.scope():
        model, x, y, batch = MODELS[case](keras, np.random.default_rng(1))
    part = batch // size
    x, y = tf.constant(x[rank * part : (rank + 1) * part]), tf.constant(y[:part])
    weights = [weight.value.values[0] for weight in model.trainable_variables]

    def gradients():
        with tf.GradientTape() as tape:
            loss = model.loss(y, model(x, training=True))
        return tape.gradient(loss, weights)

    def update(given):
        for weight, gradient in zip(weights, given):
            weight.assign_sub(1e-4 * gradient)

    def replica(exchange):
        def run():
            own = [tf.convert_to_tensor(g) for g in gradients()]
            if exchange:
                own = tf.distribute.get_replica_context().all_reduce("MEAN", own)
            update(own)

        return run

    none = tf.function(lambda: strategy.run(replica(False)))
    inside = tf.function(lambda: strategy.run(replica(True)))
    only_gradients = tf.function(
        lambda: strategy.run(lambda: [tf.convert_to_tensor(g) for g in gradients()])
    )
    only_update = tf.function(lambda given: update(given))

    def after():
        given = only_gradients()
        total = strategy.run(
            lambda: tf.distribute.get_replica_context().all_reduce("MEAN", list(given))
        )
        only_update(total)

    @tf.function
    def alone():
        own = [tf.convert_to_tensor(weight) for weight in weights]
        return strategy.run(lambda: tf.distribute.get_replica_context().all_reduce("MEAN", own)[0])

    best = interleaved([none, inside, after, alone], float(seconds) * 4)
    figures = dict(zip(("none", "inside", "after", "alone"), best))
    return figures | {"spent": spent_in_exchanges(inside, float(seconds))}


def spent_in_exchanges(step, seconds):
    """The least seconds that a step's launches of exchanges take: what is not hidden behind other launches."""
    spent = []

    class Observer:
        """Is told of each launch."""

        def program_ran(self, plan, rows):
            """Adds up the times of exchanges; rows are (word, start, end) in nanoseconds."""
            words = {at for launch, at in time_words(plan.launches) if "all_reduce" in launch.label}
            mine = [end - start for at, start, end in rows if at + NANOSECONDS in words]
            spent.append(float(sum(mine)) / 1e9)

        def host_ran(self, *_):
            """Nothing of the step runs on the host."""

    observer = Observer()
    RUN_OBSERVERS.append(observer)
    interleaved([step], seconds)
    RUN_OBSERVERS.remove(observer)
    return min(spent[WARM_UP + 1 :])


def main():
    """Measures what the command line names."""
    kind, *arguments = sys.argv[1:]
    found = {"sums": sums, "training": training, "link": link}[kind](*arguments)
    if rank == 0:
        print("RESULT " + json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
