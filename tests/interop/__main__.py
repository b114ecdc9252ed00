"""Passes files between Penstock and TensorFlow and prints what differs, then `N passed, N failed`.

python -m tests.interop PYTHON [NAME...]

PYTHON is an interpreter that has TensorFlow; names are of pairs (`checkpoints.Objects`) or of their files (`checkpoints`).
"""

import json
import os
import select
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.interop import pairs, values

ROOT = Path(__file__).parent.parent.parent
LIMIT = 300  # seconds that one file may take
DIRECTIONS = (("penstock", "tensorflow"), ("tensorflow", "penstock"), ("penstock", "penstock"))


class Worker:
    """A process that has one of the two libraries; another takes its place if it ends."""

    def __init__(self, python: str, library: str) -> None:
        self._command = [python, "-m", "tests.interop.worker", library]
        self._process: subprocess.Popen[str] | None = None

    def run(self, function: str, pair: str, folder: str) -> dict[str, Any]:
        """Returns {"value": ...}, or {"error": ...} if the function or its process failed."""
        if self._process is None:
            self._process = self._started()
        request = {"pair": pair, "function": function, "folder": folder}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], LIMIT)
        line = self._process.stdout.readline() if ready else ""
        if line:
            return json.loads(line)
        self.stop()
        return {"error": f"{self._command[-1]} ended, or took more than {LIMIT} s"}

    def _started(self) -> "subprocess.Popen[str]":
        # Without oneDNN: its sums are in another order.
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"}
        return subprocess.Popen(
            self._command,
            cwd=ROOT,
            env={**os.environ, **quiet, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def stop(self) -> None:
        """Ends the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def outcome(workers: dict[str, Worker], pair: str, writer: str, reader: str) -> dict[str, Any]:
    """What `reader` finds in what `writer` wrote into an empty folder, and what the writer says of it."""
    with tempfile.TemporaryDirectory() as folder:
        written = workers[writer].run("write", pair, folder)
        if "error" in written:
            return {"error": f"{writer} wrote:\n{written['error']}"}
        found = workers[reader].run("read", pair, folder)
        if "error" in found:
            return {"error": f"{reader} read:\n{found['error']}"}
        return {"value": {"dict": [("written", written["value"]), ("read", found["value"])]}}


def problems(found: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """What an outcome has other than TensorFlow's own."""
    for one in (found, expected):
        if "error" in one:
            return [one["error"]]
    # As JSON, in which tuples are lists.
    found, expected = json.loads(json.dumps([found["value"], expected["value"]]))
    return values.differences(found, expected)


def main(arguments: list[str]) -> int:
    """Runs the pairs; returns whether any failed."""
    python, *chosen = arguments
    workers = {
        "tensorflow": Worker(python, "tensorflow"),
        "penstock": Worker(sys.executable, "penstock"),
    }
    counts = {True: 0, False: 0}
    try:
        for pair in pairs.names(chosen):
            expected = outcome(workers, pair, "tensorflow", "tensorflow")
            for writer, reader in DIRECTIONS:
                found = problems(outcome(workers, pair, writer, reader), expected)
                counts[not found] += 1
                print(f"{'FAILED' if found else 'passed'} {pair}: {writer} to {reader}", flush=True)
                for line in found:
                    print(f"    {line}".replace("\n", "\n    "), flush=True)
    finally:
        for worker in workers.values():
            worker.stop()
    print(f"{counts[True]} passed, {counts[False]} failed")
    return counts[False] > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
