#!/usr/bin/env python
"""Runs whole suites while comparing every program with the interpreter: `python tools/check_runs.py [SUITE ...]`.

Suites, by default all of them:
  golden       recorded calls and programs, also inside functions
  conformance  generated calls of every op, and all cells of calls, forms and ways
  examples     including those that use TensorFlow Probability, Sonnet and others
  models       the bench zoo's (kbench's are among them): ten steps of training, evaluation, prediction
  keras        tests of models, and all of Keras's own

Each runs in processes of its own with PENSTOCK_CHECK=1, or what `--every` gives; `make check-SUITE` sets up the environment
first. A difference raises an InternalError that names the program, the stage and the element; docs/debugging.md explains
the criterion.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).resolve().parents[1]
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
STEPS = 10
# Arguments that make a model of bench/zoo.py small enough to be interpreted in seconds.
SMALL = {
    "transformer": {"length": 32, "blocks": 2, "vocabulary": 500},
    "resnet50": {"side": 64},
    "mobilenet": {"side": 64},
    "bert_base": {"blocks": 2, "vocabulary": 500},
    "gpt2_small": {"blocks": 2, "vocabulary": 500},
}
BATCH = 8  # examples in a step; the last step has fewer

Command = tuple[str, list[str], dict[str, str]]  # name, command line, additional environment


def golden() -> Iterator[Command]:
    """Recorded calls and programs."""
    yield "golden", [*PYTEST, "tests/golden"], {}


def conformance() -> Iterator[Command]:
    """Generated calls of every op."""
    yield "conformance", [*PYTEST, "tests/conformance"], {}
    yield "cells", [sys.executable, "-m", "tests.conformance.edges.cells"], {}


def keras() -> Iterator[Command]:
    """Models, and Keras's own tests: all of them, not the tenth that `make test` runs."""
    files = sorted(f"tests/keras/{f.name}" for f in (ROOT / "tests/keras").glob("test_*.py"))
    yield "keras", [*PYTEST, *files], {}
    whole = {"KERAS_SUITE_SHARE": "1", "KERAS_SUITE_LIMIT": "14400"}
    yield "keras's suite", [*PYTEST, "tests/keras/suite"], whole


def examples() -> Iterator[Command]:
    """Every example, and those that use other libraries."""
    for path in sorted([*ROOT.glob("examples/*.py"), *ROOT.glob("examples/libraries/*.py")]):
        if path.stem != "picture":  # draws for demo.py
            yield path.stem, [sys.executable, "-m", "penstock", "run", str(path)], {}


def models() -> Iterator[Command]:
    """The bench zoo's models, among which are kbench's."""
    sys.path.insert(0, str(ROOT / "bench"))
    from zoo import MODELS

    for name in MODELS:
        yield name, [sys.executable, __file__, "--train", name], {"KERAS_BACKEND": "tensorflow"}


SUITES = {
    "golden": golden,
    "conformance": conformance,
    "examples": examples,
    "models": models,
    "keras": keras,
}


def train(name: str) -> None:
    """Trains a small model of the zoo for ten steps, evaluates it and predicts, each with a partial last batch."""
    import numpy as np

    import penstock

    penstock.install_as_tensorflow()
    import keras

    sys.path.insert(0, str(ROOT / "bench"))
    from zoo import MODELS

    keras.utils.set_random_seed(1)
    model, x, y, _ = MODELS[name](keras, np.random.default_rng(1), **SMALL.get(name, {}))
    count = min(len(x), (STEPS - 1) * BATCH + BATCH // 2)
    epochs = -(-STEPS * BATCH // max(count, 1)) if count < STEPS * BATCH - BATCH else 1
    x, y = x[:count], y[:count]
    model.fit(x, y, batch_size=BATCH, epochs=epochs, verbose=0)
    model.evaluate(x[: BATCH + 3], y[: BATCH + 3], batch_size=BATCH, verbose=0)
    model.predict(x[: BATCH + 1], batch_size=BATCH, verbose=0)


def run(command: Command, seconds: int, every: int) -> str | None:
    """Runs a command with checks on; returns None, or the end of its output if it failed."""
    _, line, more = command
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "PENSTOCK_CHECK": str(every),
        "PENSTOCK_VERIFY": "1",
        "OPENBLAS_NUM_THREADS": "1",  # of NumPy's products, which are small
        **more,
    }
    try:
        done = subprocess.run(
            line, cwd=ROOT, env=environment, timeout=seconds, capture_output=True, text=True
        )
    except subprocess.TimeoutExpired:
        return f"not finished within {seconds} s"
    return (done.stdout + done.stderr)[-6000:] if done.returncode else None


def main() -> int:
    """Runs the named suites; returns the number of failed commands."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=", ".join(SUITES))
    parser.add_argument("--limit", type=int, default=14400, help="seconds for one command")
    parser.add_argument(
        "--every", type=int, default=1, help="check only every nth run of each program"
    )
    parser.add_argument("--only", default="", help="part of the names of the commands to run")
    parser.add_argument("--train", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if unknown := set(args.suites) - set(SUITES):
        parser.error(f"no such suite: {', '.join(sorted(unknown))}")
    if args.train:
        train(args.train)
        return 0
    failed = 0
    for suite in args.suites or SUITES:
        for command in SUITES[suite]():
            if args.only not in command[0]:
                continue
            start = time.perf_counter()
            said = run(command, args.limit, args.every)
            failed += said is not None
            end = "failed" if said else "no difference"
            print(f"{suite} {command[0]}: {end}, {time.perf_counter() - start:.0f} s", flush=True)
            if said:
                print(said, flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(min(main(), 1))
