"""Runs a recipe in all ways that are asked for and says in which it differs.

The measure is Penstock's eager mode, which computes op by op in NumPy and shares nothing with the compiler; TensorFlow is
asked, too, where it is installed.
"""

from __future__ import annotations

import dataclasses
import random
from typing import Any

from penstock._src.util import flags
from tests.fuzz.models import sizes
from tests.fuzz.models.comparing import NUDGES, Difference, difference
from tests.fuzz.models.workers import Worker

# Ways of running beside eagerly: the flags of Penstock.
WAYS: dict[str, dict[str, Any]] = {
    "compiled": {"optimize": 0},
    "users": {"verify": 0, "check": 0, "guard": 0, "checked": 0, "disable": "", "optimize": 2},
    "check": {"optimize": 0, "check": 1},
    "verify": {"optimize": 0, "verify": 1},
    "guard": {"optimize": 0, "guard": 1},
    **{f"without {name}": {"optimize": 0, "disable": name} for name in flags.OPTIONAL},
}
LAST_NUDGES = (4, 16)


def ways_of(seed: int, more: int) -> list[str]:
    """The ways in which a seed's model runs: as users run it for half of them, else compiled, and some of the others."""
    first = "users" if seed % 2 == 0 else "compiled"
    others = [way for way in WAYS if way not in ("users", "compiled")]
    random.Random(seed).shuffle(others)
    return [first, *others[: more if first == "compiled" else more - 1]]


@dataclasses.dataclass
class Find:
    """A way in which a recipe does not give what it should."""

    way: str
    kind: str  # different, exception, crash, hang, memory, programs
    text: str
    where: str = ""

    @property
    def alike(self) -> tuple[str, str, str]:
        """What two finds with one cause have in common, roughly."""
        head = self.text.split("[")[0] if self.kind == "different" else self.text[:60]
        return self.way, self.kind, head.rstrip("0123456789 ")


class Judge:
    """Asks workers, and compares what they answer."""

    def __init__(self, penstock: Worker, tensorflow: Worker | None, seconds: float = 180) -> None:
        self.penstock, self.tensorflow, self.seconds = penstock, tensorflow, seconds

    def eager(self, recipe: dict[str, Any]) -> dict[str, Any]:
        """The results of the eager mode."""
        return self.penstock.ask({"task": "run", "recipe": recipe, "eager": True}, self.seconds)

    def nudged(self, recipe: dict[str, Any], count: int, scale: float) -> list[dict[str, Any]]:
        """The results of the eager mode with weights and inputs changed in their last bits, as far as these runs end."""
        task = {"task": "run", "recipe": recipe, "eager": True}
        size = NUDGES[recipe["policy"]] * scale
        answers = [
            self.penstock.ask(task | {"nudge": size, "noise": noise}, self.seconds)
            for noise in range(count)
        ]
        return [answer["results"] for answer in answers if "error" not in answer]

    def judge(self, recipe: dict[str, Any], ways: list[str]) -> tuple[list[Find], str]:
        """What is found, and why the model is no model, if TensorFlow refuses it, too."""
        wanted = self.eager(recipe)
        if "error" in wanted:
            theirs = {} if self.tensorflow is None else self.ask_tensorflow(recipe)
            if "error" in theirs:
                return [], theirs["error"]
            return [Find("eager", wanted["kind"], wanted["error"], wanted.get("where", ""))], ""
        finds = [self.one_way(recipe, way, wanted) for way in ways]
        return [find for find in finds if find], ""

    def find(self, recipe: dict[str, Any], way: str) -> Find | None:
        """What is found in one way, if TensorFlow takes the model or was not asked."""
        finds, refused = self.judge(recipe, [] if way == "eager" else [way])
        return None if refused or not finds else finds[0]

    def ask_tensorflow(self, recipe: dict[str, Any], eager: bool = True) -> dict[str, Any]:
        """TensorFlow's answer."""
        assert self.tensorflow is not None
        return self.tensorflow.ask({"task": "run", "recipe": recipe, "eager": eager}, self.seconds)

    def one_way(self, recipe: dict[str, Any], way: str, wanted: dict[str, Any]) -> Find | None:
        """Runs a recipe in one way and compares."""
        if way == "tensorflow":
            answer = self.ask_tensorflow(recipe)
        else:
            task = {"task": "run", "recipe": recipe, "flags": WAYS[way]}
            answer = self.penstock.ask(task, self.seconds)
        if "error" in answer:
            return Find(way, answer["kind"], answer["error"], answer.get("where", ""))
        nudged: list[dict[str, Any]] = []
        found = self.difference(recipe, answer, wanted, nudged)
        # Nudged runs only widen what is allowed. Larger changes show quantities that hang on rounding after all.
        for count, scale in ((2, 1), *((3, scale) for scale in LAST_NUDGES)):
            if found is None:
                return beside_numbers(recipe, way, answer)
            nudged += self.nudged(recipe, count, scale)
            found = self.difference(recipe, answer, wanted, nudged)
        if found is not None and way != "tensorflow" and self.tensorflow is not None:
            # Some of Keras compiles to other numbers than it has eagerly, on TensorFlow as well.
            theirs = self.ask_tensorflow(recipe, eager=False)
            if "error" not in theirs and not self.difference(recipe, answer, theirs, nudged):
                return None
        if found is None:
            return beside_numbers(recipe, way, answer)
        return Find(way, "different", str(found))

    @staticmethod
    def difference(
        recipe: dict[str, Any], found: dict[str, Any], wanted: dict[str, Any], nudged: list[Any]
    ) -> Difference | None:
        """The first difference between two answers; steps of many sizes begin alike, so that each counts by itself."""
        policy, results = recipe["policy"], wanted["results"]
        parts = [{name: results[name]} for name in results] if "sizes" in recipe else [results]
        differences = (difference(policy, found["results"], part, nudged) for part in parts)
        return next(filter(None, differences), None)


def beside_numbers(recipe: dict[str, Any], way: str, answer: dict[str, Any]) -> Find | None:
    """What is found of a run of many sizes whose numbers are right: memory that grows, more programs than sizes explain."""
    if "sizes" not in recipe:
        return None
    (grown,) = answer["results"].get("memory", [0])
    if grown > sizes.LEAK:
        return Find(way, "memory", f"{grown} bytes in each of {sizes.PASSES} passes over all sizes")
    name, count = answer.get("programs", ["", 0])
    if count > sizes.MOST:
        return Find(way, "programs", f"{count} of {name} for {len(recipe['sizes'])} sizes")
    return None
