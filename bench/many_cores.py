"""Simulates compiled steps on 1 to 128 cores from the measured work of their launches (docs/many_cores.md).

For each number of cores the model is compiled for as many threads, so that its launches have the tasks that they have there; one thread then
runs all tasks, and the time of a launch is the work of its tasks together. The model of a launch of n tasks with work w on P cores:

    threads = min(P, n)
    launch  = w / n * ceil(n / threads) + join(threads)
    join(1) = 0
    join(t) = POST + LINE (t / STORES + 1), + LINE if there is more than one group of threads

A launch whose data are larger than the caches of its cores takes at least its bytes / BANDWIDTH; what a core alone gets is in its measured work. (A
launch that took less time than one core needs to read as much from memory, FROM_CACHE, had its data in a cache.)

Measured here: the work, and POST (a launch of two empty tasks on two cores). Assumed: LINE, the time in which a line of memory passes from core to core; STORES,
of which a core has as many under way; BANDWIDTH of a machine's memory; that tasks of a launch take the same time, and that no other program runs.

Usage: many_cores.py [--cases mlp,residual] [--cores 1,2,4,8,16,32,64,128] [--save works.json] [--load works.json]
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

CORES = (1, 2, 4, 8, 16, 32, 64, 128)
CASES = (
    "mlp",
    "convolutional",
    "residual",
    "recurrent",
    "transformer",
    "resnet50",
    "mobilenet",
    "bert_base",
)
MODES = ("train", "predict")
POST = 90e-9  # seconds
LINE = 80e-9  # seconds
STORES = 8
GROUP = 8  # threads whose finished tasks are counted together
BANDWIDTH, FROM_CACHE = 200e9, 25e9  # bytes per second
CORE_CACHE = 1 << 20  # bytes


def work(case, mode, cores):
    """Prints the launches of a step: (tasks, launches in a step, seconds of work of all of them, bytes of each)."""
    os.environ |= {"KERAS_BACKEND": "tensorflow", "PENSTOCK_THREADS": str(cores)}
    os.cpu_count = lambda: cores  # sums are divided by the number of cores of the machine
    import penstock as tf

    tf.install_as_tensorflow()
    import keras
    import numpy as np
    from zoo import MODELS

    from penstock._src.native import pool

    keras.utils.set_random_seed(1)
    model, x, y, batch = MODELS[case](keras, np.random.default_rng(1))
    pool().work_alone()
    if mode == "train":
        model.make_train_function()
        report = model.train_function.explain(x[:batch], y[:batch], time=True)
    else:
        step = tf.function(lambda x: model(x, training=False))
        report = step.explain(tf.constant(x[:batch]), time=True)
    launches = [
        (k.tasks, len(k.records) * (k.rounds or 1), k.seconds or 0.0, k.bytes)
        for k in report.kernels
    ]
    print("WORK " + json.dumps(launches))


def measured(cases, numbers):
    """{case: {mode: {cores: launches}}}, each in a process of its own."""
    works = {}
    for case in cases:
        for mode in MODES:
            for cores in numbers:
                command = [sys.executable, __file__, "--work", case, mode, str(cores)]
                out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                line = next(x for x in out.splitlines() if x.startswith("WORK "))
                works.setdefault(case, {}).setdefault(mode, {})[cores] = json.loads(line[5:])
            print(f"{case}, {mode}: measured", file=sys.stderr, flush=True)
    return works


def join(threads):
    """Seconds to start a launch on threads, and to learn that all have ended."""
    if threads == 1:
        return 0.0
    return POST + LINE * (threads / STORES + 1 + (threads > GROUP))


def simulated(launches, cores):
    """Seconds of a step: {"step", and of those "joins", "uneven" (cores that wait for the last task), "alone" (launches of one task), "memory"}."""
    parts = dict.fromkeys(("step", "joins", "uneven", "alone", "memory"), 0.0)
    for tasks, times, seconds, size in launches:
        tasks = max(1, tasks)
        threads = min(cores, tasks)
        own = seconds / tasks * -(-tasks // threads)
        parts["alone" if tasks == 1 else "uneven"] += own - seconds / cores
        if size > cores * CORE_CACHE and times * size < seconds * FROM_CACHE:
            longer = max(own, times * size / BANDWIDTH)
            parts["memory"] += longer - own
            own = longer
        joins = times * join(threads)
        parts["joins"] += joins
        parts["step"] += own + joins
    return parts


def report(works):
    """Prints the curves, and what keeps the largest number of cores from its ideal."""
    numbers = sorted(
        {int(n) for modes in works.values() for found in modes.values() for n in found}
    )
    heads = " | ".join(map(str, numbers))
    most = numbers[-1]
    print(f"| step | launches | {heads} | on {most}: joins | uneven | alone | memory | more work |")
    print(f"|---|--:|{'--:|' * (len(numbers) + 5)}")
    for case, modes in works.items():
        for mode, found in modes.items():
            found = {int(n): launches for n, launches in found.items()}
            steps = {n: simulated(found[n], n) for n in numbers}
            one = steps[numbers[0]]["step"]
            curve = " | ".join(f"{one / steps[n]['step']:.1f}" for n in numbers)
            last = steps[most]
            shares = [last[part] / last["step"] for part in ("joins", "uneven", "alone", "memory")]
            work = [sum(seconds for *_, seconds, _ in found[n]) for n in (numbers[0], most)]
            shares.append(max(0.0, work[1] - work[0]) / most / last["step"])
            count = sum(times for _, times, *_ in found[most])
            print(
                f"| {case}, {mode} | {count} | {curve} | {' | '.join(f'{s:.0%}' for s in shares)} |"
            )


def main():
    """See the module."""
    if sys.argv[1:2] == ["--work"]:
        return work(*sys.argv[2:4], int(sys.argv[4]))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--cores", default=",".join(map(str, CORES)))
    parser.add_argument("--save", type=pathlib.Path)
    parser.add_argument("--load", type=pathlib.Path)
    options = parser.parse_args()
    if options.load:
        works = json.loads(options.load.read_text())
    else:
        works = measured(options.cases.split(","), [int(n) for n in options.cores.split(",")])
    if options.save:
        options.save.write_text(json.dumps(works))
    return report(works)


if __name__ == "__main__":
    main()
