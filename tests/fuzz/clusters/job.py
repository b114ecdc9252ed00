"""A worker: trains a small model, keeps checkpoints, writes each step's loss down, and at one step does itself a fault.

What it writes into the folder: `rank-N.jsonl`, a line for each step (its number, the loss, a checksum of all variables after it).
"""

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path

import numpy as np

import penstock as tf

STEPS, EVERY = 30, 5  # steps of a job, and between checkpoints
WIDTH = 160


def main(folder, fault):
    """Trains; `fault` is {"kind", "rank", "step", "after" (seconds into the step), "seconds"}."""
    options = tf.distribute.experimental.CommunicationOptions(bytes_per_pack=1 << 15)
    strategy = tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
    rank = strategy.cluster_resolver.task_id
    data = np.random.default_rng(7).normal(size=(STEPS * 16, WIDTH)).astype(np.float32)
    dataset = tf.data.Dataset.from_tensor_slices(data).batch(16)
    with strategy.scope():
        start = np.random.default_rng(3)
        weights = [
            tf.Variable(start.normal(size=(WIDTH, WIDTH)).astype(np.float32) / WIDTH)
            for _ in range(2)
        ]
        moments = [tf.Variable(tf.zeros_like(w)) for w in weights]
        done = tf.Variable(0, dtype=tf.int64)

    @tf.function
    def step(batch):
        def replica(x):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((tf.tanh(x @ weights[0]) @ weights[1] - x) ** 2) / 4.0
            found = tape.gradient(loss, weights)
            context = tf.distribute.get_replica_context()
            *gradients, total = context.all_reduce("SUM", [*found, loss])
            for w, m, g in zip(weights, moments, gradients):
                m.assign(0.9 * m + g)
                w.assign_sub(0.5 * m)
            done.assign_add(1)
            return total

        return strategy.run(replica, (batch,))

    checkpoint = tf.train.Checkpoint(weights=weights, moments=moments, done=done)
    manager = tf.train.CheckpointManager(checkpoint, str(folder / "checkpoints"), max_to_keep=2)
    end = tf.distribute.experimental.TerminationConfig()
    handler = tf.distribute.experimental.PreemptionCheckpointHandler(
        strategy.cluster_resolver, manager, termination_config=end
    )
    in_background = tf.train.CheckpointOptions(experimental_enable_async_checkpoint=True)
    begun = int(done)
    batches = iter(strategy.experimental_distribute_dataset(dataset.skip(begun)))
    with open(folder / f"rank-{rank}.jsonl", "a") as log:
        for number in range(begun + 1, STEPS + 1):
            if number == fault.get("step") and (rank == fault["rank"] or fault["rank"] < 0):
                (folder / "fault").write_text(str(time.time()))
                strike(fault)
            loss = handler.run(step, next(batches))
            print(
                json.dumps([number, float(loss).hex(), checksum(weights, moments)]),
                file=log,
                flush=True,
            )
            if number % EVERY == 0 and strategy.extended.should_checkpoint:
                manager.save(options=in_background)
            time.sleep(0.01)
    manager.sync()


def checksum(weights, moments):
    """Of all variables."""
    found = 0
    for variable in (*weights, *moments):
        found = zlib.crc32(np.ascontiguousarray(variable.numpy()).tobytes(), found)
    return found


def strike(fault):
    """Does this process a fault, now or a moment later in the step."""
    kind, own = fault["kind"], os.getpid()
    if kind == "full":  # of a disk: what is written fails in the middle of a file
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, resource.RLIM_INFINITY))
    if kind == "pause":
        script = f"sleep {fault['seconds']}; kill -CONT {own}"
        subprocess.Popen(["sh", "-c", script], start_new_session=True)
    number = {
        "kill": signal.SIGKILL, "stop": signal.SIGSTOP, "pause": signal.SIGSTOP, "preempt": signal.SIGTERM,
    }.get(kind)  # fmt: skip
    if number is not None:
        threading.Timer(fault["after"], os.kill, (own, number)).start()


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
