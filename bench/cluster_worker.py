"""A process of bench/clusters.py: measures something together with the others; rank 0 prints it as JSON.

Usage: cluster_worker.py sums SECONDS | training CASE SECONDS | link CASE SECONDS | scaling CASE SECONDS
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
WIDTH = 1024  # of the layers of `sharded`
ROWS = {"residual": 16, "transformer": 2}  # samples of a process when their number grows
PACK_BYTES = 1 << 19
# Labels of launches begin with these.
EXCHANGES = ("all_reduce", "reduce_scatter", "all_gather", "exchange")


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


def steps_of(case, rows=None):
    """Functions that take a training step on `rows` samples of each process; by default on its part of the zoo's batch.

    Returns:
      a step without exchanges, one with exchanges in the program, one with the same when gradients are done, the exchange alone;
      the bytes of the gradients; those of the last, and what travels with it.
    """
    keras.utils.set_random_seed(1)
    with strategy.scope():
        model, x, y, batch = MODELS[case](keras, np.random.default_rng(1))
    part = rows or batch // size
    x, y = tf.constant(x[rank * part : (rank + 1) * part]), tf.constant(y[:part])
    # A cluster of one process has plain variables.
    values = [weight.value for weight in model.trainable_variables]
    weights = [getattr(value, "values", [value])[0] for value in values]

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

    sizes = [4 * int(np.prod(weight.shape)) for weight in weights]
    return [none, inside, after, alone], sum(sizes), max(sizes[0], PACK_BYTES)


def link(case, seconds):
    """Seconds of a training step: without exchanges, with such in the program, with the same when gradients are done."""
    steps, *_ = steps_of(case)
    best = interleaved(steps, float(seconds) * 4)
    figures = dict(zip(("none", "inside", "after", "alone"), best))
    return figures | {"spent": spent_in_exchanges(steps[1], float(seconds))}


def scaling(case, seconds):
    """Seconds of a step of ROWS samples of each process, and the bytes that it exchanges."""
    (none, inside, *_), total, last = steps_of(case, ROWS[case])
    best = interleaved([none, inside], float(seconds) * 2)
    return {"none": best[0], "inside": best[1], "bytes": total, "last": last}


def spent_in_exchanges(step, seconds):
    """The least seconds that a step's launches of exchanges take: what is not hidden behind other launches."""
    spent = []

    class Observer:
        """Is told of each launch."""

        def program_ran(self, plan, rows):
            """Adds up the times of exchanges; rows are (word, start, end) in nanoseconds."""
            words = {
                at for launch, at in time_words(plan.launches) if launch.label.startswith(EXCHANGES)
            }
            mine = [end - start for at, start, end in rows if at + NANOSECONDS in words]
            spent.append(float(sum(mine)) / 1e9)

        def host_ran(self, *_):
            """Nothing of the step runs on the host."""

    observer = Observer()
    RUN_OBSERVERS.append(observer)
    interleaved([step], seconds)
    RUN_OBSERVERS.remove(observer)
    return min(spent[WARM_UP + 1 :])


def sharded(stage, seconds):
    """Seconds of a training step of four layers with Adam, and the bytes of its weights and slots that a process holds, by ZeRO's stage."""
    sharding = tf.distribute.experimental.ShardingOptions(stage=int(stage))
    divided = tf.distribute.MultiWorkerMirroredStrategy(sharding_options=sharding)
    with divided.scope():
        layers = [keras.layers.Dense(WIDTH, "relu") for _ in range(4)]
        model = keras.Sequential([keras.Input([WIDTH]), *layers])
        model.compile("adam", "mse")
        model.optimizer.build(model.trainable_variables)
    x = tf.constant(np.random.default_rng(rank).normal(size=[32, WIDTH]).astype("float32"))
    step = tf.function(lambda: divided.run(model.train_step, ((x, x),)))
    (best,) = interleaved([step], float(seconds))
    variables = [v.value for v in (*model.trainable_variables, *model.optimizer.variables)]
    held = [getattr(value, "values", [value])[0] for value in variables]
    return {"step": best, "held": sum(v.dtype.size * v.shape.num_elements() for v in held)}


def main():
    """Measures what the command line names."""
    kind, *arguments = sys.argv[1:]
    measures = (sums, training, link, scaling, sharded)
    kinds = {measure.__name__: measure for measure in measures}
    found = kinds[kind](*arguments)
    if rank == 0:
        print("RESULT " + json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
