"""Draws models for some minutes, and writes what differs from TensorFlow, reduced, into a folder.

    python -m tests.fuzz.models.hunt --minutes 10 --first 0 --folder /tmp/finds
    python -m tests.fuzz.models.hunt --seed 17 --ways all
    python -m tests.fuzz.models.hunt --shapes               many sizes of each model (sizes.py)
    python -m tests.fuzz.models.hunt --recipe finds/17.json --ways compiled

TENSORFLOW_PYTHON names an interpreter that has TensorFlow; without it, Penstock is compared with its own eager mode only.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import shutil
import sys
import time
from typing import Any

from tests.fuzz import counts as totals
from tests.fuzz.models.judging import WAYS, Find, Judge, ways_of
from tests.fuzz.models.recipe import script
from tests.fuzz.models.shrinking import shrink
from tests.fuzz.models.workers import Worker


def write(folder: pathlib.Path, name: str, recipe: dict[str, Any], finds: list[Find]) -> None:
    """Writes a find: the recipe, and a script that stands by itself."""
    folder.mkdir(parents=True, exist_ok=True)
    notes = "\n".join(_comment(f"{find.way}: {find.kind}: {find.text}") for find in finds)
    where = "\n".join(_comment(line) for find in finds for line in find.where.splitlines()[-25:])
    (folder / f"{name}.json").write_text(json.dumps(recipe, indent=1) + "\n")
    (folder / f"{name}.py").write_text(f"{notes}\n{script(recipe)}\n{where}\n")


def _comment(text: str) -> str:
    """Text of any kind as comments: what errors say may have lines and control characters."""
    lines = text.splitlines() or [""]
    return "\n".join("# " + "".join(c if c.isprintable() else " " for c in line) for line in lines)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="only this seed")
    parser.add_argument("--recipe", help="only this file")
    parser.add_argument(
        "--ways", default="1", help="names by commas, all, or how many beside compiled"
    )
    parser.add_argument("--tensorflow", type=int, default=10, help="asked each so many seeds")
    parser.add_argument("--shapes", action="store_true", help="many sizes of each model")
    parser.add_argument("--seconds", type=float, default=180, help="for a run of a model")
    parser.add_argument("--folder", default="fuzz-finds/models")
    parser.add_argument("--whole", action="store_true", help="reduce nothing")
    arguments = parser.parse_args()
    python = os.environ.get("TENSORFLOW_PYTHON", "")
    if python and not shutil.which(python):
        parser.error(f"TENSORFLOW_PYTHON: expected the path of a Python. Received '{python}'.")
    tensorflow = Worker("tensorflow", python, {"TF_ENABLE_ONEDNN_OPTS": "0"}) if python else None
    penstock = Worker("penstock", sys.executable)
    judge = Judge(penstock, tensorflow, arguments.seconds)
    every = arguments.tensorflow if python else 0
    folder, end = pathlib.Path(arguments.folder), time.monotonic() + 60 * arguments.minutes
    counts = {"models": 0, "runs": 0, "finds": 0, "refused": 0, "beside TensorFlow": 0}
    found: list[dict[str, Any]] = []
    seed = arguments.first if arguments.seed is None else arguments.seed
    seen: dict[Any, int] = {}
    try:
        while time.monotonic() < end:
            if arguments.recipe:
                recipe = json.loads(pathlib.Path(arguments.recipe).read_text())
            else:
                answer = penstock.ask(
                    {"task": "draw", "seed": seed, "any_lengths": arguments.shapes}
                )
                if "error" in answer:
                    print(
                        f"seed {seed} drawing: {answer['error']}\n{answer.get('where', '')}",
                        flush=True,
                    )
                    counts["finds"] += 1
                    seed += 1
                    continue
                recipe = answer["recipe"]
            if arguments.ways.isdigit():
                ways = ways_of(seed, int(arguments.ways))[: 1 if arguments.shapes else None]
                ways += ["tensorflow"] * (every > 0 and seed % max(every, 1) == 0)
            else:
                ways = (
                    [*WAYS, *["tensorflow"] * (every > 0)]
                    if arguments.ways == "all"
                    else arguments.ways.split(",")
                )
            start = time.monotonic()
            finds, refusal = judge.judge(recipe, ways)
            counts["models"] += 1
            counts["runs"] += len(recipe.get("sizes", ()))
            counts["refused"] += bool(refusal)
            counts["beside TensorFlow"] += "tensorflow" in ways
            if refusal:
                print(f"seed {seed}: TensorFlow: {refusal[:200]!r}", flush=True)
            if finds:
                counts["finds"] += 1
                for find in finds:
                    print(f"seed {seed} {find.way}: {find.kind}: {find.text[:400]}", flush=True)
                    found.append(totals.find(seed, find.kind, f"{find.way}: {find.text}"))
                alike = finds[0].alike
                seen[alike] = seen.get(alike, 0) + 1
                if not arguments.whole and seen[alike] <= 3:
                    recipe, finds = shrink(judge, recipe, finds[0])
                write(folder, str(seed), recipe, finds)
            if arguments.seed is not None or arguments.recipe:
                if finds:
                    print(script(recipe))
                break
            if counts["models"] % 10 == 0:
                print(
                    f"{counts} up to seed {seed}, last took {time.monotonic() - start:.1f} s",
                    flush=True,
                )
            seed += 1
    finally:
        if tensorflow:
            tensorflow.stop()
        penstock.stop()
    if arguments.seed is None and not arguments.recipe and counts["models"]:
        sums = {name: n for name, n in counts.items() if n and name != "finds"}
        target = "make fuzz WHICH=models" + (" SHAPES=1" if arguments.shapes else "")
        totals.add(target, (arguments.first, seed - 1), sums, found)
    print(f"{counts}, seeds {arguments.first} to {seed}")
    return 1 if counts["finds"] else 0


if __name__ == "__main__":
    sys.exit(main())
