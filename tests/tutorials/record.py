"""Records what TensorFlow gives for the programs, and how far it leaves itself.

python -m tests.tutorials.record PYTHON [NAME...]   (PYTHON: the interpreter of an environment with tensorflow 2.21)
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from . import running

RUNS = running.FOLDER / "tensorflow_runs.py"


def run_all(python: str, names: list[str], **environment: str) -> dict:
    """What TensorFlow prints, by program."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "runs.json")
        variables = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment}
        subprocess.run([python, str(RUNS), str(target), *names], env=variables, check=True)
        return json.loads(target.read_text())


def record(names: list[str], python: str) -> dict:
    """The lines of each program as TensorFlow comes, and for each line how far another run leaves it.

    That one is without oneDNN, from initial weights moved by an ulp.
    """
    recorded = {}
    usual = run_all(python, names)
    others = run_all(python, names, TF_ENABLE_ONEDNN_OPTS="0", MOVED="1")
    for name in names:
        if failed := [run for run in (usual[name], others[name]) if isinstance(run, str)]:
            print(name, "failed on TensorFlow:", failed[0])
            continue
        drift = running.drift(usual[name], others[name])
        recorded[name] = {"lines": usual[name], "drift": [float(f"{far:.3g}") for far in drift]}
    return recorded


def main(python: str, *names: str) -> None:
    for name, entry in record(list(names) or running.programs(), python).items():
        field, program = name.split("/")
        file = running.EXPECTED / f"{field}.json"
        known = json.loads(file.read_text()) if file.exists() else {}
        known[program] = entry
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
        print(name, entry["drift"], flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
