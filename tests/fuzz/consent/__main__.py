"""Runs all ops with bait in graphs without permissions, and reports what they touch; see the package."""

import argparse
import collections
import sys
import tempfile
import time
from pathlib import Path

from penstock._src.core import registry
from tests.fuzz.consent.trial import Trial, forgotten, is_stated


def main() -> int:
    """Runs what the command line asks for; the status is 1 if anything is touched, or a planted fault is not found."""
    parser = argparse.ArgumentParser("python -m tests.fuzz.consent", description=__doc__)
    parser.add_argument("--only", default="", help="of these ops alone: Add,Sub")
    parser.add_argument(
        "--planted", action="store_true", help="ops as if they needed no permissions"
    )
    parser.add_argument("-v", action="store_true", help="shows the outcomes of each op")
    parsed = parser.parse_args()
    start = time.monotonic()
    names = parsed.only.split(",") if parsed.only else sorted(registry.load_all())
    if parsed.planted:
        return _planted(list(filter(is_stated, names)))
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(Path(folder))
        found = trial.all_of(names)
    for op, outcomes in sorted(trial.outcomes.items()) if parsed.v else ():
        print(op, dict(outcomes))
    for finding in found:
        print("FOUND", finding)
    total: collections.Counter[str] = sum(trial.outcomes.values(), collections.Counter())
    seconds = time.monotonic() - start
    print(f"{total.total()} runs of {len(names)} ops in {seconds:.0f} s: {dict(total)}")
    return 1 if found else 0


def _planted(names: list[str]) -> int:
    missed = []
    for op in names:
        with tempfile.TemporaryDirectory() as folder, forgotten(op):
            finding = next(iter(Trial(Path(folder)).of(op)), None)
        print(op, finding or "NOT FOUND")
        missed += [op] * (finding is None)
    print(f"{len(names) - len(missed)} of {len(names)} found; missed: {' '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
