"""Runs the table of models: `python -m tests.ecosystem.zoo [PART...] [--runtime NAME=PYTHON...]`.

Without an interpreter for a runtime, one is installed into an environment of its own beside the fetched packages.
"""

import argparse
import subprocess
import venv
from collections.abc import Sequence
from pathlib import Path

import penstock as tf

from . import comparing, fetching, passing_on
from .entries import ENTRIES
from .entry import TENSORFLOW, Entry


def main() -> int:
    """Prints a row of Markdown for each model, and how many are equal; returns 0 if none is refused or differs, or gives NaN alone."""
    parser = argparse.ArgumentParser(prog="python -m tests.ecosystem.zoo", description=__doc__)
    parser.add_argument("parts", nargs="*", help="parts of names of models; by default all")
    parser.add_argument("--runtime", action="append", default=[], metavar="NAME=PYTHON")
    parser.add_argument(
        "--convert",
        action="store_true",
        help="write each in the other formats instead, and build it",
    )
    parsed = parser.parse_args()
    # The own runtimes have one thread as well, so that processor times can be compared.
    tf.config.threading.set_intra_op_parallelism_threads(1)
    given = dict(each.rsplit("=", 1) for each in parsed.runtime)
    chosen = [e for e in ENTRIES if not parsed.parts or any(p in e.name for p in parsed.parts)]
    if parsed.convert:
        return _pass_on(chosen)
    print(
        "| model | own runtime | result | difference | speed |\n|---|---|---|---|---|", flush=True
    )
    states = []
    for entry in chosen:
        python = given.get(entry.runtime) or _environment(entry.runtime)
        outcome = comparing.compare(entry, fetching.located(entry), python)
        states.append(outcome.state)
        speed = "" if outcome.speed is None else f"{outcome.speed:.2f}"
        print(
            f"| {entry.name} | {entry.runtime or '-'} | {outcome.state} | {outcome.detail} | {speed} |",
            flush=True,
        )
    failed = sum(state in ("refused", "differs", "all NaN") for state in states)
    print(f"\n{len(states) - failed} passed, {failed} failed")
    return 1 if failed else 0


def _pass_on(chosen: Sequence[Entry]) -> int:
    """Prints a row for each model with what came of it in each format; returns 0 if nothing fails or differs."""
    columns = passing_on.COLUMNS
    print(f"| model | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}", flush=True)
    wrong = 0
    for entry in chosen:
        found = passing_on.outcomes(entry, fetching.located(entry))
        wrong += any(o.state in ("fails", "differs") for o in found.values())
        cells = [
            o.state if o.state == "equal" else f"{o.state}: {o.detail}" for o in found.values()
        ]
        print(f"| {entry.name} | {' | '.join(cells)} |", flush=True)
    print(f"\n{len(chosen) - wrong} passed, {wrong} failed")
    return 1 if wrong else 0


def _environment(runtime: str) -> str | None:
    """The interpreter of an environment with a runtime; TensorFlow is not installed, it is given or left out."""
    if runtime in ("", TENSORFLOW):
        return None
    folder = fetching.cache() / "runtimes" / runtime
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", runtime, "numpy"], check=True)
    return str(Path(python))


if __name__ == "__main__":
    raise SystemExit(main())
