"""Runs a library's tests: `python -m tests.ecosystem.suites NAME [--tensorflow PYTHON] [--only PART,...]`."""

import argparse
import json
from pathlib import Path

from . import comparison, running
from .environments import ROOT, Environment
from .libraries import SUITES


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.ecosystem.suites", description=__doc__)
    parser.add_argument("name", choices=sorted(SUITES))
    parser.add_argument(
        "--tensorflow", metavar="PYTHON", help="run the tests on its TensorFlow, too"
    )
    parser.add_argument("--only", default="", help="parts of paths of test files, with commas")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "build" / "suites", help="results, environments"
    )
    parser.add_argument(
        "--compare", action="store_true", help="run nothing, compare what is recorded"
    )
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    sides = [arguments.tensorflow, None] if arguments.tensorflow else [None]
    for python in [] if arguments.compare else sides:
        name = arguments.name + ("_tensorflow" if python else "")
        environment = Environment(arguments.out / name, SUITES[arguments.name], python)
        environment.make()
        files = running.files_of(environment, arguments.only)
        print(f"{name}: {len(files)} files", flush=True)
        running.run(environment, files, arguments.out / f"{name}.json")
    show(arguments.out, arguments.name)


def show(folder: Path, name: str) -> None:
    """Prints what passes, of what passes on TensorFlow if that is recorded, and why the rest does not."""
    ours = json.loads((folder / f"{name}.json").read_text())
    reference = folder / f"{name}_tensorflow.json"
    if not reference.exists():
        outcomes = {(f, n): o for f, r in ours["files"].items() for n, o in r["tests"].items()}
        of = "tests"
    else:
        theirs = json.loads(reference.read_text())
        outcomes, of = comparison.of_baseline(ours, theirs), "that pass on TensorFlow"
        for line in comparison.numbers_that_differ(ours, theirs):
            print("other numbers:", line)
    print(*comparison.reasons(outcomes), "", *comparison.by_folder(outcomes), "", sep="\n")
    passed = sum(outcome == "passed" for outcome in outcomes.values())
    print(f"{name}: {passed} of {len(outcomes)} {of}, {100 * passed / max(len(outcomes), 1):.1f} %")


if __name__ == "__main__":
    main()
