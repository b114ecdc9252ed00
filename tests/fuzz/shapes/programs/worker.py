"""Draws and judges programs one after another; a line of JSON for each."""

from __future__ import annotations

import sys
import time
from typing import Any

import penstock as tf
from tests.fuzz.programs import oracles
from tests.fuzz.programs.program import standalone
from tests.fuzz.programs.shrink import shrink
from tests.fuzz.programs.worker import work
from tests.fuzz.shapes.programs.drawing import draw
from tests.fuzz.shapes.programs.judging import judge

SECONDS = 60  # for making a find smaller


def run(seed: int, seconds: float = SECONDS) -> dict[str, Any]:
    """Judges the program of a seed; returns what came of it."""
    start = time.perf_counter()
    with oracles.eagerly(tf):
        drawn = draw(tf, seed)
    report: dict[str, Any] = {"seed": seed, "steps": 0, "draw": time.perf_counter() - start}
    if drawn is None:
        return {**report, "finds": []}
    start = time.perf_counter()
    try:
        judged = judge(tf, *drawn)
    except MemoryError:  # an array that the program makes is too large for the worker
        return {**report, "finds": []}
    finds = []
    if judged.failure is not None:
        small, last = judged.program, judged.failure
        if seconds:
            small, last = shrink(tf, small, last, seconds)
        finds.append({"way": "shapes", "kind": last.kind, "what": last.what, "cause": last.cause(small),
                      "text": standalone(small, last.sample), "steps": len(small.steps)})  # fmt: skip
    for kind, what in judged.finds.items():
        text = standalone(drawn[0], 0) + "".join(f"# {c}\n" for c in judged.conditions)
        finds.append({"way": "shapes", "kind": kind, "what": what, "cause": f"{kind} {seed}",
                      "text": text, "steps": len(drawn[0].steps)})  # fmt: skip
    return {**report, "steps": len(drawn[0].families), "run": time.perf_counter() - start, "finds": finds,
            "runs": judged.runs, "sides": judged.sides, "programs": judged.programs, "from_two": judged.from_two,
            "conditions": judged.conditions, "families": list(drawn[0].families)}  # fmt: skip


if __name__ == "__main__":
    first, step = map(int, sys.argv[1:3])
    work(range(first, sys.maxsize, step), run)
