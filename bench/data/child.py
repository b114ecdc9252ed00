"""Measures one pipeline in this process; prints a line of JSON and stores the first elements.

Usage: python -m bench.data.child CASE penstock|tensorflow FOLDER SECONDS
"""

import json
import os
import pathlib
import pickle
import sys
import time

from bench.data.cases import load
from bench.data.files import Files

COMPARED = 40  # elements that are compared


def plain(tf, element):
    """The tensors of an element as NumPy arrays."""
    return [tensor.numpy() for tensor in tf.nest.flatten(element, expand_composites=True)]


def first_elements(tf, dataset):
    """The first elements of a dataset."""
    return [plain(tf, element) for element in dataset.take(COMPARED)]


def rate(once, seconds):
    """Records a second in the fastest of the passes that fit into the time, at least two."""
    fastest, begin, passes = 0.0, time.perf_counter(), 0
    while passes < 2 or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        count = once()
        fastest = max(fastest, count / (time.perf_counter() - start))
        passes += 1
    return fastest


def peak_memory():
    """The most memory that this process has held, in MB."""
    # Not getrusage: it counts the parent's memory up to exec.
    status = pathlib.Path("/proc/self/status").read_text().splitlines()
    (peak,) = (line.split()[1] for line in status if line.startswith("VmHWM"))
    return int(peak) / 1024


def measure(tf, made, files, seconds):
    """Returns the rate and the first elements of a pipeline (none of what is no dataset)."""
    tf.random.set_seed(1)
    built = made.build(tf, files)
    if not hasattr(built, "element_spec"):
        return rate(built, seconds), []

    def once():
        count = 0
        for _ in built:
            count += 1
        return count * made.each

    elements = first_elements(tf, built)
    return rate(once, seconds), elements


def main():
    name, side, folder, seconds = sys.argv[1:]
    made = load()[name]
    os.environ["KERAS_BACKEND"] = "tensorflow"
    if side == "penstock":
        import penstock

        if made.keras:
            penstock.install_as_tensorflow()
        tf = penstock
    else:
        import tensorflow as tf
    speed, elements = measure(tf, made, Files(folder), float(seconds))
    peak = peak_memory()
    with open(os.path.join(folder, f"{name}.{side}.pickle"), "wb") as stream:
        pickle.dump(elements, stream)
    print("RESULT " + json.dumps({"rate": speed, "peak": peak}))


if __name__ == "__main__":
    main()
