"""Keeps recipes with what TensorFlow gives for them, for tests where it is not installed.

TENSORFLOW_PYTHON=... python -m tests.fuzz.models.record 30            so many of the seeds from 0 on
TENSORFLOW_PYTHON=... python -m tests.fuzz.models.record NAME=FILE     a recipe that differed once
"""

from __future__ import annotations

import json
import os
import pathlib
import sys
from typing import Any

import numpy as np

from tests.fuzz.models.running import Results
from tests.fuzz.models.workers import Worker

TARGET = pathlib.Path(__file__).with_name("recorded.json")
KEPT = 12  # elements of an array


def thinned(results: Results) -> Results:
    """Some elements of each array; whole arrays would make the file large."""
    found = {}
    for name, values in results.items():
        if name not in ("weights", "state"):
            found[name] = [thin(np.asarray(value)) for value in values]
    return found


def thin(values: np.ndarray) -> np.ndarray:
    """Elements at equal distances, and the sum."""
    flat = values.ravel().astype("float64")
    places = np.linspace(0, max(flat.size - 1, 0), min(flat.size, KEPT)).astype(int)
    return np.append(flat[places], flat.sum())


def recorded() -> dict[str, tuple[dict[str, Any], Results]]:
    """Recipes and answers by name."""
    found = {}
    for name, entry in json.loads(TARGET.read_text()).items():
        answers = {key: [np.array(v) for v in values] for key, values in entry["answers"].items()}
        found[name] = entry["recipe"], answers
    return found


def main() -> None:
    """The command line."""
    tensorflow = Worker(
        "tensorflow", os.environ["TENSORFLOW_PYTHON"], {"TF_ENABLE_ONEDNN_OPTS": "0"}
    )
    penstock = Worker("penstock", sys.executable)
    entries = json.loads(TARGET.read_text()) if TARGET.exists() else {}
    recipes = {}
    if sys.argv[1].isdigit():
        for seed in range(int(sys.argv[1])):
            answer = penstock.ask({"task": "draw", "seed": seed})
            if "recipe" in answer:
                recipes[f"seed {seed}"] = answer["recipe"]
    else:
        name, _, path = sys.argv[1].partition("=")
        recipes[name] = json.loads(pathlib.Path(path).read_text())
    for name, recipe in recipes.items():
        answer = tensorflow.ask({"task": "run", "recipe": recipe}, 300)
        if "error" in answer:
            print(name, answer["error"][:200])
            continue
        answers = {
            key: [[float(f"{x:.9g}") for x in value] for value in values]
            for key, values in thinned(answer["results"]).items()
        }
        entries[name] = {"recipe": recipe, "answers": answers}
    lines = [f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in entries.items()]
    TARGET.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(len(entries), "recipes")
    tensorflow.stop()
    penstock.stop()


if __name__ == "__main__":
    main()
