"""Processes that run recipes: one with TensorFlow, one with Penstock, driven by lines of JSON.

    python -m tests.fuzz.models.workers penstock      reads tasks from its input, writes answers
    Worker("tensorflow").ask({"task": "run", ...})    from the hunt

A process that crashes, or takes longer than its time, is an answer too.
"""

from __future__ import annotations

import base64
import collections
import contextlib
import io
import json
import os
import pathlib
import select
import subprocess
import sys
import time
import traceback
from typing import Any

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[3]
MARK = "answer "
# After so many tasks a worker begins anew: what a process keeps of each model adds up.
MOST_TASKS = 150


def packed(results: dict[str, list[np.ndarray]]) -> str:
    """Results as text."""
    held = io.BytesIO()
    arrays = {}
    for name, values in results.items():
        for index, value in enumerate(values):
            value = np.asarray(value)
            if value.dtype == object:
                raise TypeError(f"Result {index} of {name} is no array: {value!r:.300}")
            if value.dtype.kind == "V":  # bfloat16
                value = value.astype("float32")
            arrays[f"{len(arrays)}|{name}|{index}"] = value
    np.savez_compressed(held, **arrays)
    names = json.dumps({name: len(values) for name, values in results.items()})
    return names + "\n" + base64.b64encode(held.getvalue()).decode()


def unpacked(text: str) -> dict[str, list[np.ndarray]]:
    """The results that `packed` wrote."""
    names, arrays = text.split("\n")
    found: dict[str, list[np.ndarray]] = {name: [] for name in json.loads(names)}
    with np.load(io.BytesIO(base64.b64decode(arrays))) as store:
        for key in store.files:
            found[key.split("|")[1]].append(store[key])
    return found


class Worker:
    """A process of one library; started when asked, and again when it died."""

    def __init__(
        self, library: str, python: str, environment: dict[str, str] | None = None
    ) -> None:
        self.library, self.python, self.environment = library, python, environment or {}
        self.process: subprocess.Popen[bytes] | None = None
        self.tasks = 0

    def ask(self, task: dict[str, Any], seconds: float = 120) -> dict[str, Any]:
        """The answer: {"results": ...}, {"recipe": ...} or {"error": ...}."""
        if self.process is None or self.tasks >= MOST_TASKS:
            self.start()
        process = self.process
        assert process is not None and process.stdin and process.stdout
        self.tasks += 1
        try:
            process.stdin.write(json.dumps(task).encode() + b"\n")
            process.stdin.flush()
            line = self.answer(process, seconds)
        except BrokenPipeError:
            line = b""
        if line is None:
            self.stop()
            return {"error": f"no answer within {seconds:.0f} seconds", "kind": "hang"}
        if not line:
            code = process.wait()
            self.stop()
            return {"error": f"the process ended with {code}", "kind": "crash"}
        found = json.loads(line)
        if "results" in found:
            found["results"] = unpacked(found["results"])
        return found

    @staticmethod
    def answer(process: Any, seconds: float) -> bytes | None:
        """The next answer; b"" if the process ended, None if it took too long."""
        held, end = b"", time.monotonic() + seconds
        while not held.endswith(b"\n"):
            left = end - time.monotonic()
            if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
                return None
            part = os.read(process.stdout.fileno(), 1 << 20)
            if not part:
                return b""
            held += part
            if held.endswith(b"\n"):
                lines = [one for one in held.splitlines() if one.startswith(MARK.encode())]
                if lines:
                    return lines[-1][len(MARK) :]
                held = b""
        return held

    def start(self) -> None:
        """Starts the process anew."""
        self.stop()
        environment = dict(os.environ) | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
        self.process = subprocess.Popen(
            [self.python, "-m", "tests.fuzz.models.workers", self.library],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT,
            env=environment | self.environment,
        )  # fmt: skip
        self.tasks = 0

    def stop(self) -> None:
        """Ends the process."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for pipe in (self.process.stdin, self.process.stdout):
                if pipe:
                    with contextlib.suppress(BrokenPipeError):
                        pipe.close()
        self.process = None


def serve(library: str) -> None:
    """Answers tasks until the input ends."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    if library == "penstock":
        import penstock

        penstock.install_as_tensorflow()
    import tensorflow as tf

    if library == "tensorflow":
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    import keras

    for line in sys.stdin:
        task = json.loads(line)
        start = time.perf_counter()
        try:
            answer = work(library, keras, tf, task)
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            answer = {
                "error": text[:3000],
                "kind": "exception",
                "where": traceback.format_exc()[-4000:],
            }
        answer["seconds"] = time.perf_counter() - start
        out.write(MARK + json.dumps(answer) + "\n")
        out.flush()


def work(library: str, keras: Any, tf: Any, task: dict[str, Any]) -> dict[str, Any]:
    """The answer to one task."""
    from tests.fuzz.models import sizes
    from tests.fuzz.models.drawing import recipe_of
    from tests.fuzz.models.running import run

    if task["task"] == "draw":
        recipe = recipe_of(keras, task["seed"], task.get("any_lengths", False))
        if task.get("any_lengths"):
            recipe["sizes"] = sizes.sizes_of(recipe)
        return {"recipe": recipe}
    made: collections.Counter = collections.Counter()
    with contextlib.ExitStack() as stack:
        if library == "penstock":
            from penstock._src.util.flags import override

            stack.enter_context(override(**task.get("flags", {})))
            made = stack.enter_context(sizes.counting())
        results = run(
            keras,
            tf,
            task["recipe"],
            task.get("eager", False),
            task.get("nudge", 0),
            task.get("noise", 0),
        )
    return {"results": packed(results), "programs": sizes.most_made(made)}


if __name__ == "__main__":
    serve(sys.argv[1])
