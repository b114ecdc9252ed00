"""Runs a program on Penstock or on TensorFlow, and compares the RESULT lines that it prints with recorded ones.

Numbers may leave the recorded ones by DRIFTS times what TensorFlow left itself by on that line (without oneDNN, and with initial
weights moved by an ulp), and by FLOOR for lines on which it showed no drift: some tens of float32's ulps. Everything else must be equal.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.harness.processes import lean

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent.parent
EXPECTED = FOLDER / "expected"
LIMIT = 300  # seconds
DRIFTS = 4.0  # one run shows the drift; others leave it two or three times as far
FLOOR = 2e-5  # of the line's largest number; sums of some thousand float32 numbers differ by that
NUMBER = re.compile(r"(?<![A-Za-z_\d])[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|nan\b|inf\b)")


def programs() -> list[str]:
    """The names of all programs, as `vision/siamese`."""
    return sorted(f"{path.parent.name}/{path.stem}" for path in FOLDER.glob("*/*.py"))


def run(name: str, python: list[str], **environment: str) -> list[str]:
    """The RESULT lines of a program that `python` runs in an empty folder; RuntimeError with the end of its errors if it fails."""
    script = FOLDER / f"{name}.py"
    variables = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "MPLBACKEND": "agg", **environment}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [*python, str(script)],
            cwd=folder,
            env=variables,
            timeout=LIMIT,
            capture_output=True,
            text=True,
        )
    if done.returncode:
        raise RuntimeError(f"{name} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT")]
    if not lines:
        raise RuntimeError(f"{name} printed no result")
    return lines


def on_penstock(name: str, **environment: str) -> list[str]:
    """The RESULT lines on Penstock, in whose environment this runs."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    variables = lean({"PYTHONPATH": path, **environment}, (FOLDER / f"{name}.py").read_text())
    return run(name, [sys.executable, "-m", "penstock", "run"], **variables)


def numbers(line: str) -> list[float]:
    return [float(number) for number in NUMBER.findall(line)]


def words(line: str) -> list[str]:
    """What is no number on a line."""
    return NUMBER.sub(" # ", line).split()


def distance(a: float, b: float) -> float:
    """|a - b|; two that are not finite are equal or infinitely far."""
    if a == b or (a != a and b != b):
        return 0.0
    return abs(a - b) if abs(a - b) < float("inf") else float("inf")


def drift(lines: list[str], others: list[str]) -> list[float]:
    """The largest distance of numbers for each line; infinite where lines are of other words."""
    if len(lines) != len(others):
        return [float("inf")] * len(lines)
    return [
        max([distance(a, b) for a, b in zip(numbers(line), numbers(other))], default=0.0)
        if words(line) == words(other)
        else float("inf")
        for line, other in zip(lines, others)
    ]


def differences(lines: list[str], expected: dict) -> list[str]:
    """A sentence for each line that leaves the recorded one by more than is allowed."""
    if len(lines) != len(expected["lines"]):
        return [f"{len(lines)} lines instead of {len(expected['lines'])}"]
    found = []
    distances = drift(expected["lines"], lines)
    for line, wanted, own, far in zip(lines, expected["lines"], expected["drift"], distances):
        largest = max([abs(x) for x in numbers(wanted) if abs(x) < float("inf")], default=0.0)
        allowed = DRIFTS * own + FLOOR * largest
        if far > allowed:
            found.append(
                f"{line}\n  instead of\n{wanted}\n  by {far:.3g}, where {allowed:.3g} is allowed"
            )
    return found


def expected_of(name: str) -> dict | None:
    """What was recorded of a program: its lines, and TensorFlow's drift on each."""
    field, program = name.split("/")
    file = EXPECTED / f"{field}.json"
    return json.loads(file.read_text()).get(program) if file.exists() else None
