"""Which calls TensorFlow itself does not trace, in a process of the Python that TENSORFLOW_PYTHON names; this file is its script, too.

TENSORFLOW_PYTHON=... python -m tests.fuzz.shapes.tensorflow_peer '{"only": "", "numbers": true, "seeds": [7]}'
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

VARIABLE = "TENSORFLOW_PYTHON"
MARK = "REFUSED "
ROOT = Path(__file__).parents[3]


def refused(python: str, only: str, numbers: bool, seeds: list[int]) -> set[int]:
    """The seeds whose calls TensorFlow refuses, eagerly or when they are traced; none where no Python is named."""
    if not python or not seeds:
        return set()
    request = json.dumps({"only": only, "numbers": numbers, "seeds": seeds})
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    environment["PYTHONPATH"] = str(ROOT)
    command = [python, "-m", "tests.fuzz.shapes.tensorflow_peer", request]
    run = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    for line in run.stdout.splitlines():
        if line.startswith(MARK):
            return set(json.loads(line.removeprefix(MARK)))
    raise RuntimeError(f"TensorFlow's process failed: {run.stderr[-2000:]}")


def answer(only: str, numbers: bool, seeds: list[int]) -> None:
    """Prints which of the seeds this process's TensorFlow refuses."""
    import tensorflow

    sys.modules["penstock"] = tensorflow
    from tests.fuzz.shapes.judging import judge
    from tests.fuzz.shapes.trials import choices, trial

    found, chosen = [], choices(only, numbers)
    for seed in seeds:
        call, number, known = trial(chosen, seed)
        runs, finds = judge(call, seed, known, number)
        if not runs or any(find.kind == "error" for find in finds):
            found.append(seed)
    print(MARK + json.dumps(found), flush=True)


if __name__ == "__main__":
    answer(**json.loads(sys.argv[1]))
