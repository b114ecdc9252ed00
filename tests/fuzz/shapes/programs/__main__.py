"""Programs over shapes for some minutes. See the package's docstring."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from tests.fuzz.programs.hunting import add_options, hunt
from tests.fuzz.shapes.programs.classes import FREE

WORKER = "tests.fuzz.shapes.programs.worker"


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser)
    options = parser.parse_args()
    if options.seed is not None:
        return show(options.seed)
    return bool(hunt("make fuzz WHICH=shapes PROGRAMS=1", WORKER, options, count))


def count(report: dict[str, Any]) -> dict[str, int]:
    """What is counted of a report."""
    made = report.get("from_two", 0)  # for extents of 0 and 1 there are others
    return {
        "programs": bool(report["steps"]),
        "steps": report["steps"],
        "runs": report.get("runs", 0),
        "other sides of guards": report.get("sides", 0),
        "with one compiled program from extents of 2 up": made == 1,
        "with two to four": 1 < made <= FREE,
    }


def show(seed: int) -> int:
    """Prints the program of a seed, and what comes of it."""
    import penstock as tf
    from tests.fuzz.programs import oracles
    from tests.fuzz.programs.program import render
    from tests.fuzz.shapes.programs.drawing import draw
    from tests.fuzz.shapes.programs.worker import run

    with oracles.eagerly(tf):
        drawn = draw(tf, seed)
    if drawn is None:
        print("nothing comes of this seed")
        return 0
    for p in drawn[0].parameters:
        print(f"{p.name}: {p.dtype} {p.shapes} known as {p.known}")
    print(render(drawn[0]))
    report = run(seed)
    for find in report["finds"]:
        print(f"# {find['kind']}: {find['what']}\n{find['text']}")
    print("".join(f"# {condition}\n" for condition in report["conditions"]), end="")
    print(
        f"# {report['programs']} programs, {report['from_two']} for extents from 2 up, {report['sides']} shapes on other sides of guards"
    )
    return bool(report["finds"])


if __name__ == "__main__":
    sys.exit(main())
