"""Runs a library's docstring examples on both sides: `python -m tests.ecosystem.docstrings --tensorflow PYTHON [--library keras]`."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from . import comparison

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[2]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.ecosystem.docstrings")
    parser.add_argument("--tensorflow", metavar="PYTHON", required=True, help="has TensorFlow")
    parser.add_argument("--library", default="tensorflow", help="a module, on both sides")
    parser.add_argument("--only", default="", help="names that begin so")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "docstrings")
    parser.add_argument("--ours", action="store_true", help="take TensorFlow's outputs of before")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    files = {
        each: arguments.out / f"{arguments.library}_{each}.json"
        for each in ("examples", "theirs", "ours")
    }
    if not arguments.ours:
        command = [arguments.tensorflow, FOLDER / "examples.py", arguments.library]
        found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        chosen = {name: each for name, each in found.items() if name.startswith(arguments.only)}
        files["examples"].write_text(json.dumps(chosen))
        _run(arguments.tensorflow, arguments.library, files["examples"], files["theirs"])
    _run(sys.executable, arguments.library, files["examples"], files["ours"], "penstock")
    report(*(json.loads(path.read_text()) for path in files.values()))


def _run(python: str, library: str, examples: Path, results: Path, *options: str) -> None:
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path if options else "", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [python, FOLDER / "session.py", library, examples.resolve(), results.resolve()]
    subprocess.run([*command, *options], check=True, env=environment)


def report(examples: dict, theirs: dict, ours: dict) -> None:
    """Prints the differences, and of how many."""
    found = list(comparison.differences(examples, theirs, ours))
    print(*found, sep="\n\n")
    statements = sum(len(outputs) for outputs in theirs.values())
    print(f"\n{len(found)} of {len(examples)} names differ; {statements} statements")


if __name__ == "__main__":
    main()
