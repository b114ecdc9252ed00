"""Passes files between Penstock and TensorFlow and prints what differs, then `N passed, N failed`.

python -m tests.interop PYTHON [NAME...]

PYTHON is an interpreter that has TensorFlow; names are of pairs (`checkpoints.Objects`) or of their files (`checkpoints`).
"""

import json
import sys
import tempfile
from typing import Any

from tests.interop import pairs, values
from tests.interop.processes import Worker

CALL = "tests.interop.pairs:call"
LIMIT = 300  # seconds that one file may take
DIRECTIONS = (("penstock", "tensorflow"), ("tensorflow", "penstock"), ("penstock", "penstock"))


def outcome(workers: dict[str, Worker], pair: str, writer: str, reader: str) -> dict[str, Any]:
    """What `reader` finds in what `writer` wrote into an empty folder, and what the writer says of it."""
    with tempfile.TemporaryDirectory() as folder:
        written = workers[writer].run(CALL, pair, "write", folder)
        if "error" in written:
            return {"error": f"{writer} wrote:\n{written['error']}"}
        found = workers[reader].run(CALL, pair, "read", folder)
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
        "tensorflow": Worker(python, "tensorflow", LIMIT),
        "penstock": Worker(sys.executable, "penstock", LIMIT),
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
