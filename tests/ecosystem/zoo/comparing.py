"""Reads a model here, runs it, and compares it with its own runtime."""

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import penstock as tf
from penstock._src.formats import table

from .child import time_of
from .entry import Entry

CHILD = Path(__file__).with_name("child.py")
LIMIT = 300  # seconds for a model in its own runtime
# Probabilities that are all tiny are compared as probabilities.
LEAST = 0.01
CONVERTED = 1e-4  # the greatest difference of a converted model, which sums in another order


@dataclass(frozen=True)
class Outcome:
    """What came of a model.

    Attributes:
      state: "equal", "differs", "all NaN" (both give nothing else, which proves little), "read" (there is nothing to compare with), "refused"
        (Penstock cannot read or run it) or "runtime refuses".
      detail: the difference, or the message.
      speed: processor time of the own runtime divided by Penstock's; None if it was not measured.
    """

    state: str
    detail: str = ""
    speed: float | None = None


def compare(entry: Entry, path: Path, python: str | None) -> Outcome:
    """Returns what came of a model.

    Args:
      entry: its row.
      path: of its file or folder.
      python: the interpreter that has its own runtime; None to read and run it here only.
    """
    try:
        function, order = read(path)
        given = inputs(entry, function)
        run = caller(function, given, order)
        ours, seconds = run(), time_of(run)
    except Exception as error:  # whatever it is, it is the row's result
        return Outcome("refused", f"{type(error).__name__}: {error}".splitlines()[0])
    if python is None or not entry.runtime:
        return Outcome("read")
    try:
        theirs, their_seconds = _own_runtime(entry, path, given, python)
    except subprocess.CalledProcessError as error:
        return Outcome("runtime refuses", error.stderr.strip().splitlines()[-1])
    worst = difference(ours, theirs)
    state = "equal" if worst <= entry.tolerance else "differs"
    if state == "equal" and has_no_number(ours):
        state = "all NaN"
    return Outcome(state, f"{worst:.1e}", their_seconds / seconds)


def read(path: Path):
    """The default function of a model, and the names of its outputs in the file's order; None if the file has them by name."""
    model = table.read(str(path))
    _, function = model.only("the zoo")
    if path.suffix == ".onnx":
        return function, list(function.structured_outputs)
    return function, None


def inputs(entry: Entry, function) -> list[np.ndarray]:
    """Drawn arrays for the inputs, the same in every run."""
    rng = np.random.default_rng(7)
    made = []
    for i, x in enumerate(function.inputs[: len(function.argument_names)]):
        shape = entry.shapes.get(i) or tuple(n if n is not None else 1 for n in x.shape.as_list())
        dtype = np.dtype(x.dtype.as_numpy_dtype)
        if entry.image:
            made.append((rng.integers(0, 256, shape) / 255).astype(dtype))
        elif i in entry.scalars:
            made.append(np.full(shape, entry.scalars[i], dtype))
        elif entry.words:
            made.append(rng.choice(np.array(entry.words), shape))
        elif dtype.kind == "f":
            made.append(rng.standard_normal(shape).astype(dtype))
        else:
            low = -(entry.integers // 2) if dtype.kind == "i" and dtype.itemsize == 1 else 0
            made.append(rng.integers(low, low + entry.integers, shape).astype(dtype))
    return made


def caller(function, given, order):
    """A function that runs a model once and returns its results as arrays."""
    arguments = {
        name: tf.constant(x) for name, x in zip(function.argument_names, given, strict=True)
    }

    # Not from a call: it would be the first one of a model with state.
    if isinstance(function.structured_outputs, dict):
        names = order or sorted(function.structured_outputs)

        def flat(found):
            return [found[name] for name in names]

    else:
        flat = tf.nest.flatten

    return lambda: [_plain(x.numpy()) for x in flat(function(**arguments))]


def _plain(x) -> np.ndarray:
    """Texts as bytes of one length, which NumPy's files take."""
    return np.asarray(x).astype(np.bytes_) if isinstance(x, bytes) or x.dtype == object else x


def _own_runtime(entry: Entry, path: Path, given, python: str):
    with tempfile.TemporaryDirectory() as folder:
        inputs, outputs = Path(folder, "inputs.npz"), Path(folder, "outputs.npz")
        np.savez(inputs, **{str(i): x for i, x in enumerate(given)})
        command = [
            python,
            CHILD,
            entry.runtime,
            path,
            inputs,
            outputs,
            int(entry.delegates),
        ]
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        done = subprocess.run(
            [str(c) for c in command],
            check=True,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            env=environment,
        )
        seconds = json.loads(done.stdout.splitlines()[-1])["seconds"]
        with np.load(outputs) as held:
            return [held[str(i)] for i in range(len(held.files))], seconds


def has_no_number(results) -> bool:
    """True if there are floats among the results, and all of them are NaN."""
    floats = [x for x in results if x.dtype.kind == "f" and x.size]
    return bool(floats) and all(np.isnan(x).all() for x in floats)


def difference(ours, theirs) -> float:
    """The greatest difference of any output, relative to its greatest number (`LEAST` if it is smaller); infinite if shapes or dtypes differ."""
    if [(x.shape, x.dtype) for x in ours] != [(x.shape, x.dtype) for x in theirs]:
        return float("inf")
    worst = 0.0
    for a, b in zip(ours, theirs, strict=True):
        if a.size and a.dtype.kind in "OSU":
            worst = max(worst, float(not np.array_equal(a, b)))
        elif a.size:
            a, b = a.astype(np.float64), b.astype(np.float64)
            finite = np.isfinite(b)
            if not np.array_equal(np.isfinite(a), finite):
                return float("inf")
            if not np.array_equal(a[~finite], b[~finite], equal_nan=True):
                return float("inf")
            a, b = np.where(finite, a, 0), np.where(finite, b, 0)
            worst = max(worst, float(np.abs(a - b).max() / max(np.abs(b).max(), LEAST)))
    return worst
