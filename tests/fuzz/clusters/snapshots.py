"""Snapshots whose workers and dispatchers are killed and stopped: `python -m tests.fuzz.clusters.snapshots --count 20`; `--first 7 --count 1` runs one again.

Every one has to end with each element as often as a plain iteration has it.
"""

import argparse
import collections
import os
import random
import shutil
import signal
import tempfile
import time
from pathlib import Path

os.environ["PENSTOCK_ALLOW"] = "write_files"
os.environ["TEST_WORKER_TIMEOUT_MS"] = "1000"  # who is stopped for longer is thought lost

import numpy as np

import penstock as tf
from tests.harness.data_service import processes, start, start_dispatcher

WORKERS, SECONDS = 3, 90
Range = tf.data.Dataset.range


def slowly(dataset, microseconds):
    """The elements, each after a while."""
    variant = tf.raw_ops.SleepDataset(
        input_dataset=dataset._variant_tensor,
        sleep_microseconds=microseconds,
        output_types=[tf.int64],
        output_shapes=[[]],
    )
    return dataset._derived("Slow", variant, dataset.element_spec, dataset)


def dataset_of(draw):
    """A random pipeline whose elements do not depend on how its source is divided."""
    steps = {
        "shuffle": lambda d: d.shuffle(draw.randint(2, 40)),
        "repeat": lambda d: d.repeat(draw.randint(2, 3)),
        "concatenate": lambda d: d.concatenate(Range(1000, 1050)),
        "interleave": lambda d: d.interleave(
            lambda x: tf.data.Dataset.from_tensors(x).repeat(2),
            cycle_length=draw.randint(1, 4),
            num_parallel_calls=draw.choice([None, 2]),
        ),
        "map": lambda d: d.map(lambda x: x + 1, num_parallel_calls=draw.choice([None, 2])),
        "filter": lambda d: d.filter(lambda x: x % 3 != 0),
        "prefetch": lambda d: d.prefetch(draw.randint(1, 20)),
    }
    names = draw.sample(list(steps), draw.randint(1, 5))
    at = draw.randint(0, len(names))
    made = Range(draw.randint(50, 200))
    for number, name in enumerate([*names, ""]):
        if number == at:
            made = slowly(made, draw.choice([1000, 3000]))
        made = steps[name](made) if name else made
    return names, made.batch(draw.randint(2, 9)) if draw.random() < 0.3 else made


def numbers_in(dataset):
    return collections.Counter(n for x in dataset.as_numpy_iterator() for n in np.ravel(x).tolist())


def fault(draw, running, ports, dispatcher, folder):
    """Kills or stops one of the processes; returns what it did."""
    port = draw.choice([dispatcher, *ports])
    if port != dispatcher and draw.random() < 0.5:
        running[port].send_signal(signal.SIGSTOP)
        time.sleep(draw.uniform(0.2, 2))
        running[port].send_signal(signal.SIGCONT)
        return "stop"
    running[port].kill()
    running[port].wait()
    if port == dispatcher:
        start_dispatcher(running, port, ports, folder)
        return "kill dispatcher"
    if port == ports[0] or draw.random() < 0.7:
        start(running, "worker", port, "", f"localhost:{dispatcher}")
    return "kill"


def trial(seed, folder):
    """Returns what was wrong; "" if nothing was."""
    draw = random.Random(seed)
    tf.random.set_seed(seed)
    names, data = dataset_of(draw)
    path, work = str(folder / "snapshot"), str(folder / "work")
    with processes(WORKERS, work) as (target, ports, running):
        address = target.rpartition("/")[2]
        tf.data.experimental.distributed_save(data, path, address)
        done = []
        for _ in range(draw.randint(1, 4)):
            time.sleep(draw.uniform(0.1, 1.2))
            done.append(fault(draw, running, ports, int(address.rpartition(":")[2]), work))
        until = time.monotonic() + SECONDS
        while not os.path.exists(f"{path}/DONE"):
            if os.path.exists(f"{path}/ERROR"):
                return f"{names} {done}: {Path(path, 'ERROR').read_text()}"
            if time.monotonic() > until:
                return f"{names} {done}: not done in {SECONDS} s"
            time.sleep(0.05)
        found, expected = numbers_in(tf.data.Dataset.load(path)), numbers_in(data)
        print(f"seed {seed}: {names} {done}: {found.total()} elements", flush=True)
        return (
            "" if found == expected else f"{names} {done}: {found - expected}, {expected - found}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--first", type=int, default=0)
    given = parser.parse_args()
    finds = 0
    for seed in range(given.first, given.first + given.count):
        folder = Path(tempfile.mkdtemp(prefix="penstock-snapshots-"))
        wrong = trial(seed, folder)
        if wrong:
            finds += 1
            print(f"seed {seed}: {wrong}\n  files: {folder}", flush=True)
        else:
            shutil.rmtree(folder)
    print(f"{given.count} snapshots, {finds} finds")
    raise SystemExit(bool(finds))


if __name__ == "__main__":
    main()
